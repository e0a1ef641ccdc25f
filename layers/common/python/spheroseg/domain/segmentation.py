"""Segmentation: one run of a model over an image, its statuses, moves and attempts."""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Self
from uuid import UUID, uuid5

from spheroseg.domain.model_card import Precision
from spheroseg.domain.review import Review
from spheroseg.errors import IllegalMoveError, SpherosegError

SILENT_WORKER_AFTER = timedelta(seconds=25)
"""A worker that was not heard of for so long is taken for dead: two missed heartbeats of 10 s and some slack.

Shorter than the 30 s for which a message is lent out, so that whoever is lent it next finds the run free.
"""


class SegmentationStatus(StrEnum):
    """Where a run is."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """True when nothing more happens unless somebody asks for it."""
        return self not in {SegmentationStatus.QUEUED, SegmentationStatus.RUNNING}


class Priority(StrEnum):
    """Which of the queues a run waits in; none of them starves."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @classmethod
    def of_urgency(cls, urgency: int) -> Self:
        """The queue for an urgency of 0 to 10: thirds, the middle one for the usual 4 to 6."""
        return cls("high" if urgency > 6 else "low" if urgency < 4 else "normal")

    @property
    def urgency(self) -> int:
        """The urgency in the middle of the queue's third, for runs that were given none."""
        return {Priority.HIGH: 8, Priority.NORMAL: 5, Priority.LOW: 2}[self]


class PixelSizeSource(StrEnum):
    """Who said how large a pixel is."""

    USER = "user"
    FILE = "file"
    PROJECT = "project"
    PROFILE = "profile"
    """The project's, which has it from the profile of whoever made it."""


@dataclass(frozen=True)
class Parameters:
    """What a user may set for a run.

    Args:
        threshold: Foreground probability from which a pixel belongs to a spheroid, 0.1 to 0.9.
        min_diameter_px: Equivalent diameter below which an object is dropped, in pixels of the image; None leaves it
            to the model card.
        holes: Keep holes (True) or fill them (False).
        page: Which page of a multi-page file, the first is 1.
        out_of_focus: Keep objects out of focus (True), or leave them out where the model card tells them (False).
    """

    threshold: float = 0.5
    min_diameter_px: float | None = None
    holes: bool = True
    page: int = 1
    out_of_focus: bool = False


@dataclass(frozen=True)
class Order:
    """Which model is to run, how, and how soon."""

    model: str
    model_version: str
    parameters: Parameters = field(default_factory=Parameters)
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True)
class Failure:
    """Why something ended badly, as its owner may read it."""

    code: str
    detail: str

    @classmethod
    def of(cls, error: SpherosegError) -> Self:
        """The failure that an error stands for."""
        return cls(code=error.code, detail=str(error))


@dataclass(frozen=True)
class Runtime:
    """What computed a model file.

    Args:
        program: With its version, such as ``onnxruntime 1.29.0``.
        provider: What of it computed first, as it calls that: ``CPUExecutionProvider`` and the like.
    """

    program: str
    provider: str


@dataclass(frozen=True)
class ModelFile:
    """The very file that a run was made with, so that its result can be made again.

    Args:
        model, version: Name and version of the model's card.
        precision: Of its weights and of what was computed with them; the same model has a file for each.
        sha256: Digest of the ONNX file in hexadecimal digits, as checked when it was loaded.
        reason: Why this model, in words, where one was chosen by image; None where it was asked for by its name.
        runtime: What computed it; None in runs of before it was noted.
    """

    model: str
    version: str
    precision: Precision
    sha256: str
    reason: str | None = None
    runtime: Runtime | None = None


