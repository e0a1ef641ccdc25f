"""Import: outlines in a file of another program, as new revisions of results or as results that a person drew."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, Self
from uuid import UUID, uuid5

from spheroseg.domain.export import SILENT_EXPORTER_AFTER
from spheroseg.domain.segmentation import Failure, Order, Parameters
from spheroseg.errors import IllegalMoveError, ImportFileTooLargeError

PREFIX = "imports/"
UPLOAD_WITHIN = timedelta(hours=1)
"""How long the file may be uploaded."""
FORGOTTEN_AFTER = timedelta(days=30)
"""How long it is told that there was an import."""
MAX_ACTIVE = 20
"""Unfinished imports of one person, those whose file has not come included."""
MAX_BASES = 1_000
"""Results that one import may correct."""
MAX_NAME = 150
"""Characters of a file's name."""
LOCAL_NAME_BYTES = 200
"""Of a file's name on a worker's disk: file systems take 255."""
MAX_FILE_BYTES = 1_000_000_000
MAX_TEXT_BYTES = 100_000_000
"""COCO and GeoJSON are one text each, which is in memory as a whole, some ten times as long."""
MAX_OBJECTS = 50_000
"""Outlines of one import: all are in memory until they are stored together."""
MAX_PIXELS = 2**27
"""Of a label image, or of an image that a result is drawn on: its labels take four bytes each."""

ANNOTATION = "annotation"
"""What stands where other results name their model: a person drew the outlines."""
ANNOTATION_VERSION = "1"


class ImportFormat(StrEnum):
    """What can be read."""

    COCO = "coco"
    GEOJSON = "geojson"
    ROI = "roi"
    LABELS = "labels"
    YOLO = "yolo"


class ImportStatus(StrEnum):
    """Where an import is."""

    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """True when nothing more is done for it."""
        return self not in _UNFINISHED


_UNFINISHED = frozenset({ImportStatus.AWAITING_UPLOAD, ImportStatus.QUEUED, ImportStatus.RUNNING})


@dataclass(frozen=True)
class Base:
    """A result that is to be corrected, and the revision that the corrections start from; 0: the segmenter's own."""

    segmentation_id: UUID
    revision: int


@dataclass(frozen=True)
class ImportOptions:
    """What is to be imported, and where to.

    Args:
        file_name: What the file is called; formats that name no image are matched by it.
        size_bytes: Its length.
        bases: Results that get a new revision; empty: every image gets a new result, drawn by a person.
        image_id: The one image that the file is about; None: images are found by their names.
        page: Which page of the images it is about, for new results; the first is 1.
        note: What there is to say about the revisions.
    """

    format: ImportFormat
    file_name: str
    size_bytes: int
    bases: tuple[Base, ...] = ()
    image_id: UUID | None = None
    page: int = 1
    note: str | None = None

    def require_size(self) -> None:
        """Return when the file is not too long to be read, else raise ``ImportFileTooLargeError``."""
        limit = MAX_TEXT_BYTES if is_text(self.file_name) else MAX_FILE_BYTES
        if self.size_bytes > limit:
            raise ImportFileTooLargeError(
                f"{self.file_name} has {self.size_bytes:,} bytes; up to {limit:,} are taken. Import it in parts"
            )


@dataclass(frozen=True)
class Imported:
    """What became of one image.

    Args:
        name: As the file calls it.
        segmentation_id: The result that was corrected, or the new one.
        revision: The newest of it; None: nothing was different, so none was made.
    """

    name: str
    image_id: UUID
    segmentation_id: UUID
    revision: int | None
    added: int
    changed: int
    removed: int


