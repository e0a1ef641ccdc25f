"""Corrected outlines: revisions of a segmentation, what leads from one to the next, and how they differ."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from http_api.rest.answers import NOT_WRITABLE, POSITION_HEADER, Answer, Wired, Written, problems
from http_api.rest.edits import MAX_NUMBER, EditIn, RestoreIn
from http_api.rest.spheroids import REVISION_HEADER
from http_api.viewer import CurrentViewer
from spheroseg.domain.packed_outlines import MEDIA_TYPE
from spheroseg.domain.paging import MAX_LIMIT
from spheroseg.domain.revision import Box, Revision, RevisionDifference, SpheroidDifference
from spheroseg.use_cases.read_revisions import History

router = APIRouter(prefix="/v1/segmentations/{segmentation_id}", tags=["corrections"])


NEXT_HEADER = "Spheroseg-Next-After"


class RevisionOut(Answer):
    """One step of a segmentation's history."""

    segmentation_id: UUID = Field(description="The run")
    number: int = Field(description="Its number, from 1; 0 is the segmenter's own", examples=[4])
    author_id: str = Field(description="Who saved it")
    created_at: datetime = Field(description="When, in UTC")
    note: str | None = Field(description="What the author says about it", examples=["touching ones parted"])
    restored_from: int | None = Field(
        description="The revision whose outlines it brought back; null: it was made by operations", examples=[None]
    )
    added: list[int] = Field(description="Numbers of spheroids that it added", examples=[[31, 32]])
    changed: list[int] = Field(description="Numbers of spheroids that it changed", examples=[[3]])
    removed: list[int] = Field(description="Numbers of spheroids that it removed", examples=[[7]])
    spheroid_count: int = Field(description="Spheroids in it", examples=[30])

    @classmethod
    def of(cls, revision: Revision) -> "RevisionOut":
        """The domain's revision."""
        return cls(**_fields(revision))


class RevisionDetailOut(RevisionOut):
    """The same with what was done."""

    operations: list[dict[str, Any]] = Field(
        description="As they were sent; none where an earlier revision was brought back"
    )

    @classmethod
    def of(cls, revision: Revision) -> "RevisionDetailOut":
        """The domain's revision."""
        return cls(**_fields(revision), operations=[dict(one) for one in revision.operations])


class RevisionList(Answer):
    """Revisions of a run, the newest first; the segmenter's own, 0, is before all of them and not listed."""

    segmentation_id: UUID = Field(description="The run")
    items: list[RevisionOut] = Field(description="The revisions")
    next_before: int | None = Field(description="`before` of the next page; null: this is the last one")

    @classmethod
    def of(cls, history: History) -> "RevisionList":
        """The use case's answer."""
        items = [RevisionOut.of(one) for one in history.revisions]
        return cls(segmentation_id=history.segmentation.id, items=items, next_before=history.next_below)


class DifferenceOut(Answer):
    """What became of one spheroid, or of all together, in pixels."""

    before_px: int = Field(description="Pixels before; 0: it was not there", examples=[7_800])
    after_px: int = Field(description="Pixels after; 0: it is not there", examples=[7_920])
    shared_px: int = Field(description="Pixels of both", examples=[7_760])
    moved_px: int = Field(description="Pixels of one alone: given up or taken in", examples=[200])
    iou: float | None = Field(description="Shared pixels divided by those of either; null: there are none")

    @classmethod
    def of(cls, found: SpheroidDifference) -> "DifferenceOut":
        """The domain's difference."""
        return cls(**_difference(found))


class SpheroidDifferenceOut(DifferenceOut):
    """What became of one spheroid."""

    number: int = Field(description="Its number", examples=[3])

    @classmethod
    def of(cls, found: SpheroidDifference) -> "SpheroidDifferenceOut":
        """The domain's difference."""
        return cls(number=found.number, **_difference(found))


