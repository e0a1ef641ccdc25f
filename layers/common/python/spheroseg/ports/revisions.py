"""Edited outlines: their history, and what edits them."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from spheroseg.domain.access import Accessible
from spheroseg.domain.operations import Operation
from spheroseg.domain.revision import Box, Draft, Head, OutlinePage, RevisedPage, Revision, RevisionDifference
from spheroseg.domain.run_comparison import RunComparison
from spheroseg.domain.spheroid import Polygon, Spheroid
from spheroseg.domain.viewer import Viewer


class RevisionRepository(Protocol):
    """Outlines of finished runs in all their revisions; only what a revision changes is stored with it."""

    def head(self, viewer: Viewer, segmentation_id: UUID) -> Accessible[Head]:
        """Where the outlines of a run stand as last written, with what the viewer may do to them.

        Raises:
            SegmentationNotFoundError: the viewer has no role in its project.
            NotFinishedError: it has no outlines.
        """

    def page(
        self, viewer: Viewer, segmentation_id: UUID, revision: int | None, after_number: int, limit: int
    ) -> RevisedPage:
        """Up to ``limit`` spheroids of a revision, above ``after_number``, in order of number.

        Args:
            revision: None: the newest.

        Raises:
            RevisionNotFoundError: there is no such revision of a finished run that the viewer may read.
        """

    def outlines(
        self,
        viewer: Viewer,
        segmentation_id: UUID,
        revision: int | None,
        after_number: int,
        limit: int,
        box: Box | None = None,
    ) -> OutlinePage:
        """The same as packed outlines alone.

        Args:
            box: Only those whose bounding boxes meet this one.
        """

    def some(self, segmentation_id: UUID, revision: int, numbers: Sequence[int]) -> Mapping[int, Spheroid]:
        """Those of the numbers that are in a revision, as last written, whoever may read them."""

    def near(self, segmentation_id: UUID, revision: int, boxes: Sequence[Box]) -> Mapping[int, bytes]:
        """Packed outlines of a revision whose bounding boxes meet one of these, as last written."""

    def history(self, viewer: Viewer, segmentation_id: UUID, below: int | None, limit: int) -> Sequence[Revision]:
        """Up to ``limit`` revisions without their operations, the newest first, below ``below``; none of a run that
        the viewer may not read."""

    def one(self, viewer: Viewer, segmentation_id: UUID, number: int) -> Revision:
        """A revision with its operations.

        Raises:
            RevisionNotFoundError: there is none that the viewer may read; the segmenter's own (0) is none.
        """

    def later(self, segmentation_id: UUID, revision: int, limit: int) -> Sequence[Revision]:
        """Up to ``limit`` revisions above one, the newest first, without operations, as last written."""

    def differing(self, segmentation_id: UUID, first: int, second: int) -> Sequence[int]:
        """Numbers of spheroids that are in one of two revisions and not, or not so, in the other; ascending."""

    def others(self, segmentation_id: UUID, revision: int, numbers: Sequence[int]) -> tuple[int, int]:
        """How many spheroids of a revision have none of these numbers, and their pixels together."""

    def save(self, revision: Revision, spheroids: Sequence[Spheroid], removed: Sequence[int]) -> None:
        """Store a revision where the one before it is still the newest, all of it or nothing.

        Args:
            spheroids: Those that it adds or changes.
            removed: Numbers of those that it removes.

        Raises:
            StaleRevisionError: there is a newer one; nothing was stored.
        """


class OutlineEditor(Protocol):
    """What does operations on outlines, checks what comes out, and measures it."""

    def draft(
        self,
        before: Mapping[int, tuple[Polygon, ...]],
        operations: Sequence[Operation],
        size_px: tuple[int, int],
        highest_number: int,
    ) -> Draft:
        """What operations make of the spheroids that they name, one after the other.

        Args:
            before: Outlines of those that exist among the named ones.
            size_px: Width and height of the image.
            highest_number: The highest number that any spheroid of the run had so far.

        Raises:
            InvalidEditError: an operation cannot be done, leaves no outline, or all together change nothing.
            EditTooLargeError: the outlines have too many corners.
        """

    def finished(
        self,
        draft: Draft,
        before: Mapping[int, Spheroid],
        neighbours: Mapping[int, tuple[Polygon, ...]],
        size_px: tuple[int, int],
    ) -> list[Spheroid]:
        """The drafted spheroids with their measures, in order of number.

        Args:
            before: The spheroids that the operations named.
            neighbours: Outlines of all others that may meet them.

        Raises:
            InvalidEditError: a spheroid has no pixel, or shares one with another.
        """

    def difference(
        self,
        before: tuple[int, Mapping[int, tuple[Polygon, ...]]],
        after: tuple[int, Mapping[int, tuple[Polygon, ...]]],
        unchanged: tuple[int, int],
        width_px: int,
    ) -> RevisionDifference:
        """What became of spheroids, pixel by pixel.

        Args:
            before, after: Two revisions, each with the outlines of its spheroids that the other has not, or not so.
            unchanged: How many others there are, and their pixels together.
            width_px: Of the image.
        """

    def paired(
        self,
        first: Mapping[int, tuple[Polygon, ...]],
        second: Mapping[int, tuple[Polygon, ...]],
        width_px: int,
        threshold: float,
    ) -> RunComparison:
        """Which spheroid of one run is which of another run over the same pixels, by their pixels.

        Args:
            width_px: Of the image.
            threshold: 0.5 to below 1.
        """

    def coarser(self, outlines: Sequence[tuple[int, bytes]], tolerance_px: float) -> list[tuple[int, bytes]]:
        """Packed outlines for who only looks: fewer corners, none farther than the tolerance from what is shown."""
