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
from http_api.viewer import CurrentViewer
from spheroseg.domain.backlog import Backlog
from spheroseg.domain.model_card import Precision
from spheroseg.domain.paging import MAX_LIMIT
from spheroseg.domain.review import Review, ReviewReason
from spheroseg.domain.segmentation import (
    ModelFile,
    PixelSizeSource,
    Priority,
    Result,
    Segmentation,
    SegmentationStatus,
)
from spheroseg.use_cases.read_segmentations import ReadSegmentations, ResultLinks

router = APIRouter(prefix="/v1", tags=["segmentations"])


class ModelFileOut(Answer):
    """The very file that a run was made with."""

    model: str = Field(description="Name of the model", examples=["fast"])
    model_version: str = Field(description="Version of the model", examples=["1"])
    precision: Precision = Field(
        description="Of its weights and of what was computed with them: `int8` on processors, `float16` on GPUs, "
        "`float32` where the model has no such file",
        examples=["int8"],
    )
    sha256: str = Field(
        description="SHA-256 of the ONNX file, in hexadecimal digits; the model's card names the same",
        examples=["0" * 64],
    )

    reason: str | None = Field(
        description="Why this model, where `auto` chose it for the image; null where it was asked for by its name",
        examples=["fast was sure: confidence 0.981, 0% of 3 touch"],
    )
    runtime: str | None = Field(
        description="What computed it, with its version; null in runs of before it was noted",
        examples=["onnxruntime 1.29.0"],
    )
    provider: str | None = Field(
        description="What of that computed first, as it calls it; null where `runtime` is",
        examples=["CPUExecutionProvider"],
    )

    @classmethod
    def of(cls, file: ModelFile | None) -> "ModelFileOut | None":
        """The domain's model file."""
        if file is None:
            return None
        return cls(
            model=file.model,
            model_version=file.version,
            precision=file.precision,
            sha256=file.sha256,
            reason=file.reason,
            runtime=file.runtime.program if file.runtime else None,
            provider=file.runtime.provider if file.runtime else None,
        )


class PixelEdgesOut(Answer):
    """Edges of a pixel that is not square."""

    x_um: float = Field(description="Along x in µm", examples=[0.65])
    y_um: float = Field(description="Along y in µm", examples=[0.7])

    @classmethod
    def of(cls, edges_um: tuple[float, float] | None) -> "PixelEdgesOut | None":
        """The two edges, x first."""
        return None if edges_um is None else cls(x_um=edges_um[0], y_um=edges_um[1])


class ReviewOut(Answer):
    """Whether somebody should look at a result, as it was judged when it was made."""

    needed: bool = Field(description="True when there is a reason to look at it", examples=[True])
    reasons: list[ReviewReason] = Field(
        description="Why; docs/use.md tells the limit of each", examples=[["low-confidence", "edge-contact"]]
    )
    confidence: float | None = Field(
        description="Mean calibrated probability over the pixels of all spheroids, 0 to 1; null: nothing was found",
        examples=[0.84],
    )
    blur: float | None = Field(
        description="Of the image at a long side of 256 px, 0 (sharp) to 1; null: not measured", examples=[0.31]
    )
    dropped_count: int = Field(
        description="What was seen and left out: too small, too uncertain, without a core, or out of focus",
        examples=[7],
    )
    touching_count: int = Field(description="Spheroids that lie side by side with another one", examples=[2])
    edge_area_share: float = Field(
        description="Of the area of all spheroids, what lies in those that reach the image's border, 0 to 1",
        examples=[0.62],
    )
    unequal_edges: PixelEdgesOut | None = Field(
        description="Edges of a pixel, where the file says two that differ: they are no pixel size, so that "
        "measures are in px only unless the image or its project has a `pixel_size_um`. Null: the file says none, or "
        "one, or that was not noted yet"
    )

    @classmethod
    def of(cls, review: Review | None) -> "ReviewOut | None":
        """The domain's review."""
        if review is None:
            return None
        signs = review.signs
        return cls(
            needed=review.is_needed,
            reasons=list(review.reasons),
            confidence=signs.confidence,
            blur=signs.blur,
            dropped_count=signs.dropped_count,
            touching_count=signs.touching_count,
            edge_area_share=signs.edge_area_share,
            unequal_edges=PixelEdgesOut.of(review.unequal_edges_um),
        )


class ResultOut(Answer):
    """What a finished segmentation says about the image and itself."""

    width_px: int = Field(description="Width of the segmented page in px", examples=[2048])
    height_px: int = Field(description="Height of the segmented page in px", examples=[1536])
    pixel_type: str = Field(description="The file's own sample type", examples=["uint16"])
    pixel_size_um: float | None = Field(
        description="Edge of one pixel in µm that measures are converted with; null: unknown, measures in px only",
        examples=[0.65],
    )
    pixel_size_source: PixelSizeSource | None = Field(
        description="Who said so: `user` (with the file), `file` (its header), `project`, or `profile` (the project's, "
        "taken from its maker's profile); null exactly when unknown"
    )
    files_pixel_size_um: float | None = Field(
        description="What the stored files were written with; another number than `pixel_size_um` where that was "
        "mended later: then take µm from the API, not from the files",
        examples=[0.65],
    )
    spheroid_count: int = Field(
        description="Spheroids in the newest revision of the outlines, 0 included", examples=[13]
    )
    found_count: int = Field(
        description="Spheroids that the model found, whatever was corrected since; the files of `links` hold these",
        examples=[12],
    )
    stages_s: dict[str, float] = Field(
        description="Seconds spent in each stage of the work",
        examples=[{"download": 0.02, "decode": 0.01, "model": 0.12, "outlines": 0.03, "store": 0.04}],
    )
    ran: ModelFileOut | None = Field(
        description="The model file that found them; null in segmentations of before it was noted"
    )
    review: ReviewOut | None = Field(
        description="Whether somebody should look at it, and why; null in segmentations of before that was judged"
    )

    @classmethod
    def of(cls, result: Result | None) -> "ResultOut | None":
        """The domain's result."""
        if result is None:
            return None
        return cls(
            width_px=result.width_px,
            height_px=result.height_px,
            pixel_type=result.pixel_type,
            pixel_size_um=result.pixel_size_um,
            pixel_size_source=result.pixel_size_source,
            files_pixel_size_um=result.written_pixel_size_um,
            spheroid_count=result.spheroid_count,
            found_count=result.found_count,
            stages_s=result.stages_s,
            ran=ModelFileOut.of(result.ran),
            review=ReviewOut.of(result.review),
        )


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
