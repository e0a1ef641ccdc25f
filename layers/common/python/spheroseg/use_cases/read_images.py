"""Images that the viewer may read, each with its latest segmentation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from spheroseg.domain.image import Image
from spheroseg.domain.image_list import ImageKey, ImageQuery
from spheroseg.domain.paging import Page, PageKey
from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import HotReads, ImageRepository, ProjectRepository, SegmentationRepository
from spheroseg.use_cases.read_afresh import ReadAfresh


@dataclass(frozen=True)
class ImageView:
    """An image and its latest run, None before one is queued."""

    image: Image
    segmentation: Segmentation | None


@dataclass(frozen=True)
class ReadImages:
    """One image, or a page of a project's images; two statements a page, however long it is."""

    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository
    hot: HotReads = field(default_factory=ReadAfresh)

    def one(self, viewer: Viewer, image_id: UUID) -> ImageView:
        """An image that the viewer may read, or ``ImageNotFoundError``."""
        return self._views(viewer, [self.images.one(viewer, image_id)])[0]

    def page(self, viewer: Viewer, project_id: UUID, after: PageKey | None, limit: int) -> Page[ImageView]:
        """Images of a project that the viewer may read, newest first, or ``ProjectNotFoundError``."""
        self.projects.one(viewer, project_id)
        found = list(self.images.page(viewer, project_id, after, limit + 1))
        views = self._views(viewer, found[:limit])
        return Page(views, PageKey(found[limit - 1].created_at, found[limit - 1].id) if len(found) > limit else None)

    def search(
        self,
        viewer: Viewer,
        project_id: UUID,
        query: ImageQuery,
        after: ImageKey | None,
        limit: int,
        *,
        with_segmentations: bool = True,
    ) -> tuple[Sequence[ImageView], ImageKey | None]:
        """The images asked for, in their order, and where the next page begins, or ``ProjectNotFoundError``.

        Args:
            with_segmentations: False leaves away the latest runs, and the statement that reads them.
        """

        def read(reader: Viewer) -> tuple[ImageView, ...]:
            self.projects.one(reader, project_id)
            found = list(self.images.search(reader, project_id, query, after, limit + 1))
            views = self._views(reader, found) if with_segmentations else [ImageView(image, None) for image in found]
            return tuple(views)

        if after is None:
            question = f"images: {query} {limit} {with_segmentations}"
            views = self.hot.of_project(viewer, project_id, question, tuple[ImageView, ...], read)
        else:
            views = read(viewer)
        return views[:limit], query.key_of(views[limit - 1].image) if len(views) > limit else None

    def _views(self, viewer: Viewer, images: list[Image]) -> list[ImageView]:
        latest = self.segmentations.latest_of_images(viewer, [image.id for image in images])
        return [ImageView(image, latest.get(image.id)) for image in images]
