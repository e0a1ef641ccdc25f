"""Reads for many parents at once, over the other fakes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from spheroseg.domain.access import Accessible
from spheroseg.domain.image import Image
from spheroseg.domain.image_list import ImageKey, ImageQuery
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import NotFoundError
from tests.fakes.images import InMemoryImages
from tests.fakes.projects import InMemoryProjects
from tests.fakes.revisions import InMemoryRevisions
from tests.fakes.segmentations import InMemorySegmentations

Found = TypeVar("Found")


@dataclass
class InMemoryBatches:
    """One read after the other, as PostgreSQL does them together."""

    projects_: InMemoryProjects
    images_: InMemoryImages
    segmentations_: InMemorySegmentations
    revisions_: InMemoryRevisions

    def projects(self, viewer: Viewer, project_ids: Sequence[UUID]) -> Mapping[UUID, Accessible[Project]]:
        return _those_found(project_ids, lambda id_: self.projects_.one(viewer, id_))

    def images(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Image]:
        return _those_found(image_ids, lambda id_: self.images_.one(viewer, id_))

    def segmentations(self, viewer: Viewer, segmentation_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        return _those_found(segmentation_ids, lambda id_: self.segmentations_.one(viewer, id_))

    def images_of_projects(
        self, viewer: Viewer, project_ids: Sequence[UUID], query: ImageQuery, after: ImageKey | None, limit: int
    ) -> Mapping[UUID, Sequence[Image]]:
        return {id_: self.images_.search(viewer, id_, query, after, limit) for id_ in project_ids}

    def image_counts(self, viewer: Viewer, project_ids: Sequence[UUID]) -> Mapping[UUID, Mapping[str, int]]:
        counts: dict[UUID, dict[str, int]] = {}
        for id_ in project_ids:
            for image in self.images_.page(viewer, id_, None, 10**9):
                of_project = counts.setdefault(id_, {})
                of_project[image.status] = of_project.get(image.status, 0) + 1
        return counts

    def segmentations_of_images(
        self, viewer: Viewer, image_ids: Sequence[UUID], page: int | None, after: PageKey | None, limit: int
    ) -> Mapping[UUID, Sequence[Segmentation]]:
        return {id_: self.segmentations_.page_of_image(viewer, id_, page, after, limit) for id_ in image_ids}

    def segmentation_counts(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        return {id_: len(runs) for id_ in image_ids if (runs := self.segmentations_.of_image(viewer, id_))}

    def spheroids_of_segmentations(
        self, viewer: Viewer, segmentation_ids: Sequence[UUID], after_number: int, limit: int
    ) -> Mapping[UUID, Sequence[Spheroid]]:
        pages = _those_found(
            segmentation_ids, lambda id_: self.revisions_.page(viewer, id_, None, after_number, limit).spheroids
        )
        return {id_: pages.get(id_, []) for id_ in segmentation_ids}


def _those_found(ids: Sequence[UUID], read: Callable[[UUID], Found]) -> dict[UUID, Found]:
    found = {}
    for id_ in ids:
        try:
            found[id_] = read(id_)
        except NotFoundError:
            continue
    return found
