"""Runs of many images at once: start, cancel, retry, and how far they are."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Header, Query
from pydantic import Field, StringConstraints, model_validator

from http_api.correlation import CorrelationId
from http_api.rest.answers import NOT_WRITABLE, POSITION_HEADER, Answer, Body, Wired, Written, problems
from http_api.rest.orders import OrderIn
from http_api.rest.spheroids import RevisionNumber
from http_api.use_cases import Models
from http_api.viewer import CurrentViewer
from spheroseg.domain.run_batch import MAX_OF_PROJECT, MAX_SELECTED, MAX_TOLD, Outcome, RunBatch, Selection, Told
from spheroseg.domain.run_progress import Progress
from spheroseg.domain.segmentation import Order, Priority, SegmentationStatus
from spheroseg.use_cases.cancel_runs import Cancelled
from spheroseg.use_cases.compare_runs import ComparedRuns

router = APIRouter(prefix="/v1", tags=["runs"])

Ids = Annotated[frozenset[UUID], Field(min_length=1, max_length=MAX_SELECTED)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
IdempotencyKey = Annotated[
    Key | None,
    Header(
        alias="Idempotency-Key",
        description="Any text of your own, new for each new request: the same request with the same key again starts "
        "nothing and gives the same batch",
    ),
]
"""Kept with the batch, which is kept as long as its project."""


class RunsIn(OrderIn):
    """Which model is to run over which images, how, and how soon."""

    image_ids: list[UUID] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_SELECTED,
        description=f"Images of the project, up to {MAX_SELECTED:,}; null: all whose file has arrived, up to "
        f"{MAX_OF_PROJECT:,}",
        examples=[None],
    )
    priority: Priority | Annotated[int, Field(ge=0, le=10)] = Field(  # type: ignore[assignment]
        default=Priority.NORMAL,
        description="0 to 10: the most urgent of your runs are next, and 0 to 3, 4 to 6 and 7 to 10 wait in a queue "
        "each, none of which starves; or `low`, `normal`, `high` for 2, 5, 8",
        examples=[5],
    )
    again: bool = Field(
        default=False,
        description="Repeat what has succeeded with the same model and parameters; what waits or runs is never doubled",
        examples=[False],
    )

    @property
    def urgency(self) -> int:
        """The priority as a number."""
        return self.priority.urgency if isinstance(self.priority, Priority) else self.priority

    def order(self, models: Models) -> Order:
        """The order with a model that exists, for the queue that its priority names.

        Raises:
            ModelNotFoundError: it names none.
        """
        selected = models.select(models.default.name if self.model is None else self.model, self.model_version)
        priority = Priority.of_urgency(self.urgency)
        return Order(selected.name, selected.version, self.parameters.parameters(), priority)


class SelectionIn(Body):
    """Which runs of the project are meant: those of one list or batch, or with none given all of them."""

    image_ids: Ids | None = Field(
        default=None, description=f"The runs of these images, up to {MAX_SELECTED:,}", examples=[None]
    )
    segmentation_ids: Ids | None = Field(default=None, description="These runs", examples=[None])
    batch_id: UUID | None = Field(default=None, description="The runs that this batch started", examples=[None])

    @model_validator(mode="after")
    def _one_is_given(self) -> Self:
        if sum(given is not None for given in (self.image_ids, self.segmentation_ids, self.batch_id)) > 1:
            raise ValueError("Give image_ids, segmentation_ids or batch_id, not several of them")
        return self

    def selection(self) -> Selection:
        """The same for the domain."""
        return Selection(self.image_ids, self.segmentation_ids, self.batch_id)


class ToldOut(Answer):
    """An image for which nothing was started."""

    image_id: UUID = Field(description="The image")
    outcome: Outcome = Field(
        description="`already_active`: it waits or runs; `already_done`: it succeeded; `not_stored`: the file has not "
        "arrived; `not_found`: no image of this project",
        examples=["already_done"],
    )
    segmentation_id: UUID | None = Field(description="The run that is there; null when there is none")

    @classmethod
    def of(cls, told: Told) -> "ToldOut":
        """The domain's word."""
        return cls(image_id=told.image_id, outcome=told.outcome, segmentation_id=told.segmentation_id)


