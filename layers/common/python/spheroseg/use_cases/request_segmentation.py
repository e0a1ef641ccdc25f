"""Another run over an image that is there already."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.image import ImageStatus
from spheroseg.domain.segmentation import (
    Order,
    Segmentation,
    SegmentationStatus,
    queued,
    segmentation_id,
)
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import NotStoredYetError, StaleStateError
from spheroseg.messages import SegmentationRequested
from spheroseg.ports import Clock, ImageRepository, SegmentationQueue, SegmentationRepository


@dataclass(frozen=True)
class RequestSegmentation:
    """Queue a run; the same model and parameters again give the run that exists, queued anew if it had failed."""

    images: ImageRepository
    segmentations: SegmentationRepository
    queue: SegmentationQueue
    clock: Clock

    def __call__(self, viewer: Viewer, image_id: UUID, order: Order, correlation_id: str) -> Segmentation:
        """The run: queued, or as far as it already is.

        Raises:
            ImageNotFoundError: the viewer has no role in its project.
            RoleTooLowError, ProjectArchivedError: the viewer may not write there, or nobody may.
            NotStoredYetError: its file has not arrived, or was refused.
        """
        image = self.images.accessible(viewer, image_id).to(Action.WRITE)
        if image.status is not ImageStatus.STORED:
            raise NotStoredYetError(f"Image {image_id} is {image.status}; upload its file first")
        segmentation = queued(
            image_id=image.id,
            project_id=image.project_id,
            owner_id=image.owner_id,
            order=order,
            correlation_id=correlation_id,
            at=self.clock.now(),
        )
        if not self.segmentations.add(segmentation):
            segmentation = self._existing(segmentation_id(image_id, order), order)
        if segmentation.status is SegmentationStatus.QUEUED:
            self.queue.send([(segmentation.order.priority, SegmentationRequested.of(segmentation))])
        return segmentation

    def _existing(self, existing_id: UUID, order: Order) -> Segmentation:
        before = self.segmentations.get(existing_id)
        if before.status not in {SegmentationStatus.FAILED, SegmentationStatus.CANCELLED}:
            return before
        after = before.requested_again(order.priority, self.clock.now())
        try:
            self.segmentations.replace(before, after)
        except StaleStateError:
            return self.segmentations.get(existing_id)  # asked for twice at once
        return after
