"""Imports: their rows, what they are matched with, and what reads the files."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from spheroseg.domain.outline_import import Import, ImportOptions
from spheroseg.domain.paging import PageKey
from spheroseg.domain.revision import Revision
from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer

if TYPE_CHECKING:
    from spheroseg.exchange.results import ReadImage

SizeOf = Callable[[str], tuple[int, int] | None]
"""Width and height in px of the image that a file calls so; None where that is not known."""


class ImportRepository(Protocol):
    """Imports; each call is one transaction. An import is found by who asked for it, while they have a role."""

    def add(self, import_: Import) -> None:
        """Store a new one.

        Raises:
            TooManyImportsError: the person has ``MAX_ACTIVE`` unfinished ones.
            ImageNotFoundError: its image is not in the project.
            SegmentationNotFoundError: one of the results that it is to correct is not in the project.
            StaleStateError: the project is gone.
        """

    def one(self, viewer: Viewer, import_id: UUID) -> Import:
        """One that the viewer asked for, or raise ``ImportNotFoundError``."""

    def page(self, viewer: Viewer, project_id: UUID, after: PageKey | None, limit: int) -> Sequence[Import]:
        """Up to ``limit`` of those that the viewer asked for in a project, the newest first, older than ``after``."""

    def get(self, import_id: UUID) -> Import:
        """One as last written, whoever asked for it, or raise ``ImportNotFoundError``."""

    def replace(self, before: Import, after: Import) -> None:
        """Store ``after`` where status and attempt are still those of ``before``, or raise ``StaleStateError``."""

    def finish(
        self,
        before: Import,
        after: Import,
        revisions: Sequence[tuple[Revision, Sequence[Spheroid]]],
        runs: Sequence[tuple[Segmentation, Sequence[Spheroid]]],
    ) -> None:
        """Store ``after``, new revisions and new results together, all or nothing.

        Args:
            revisions: Each with the spheroids that it adds or changes.
            runs: Succeeded ones whose ids do not exist, each with its spheroids.

        Raises:
            StaleStateError: status and attempt are no longer those of ``before``, or an image is gone.
            StaleRevisionError: one of the results has a newer revision.
        """

    def stalled(self, before: datetime, at: datetime, limit: int) -> Sequence[Import]:
        """Up to ``limit`` that were sent and not heard of since ``before``, and have not ended; marked as sent now."""

    def past(self, at: datetime, limit: int) -> Sequence[Import]:
        """Up to ``limit`` whose file should have come by that time, the oldest first."""

    def forget(self, created_before: datetime, limit: int) -> int:
        """Remove up to ``limit`` rows of what was asked for before that time and has ended; how many."""

    def names(self, project_id: UUID, after: PageKey | None, limit: int) -> Sequence[tuple[UUID, str, PageKey]]:
        """Ids and names of up to ``limit`` images of a project whose file is there, the newest first."""

    def sizes(self, project_id: UUID, page: int, image_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
        """Width and height in px of a page of those images that have a result of it."""


class OutlineFiles(Protocol):
    """What reads files of other programs."""

    def read(self, path: Path, options: ImportOptions, size_of: SizeOf, scratch: Path) -> "Sequence[ReadImage]":
        """What a file says about images.

        Args:
            path: The file, under its own name.
            size_of: For formats that need the size and do not tell it.
            scratch: An empty folder, for what is packed.

        Raises:
            InvalidInputError: what is wrong with which entry of it.
        """

    def keys(self, name: str) -> Sequence[str]:
        """What an image that a file calls so may be called in a project, the likeliest first."""