@dataclass(frozen=True)
class Result:
    """What a finished run says about the image and itself.

    Args:
        width_px, height_px: Size of the segmented page.
        pixel_type: The file's own sample type, such as ``uint16``.
        pixel_size_um: Edge of one pixel in µm that the measures are converted with; None: unknown, pixels only.
        pixel_size_source: Where that number comes from; None exactly when it is unknown.
        spheroid_count: Spheroids in the newest revision of its outlines, 0 included.
        found_count: Spheroids that the segmenter found, whatever was corrected since.
        stages_s: Seconds spent in each stage (``download``, ``decode``, ``model``, ``outlines``, ``store``).
        ran: The model file that found them; None in runs of before it was noted.
        review: Whether somebody should look at it, and why; None in runs of before that was judged.
        file_pixel_size_um: The pixel size as the image's file says it; None: it does not.
        written_pixel_size_um: What the stored files were written with. ``pixel_size_um`` may be mended later, they not.
    """

    width_px: int
    height_px: int
    pixel_type: str
    pixel_size_um: float | None
    pixel_size_source: PixelSizeSource | None
    spheroid_count: int
    found_count: int
    stages_s: dict[str, float]
    ran: ModelFile | None = None
    review: Review | None = None
    file_pixel_size_um: float | None = None
    written_pixel_size_um: float | None = None


class Standing(NamedTuple):
    """Where a run stands: what tells a worker whether it is still the one to finish it."""

    status: SegmentationStatus
    attempt: int


@dataclass(frozen=True)
class Segmentation:
    """One run of a model over an image.

    Args:
        attempt: How often a worker has started it; together with the status it decides who may write.
        alive_at: When its worker last said that it is still at it.
        repeat: How many runs of the same image, model and parameters came before; each keeps its row and its result.
        repeat_of: The first of those; None: this is it.
        urgency: 0 to 10; among the runs of one person the most urgent is released first.
        requested_by: Whose share of the workers it takes; None: the owner's.
        batch_id: The call that started it together with others; None: it was started alone.
        is_reused: It never ran: another run over the same bytes, by the same model with the same parameters, found it.
        reused_from: That run, where it belongs to the same project.
        files_of, files_attempt: The run and the attempt that wrote its files; None: its own.
        sent_at: When its turn came and it was put on a queue; None: it waits for its turn, or is of before that rule.
        revision: The newest revision of its outlines; 0: they are the segmenter's own.
    """

    id: UUID
    image_id: UUID
    project_id: UUID
    owner_id: str
    order: Order
    status: SegmentationStatus
    attempt: int
    correlation_id: str
    queued_at: datetime
    started_at: datetime | None = None
    alive_at: datetime | None = None
    finished_at: datetime | None = None
    result: Result | None = None
    failure: Failure | None = None
    repeat: int = 0
    repeat_of: UUID | None = None
    urgency: int = Priority.NORMAL.urgency
    requested_by: str | None = None
    batch_id: UUID | None = None
    sent_at: datetime | None = None
    is_reused: bool = False
    reused_from: UUID | None = None
    files_of: UUID | None = None
    files_attempt: int | None = None
    revision: int = 0

    @property
    def files_prefix(self) -> str:
        """Where its files lie, which it may share with other runs."""
        attempt = self.attempt if self.files_attempt is None else self.files_attempt
        return result_prefix(self.files_of or self.id, attempt)

    def reusing(self, twin: Self, at: datetime) -> Self:
        """This waiting run with what another one found, uncorrected; the caller adapts the pixel size."""
        self._require({SegmentationStatus.QUEUED}, SegmentationStatus.SUCCEEDED)
        if twin.result is None:
            raise IllegalMoveError(f"Segmentation {twin.id} has no result to be used again")
        return replace(
            self,
            status=SegmentationStatus.SUCCEEDED,
            result=replace(twin.result, spheroid_count=twin.result.found_count, stages_s={}),
            finished_at=at,
            is_reused=True,
            reused_from=twin.id if twin.project_id == self.project_id else None,
            files_of=twin.files_of or twin.id,
            files_attempt=twin.attempt if twin.files_attempt is None else twin.files_attempt,
        )

    @property
    def first_id(self) -> UUID:
        """The first run of the same image, model and parameters, which may be this one."""
        return self.repeat_of or self.id

    @property
    def share(self) -> str:
        """Whose share of the workers it takes."""
        return self.requested_by or self.owner_id

    def is_held(self, at: datetime) -> bool:
        """True while a worker that was heard of lately is at it."""
        return (
            self.status is SegmentationStatus.RUNNING
            and self.alive_at is not None
            and at - self.alive_at < SILENT_WORKER_AFTER
        )

    def started(self, at: datetime) -> Self:
        """The same run, taken by a worker; also when an earlier worker went missing."""
        self._require({SegmentationStatus.QUEUED, SegmentationStatus.RUNNING}, SegmentationStatus.RUNNING)
        return replace(
            self, status=SegmentationStatus.RUNNING, attempt=self.attempt + 1, started_at=at, alive_at=at, failure=None
        )

    def succeeded(self, result: Result, at: datetime) -> Self:
        """The run with its result."""
        self._require({SegmentationStatus.RUNNING}, SegmentationStatus.SUCCEEDED)
        return replace(self, status=SegmentationStatus.SUCCEEDED, result=result, finished_at=at)

    def failed(self, failure: Failure, at: datetime) -> Self:
        """The run that ended for good without a result."""
        self._require({SegmentationStatus.QUEUED, SegmentationStatus.RUNNING}, SegmentationStatus.FAILED)
        return replace(self, status=SegmentationStatus.FAILED, failure=failure, finished_at=at)

    def cancelled(self, at: datetime) -> Self:
        """The run that its owner no longer wants; one that is running stops before it writes."""
        self._require({SegmentationStatus.QUEUED, SegmentationStatus.RUNNING}, SegmentationStatus.CANCELLED)
        return replace(self, status=SegmentationStatus.CANCELLED, finished_at=at)

    def given_back(self, at: datetime) -> Self:
        """The run whose worker stops before it is done; it waits again."""
        self._require({SegmentationStatus.RUNNING}, SegmentationStatus.QUEUED)
        return replace(self, status=SegmentationStatus.QUEUED, queued_at=at, started_at=None, alive_at=None)

    def sent(self, at: datetime) -> Self:
        """The waiting run whose turn has come."""
        self._require({SegmentationStatus.QUEUED}, SegmentationStatus.QUEUED)
        return replace(self, sent_at=at)

    def after(self, latest: Self) -> Self:
        """This queued run as the repeat that follows ``latest``, of the same image, model and parameters."""
        if latest.first_id != self.first_id or not latest.status.is_final:
            raise IllegalMoveError(f"Segmentation {latest.id} is {latest.status} and cannot be repeated")
        repeat = latest.repeat + 1
        return replace(self, id=repeat_id(self.first_id, repeat), repeat=repeat, repeat_of=self.first_id)

    def _require(self, allowed: set[SegmentationStatus], target: SegmentationStatus) -> None:
        if self.status not in allowed:
            raise IllegalMoveError(f"Segmentation {self.id} is {self.status} and cannot become {target}")


