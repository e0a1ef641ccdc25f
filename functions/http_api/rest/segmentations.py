"""Segmentations: of an image, one, again, cancel."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from http_api.correlation import CorrelationId
from http_api.rest.answers import (
    NOT_WRITABLE,
    POSITION_HEADER,
    Answer,
    CursorText,
    Limit,
    Wired,
    Written,
    problems,
)
from http_api.rest.orders import MAX_PAGE, FailureOut, OrderIn, ParametersOut
from http_api.rest.queue_status import wait_reason
from http_api.rest.results import ResultOut
from http_api.viewer import CurrentViewer
from spheroseg.domain.backlog import Backlog
from spheroseg.domain.paging import MAX_LIMIT
from spheroseg.domain.segmentation import (
    Priority,
    Segmentation,
    SegmentationStatus,
)
from spheroseg.use_cases.read_segmentations import ReadSegmentations, ResultLinks

router = APIRouter(prefix="/v1", tags=["segmentations"])


class SegmentationSummary(Answer):
    """A run of a model over an image."""

    id: UUID = Field(
        description="Names the run; the same image, model and parameters give the same id",
        examples=["5f0c2f5e-7a55-5c0e-9d0d-1f5f7c7b3a10"],
    )
    image_id: UUID = Field(description="The image that it is about")
    project_id: UUID = Field(description="The project of the image")
    model: str = Field(description="Name of the model", examples=["fast"])
    model_version: str = Field(description="Version of the model", examples=["1"])
    parameters: ParametersOut = Field(description="How the model is run")
    priority: Priority = Field(description="Which queue it waits in")
    status: SegmentationStatus = Field(
        description="`queued`, `running`, then `succeeded`, `failed` or `cancelled`", examples=["succeeded"]
    )
    attempt: int = Field(description="How often a worker has started it", examples=[1])
    queued_at: datetime = Field(description="Since when it waits or waited, in UTC")
    started_at: datetime | None = Field(description="When a worker started it last, in UTC; null before")
    finished_at: datetime | None = Field(description="When it ended, in UTC; null before")
    failure: FailureOut | None = Field(description="Why it failed; null otherwise")
    result: ResultOut | None = Field(description="What it says about the image; null before it succeeded")
    is_reused: bool = Field(
        description="True when nothing ran: the same model with the same parameters had found it in the same bytes",
        examples=[False],
    )
    reused_from: UUID | None = Field(
        description="The segmentation that found it, where it is in the same project; null elsewhere, and when it ran"
    )
    revision: int = Field(
        description="The newest revision of its outlines; 0: they are the segmenter's own, as are its counts and files",
        examples=[0],
    )

    @classmethod
    def of(cls, segmentation: Segmentation) -> "SegmentationSummary":
        """The domain's segmentation."""
        return cls(**_common(segmentation))


class LinksOut(Answer):
    """Signed addresses of a run's files, good for an hour; whoever has one can fetch that file."""

    labels: str = Field(description="Label image, TIFF, uint16 or uint32, 0 is background; as large as the image")
    outlines: str = Field(description="All outlines and measures, GeoJSON")
    preview: str = Field(description="The image windowed to 8 bit, JPEG, to look at")

    @classmethod
    def of(cls, links: ResultLinks | None) -> "LinksOut | None":
        """The use case's links."""
        return cls(labels=links.labels, outlines=links.outlines, preview=links.preview) if links else None


class WaitOut(Answer):
    """Where a waiting run is in the queue."""

    position: int | None = Field(description="Its place among the waiting runs, the next is 1", examples=[3])
    running: int = Field(description="Runs that workers are at now, of everybody", examples=[2])
    estimated_wait_s: float | None = Field(
        description="Seconds until it starts, by the measured rate; null: nothing was measured lately", examples=[4.2]
    )
    reason: str = Field(
        description="Where the estimate comes from, or why there is none",
        examples=["2 runs before it, 2 running side by side, 2.1 s each over the last 10 min"],
    )

    @classmethod
    def of(cls, backlog: Backlog | None) -> "WaitOut | None":
        """The use case's backlog."""
        if backlog is None:
            return None
        return cls(
            position=None if backlog.ahead is None else backlog.ahead + 1,
            running=backlog.running,
            estimated_wait_s=backlog.estimated_wait_s,
            reason=wait_reason(backlog),
        )