class BatchOut(Answer):
    """The runs that one call started."""

    id: UUID = Field(description="Names the batch")
    project_id: UUID = Field(description="The project of its images")
    created_at: datetime = Field(description="When it was started, in UTC")
    images: int = Field(description="Images that the call was about", examples=[96])
    counts: dict[Outcome, int] = Field(
        description="These images by what was done for them; what never happened is left out",
        examples=[{"started": 90, "already_done": 6}],
    )
    told: list[ToldOut] = Field(
        description=f"The first {MAX_TOLD:,} images for which nothing was started", max_length=MAX_TOLD
    )

    @classmethod
    def of(cls, batch: RunBatch) -> "BatchOut":
        """The domain's batch."""
        return cls(
            id=batch.id,
            project_id=batch.project_id,
            created_at=batch.created_at,
            images=batch.images,
            counts=dict(batch.counts),
            told=[ToldOut.of(told) for told in batch.told],
        )


class ProgressOut(Answer):
    """How far some runs are, and when the last of them may be done."""

    total: int = Field(description="Runs, earlier ones of the same image included", examples=[96])
    ended: int = Field(description="Those with which nothing more happens", examples=[40])
    counts: dict[SegmentationStatus, int] = Field(
        description="Runs by status; a status that none has is left out",
        examples=[{"queued": 54, "running": 2, "succeeded": 40}],
    )
    in_turn: int = Field(
        description="Of the queued ones, those whose turn has not come: people take turns, so that many images of one "
        "do not hold up the few of another",
        examples=[0],
    )
    estimated_s: float | None = Field(
        description="Seconds until the last of them ends, by the measured rate; null: nothing was measured lately",
        examples=[38.1],
    )
    reason: str = Field(
        description="Where the estimate comes from, or why there is none",
        examples=["54 waiting and 2 running, 2 of others before the last of them, 2 running side by side, 1.4 s each "],
    )

    @classmethod
    def of(cls, progress: Progress) -> "ProgressOut":
        """The domain's progress."""
        estimate = progress.estimate
        return cls(
            total=progress.total,
            ended=progress.ended,
            counts=dict(progress.counts),
            in_turn=progress.held,
            estimated_s=estimate.seconds,
            reason=estimate.reason,
        )


class BatchProgressOut(BatchOut):
    """The runs that one call started, and how far they are."""

    progress: ProgressOut = Field(
        description="Of the runs that it started; those that were there before are not counted"
    )


class CancelledOut(Answer):
    """What one call cancelled."""

    cancelled: int = Field(description="Runs that it cancelled", examples=[96])
    left: int = Field(
        description=f"Meant runs that have not ended: one call cancels {MAX_SELECTED:,}, call again", examples=[0]
    )

    @classmethod
    def of(cls, cancelled: Cancelled) -> "CancelledOut":
        """The use case's answer."""
        return cls(cancelled=cancelled.cancelled, left=cancelled.left)


class PairOut(Answer):
    """A spheroid of each run that are the same one."""

    first: int = Field(description="Its number in the first run", examples=[1])
    second: int = Field(description="Its number in the second run", examples=[1])
    iou: float = Field(description="Shared pixels divided by those of either", examples=[0.964])


class ComparisonOut(Answer):
    """What became of one run's spheroids in another run over the same pixels."""

    first_id: UUID = Field(description="The first run")
    first_revision: int = Field(description="Of the first run's outlines; 0: the model's own", examples=[0])
    second_id: UUID = Field(description="The second run")
    second_revision: int = Field(description="Of the second run's outlines; 0: the model's own", examples=[2])
    threshold: float = Field(description="Partners have an IoU above it", examples=[0.5])
    mean_iou: float | None = Field(description="Mean over the pairs; null without any", examples=[0.951])
    matched: int = Field(description="Pairs", examples=[11])
    pairs: list[PairOut] = Field(description="The pairs, in order of the first run's numbers")
    lost: list[int] = Field(description="Numbers in the first run of spheroids without partner", examples=[[4]])
    added: list[int] = Field(description="Numbers in the second run of spheroids without partner", examples=[[12]])

    @classmethod
    def of(cls, compared: ComparedRuns) -> "ComparisonOut":
        """The use case's answer."""
        found = compared.comparison
        return cls(
            first_id=compared.first.id,
            first_revision=compared.first_revision,
            second_id=compared.second.id,
            second_revision=compared.second_revision,
            threshold=found.threshold,
            mean_iou=found.mean_iou,
            matched=len(found.pairs),
            pairs=[PairOut(first=pair.first, second=pair.second, iou=pair.iou) for pair in found.pairs],
            lost=list(found.lost),
            added=list(found.added),
        )


STARTING = ("project-not-found", *NOT_WRITABLE, "idempotency-key-reused", "stale-state", "queue-unavailable")