@dataclass(frozen=True)
class Import:
    """One import.

    Args:
        requested_by: Who asked for it, and alone sees it while they may read the project; the outlines are theirs.
        upload_until: When the file must have come.
        attempt: How often a worker has started it; together with the status it decides who may write.
        done, total: Images that are read and measured, and all of the file.
        spheroids: Their outlines.
        sent_at: When it was put on the queue last; None: its file has not come.
        alive_at: When its worker last said that it is still at it, or when it was sent.
        images: What became of each image; empty before it succeeded.
        unmatched: Names of the file's images that the project, or the list of results, does not have.
        failure: Why nothing was changed.
    """

    id: UUID
    project_id: UUID
    requested_by: str
    options: ImportOptions
    status: ImportStatus
    correlation_id: str
    created_at: datetime
    upload_until: datetime
    attempt: int = 0
    done: int = 0
    total: int = 0
    spheroids: int = 0
    sent_at: datetime | None = None
    started_at: datetime | None = None
    alive_at: datetime | None = None
    finished_at: datetime | None = None
    images: tuple[Imported, ...] = ()
    unmatched: tuple[str, ...] = ()
    failure: Failure | None = None

    @property
    def prefix(self) -> str:
        """Where its file lies in the store."""
        return f"{project_prefix(self.project_id)}{self.id}/"

    @property
    def key(self) -> str:
        """Its file in the store."""
        return f"{self.prefix}file"

    @property
    def local_name(self) -> str:
        """What the file is called on a worker's disk: as it was, but for the end of a very long stem."""
        suffix = PurePosixPath(self.options.file_name).suffix
        stem = self.options.file_name[: len(self.options.file_name) - len(suffix)]
        return stem.encode()[: max(1, LOCAL_NAME_BYTES - len(suffix.encode()))].decode(errors="ignore") + suffix

    def is_held(self, at: datetime) -> bool:
        """True while a worker that was heard of lately is at it."""
        return (
            self.status is ImportStatus.RUNNING
            and self.alive_at is not None
            and at - self.alive_at < SILENT_EXPORTER_AFTER
        )

    def seen(self, at: datetime) -> Self:
        """The import as it is at that moment: what was not uploaded in time has expired, whenever somebody sweeps."""
        if self.status is ImportStatus.AWAITING_UPLOAD and at >= self.upload_until:
            return replace(self, status=ImportStatus.EXPIRED, finished_at=self.upload_until)
        return self

    def queued(self, at: datetime) -> Self:
        """The import whose file has come."""
        self._require({ImportStatus.AWAITING_UPLOAD}, ImportStatus.QUEUED)
        return replace(self, status=ImportStatus.QUEUED, sent_at=at, alive_at=at)

    def started(self, at: datetime) -> Self:
        """The import, taken by a worker; also when an earlier worker went missing."""
        self._require({ImportStatus.QUEUED, ImportStatus.RUNNING}, ImportStatus.RUNNING)
        return replace(
            self,
            status=ImportStatus.RUNNING,
            attempt=self.attempt + 1,
            done=0,
            total=0,
            spheroids=0,
            started_at=at,
            alive_at=at,
        )

    def advanced(self, done: int, total: int, spheroids: int, at: datetime) -> Self:
        """The import with so many images and spheroids read."""
        return replace(self, done=done, total=total, spheroids=spheroids, alive_at=at)

    def succeeded(self, images: tuple[Imported, ...], unmatched: tuple[str, ...], at: datetime) -> Self:
        """The import, all of whose outlines are stored."""
        self._require({ImportStatus.RUNNING}, ImportStatus.SUCCEEDED)
        return replace(
            self, status=ImportStatus.SUCCEEDED, images=images, unmatched=unmatched, alive_at=at, finished_at=at
        )

    def failed(self, failure: Failure, at: datetime) -> Self:
        """The import that ended for good and changed nothing."""
        self._require({ImportStatus.QUEUED, ImportStatus.RUNNING}, ImportStatus.FAILED)
        return replace(self, status=ImportStatus.FAILED, failure=failure, finished_at=at)

    def cancelled(self, at: datetime) -> Self:
        """The import that is no longer wanted and changes nothing; its worker stops after an image.

        Raises:
            IllegalMoveError: it has ended another way.
        """
        if self.status is ImportStatus.CANCELLED:
            return self
        self._require(set(_UNFINISHED), ImportStatus.CANCELLED)
        return replace(self, status=ImportStatus.CANCELLED, finished_at=at)

    def given_back(self, at: datetime) -> Self:
        """The import whose worker stops before it is done; it waits again."""
        self._require({ImportStatus.RUNNING}, ImportStatus.QUEUED)
        return replace(self, status=ImportStatus.QUEUED, done=0, spheroids=0, started_at=None, alive_at=at)

    def new_result_id(self, image_id: UUID) -> UUID:
        """The id of the result that it draws on an image: the same however often a worker begins."""
        return uuid5(self.id, f"{image_id} {self.options.page}")

    def _require(self, allowed: set[ImportStatus], target: ImportStatus) -> None:
        if self.status not in allowed:
            raise IllegalMoveError(f"An import that is {self.status} cannot become {target}")


def project_prefix(project_id: UUID) -> str:
    """Where the files of imports into a project lie."""
    return f"{PREFIX}{project_id}/"


def annotation_order(page: int) -> Order:
    """What stands where other results name their model and its parameters."""
    parameters = Parameters(page=page, out_of_focus=True)  # of a drawing nothing is left out
    return Order(model=ANNOTATION, model_version=ANNOTATION_VERSION, parameters=parameters)


def told(import_: Import) -> Mapping[str, Any]:
    """What a revision keeps instead of operations: where its outlines come from."""
    options = import_.options
    return {
        "kind": "import",
        "format": options.format.value,
        "file_name": options.file_name,
        "import_id": str(import_.id),
    }


def is_text(file_name: str) -> bool:
    """Whether a file is one text, by the end of its name."""
    return file_name.lower().endswith((".json", ".geojson"))