class RevisionDifferenceOut(Answer):
    """Two revisions of one run; with the first of them 0, model against human."""

    segmentation_id: UUID = Field(description="The run")
    before: int = Field(description="The first revision", examples=[0])
    after: int = Field(description="The second revision", examples=[4])
    unchanged: int = Field(description="Spheroids with the same outline in both", examples=[27])
    spheroids: list[SpheroidDifferenceOut] = Field(description="Those that differ, in order of number")
    whole: DifferenceOut = Field(description="All spheroids together, whatever their numbers")

    @classmethod
    def of(cls, segmentation_id: UUID, found: RevisionDifference) -> "RevisionDifferenceOut":
        """The domain's difference."""
        return cls(
            segmentation_id=segmentation_id,
            before=found.before,
            after=found.after,
            unchanged=found.unchanged,
            spheroids=[SpheroidDifferenceOut.of(one) for one in found.spheroids],
            whole=DifferenceOut.of(found.whole),
        )


EDITING = (
    "segmentation-not-found",
    "revision-not-found",
    "not-finished",
    *NOT_WRITABLE,
    "stale-revision",
    "invalid-edit",
    "edit-too-large",
)
READING = ("segmentation-not-found", "revision-not-found", "not-finished")


@router.post(
    "/revisions",
    status_code=201,
    summary="Correct outlines",
    response_description="The new revision",
    responses={201: {"headers": POSITION_HEADER}, **problems(*EDITING)},
)
async def save_revision(
    segmentation_id: UUID, body: EditIn, viewer: CurrentViewer, use_cases: Wired, written: Written
) -> RevisionOut:
    """Do operations on the newest outlines, all or none, and measure what changed.

    When somebody saved a newer revision meanwhile, nothing is stored, and the answer tells which spheroids were changed
    by whom and when. Outlines are rounded to quarter pixels, then checked: they must not cross themselves, must lie
    inside the image, holes inside their spheroid, and no two spheroids may share a pixel. The answer to an outline that
    is none names operation, spheroid and corner.
    """
    operations = [one.operation() for one in body.operations]
    saved = use_cases.edit_outlines.save(viewer, segmentation_id, body.base, operations, body.note)
    written()
    return RevisionOut.of(saved)


@router.post(
    "/revisions/{number}/restore",
    status_code=201,
    summary="Bring earlier outlines back",
    response_description="The new revision",
    responses={201: {"headers": POSITION_HEADER}, **problems(*EDITING)},
)
async def restore_revision(
    segmentation_id: UUID,
    number: Annotated[int, Path(ge=0, le=MAX_NUMBER, description="The revision to restore; 0: the segmenter's own")],
    body: RestoreIn,
    viewer: CurrentViewer,
    use_cases: Wired,
    written: Written,
) -> RevisionOut:
    """Make a new revision with the outlines of an earlier one, byte for byte; the history stays."""
    saved = use_cases.edit_outlines.restore(viewer, segmentation_id, body.base, number, body.note)
    written()
    return RevisionOut.of(saved)


