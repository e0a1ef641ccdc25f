"""Another run over an image that is there already."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.image import ImageStatus
from spheroseg.domain.segmentation import Order, Segmentation, SegmentationStatus, queued
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import NotStoredYetError
from spheroseg.ports import Clock, ImageRepository, SegmentationQueue, SegmentationRepository, UpdatePublisher
from spheroseg.use_cases.dispatch_runs import DispatchRuns


@dataclass(frozen=True)
class RequestSegmentation:
    """Queue a run; the same model and parameters again give the run that exists, unless that failed or was cancelled.

    A run that ended without a result stays as it is, and a new one follows it.
    """

    images: ImageRepository
    segmentations: SegmentationRepository
    queue: SegmentationQueue
    clock: Clock
    updates: UpdatePublisher | None = None

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
        wanted = queued(
            image_id=image.id,
            project_id=image.project_id,
            owner_id=image.owner_id,
            order=order,
            correlation_id=correlation_id,
            at=self.clock.now(),
            requested_by=viewer.user_id,
        )
        latest = self.segmentations.latest_repeats([wanted.id]).get(wanted.id)
        if latest is not None and latest.status not in {SegmentationStatus.FAILED, SegmentationStatus.CANCELLED}:
            return self._announced(latest)
        run = wanted if latest is None else wanted.after(latest)
        self.segmentations.add(run)  # or another request at the same time did
        return self._announced(self.segmentations.get(run.id))

    def _announced(self, run: Segmentation) -> Segmentation:
        DispatchRuns(self.segmentations, self.queue, self.clock, self.updates).announce(run)
        return run if run.status.is_final else self.segmentations.get(run.id)
