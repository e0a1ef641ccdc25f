"""Export: results of a project as one file in a format of another program, made in the background, kept for a day."""

import re
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

from spheroseg.domain.asked_statistics import require_sound
from spheroseg.domain.sample import Sample
from spheroseg.domain.segmentation import Failure, Segmentation
from spheroseg.domain.statistics_question import Wanted
from spheroseg.errors import IllegalMoveError, InvalidQuestionError

KEPT_FOR = timedelta(hours=24)
"""How long the file can be fetched."""
FORGOTTEN_AFTER = timedelta(days=30)
"""How long it is told that there was an export."""
SILENT_EXPORTER_AFTER = timedelta(seconds=25)
"""A worker that was not heard of for so long is taken for dead: it says so every two seconds, and its message is lent
for 30 s from each time."""
MAX_ACTIVE = 5
"""Unfinished exports of one person. One of them is worked on at a time, so that nobody's many wait before another's."""
MAX_SELECTED = 10_000
"""Images that one export may name; without names it takes all of the project."""
PREFIX = "exports/"
SLUG_MAX_LENGTH = 60


class ExportFormat(StrEnum):
    """What can be written."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    JSON = "json"
    GEOJSON = "geojson"
    ROI = "roi"
    COCO = "coco"
    YOLO = "yolo"
    DATUMARO = "datumaro"
    CVAT = "cvat"
    LABELS = "labels"
    MASKS = "masks"
    OME_ZARR = "ome-zarr"
    ORIGINALS = "originals"
    OVERLAYS = "overlays"
    BUNDLE = "bundle"
    STATISTICS = "statistics"


class ExportStatus(StrEnum):
    """Where an export is."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """True when nothing more is done for it."""
        return self not in {ExportStatus.QUEUED, ExportStatus.RUNNING}


@dataclass(frozen=True)
class ExportOptions:
    """What may be said beside the format.

    Args:
        image_ids: Only these images; None: all of the project.
        pixel_size_um: Goes before what the results say; None: that.
        accepted_only: Only results that somebody accepted, as they are or corrected, in their newest revision.
        with_images: The images themselves, too, in formats that have a place for them.
        statistics: What is asked of the measures, for the format ``statistics`` alone; None: the usual.
    """

    image_ids: tuple[UUID, ...] | None = None
    pixel_size_um: float | None = None
    accepted_only: bool = False
    with_images: bool = False
    statistics: Wanted | None = None

    def require_sound(self, format_: ExportFormat) -> None:
        """Refuse what no project could give.

        Raises:
            InvalidQuestionError: statistics are asked for that cannot be, or in another format.
        """
        if self.statistics is None:
            return
        if format_ is not ExportFormat.STATISTICS:
            raise InvalidQuestionError(f"Statistics are asked for, but the format is {format_}")
        require_sound(self.statistics)


@dataclass(frozen=True)
class ExportFile:
    """The file that an export made.

    Args:
        size_bytes: Its length.
        sha256: Digest of its bytes in hexadecimal digits.
        media_type: What it is, as HTTP calls it.
    """

    name: str
    size_bytes: int
    sha256: str
    media_type: str


@dataclass(frozen=True)
class Export:
    """One export.

    Args:
        requested_by: Who asked for it, and alone sees it while they may read the project.
        name: The file's name without its end.
        attempt: How often a worker has started it; together with the status it decides who may write.
        done, total: Images that are written, and all that are to be gone through.
        spheroids: Spheroids that are written.
        sent_at: When its turn came and it was put on the queue; None: it waits for its turn.
        alive_at: When its worker last said that it is still at it, or when it was sent.
        expires_at: When the file goes; None before there is one.
        failure: Why it ended without a file.
    """

    id: UUID
    project_id: UUID
    requested_by: str
    format: ExportFormat
    name: str
    options: ExportOptions
    status: ExportStatus
    correlation_id: str
    created_at: datetime
    attempt: int = 0
    done: int = 0
    total: int = 0
    sent_at: datetime | None = None
    started_at: datetime | None = None
    alive_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    file: ExportFile | None = None
    failure: Failure | None = None
    spheroids: int = 0

    @property
    def prefix(self) -> str:
        """Where all that it leaves in the store lies."""
        return f"{project_prefix(self.project_id)}{self.id}/"

    def key_of(self, file_name: str) -> str:
        """Where this attempt's file lies: a worker that was replaced cannot overwrite another's."""
        return f"{self.prefix}{self.attempt}/{file_name}"

    @property
    def key(self) -> str | None:
        """Where its file lies; None without one."""
        return self.key_of(self.file.name) if self.file else None

    def is_held(self, at: datetime) -> bool:
        """True while a worker that was heard of lately is at it."""
        return (
            self.status is ExportStatus.RUNNING
            and self.alive_at is not None
            and at - self.alive_at < SILENT_EXPORTER_AFTER
        )

    def seen(self, at: datetime) -> Self:
        """The export as it is at that moment: its file goes by the clock, not when somebody sweeps."""
        if self.status is ExportStatus.SUCCEEDED and self.expires_at is not None and at >= self.expires_at:
            return replace(self, status=ExportStatus.EXPIRED)
        return self

    def started(self, total: int, at: datetime) -> Self:
        """The export, taken by a worker; also when an earlier worker went missing."""
        self._require(ExportStatus.RUNNING)
        return replace(
            self,
            status=ExportStatus.RUNNING,
            attempt=self.attempt + 1,
            done=0,
            spheroids=0,
            total=total,
            started_at=at,
            alive_at=at,
            failure=None,
        )

    def advanced(self, done: int, spheroids: int, at: datetime) -> Self:
        """The export with so many images and spheroids written."""
        return replace(self, done=done, spheroids=spheroids, alive_at=at)

    def succeeded(self, file: ExportFile, at: datetime) -> Self:
        """The export with its file."""
        self._require(ExportStatus.SUCCEEDED)
        return replace(
            self,
            status=ExportStatus.SUCCEEDED,
            done=self.total,
            file=file,
            alive_at=at,
            finished_at=at,
            expires_at=at + KEPT_FOR,
        )

    def failed(self, failure: Failure, at: datetime) -> Self:
        """The export that ended for good without a file."""
        self._require(ExportStatus.FAILED)
        return replace(self, status=ExportStatus.FAILED, failure=failure, finished_at=at)

    def cancelled(self, at: datetime) -> Self:
        """The export that is no longer wanted; its worker stops within seconds and leaves nothing.

        Raises:
            IllegalMoveError: it has ended another way.
        """
        if self.status is ExportStatus.CANCELLED:
            return self
        self._require(ExportStatus.CANCELLED)
        return replace(self, status=ExportStatus.CANCELLED, finished_at=at)

    def given_back(self, at: datetime) -> Self:
        """The export whose worker stops before it is done; it waits again."""
        self._require(ExportStatus.QUEUED)
        return replace(self, status=ExportStatus.QUEUED, done=0, spheroids=0, started_at=None, alive_at=at)

    def _require(self, target: ExportStatus) -> None:
        if self.status.is_final:
            raise IllegalMoveError(f"An export that is {self.status} cannot become {target}")


@dataclass(frozen=True)
class ExportedRun:
    """A run that goes into an export.

    Args:
        image_name: The image as its owner calls it.
        is_one_of_several: Whether its file has more pages than the run's.
        sample: What the image shows.
    """

    image_name: str
    is_one_of_several: bool
    run: Segmentation
    sample: Sample = field(default_factory=Sample)


def project_prefix(project_id: UUID) -> str:
    """Where the files of a project's exports lie."""
    return f"{PREFIX}{project_id}/"


def file_stem(project_name: str) -> str:
    """A project's name as the beginning of a file's name: letters, digits and hyphens of ASCII."""
    plain = unicodedata.normalize("NFKD", project_name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")
    return words[:SLUG_MAX_LENGTH].rstrip("-") or "project"
