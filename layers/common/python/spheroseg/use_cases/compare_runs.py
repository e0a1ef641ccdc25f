"""Two runs of one image, side by side."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.revision import RevisedPage
from spheroseg.domain.run_comparison import RunComparison
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ComparisonTooLargeError, NotComparableError, NotFinishedError
from spheroseg.ports import OutlineEditor, RevisionRepository, SegmentationRepository

MAX_RIM_PX = 500_000
"""Outlines of both runs together, in px: two thousand spheroids of 80 px across in each.

Measured: 287,000 px take 0.96 s of processor time; a function of 1 GB has half a core and 29 s.
"""

MAX_SPHEROIDS = 10_000
"""Of each run; the answer then stays below a Lambda function's 6 MB."""


@dataclass(frozen=True)
class ComparedRuns:
    """Two runs, each in one revision of its outlines, and what they have in common."""

    first: Segmentation
    first_revision: int
    second: Segmentation
    second_revision: int
    comparison: RunComparison


@dataclass(frozen=True)
class CompareRuns:
    """Pair the spheroids of two runs over the same pixels, by the pixels of their outlines."""

    segmentations: SegmentationRepository
    revisions: RevisionRepository
    editor: OutlineEditor

    def __call__(
        self,
        viewer: Viewer,
        first_id: UUID,
        second_id: UUID,
        threshold: float,
        revisions: tuple[int | None, int | None] = (None, None),
    ) -> ComparedRuns:
        """What became of the first run's spheroids in the second.

        Args:
            revisions: Of the first and of the second run's outlines; None: the newest, 0: the segmenter's own.

        Raises:
            SegmentationNotFoundError: the viewer has no role in the project of one of them.
            NotFinishedError: one of them has no result.
            RevisionNotFoundError: one of them has no such revision.
            NotComparableError: they are not of the same pixels.
            ComparisonTooLargeError: the outlines are too long for one request.
        """
        first, second = (self.segmentations.one(viewer, id_) for id_ in (first_id, second_id))
        for run in (first, second):
            if run.status is not SegmentationStatus.SUCCEEDED:
                raise NotFinishedError(f"Segmentation {run.id} is {run.status} and has no spheroids")
        if first.image_id != second.image_id:
            raise NotComparableError("The two segmentations are of different images")
        sizes = [(run.result.width_px, run.result.height_px) if run.result else None for run in (first, second)]
        pages = [run.order.parameters.page for run in (first, second)]
        if sizes[0] != sizes[1] or pages[0] != pages[1]:
            raise NotComparableError(f"The two segmentations are of different pages: {pages[0]} and {pages[1]}")
        before, after = (
            self.revisions.page(viewer, run.id, revision, 0, MAX_SPHEROIDS)
            for run, revision in zip((first, second), revisions, strict=True)
        )
        _check_size(before, after)
        ones, others = ({one.number: one.polygons for one in page.spheroids} for page in (before, after))
        found = self.editor.paired(ones, others, sizes[0][0] if sizes[0] else 0, threshold)
        return ComparedRuns(first, before.revision, second, after.revision, found)


def _check_size(*pages: RevisedPage) -> None:
    most = max(page.spheroid_count for page in pages)
    rim_px = sum(one.measures.perimeter_with_holes_px for page in pages for one in page.spheroids)
    if most > MAX_SPHEROIDS or rim_px > MAX_RIM_PX:
        what = f"{most:,} spheroids in one run" if most > MAX_SPHEROIDS else f"{rim_px:,.0f} px of outlines"
        raise ComparisonTooLargeError(
            f"{what}; up to {MAX_SPHEROIDS:,} spheroids and {MAX_RIM_PX:,} px are compared within one request"
        )