def segmentation_id(image_id: UUID, order: Order) -> UUID:
    """The id of a run, known before it exists: the same image, model and parameters are the same run."""
    parameters = asdict(order.parameters)
    if order.parameters.out_of_focus:  # as all runs did before it could be chosen, whose ids stay
        del parameters["out_of_focus"]
    return uuid5(image_id, f"{order.model}@{order.model_version}\n{json.dumps(parameters, sort_keys=True)}")


def repeat_id(first_id: UUID, repeat: int) -> UUID:
    """The id of a later run of the same image, model and parameters, known before it exists."""
    return uuid5(first_id, str(repeat))


def result_prefix(segmentation_id: UUID, attempt: int | None = None) -> str:
    """Where the objects of a run lie, or of one attempt of it; written once, never changed."""
    return f"results/{segmentation_id}/" if attempt is None else f"results/{segmentation_id}/{attempt}/"


def queued(
    *,
    image_id: UUID,
    project_id: UUID,
    owner_id: str,
    order: Order,
    correlation_id: str,
    at: datetime,
    requested_by: str | None = None,
    urgency: int | None = None,
    batch_id: UUID | None = None,
) -> Segmentation:
    """A new run that waits for its turn, then for a worker.

    Args:
        requested_by: Whose share of the workers it takes, where that is not the owner.
        urgency: 0 to 10; None: what the order's priority stands for.
    """
    return Segmentation(
        id=segmentation_id(image_id, order),
        image_id=image_id,
        project_id=project_id,
        owner_id=owner_id,
        order=order,
        status=SegmentationStatus.QUEUED,
        attempt=0,
        correlation_id=correlation_id,
        queued_at=at,
        urgency=order.priority.urgency if urgency is None else urgency,
        requested_by=None if requested_by == owner_id else requested_by,
        batch_id=batch_id,
    )
