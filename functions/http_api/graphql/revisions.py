"""Corrected outlines in the graph: revisions, differences, and the mutations that make them."""

from abc import ABC, abstractmethod
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from http_api.graphql.context import Info
from http_api.graphql.costs import AWAY, WRITES, Cost, ListSize
from http_api.graphql.deriving import Told, derived, input_argument, type_of, validated
from http_api.graphql.ids import id_of
from http_api.rest.answers import DEFAULT_LIMIT
from http_api.rest.edits import EditIn, RestoreIn
from http_api.rest.revisions import RevisionDifferenceOut, RevisionOut
from spheroseg.domain.paging import MAX_LIMIT
from spheroseg.domain.revision import Revision as RevisionRecord
from spheroseg.errors import InvalidInputError

SegmentationId = Annotated[strawberry.ID, strawberry.argument(description="The run: a node's id, or the plain one")]
Number = Annotated[int, strawberry.argument(description="Of the revision; 0: the segmenter's own")]
Before = Annotated[int | None, strawberry.argument(description="Only revisions before this one")]
First = Annotated[int, strawberry.argument(description=f"Items at most, 1 to {MAX_LIMIT}")]
Since = Annotated[int, strawberry.argument(description="The first revision; 0: the segmenter's own")]


@derived(RevisionOut)
class Revision(Told):
    """One step of a segmentation's history."""

    record: strawberry.Private[RevisionRecord]

    @classmethod
    def of(cls, record: RevisionRecord) -> "Revision":
        """The domain's revision."""
        return cls(answer=RevisionOut.of(record), record=record)

    @strawberry.field(
        description="What was done, as it was sent; none where an earlier revision was brought back",
        directives=[AWAY],
        graphql_type=JSON | None,
    )
    def operations(self, info: Info) -> Any:
        """The operations that led to it."""
        context, record = info.context, self.record
        found = context.use_cases.read_revisions.one(context.viewer, record.segmentation_id, record.number)
        return [dict(one) for one in found.operations]


@strawberry.type
class RevisedSegmentation(ABC):
    """What a segmentation tells of its corrected outlines."""

    @abstractmethod
    def plain_id(self) -> UUID:
        """What REST calls the id."""

    @strawberry.field(
        description="Who changed which spheroids when, the newest first; empty where nobody changed any",
        directives=[ListSize(assumed_size=DEFAULT_LIMIT, slicing_argument="first"), AWAY],
    )
    def revisions(self, info: Info, first: First = DEFAULT_LIMIT, before: Before = None) -> list[Revision] | None:
        """The history of its outlines."""
        if not 1 <= first <= MAX_LIMIT:
            raise InvalidInputError(f"first: {first} is not from 1 to {MAX_LIMIT}")
        context = info.context
        found = context.use_cases.read_revisions.history(context.viewer, self.plain_id(), before, first)
        return [Revision.of(one) for one in found.revisions]

    @strawberry.field(
        description="What became of each spheroid between two revisions; from 0: model against human",
        directives=[Cost(weight=500)],
        graphql_type=type_of(RevisionDifferenceOut) | None,
    )
    def revision_difference(self, info: Info, number: Number, since: Since = 0) -> RevisionDifferenceOut:
        """The difference of two revisions."""
        if min(number, since) < 0:
            raise InvalidInputError("number, since: revisions are numbered from 0")
        context, id_ = info.context, self.plain_id()
        found = context.use_cases.read_revisions.difference(context.viewer, id_, since, number)
        return RevisionDifferenceOut.of(id_, found)


@strawberry.type
class RevisionMutations:
    """Corrections of outlines."""

    @strawberry.field(
        description="Do operations on the newest outlines, all or none, and measure what changed; operations are those "
        "of POST /v1/segmentations/{id}/revisions",
        directives=[WRITES],
    )
    def save_revision(
        self,
        info: Info,
        segmentation_id: SegmentationId,
        body: input_argument(EditIn, "What is to be done, and on which revision", operations=list[JSON]),  # type: ignore[valid-type]
    ) -> Revision | None:
        """The new revision."""
        context, asked = info.context, validated(EditIn, body)
        operations = [one.operation() for one in asked.operations]
        id_ = id_of("Segmentation", segmentation_id)
        saved = context.use_cases.edit_outlines.save(context.viewer, id_, asked.base, operations, asked.note)
        context.wrote()
        return Revision.of(saved)

    @strawberry.field(
        description="Make a new revision with the outlines of an earlier one; the history stays", directives=[WRITES]
    )
    def restore_revision(
        self,
        info: Info,
        segmentation_id: SegmentationId,
        number: Number,
        body: input_argument(RestoreIn, "The newest revision that you know"),  # type: ignore[valid-type]
    ) -> Revision | None:
        """The new revision."""
        context, asked = info.context, validated(RestoreIn, body)
        if number < 0:
            raise InvalidInputError("number: revisions are numbered from 0")
        id_ = id_of("Segmentation", segmentation_id)
        saved = context.use_cases.edit_outlines.restore(context.viewer, id_, asked.base, number, asked.note)
        context.wrote()
        return Revision.of(saved)
