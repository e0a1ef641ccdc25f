"""Review of results in the graph: the worklist, decisions, figures, and the mutation that decides."""

from abc import ABC, abstractmethod
from typing import Annotated
from uuid import UUID

import strawberry

from http_api.graphql.connections import DEFAULT_FIRST, After, Connection, First
from http_api.graphql.context import Info
from http_api.graphql.costs import AWAY, WRITES, Cost, ListSize
from http_api.graphql.deriving import filter_argument, input_argument, type_of, validated
from http_api.graphql.ids import id_of
from http_api.rest.answers import DEFAULT_LIMIT
from http_api.rest.reviews import (
    LIST,
    DecisionIn,
    DecisionOut,
    ReviewFiguresOut,
    ReviewFilter,
    ReviewItemOut,
    choices,
    key_in,
    key_text,
)
from spheroseg.domain.paging import MAX_LIMIT
from spheroseg.errors import InvalidInputError

SegmentationId = Annotated[strawberry.ID, strawberry.argument(description="The run: a node's id, or the plain one")]


@strawberry.type
class ReviewedProject(ABC):
    """What a project tells of its review."""

    @abstractmethod
    def plain_id(self) -> UUID:
        """What REST calls the id."""

    @strawberry.field(
        description="Results to look at: those with the most reasons first, then the least confident",
        directives=[
            Cost(weight=50),
            ListSize(assumed_size=DEFAULT_FIRST, slicing_argument="first", sized_fields=["edges", "nodes"]),
        ],
        graphql_type=Connection[type_of(ReviewItemOut)] | None,  # type: ignore[misc]
    )
    def reviews(
        self,
        info: Info,
        first: First = DEFAULT_FIRST,
        after: After = None,
        asked_for: filter_argument(ReviewFilter) = None,  # type: ignore[valid-type]
    ) -> Connection[ReviewItemOut]:
        """A page of the worklist."""
        context, query = info.context, validated(ReviewFilter, asked_for or {}).query()
        asked = context.page(after, first, LIST, self.plain_id(), *choices(query))
        key = key_in(asked.cursors, after)
        found = context.use_cases.review_results.worklist(context.viewer, self.plain_id(), query, key, first)
        return asked.connection(
            found.items, ReviewItemOut.of, lambda item: key_text(item.key), has_next=found.next_after is not None
        )

    @strawberry.field(
        description="Results by state, the segmenter against people, people against each other",
        directives=[AWAY],
        graphql_type=type_of(ReviewFiguresOut) | None,
    )
    def review_figures(self, info: Info) -> ReviewFiguresOut:
        """How its review stands."""
        context = info.context
        return ReviewFiguresOut.of(context.use_cases.review_results.figures(context.viewer, self.plain_id()))


@strawberry.type
class ReviewedSegmentation(ABC):
    """What a segmentation tells of its review."""

    @abstractmethod
    def plain_id(self) -> UUID:
        """What REST calls the id."""

    @strawberry.field(
        description="Who said what about which revision of its outlines, the newest first",
        directives=[ListSize(assumed_size=DEFAULT_LIMIT, slicing_argument="first"), AWAY],
        graphql_type=list[type_of(DecisionOut)] | None,  # type: ignore[misc]
    )
    def decisions(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description=f"Items at most, 1 to {MAX_LIMIT}")] = DEFAULT_LIMIT,
        before: Annotated[int | None, strawberry.argument(description="Only decisions before this one")] = None,
    ) -> list[DecisionOut]:
        """The history of its review."""
        if not 1 <= first <= MAX_LIMIT:
            raise InvalidInputError(f"first: {first} is not from 1 to {MAX_LIMIT}")
        context = info.context
        found = context.use_cases.review_results.history(context.viewer, self.plain_id(), before, first)
        return [DecisionOut.of(one) for one in found.decisions]


@strawberry.type
class ReviewMutations:
    """Decisions on results."""

    @strawberry.field(
        description="Say whether the outlines of the newest revision are right; said again word for word, it changes "
        "nothing",
        directives=[WRITES],
        graphql_type=type_of(DecisionOut) | None,
    )
    def decide(
        self,
        info: Info,
        segmentation_id: SegmentationId,
        body: input_argument(DecisionIn, "What is said about which revision"),  # type: ignore[valid-type]
    ) -> DecisionOut:
        """The decision."""
        context, asked = info.context, validated(DecisionIn, body)
        id_ = id_of("Segmentation", segmentation_id)
        made = context.use_cases.review_results.decide(context.viewer, id_, asked.revision, asked.verdict, asked.note)
        context.wrote()
        return DecisionOut.of(made)
