"""Segmentations that the viewer may read, their spheroids, and links to their files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from spheroseg.domain.backlog import Backlog
from spheroseg.domain.paging import Page, PageKey
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import NotFinishedError
from spheroseg.ports import Clock, DownloadLinks, ImageRepository, RevisionRepository, SegmentationRepository

LINK_LIFETIME = timedelta(hours=1)
LABELS_FILE = "labels.tif"
OUTLINES_FILE = "outlines.geojson"
PREVIEW_FILE = "preview.jpg"


@dataclass(frozen=True)
class ResultLinks:
    """Signed addresses of a run's files, valid for an hour; the files never change."""

    labels: str
    outlines: str
    preview: str


@dataclass(frozen=True)
class SpheroidPage:
    """Some spheroids of a run in one revision of its outlines.

    Args:
        spheroid_count: All that are in the revision.
        next_after: The number after which the next page begins; None: this is the last one.
    """

    segmentation: Segmentation
    revision: int
    spheroid_count: int
    spheroids: Sequence[Spheroid]
    next_after: int | None


@dataclass(frozen=True)
class ReadSegmentations:
    """One run, the runs of an image, and what a run found."""

    images: ImageRepository
    segmentations: SegmentationRepository
    links: DownloadLinks
    clock: Clock
    revisions: RevisionRepository

    def one(self, viewer: Viewer, segmentation_id: UUID) -> Segmentation:
        """A run that the viewer may read, or ``SegmentationNotFoundError``."""
        return self.segmentations.one(viewer, segmentation_id)

    def of_image(
        self, viewer: Viewer, image_id: UUID, page: int | None, after: PageKey | None, limit: int
    ) -> Page[Segmentation]:
        """Runs of an image that the viewer may read, the latest queued first, or ``ImageNotFoundError``.

        Args:
            page: Only runs over this page of its file; None: over any.
        """
        self.images.one(viewer, image_id)
        found = self.segmentations.page_of_image(viewer, image_id, page, after, limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        return Page(list(found[:limit]), PageKey(last.queued_at, last.id) if last else None)

    def backlog_before(self, segmentation: Segmentation) -> Backlog | None:
        """What a waiting run waits for; None when it does not wait."""
        if segmentation.status is not SegmentationStatus.QUEUED:
            return None
        return self.segmentations.backlog(self.clock.now(), segmentation)

    def result_links(self, segmentation: Segmentation) -> ResultLinks | None:
        """Links to a run's files; None before it succeeded. The run must have been read for its viewer."""
        if segmentation.status is not SegmentationStatus.SUCCEEDED:
            return None
        prefix = segmentation.files_prefix
        return ResultLinks(
            labels=self.links.link(prefix + LABELS_FILE, LINK_LIFETIME),
            outlines=self.links.link(prefix + OUTLINES_FILE, LINK_LIFETIME),
            preview=self.links.link(prefix + PREVIEW_FILE, LINK_LIFETIME),
        )

    def spheroids(
        self, viewer: Viewer, segmentation_id: UUID, after_number: int, limit: int, revision: int | None = None
    ) -> SpheroidPage:
        """Spheroids of a run that the viewer may read, in order of their numbers.

        Args:
            revision: Of its outlines; 0: the segmenter's own, None: the newest.

        Raises:
            SegmentationNotFoundError: the viewer has no role in its project.
            NotFinishedError: it has no result, or not yet.
            RevisionNotFoundError: it has no such revision.
        """
        segmentation = self.one(viewer, segmentation_id)
        if segmentation.status is not SegmentationStatus.SUCCEEDED:
            raise NotFinishedError(f"Segmentation {segmentation_id} is {segmentation.status} and has no spheroids")
        found = self.revisions.page(viewer, segmentation_id, revision, after_number, limit)
        return SpheroidPage(segmentation, found.revision, found.spheroid_count, found.spheroids, found.next_after)
