"""Exports: their rows, what goes into them, the queue, where the file is written and who writes it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID

from spheroseg.domain.export import Export, ExportedRun
from spheroseg.domain.paging import PageKey
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.messages import BrightnessRequested, ExportRequested, ImportRequested


class ExportRepository(Protocol):
    """Exports; each call is one transaction. An export is found by who asked for it, while they have a role."""

    def add(self, export: Export) -> None:
        """Store a new one.

        Raises:
            TooManyExportsError: the person has ``MAX_ACTIVE`` unfinished ones.
            ImageNotFoundError: one of its images is not in the project.
            StaleStateError: the project is gone.
        """

    def one(self, viewer: Viewer, export_id: UUID) -> Export:
        """One that the viewer asked for, or raise ``ExportNotFoundError``."""

    def page(self, viewer: Viewer, project_id: UUID, after: PageKey | None, limit: int) -> Sequence[Export]:
        """Up to ``limit`` of those that the viewer asked for in a project, the newest first, older than ``after``."""

    def get(self, export_id: UUID) -> Export:
        """One as last written, whoever asked for it, or raise ``ExportNotFoundError``."""

    def may_be_made(self, export: Export) -> bool:
        """Whether who asked for it still has a role in its project, and that is not being deleted."""

    def replace(self, before: Export, after: Export) -> None:
        """Store ``after`` where status and attempt are still those of ``before``, or raise ``StaleStateError``."""

    def release(self, at: datetime) -> Sequence[Export]:
        """Those whose turn has come, marked as sent: of each person with none in the queue or at work, the oldest."""

    def stalled(self, before: datetime, at: datetime, limit: int) -> Sequence[Export]:
        """Up to ``limit`` that were sent and not heard of since ``before``, and have not ended; marked as sent now."""

    def past(self, at: datetime, limit: int) -> Sequence[Export]:
        """Up to ``limit`` that succeeded and whose file is to go by that time, the oldest first."""

    def forget(self, finished_before: datetime, limit: int) -> int:
        """Remove up to ``limit`` rows of what ended before that time and has no file; how many."""


class ExportSource(Protocol):
    """What goes into exports, as last written; whether somebody may see it was decided before."""

    def count(self, project_id: UUID, image_ids: Sequence[UUID] | None) -> int:
        """How many images are gone through."""

    def runs(
        self, project_id: UUID, image_ids: Sequence[UUID] | None, after: PageKey | None, limit: int
    ) -> tuple[Sequence[ExportedRun], int, PageKey | None]:
        """Of up to ``limit`` images, the newest first, the newest run with a result of each page.

        Returns:
            The runs in order of images and pages, how many images these are, and where the next ones begin; None:
            there are none.
        """

    def spheroids(self, segmentation_id: UUID, revision: int, after_number: int, limit: int) -> Sequence[Spheroid]:
        """Up to ``limit`` spheroids of a revision, in order of number, from after that one."""


class ExportQueue(Protocol):
    """The sending side of the queue of exports and imports."""

    def send(self, requests: Sequence[ExportRequested | ImportRequested | BrightnessRequested]) -> None:
        """Queue every request, or raise ``QueueUnavailableError``; after an error some may have been queued."""

    def depth(self) -> int:
        """Requests waiting or lent out, roughly."""


class ObjectStream(Protocol):
    """An object that is being written front to back.

    Args:
        stream: Takes the bytes.
    """

    @property
    def stream(self) -> BinaryIO:
        """Takes the bytes; cannot be read, and not be gone back in."""

    @property
    def size_bytes(self) -> int:
        """Bytes until now."""

    @property
    def sha256(self) -> str:
        """Digest of the bytes until now, in hexadecimal digits."""


class ExportStore(Protocol):
    """The bucket, as exports need it."""

    def write(self, key: str, media_type: str, file_name: str) -> AbstractContextManager[ObjectStream]:
        """An object that appears when the block ends well; else nothing of it is left.

        Args:
            file_name: What a browser is to call it.
        """

    def clear(self, prefix: str) -> None:
        """Remove the objects whose key starts with ``prefix``, and what has arrived of unfinished ones."""

    def download(self, key: str, path: Path) -> None:
        """Write the object's bytes to a file, or raise ``ObjectNotFoundError``."""


class ExportMaker(Protocol):
    """Writes results in a format."""

    def file_of(self, export: Export) -> tuple[str, str]:
        """Name and media type of an export's file."""

    def write(self, export: Export, runs: Iterator[ExportedRun], spheroids: "SpheroidsOf", target: BinaryIO) -> None:
        """Write the file front to back, each run gone through once.

        Raises:
            InvalidInputError: it cannot be written so, and why.
        """


SpheroidsOf = Callable[[ExportedRun], Iterator[Spheroid]]
"""The spheroids of a run, in order of number, read while they are gone through."""
