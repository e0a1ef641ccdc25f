"""Objects below many parents, each kind read at once: what a graph is answered with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar
from uuid import UUID

from spheroseg.domain.access import Accessible
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.image_list import ImageKey, ImageQuery
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import BatchReads, SegmentationRepository

Item = TypeVar("Item")
Cut: TypeAlias = tuple[Sequence[Item], bool]
"""Up to ``limit`` items, and whether there are more."""


@dataclass(frozen=True)
class ReadTogether:
    """Whatever the viewer may read of what was named, in one statement a call; the rest is left out, never refused."""

    batches: BatchReads
    segmentations: SegmentationRepository

    def projects(self, viewer: Viewer, project_ids: Sequence[UUID]) -> Mapping[UUID, Accessible[Project]]:
        """Projects by id, with the viewer's role."""
        return self.batches.projects(viewer, project_ids)

    def images(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Image]:
        """Images by id."""
        return self.batches.images(viewer, image_ids)

    def runs(self, viewer: Viewer, segmentation_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        """Runs by id."""
        return self.batches.segmentations(viewer, segmentation_ids)

    def images_of_projects(
        self, viewer: Viewer, project_ids: Sequence[UUID], query: ImageQuery, after: ImageKey | None, limit: int
    ) -> Mapping[UUID, Cut[Image]]:
        """The images asked for of each project, in their order, past ``after``."""
        return _cut(self.batches.images_of_projects(viewer, project_ids, query, after, limit + 1), project_ids, limit)

    def image_counts(self, viewer: Viewer, project_ids: Sequence[UUID]) -> Mapping[UUID, Mapping[ImageStatus, int]]:
        """How many images each project has in each status, 0 included."""
        found = self.batches.image_counts(viewer, project_ids)
        return {id_: {status: found.get(id_, {}).get(status, 0) for status in ImageStatus} for id_ in project_ids}

    def latest_runs(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        """The latest queued run of each image that has one."""
        return self.segmentations.latest_of_images(viewer, image_ids)

    def runs_of_images(
        self, viewer: Viewer, image_ids: Sequence[UUID], page: int | None, after: PageKey | None, limit: int
    ) -> Mapping[UUID, Cut[Segmentation]]:
        """Runs of each image, or of one page of each, the latest queued first, older than ``after``."""
        return _cut(self.batches.segmentations_of_images(viewer, image_ids, page, after, limit + 1), image_ids, limit)

    def run_counts(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """How many runs each image has, 0 included."""
        found = self.batches.segmentation_counts(viewer, image_ids)
        return {id_: found.get(id_, 0) for id_ in image_ids}

    def spheroids_of_runs(
        self, viewer: Viewer, segmentation_ids: Sequence[UUID], after_number: int, limit: int
    ) -> Mapping[UUID, Cut[Spheroid]]:
        """Spheroids of each run in order of their numbers, above ``after_number``."""
        found = self.batches.spheroids_of_segmentations(viewer, segmentation_ids, after_number, limit + 1)
        return _cut(found, segmentation_ids, limit)


def _cut(found: Mapping[UUID, Sequence[Item]], ids: Sequence[UUID], limit: int) -> dict[UUID, Cut[Item]]:
    return {id_: (found.get(id_, ())[:limit], len(found.get(id_, ())) > limit) for id_ in ids}
