"""What was tried as often as allowed ends as a failure that its owner sees."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.segmentation import Failure, Segmentation
from spheroseg.errors import (
    ImageNotFoundError,
    RetriesExhaustedError,
    SegmentationNotFoundError,
    StaleStateError,
    UploadNotAcceptedError,
)
from spheroseg.messages import SegmentationChanged
from spheroseg.ports import Clock, ImageRepository, SegmentationRepository, UpdatePublisher


@dataclass(frozen=True)
class FailDeadLetter:
    """Give a dead letter's run or image its final status; one that went well after all, or is gone, stays as it is."""

    images: ImageRepository
    segmentations: SegmentationRepository
    updates: UpdatePublisher
    clock: Clock

    def segmentation(self, segmentation_id: UUID) -> Segmentation | None:
        """The run as it stands now; None when it was deleted.

        Raises:
            StaleStateError: it changed just now; the letter is to be read again.
        """
        try:
            before = self.segmentations.get(segmentation_id)
        except SegmentationNotFoundError:
            return None
        after = before
        if not before.status.is_final:
            error = RetriesExhaustedError(
                f"The segmentation was tried {before.attempt} times and could not be finished; request it again, "
                "or report its id if it fails again"
            )
            after = before.failed(Failure.of(error), self.clock.now())
            self.segmentations.replace(before, after)
        self.updates.publish(SegmentationChanged.of(after, self.clock.now()))
        return after

    def upload(self, image_id: UUID) -> Image | None:
        """The image as it stands now; None when it was deleted."""
        try:
            before = self.images.get(image_id)
        except ImageNotFoundError:
            return None
        if before.status is not ImageStatus.AWAITING_UPLOAD:
            return before
        error = UploadNotAcceptedError(f"{before.name} arrived but could not be taken in; upload it again")
        after = before.refused(Failure.of(error))
        try:
            self.images.replace(before, after)
        except StaleStateError:
            return self.images.get(image_id)  # taken in by the sweep meanwhile
        return after
