"""Measures of a whole project in the graph: by columns, as in REST; as objects they are twenty times as large."""

from abc import ABC, abstractmethod
from typing import Annotated
from uuid import UUID

import strawberry

from http_api.graphql.connections import After
from http_api.graphql.context import Info
from http_api.graphql.costs import Cost, ListSize
from http_api.graphql.deriving import type_of
from http_api.rest.measurements import DEFAULT_MEASURE, MAX_ROWS, MeasurementsOut, measured_page
from spheroseg.errors import InvalidInputError

DEFAULT_ROWS = 1_000

Rows = Annotated[
    int,
    strawberry.argument(
        description=f"Spheroids on the page at most, 1 to {MAX_ROWS:,}; each may bring an image, which is what costs"
    ),
]
MeasureName = Annotated[
    str, strawberry.argument(description="A field of `measures` or `intensities`, or with `um` in the place of `px`")
]


@strawberry.type
class MeasuredProject(ABC):
    """What a project tells of the measures of its spheroids."""

    @abstractmethod
    def plain_id(self) -> UUID:
        """What REST calls the id."""

    @strawberry.field(
        description="One measure of all its spheroids, of each image's newest run and newest outlines, by columns; "
        "`nextCursor` is `after` of the next page",
        directives=[
            Cost(weight=50),
            ListSize(assumed_size=DEFAULT_ROWS, slicing_argument="first", sized_fields=["images"]),
        ],
        graphql_type=type_of(MeasurementsOut) | None,
    )
    def measurements(
        self, info: Info, measure: MeasureName = DEFAULT_MEASURE, first: Rows = DEFAULT_ROWS, after: After = None
    ) -> MeasurementsOut:
        """A page of columns."""
        if not 1 <= first <= MAX_ROWS:
            raise InvalidInputError(f"first: {first} is not from 1 to {MAX_ROWS}")
        context = info.context
        return measured_page(context.use_cases, context.viewer, self.plain_id(), measure, after, first)
