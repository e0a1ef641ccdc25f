"""Many things by one statement."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from spheroseg.domain.access import Accessible
from spheroseg.domain.image import Image
from spheroseg.domain.image_list import ImageKey, ImageQuery
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer


class BatchReads(Protocol):
    """Rows below many parents at once; what the viewer may not read is left out, as if it were not there."""

    def projects(self, viewer: Viewer, project_ids: Sequence[UUID]) -> Mapping[UUID, Accessible[Project]]:
        """Those of the projects that the viewer has a role in."""

    def images(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Image]:
        """Those of the images that the viewer may read."""

    def segmentations(self, viewer: Viewer, segmentation_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        """Those of the runs that the viewer may read."""

    def images_of_projects(
        self, viewer: Viewer, project_ids: Sequence[UUID], query: ImageQuery, after: ImageKey | None, limit: int
    ) -> Mapping[UUID, Sequence[Image]]:
        """Up to ``limit`` images of each project: those asked for, in their order, past ``after``."""

    def image_counts(self, viewer: Viewer, project_ids: Sequence[UUID]) -> Mapping[UUID, Mapping[str, int]]:
        """How many images each project has, by status."""

    def segmentations_of_images(
        self, viewer: Viewer, image_ids: Sequence[UUID], page: int | None, after: PageKey | None, limit: int
    ) -> Mapping[UUID, Sequence[Segmentation]]:
        """Up to ``limit`` runs of each image, the latest queued first, older than ``after``.

        Args:
            page: Only runs over this page of their files; None: over any.
        """

    def segmentation_counts(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """How many runs each image has that has any."""

    def spheroids_of_segmentations(
        self, viewer: Viewer, segmentation_ids: Sequence[UUID], after_number: int, limit: int
    ) -> Mapping[UUID, Sequence[Spheroid]]:
        """Up to ``limit`` spheroids of each run, above ``after_number``, in order of number."""
