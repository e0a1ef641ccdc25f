"""Objects below many parents, each kind read at once: what a graph is answered with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from spheroseg.domain.access import Accessible
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.paging import Page, PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import BatchReads, SegmentationRepository

Item = TypeVar("Item")


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
        self, viewer: Viewer, project_ids: Sequence[UUID], after: PageKey | None, limit: int
    ) -> Mapping[UUID, Page[Image]]:
        """A page of images for each project, newest first."""
        found = self.batches.images_of_projects(viewer, project_ids, after, limit + 1)
        return {id_: _page(found.get(id_, ()), limit, _image_key) for id_ in project_ids}

    def image_counts(self, viewer: Viewer, project_ids: Sequence[UUID]) -> Mapping[UUID, Mapping[ImageStatus, int]]:
        """How many images each project has in each status, 0 included."""
        found = self.batches.image_counts(viewer, project_ids)
        return {id_: {status: found.get(id_, {}).get(status, 0) for status in ImageStatus} for id_ in project_ids}

    def latest_runs(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        """The latest queued run of each image that has one."""
        return self.segmentations.latest_of_images(viewer, image_ids)

    def runs_of_images(
        self, viewer: Viewer, image_ids: Sequence[UUID], after: PageKey | None, limit: int
    ) -> Mapping[UUID, Page[Segmentation]]:
        """A page of runs for each image, the latest queued first."""
        found = self.batches.segmentations_of_images(viewer, image_ids, after, limit + 1)
        return {id_: _page(found.get(id_, ()), limit, _run_key) for id_ in image_ids}

    def run_counts(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """How many runs each image has, 0 included."""
        found = self.batches.segmentation_counts(viewer, image_ids)
        return {id_: found.get(id_, 0) for id_ in image_ids}

    def spheroids_of_runs(
        self, viewer: Viewer, segmentation_ids: Sequence[UUID], after_number: int, limit: int
    ) -> Mapping[UUID, tuple[Sequence[Spheroid], bool]]:
        """Up to ``limit`` spheroids of each run in order of their numbers, and whether there are more."""
        found = self.batches.spheroids_of_segmentations(viewer, segmentation_ids, after_number, limit + 1)
        return {id_: (found.get(id_, ())[:limit], len(found.get(id_, ())) > limit) for id_ in segmentation_ids}


def _image_key(image: Image) -> PageKey:
    return PageKey(image.created_at, image.id)


def _run_key(run: Segmentation) -> PageKey:
    return PageKey(run.queued_at, run.id)


def _page(found: Sequence[Item], limit: int, key_of: Callable[[Item], PageKey]) -> Page[Item]:
    return Page(found[:limit], key_of(found[limit - 1]) if len(found) > limit else None)
