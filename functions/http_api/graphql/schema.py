"""The schema as code has it, and as a reviewed file."""

from collections.abc import Callable, Sequence
from pathlib import Path

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from http_api.graphql.deriving import SCALARS
from http_api.graphql.mutations import Mutation
from http_api.graphql.nodes import Image, Project, Segmentation
from http_api.graphql.queries import Query

DOCUMENT = Path(__file__).parents[1] / "schema.graphql"


class Graph(strawberry.Schema):
    """The schema; errors are logged by the entry, not here."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Leave errors to the answer."""

    @property
    def graph(self) -> GraphQLSchema:
        """The same for graphql-core."""
        return self._schema


def schema(*, introspection: bool = True, extensions: Sequence[Callable[[], SchemaExtension]] = ()) -> Graph:
    """The whole graph.

    Args:
        introspection: Whether errors may suggest names; what may be asked about the schema is decided with the limits.
        extensions: What makes the parts that each request passes.
    """
    return Graph(
        Query,
        Mutation,
        types=[Project, Image, Segmentation],
        extensions=extensions,
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=not introspection),
    )


def printed() -> bytes:
    """The schema in GraphQL's own language."""
    return (schema().as_str().rstrip() + "\n").encode()
