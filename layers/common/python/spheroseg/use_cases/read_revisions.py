"""Outlines of a run in any of their revisions, the history, and what differs between two revisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.packed_outlines import file_of
from spheroseg.domain.paging import MAX_LIMIT
from spheroseg.domain.revision import Box, Revision, RevisionDifference
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.domain.spheroid import Polygon
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ComparisonTooLargeError, NotFinishedError, RevisionNotFoundError
from spheroseg.ports import OutlineEditor, RevisionRepository, SegmentationRepository

MAX_OUTLINES = 20_000
"""Spheroids of one answer; with 80 corners each they take 3.5 MB."""

MAX_OUTLINE_BYTES = 4_000_000
"""Of one answer: a Lambda answer holds 6 MB, bytes as Base64."""

MAX_DIFFERING = 5_000
"""Spheroids of each of two revisions that are compared within one request."""


@dataclass(frozen=True)
class OutlineFile:
    """Packed outlines of one revision.

    Args:
        next_after: The number after which the next file begins; None: this is the last.
    """

    segmentation: Segmentation
    revision: int
    count: int
    content: bytes
    next_after: int | None


@dataclass(frozen=True)
class History:
    """Revisions of a run, the newest first; the segmenter's own, 0, is before all of them.

    Args:
        next_below: Number below which the next page begins; None: this is the last one.
    """

    segmentation: Segmentation
    revisions: Sequence[Revision]
    next_below: int | None


@dataclass(frozen=True)
class ReadRevisions:
    """What somebody made of a run's outlines."""

    segmentations: SegmentationRepository
    revisions: RevisionRepository
    editor: OutlineEditor

    def outlines(
        self,
        viewer: Viewer,
        segmentation_id: UUID,
        revision: int | None,
        after_number: int = 0,
        box: Box | None = None,
        tolerance_px: float | None = None,
    ) -> OutlineFile:
        """As many outlines of a revision as fit into one answer, in order of number.

        Args:
            revision: None: the newest.
            box: Only those whose bounding boxes meet it.
            tolerance_px: With fewer corners, for who only looks; None: as they are stored.

        Raises:
            SegmentationNotFoundError: the viewer has no role in its project.
            NotFinishedError: it has no outlines.
            RevisionNotFoundError: there is no such revision.
        """
        run = self._finished(viewer, segmentation_id)
        page = self.revisions.outlines(viewer, segmentation_id, revision, after_number, MAX_OUTLINES, box)
        outlines, next_after = list(page.outlines), page.next_after
        if tolerance_px is not None:
            outlines = self.editor.coarser(outlines, tolerance_px)
        size_bytes = 0
        for place, (_, outline) in enumerate(outlines):
            size_bytes += len(outline)
            if size_bytes > MAX_OUTLINE_BYTES and place:
                outlines, next_after = outlines[:place], outlines[place - 1][0]
                break
        result = run.result
        size_px = (result.width_px, result.height_px) if result else (0, 0)
        content = file_of(outlines, page.revision, size_px, next_after)
        return OutlineFile(run, page.revision, len(outlines), content, next_after)

    def history(self, viewer: Viewer, segmentation_id: UUID, below: int | None, limit: int) -> History:
        """Revisions of a run, the newest first.

        Args:
            below: Only those with a smaller number; None: from the newest on.
        """
        run = self._finished(viewer, segmentation_id)
        found = self.revisions.history(viewer, segmentation_id, below, min(limit, MAX_LIMIT) + 1)
        more = len(found) > limit
        return History(run, found[:limit], found[limit - 1].number if more else None)

    def one(self, viewer: Viewer, segmentation_id: UUID, number: int) -> Revision:
        """A revision with the operations that led to it; the segmenter's own has none and is not found."""
        self._finished(viewer, segmentation_id)
        return self.revisions.one(viewer, segmentation_id, number)

    def difference(self, viewer: Viewer, segmentation_id: UUID, first: int, second: int | None) -> RevisionDifference:
        """What became of each spheroid between two revisions, and of all together; from 0: model against human.

        Args:
            second: None: the newest.

        Raises:
            SegmentationNotFoundError, NotFinishedError, RevisionNotFoundError: as ``outlines``.
            ComparisonTooLargeError: too many spheroids differ for one request.
        """
        head = self.revisions.head(viewer, segmentation_id).item
        second = head.revision if second is None else second
        if max(first, second) > head.revision:
            raise RevisionNotFoundError(f"Segmentation {segmentation_id} has no revision {max(first, second)}")
        differing = self.revisions.differing(segmentation_id, first, second)
        if len(differing) > MAX_DIFFERING:
            raise ComparisonTooLargeError(
                f"{len(differing):,} spheroids differ; up to {MAX_DIFFERING:,} are compared within one request"
            )
        before, after = (self._outlines(segmentation_id, revision, differing) for revision in (first, second))
        same = {number for number in before.keys() & after.keys() if before[number] == after[number]}
        differing = [number for number in differing if number not in same]
        others = self.revisions.others(segmentation_id, first, differing)
        width_px = head.segmentation.result.width_px if head.segmentation.result else 0
        return self.editor.difference(
            (first, {number: one for number, one in before.items() if number not in same}),
            (second, {number: one for number, one in after.items() if number not in same}),
            others,
            width_px,
        )

    def _outlines(self, segmentation_id: UUID, revision: int, numbers: Sequence[int]) -> dict[int, tuple[Polygon, ...]]:
        found = self.revisions.some(segmentation_id, revision, numbers)
        return {number: spheroid.polygons for number, spheroid in found.items()}

    def _finished(self, viewer: Viewer, segmentation_id: UUID) -> Segmentation:
        run = self.segmentations.one(viewer, segmentation_id)
        if run.status is not SegmentationStatus.SUCCEEDED:
            raise NotFinishedError(f"Segmentation {segmentation_id} is {run.status} and has no spheroids")
        return run