@router.get(
    "/revisions",
    summary="List a segmentation's revisions",
    response_description="Who changed which spheroids when, the newest first",
    responses=problems("segmentation-not-found", "not-finished"),
)
async def list_revisions(
    segmentation_id: UUID,
    viewer: CurrentViewer,
    use_cases: Wired,
    before: Annotated[int | None, Query(ge=1, le=MAX_NUMBER, description="Only revisions before this one")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items on the page at most")] = 50,
) -> RevisionList:
    """The history of a run's outlines; empty where nobody changed any."""
    return RevisionList.of(use_cases.read_revisions.history(viewer, segmentation_id, before, limit))


@router.get(
    "/revisions/{number}",
    summary="Get a revision",
    response_description="Who, when, what, and the operations",
    responses=problems(*READING),
)
async def read_revision(
    segmentation_id: UUID,
    number: Annotated[int, Path(ge=0, le=MAX_NUMBER, description="Its number; 0, the segmenter's own, is none")],
    viewer: CurrentViewer,
    use_cases: Wired,
) -> RevisionDetailOut:
    """One step of the history with the operations that led to it."""
    return RevisionDetailOut.of(use_cases.read_revisions.one(viewer, segmentation_id, number))


@router.get(
    "/revisions/{number}/difference",
    summary="Compare two revisions",
    response_description="IoU and moved pixels of each spheroid that differs, and of all together",
    responses=problems(*READING, "comparison-too-large"),
)
async def compare_revisions(
    segmentation_id: UUID,
    number: Annotated[int, Path(ge=0, le=MAX_NUMBER, description="The second revision")],
    viewer: CurrentViewer,
    use_cases: Wired,
    since: Annotated[int, Query(ge=0, le=MAX_NUMBER, description="The first revision; 0: the segmenter's own")] = 0,
) -> RevisionDifferenceOut:
    """What became of each spheroid between two revisions; from 0: model against human."""
    found = use_cases.read_revisions.difference(viewer, segmentation_id, since, number)
    return RevisionDifferenceOut.of(segmentation_id, found)


@router.get(
    "/outlines",
    summary="Get outlines in few bytes",
    response_class=Response,
    responses={
        200: {
            "description": "Outlines as steps in quarter pixels; docs/api.md has the format",
            "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
            "headers": {
                REVISION_HEADER: {"description": "The revision that they are of", "schema": {"type": "integer"}},
                NEXT_HEADER: {
                    "description": "`after` of the next part; not there: this is the last one",
                    "schema": {"type": "integer"},
                },
            },
        },
        **problems(*READING),
    },
)
async def read_outlines(
    segmentation_id: UUID,
    viewer: CurrentViewer,
    use_cases: Wired,
    revision: Annotated[
        int | None, Query(ge=0, le=MAX_NUMBER, description="Which revision; left away: the newest")
    ] = None,
    after: Annotated[int, Query(ge=0, le=MAX_NUMBER, description="Number after which the part begins")] = 0,
    bbox: Annotated[
        str | None,
        Query(
            pattern=r"^-?\d{1,7}(\.\d{1,4})?(,-?\d{1,7}(\.\d{1,4})?){3}$",
            description="Only spheroids whose bounding box meets this one: left,top,right,bottom in px",
            examples=["0,0,512,512"],
        ),
    ] = None,
    tolerance_px: Annotated[
        float | None,
        Query(gt=0, le=1_000, description="For who only looks: with fewer corners, off by up to so many px"),
    ] = None,
) -> Response:
    """All outlines of a revision, or those in a part of the image, up to 20,000 or 4 MB a part.

    About a sixth of the bytes of GeoJSON. With `tolerance_px` they are good for drawing alone: take them without it to
    edit.
    """
    box = Box(*map(float, bbox.split(","))) if bbox else None
    found = use_cases.read_revisions.outlines(viewer, segmentation_id, revision, after, box, tolerance_px)
    headers = {REVISION_HEADER: str(found.revision)}
    if found.next_after is not None:
        headers[NEXT_HEADER] = str(found.next_after)
    return Response(found.content, media_type=MEDIA_TYPE, headers=headers)


def _fields(revision: Revision) -> Mapping[str, Any]:
    return {
        "segmentation_id": revision.segmentation_id,
        "number": revision.number,
        "author_id": revision.author_id,
        "created_at": revision.created_at,
        "note": revision.note,
        "restored_from": revision.restored_from,
        "added": list(revision.changes.added),
        "changed": list(revision.changes.changed),
        "removed": list(revision.changes.removed),
        "spheroid_count": revision.spheroid_count,
    }


def _difference(found: SpheroidDifference) -> Mapping[str, Any]:
    is_there = found.before_px or found.after_px
    return {
        "before_px": found.before_px,
        "after_px": found.after_px,
        "shared_px": found.shared_px,
        "moved_px": found.moved_px,
        "iou": found.iou if is_there else None,
    }
