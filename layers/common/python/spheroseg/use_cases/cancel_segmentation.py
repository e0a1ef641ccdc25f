"""A run that nobody wants any more."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.domain.viewer import Viewer
from spheroseg.messages import SegmentationChanged
from spheroseg.ports import Clock, SegmentationRepository, UpdatePublisher


@dataclass(frozen=True)
class CancelSegmentation:
    """Stop a run that waits or works; cancelling it again changes nothing."""

    segmentations: SegmentationRepository
    updates: UpdatePublisher
    clock: Clock

    def __call__(self, viewer: Viewer, segmentation_id: UUID) -> Segmentation:
        """The cancelled run.

        Raises:
            SegmentationNotFoundError: the viewer has no role in its project.
            RoleTooLowError, ProjectArchivedError: the viewer may not write there, or nobody may.
            IllegalMoveError: it has ended already.
            StaleStateError: it changed just now; read it again.
        """
        before = self.segmentations.accessible(viewer, segmentation_id).to(Action.WRITE)
        after = before
        if before.status is not SegmentationStatus.CANCELLED:
            after = before.cancelled(self.clock.now())
            self.segmentations.replace(before, after)
        self.updates.publish(SegmentationChanged.of(after, self.clock.now()))
        return after
