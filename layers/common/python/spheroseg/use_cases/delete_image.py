"""An image goes, with all that was made of it."""

from dataclasses import dataclass, replace
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.image import original_key
from spheroseg.domain.segmentation import result_prefix
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import ImageRepository, ImageStore, SegmentationRepository


@dataclass(frozen=True)
class DeleteImage:
    """Remove an image, its runs, spheroids and objects.

    Objects go first: what fails half-way can be asked for again, while the row still tells what is left. A worker
    that is at it finds its row gone and removes what it wrote; what one finished between the two is removed at last.
    """

    images: ImageRepository
    segmentations: SegmentationRepository
    store: ImageStore

    def __call__(self, viewer: Viewer, image_id: UUID) -> None:
        """Nothing is left.

        Raises:
            ImageNotFoundError: the viewer has no role in its project.
            RoleTooLowError, ProjectArchivedError: the viewer may not write there, or nobody may.
        """
        image = self.images.accessible(viewer, image_id).to(Action.WRITE)
        segmentations = self.segmentations.of_image(replace(viewer, read_after=None), image.id)
        for files_id in self.images.leave([image.id]).get(image.id, ()):
            self.store.delete_under(result_prefix(files_id))
        if image.upload_id is not None:
            self.store.drop_parts(original_key(image.id), image.upload_id)
        self.store.delete(original_key(image.id))
        self.images.delete(image)
        for segmentation in segmentations:
            if not segmentation.status.is_final:
                self.store.delete_under(result_prefix(segmentation.id))
