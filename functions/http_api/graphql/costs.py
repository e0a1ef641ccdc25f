"""What fields cost, said in the schema itself, after IBM's GraphQL Cost Directives specification."""

from dataclasses import dataclass

import strawberry
from graphql import GraphQLField
from strawberry.schema_directive import Location

from http_api.rest.answers import DEFAULT_LIMIT


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="cost",
    description="What one use of the field costs, in objects; without it an object costs 1, a plain value nothing.",
)
class Cost:
    """The weight of a field."""

    weight: int


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description="How many objects a list may hold: as many as an argument says, or at most so many. With `sizedFields` "
    "the lists of that name below it are meant.",
)
class ListSize:
    """The size of a list."""

    assumed_size: int | None = None
    slicing_argument: str | None = None
    sized_fields: list[str] | None = None


PAGE = ListSize(assumed_size=DEFAULT_LIMIT, slicing_argument="first", sized_fields=["edges", "nodes"])
"""A connection: as many as `first` says, or its default."""


WRITES = Cost(weight=10)
AWAY = Cost(weight=50)
"""What is asked of another service, or read for one parent alone."""


@dataclass(frozen=True)
class Costs:
    """What the schema says about a field."""

    weight: int | None
    size: ListSize | None


def costs_of(field: GraphQLField) -> Costs:
    """The directives of a field of the schema."""
    definition = field.extensions.get("strawberry-definition")
    directives = getattr(definition, "directives", ())
    weight = next((directive.weight for directive in directives if isinstance(directive, Cost)), None)
    return Costs(weight, next((directive for directive in directives if isinstance(directive, ListSize)), None))