@router.post(
    "/projects/{project_id}/runs",
    status_code=202,
    summary="Segment many images",
    response_description="What was started, and what was there before",
    responses={202: {"headers": POSITION_HEADER}, **problems(*STARTING, "model-not-found", "too-many-images")},
)
async def start_runs(
    project_id: UUID,
    body: RunsIn,
    viewer: CurrentViewer,
    use_cases: Wired,
    correlation_id: CorrelationId,
    written: Written,
    key: IdempotencyKey = None,
) -> BatchOut:
    """Start a run over each of some images of a project, or over all of them.

    An image that waits, runs or is done with the same model and parameters is told, not repeated; a run that failed or
    was cancelled stays in the history, and a new one follows it.
    """
    order = body.order(use_cases.models)
    batch = use_cases.start_runs(
        viewer,
        project_id,
        body.image_ids,
        order,
        correlation_id,
        urgency=body.urgency,
        again=body.again,
        key=key,
    )
    written()
    return BatchOut.of(batch)


@router.post(
    "/projects/{project_id}/runs/cancel",
    summary="Cancel many segmentations",
    response_description="How many were cancelled",
    responses={
        200: {"headers": POSITION_HEADER},
        **problems("project-not-found", *NOT_WRITABLE, "queue-unavailable"),
    },
)
async def cancel_runs(
    project_id: UUID, body: SelectionIn, viewer: CurrentViewer, use_cases: Wired, written: Written
) -> CancelledOut:
    """Stop runs that wait or work: of some images, of a batch, or of the whole project.

    A waiting one never starts; a worker stops before its next stage and writes nothing. What has ended stays as it is.
    """
    cancelled = use_cases.cancel_runs(viewer, project_id, body.selection())
    written()
    return CancelledOut.of(cancelled)


@router.post(
    "/projects/{project_id}/runs/retry",
    status_code=202,
    summary="Retry failed segmentations",
    response_description="The runs that were started",
    responses={202: {"headers": POSITION_HEADER}, **problems(*STARTING)},
)
async def retry_runs(
    project_id: UUID,
    body: SelectionIn,
    viewer: CurrentViewer,
    use_cases: Wired,
    correlation_id: CorrelationId,
    written: Written,
    key: IdempotencyKey = None,
) -> BatchOut:
    """Start a new run after each that failed, with the same model and parameters; the failed ones stay in the history.

    One that was repeated since is left alone.
    """
    batch = use_cases.retry_runs(viewer, project_id, body.selection(), correlation_id, key)
    written()
    return BatchOut.of(batch)


@router.get(
    "/projects/{project_id}/runs/progress",
    summary="See how far a project's segmentations are",
    response_description="Counts by status, and an estimate with its reason",
    responses=problems("project-not-found"),
)
async def project_progress(project_id: UUID, viewer: CurrentViewer, use_cases: Wired) -> ProgressOut:
    """All runs of a project by status, and when the last of them may be done."""
    return ProgressOut.of(use_cases.read_runs.of_project(viewer, project_id))


@router.get(
    "/batches/{batch_id}",
    summary="See how far a batch is",
    response_description="The batch, counts by status, and an estimate with its reason",
    responses=problems("run-batch-not-found"),
)
async def read_batch(batch_id: UUID, viewer: CurrentViewer, use_cases: Wired) -> BatchProgressOut:
    """The runs that one call started, by status, and when the last of them may be done."""
    batch, progress = use_cases.read_runs.batch(viewer, batch_id)
    return BatchProgressOut(**dict(BatchOut.of(batch)), progress=ProgressOut.of(progress))


@router.get(
    "/segmentations/{segmentation_id}/comparison/{other_id}",
    summary="Compare two segmentations",
    response_description="Pairs with their IoU, lost and added spheroids",
    responses=problems(
        "segmentation-not-found", "not-finished", "revision-not-found", "not-comparable", "comparison-too-large"
    ),
)
async def compare_runs(
    segmentation_id: UUID,
    other_id: UUID,
    viewer: CurrentViewer,
    use_cases: Wired,
    threshold: Annotated[float, Query(ge=0.5, lt=1, description="Partners have an IoU above it")] = 0.5,
    revision: RevisionNumber = None,
    other_revision: RevisionNumber = None,
) -> ComparisonOut:
    """Pair the spheroids of two runs over the same page of an image one to one, exactly, by their outlines.

    Both in the newest revision, or in the ones named; revision 0 is what the model found.
    """
    revisions = (revision, other_revision)
    return ComparisonOut.of(use_cases.compare_runs(viewer, segmentation_id, other_id, threshold, revisions))