class SegmentationOut(SegmentationSummary):
    """A run of a model over an image, with its files once it succeeded, or its place while it waits."""

    links: LinksOut | None = Field(description="Where its files are; null before it succeeded")
    wait: WaitOut | None = Field(description="What it waits for; null unless it is queued")

    @classmethod
    def full(cls, segmentation: Segmentation, read: ReadSegmentations) -> "SegmentationOut":
        """The domain's segmentation with what can be told around it."""
        return cls(
            **_common(segmentation),
            links=LinksOut.of(read.result_links(segmentation)),
            wait=WaitOut.of(read.backlog_before(segmentation)),
        )


class ImageSegmentations(Answer):
    """Some runs over an image, the latest queued first."""

    items: list[SegmentationSummary] = Field(description="The runs")
    next_cursor: str | None = Field(description="Where the next page of the list begins; null: this is the last one")


def _common(segmentation: Segmentation) -> dict[str, Any]:
    return {
        "id": segmentation.id,
        "is_reused": segmentation.is_reused,
        "reused_from": segmentation.reused_from,
        "image_id": segmentation.image_id,
        "project_id": segmentation.project_id,
        "model": segmentation.order.model,
        "model_version": segmentation.order.model_version,
        "parameters": ParametersOut.of(segmentation.order.parameters),
        "priority": segmentation.order.priority,
        "status": segmentation.status,
        "attempt": segmentation.attempt,
        "queued_at": segmentation.queued_at,
        "started_at": segmentation.started_at,
        "finished_at": segmentation.finished_at,
        "failure": FailureOut.of(segmentation.failure),
        "result": ResultOut.of(segmentation.result),
        "revision": segmentation.revision,
    }


@router.get(
    "/images/{image_id}/segmentations",
    summary="List an image's segmentations",
    response_description="A page of them",
    responses=problems("image-not-found", "invalid-cursor"),
)
async def list_segmentations(
    image_id: UUID,
    viewer: CurrentViewer,
    use_cases: Wired,
    cursor: CursorText = None,
    limit: Limit = MAX_LIMIT,
    page: Annotated[
        int | None, Query(ge=1, le=MAX_PAGE, description="Only runs over this page of the file; left away: over any")
    ] = None,
) -> ImageSegmentations:
    """The runs over an image, the latest queued first; of a stack, `parameters.page` tells them apart."""
    cursors = use_cases.cursors.of_list(viewer, "segmentations", image_id, page)
    found = use_cases.read_segmentations.of_image(viewer, image_id, page, cursors.page_key(cursor), limit)
    return ImageSegmentations(
        items=[SegmentationSummary.of(run) for run in found.items], next_cursor=cursors.following(found.next)
    )


@router.post(
    "/images/{image_id}/segmentations",
    status_code=202,
    summary="Segment an image again",
    response_description="The run: queued, or as far as it already is",
    responses={
        202: {"headers": POSITION_HEADER},
        **problems("image-not-found", *NOT_WRITABLE, "model-not-found", "not-stored-yet", "queue-unavailable"),
    },
)
async def request_segmentation(
    image_id: UUID,
    body: OrderIn,
    viewer: CurrentViewer,
    use_cases: Wired,
    correlation_id: CorrelationId,
    written: Written,
) -> SegmentationOut:
    """Run another model, or the same with other parameters.

    The same model and parameters again give the run that exists; if that failed or was cancelled, a new one follows it.
    """
    order = body.order(use_cases.models)
    segmentation = use_cases.request_segmentation(viewer, image_id, order, correlation_id)
    written()
    return SegmentationOut.full(segmentation, use_cases.read_segmentations)


@router.get(
    "/segmentations/{segmentation_id}",
    summary="Get a segmentation",
    response_description="The run, with links to its files once it succeeded",
    responses=problems("segmentation-not-found"),
)
async def read_segmentation(segmentation_id: UUID, viewer: CurrentViewer, use_cases: Wired) -> SegmentationOut:
    """One run: status, failure or result, place in the queue or links to its files."""
    segmentation = use_cases.read_segmentations.one(viewer, segmentation_id)
    return SegmentationOut.full(segmentation, use_cases.read_segmentations)


@router.post(
    "/segmentations/{segmentation_id}/cancel",
    summary="Cancel a segmentation",
    response_description="The cancelled run",
    responses={
        200: {"headers": POSITION_HEADER},
        **problems("segmentation-not-found", *NOT_WRITABLE, "illegal-move", "stale-state"),
    },
)
async def cancel_segmentation(
    segmentation_id: UUID, viewer: CurrentViewer, use_cases: Wired, written: Written
) -> SegmentationOut:
    """Stop a run that waits or works; cancelling it again changes nothing."""
    segmentation = use_cases.cancel_segmentation(viewer, segmentation_id)
    written()
    return SegmentationOut.full(segmentation, use_cases.read_segmentations)
