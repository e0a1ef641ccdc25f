"""What was tried as often as allowed ends as a failure that its owner sees."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.image import Image, ImageStatus, inbox_image_id, inbox_parts
from spheroseg.domain.segmentation import Failure, Order, Segmentation
from spheroseg.errors import (
    HeldElsewhereError,
    ImageNotFoundError,
    InvalidInputError,
    ProjectNotFoundError,
    RetriesExhaustedError,
    SegmentationNotFoundError,
    StaleStateError,
    UploadNotAcceptedError,
)
from spheroseg.messages import SegmentationChanged
from spheroseg.ports import Clock, ImageRepository, ProjectRepository, SegmentationRepository, UpdatePublisher


@dataclass(frozen=True)
class FailDeadLetter:
    """Give a dead letter's run or image its final status; one that went well after all, or is gone, stays as it is."""

    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository
    updates: UpdatePublisher
    clock: Clock
    inbox_order: Order

    def segmentation(self, segmentation_id: UUID) -> Segmentation | None:
        """The run as it stands now; None when it was deleted.

        Raises:
            HeldElsewhereError: a worker is at it, by another copy of the message; the letter is to be read again.
            StaleStateError: it changed just now; the letter is to be read again.
        """
        try:
            before = self.segmentations.get(segmentation_id)
        except SegmentationNotFoundError:
            return None
        if before.is_held(self.clock.now()):
            raise HeldElsewhereError(f"Segmentation {segmentation_id} is still worked on")
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
        after = before.refused(_not_accepted(before.name))
        try:
            self.images.replace(before, after)
        except StaleStateError:
            return self.images.get(image_id)  # taken in by the sweep meanwhile
        return after

    def inbox(self, key: str, etag: str, correlation_id: str) -> Image | None:
        """A refused image for a file that still lies in the inbox; None when no project would show it."""
        try:
            project_id, name = inbox_parts(key)
            project = self.projects.get(project_id)
        except (InvalidInputError, ProjectNotFoundError):
            return None
        image_id = inbox_image_id(project_id, key, etag)
        if (present := self.upload(image_id)) is not None:
            return present
        refused = Image(
            id=image_id,
            project_id=project.id,
            owner_id=project.owner_id,
            name=name,
            status=ImageStatus.REFUSED,
            pixel_size_um=None,
            size_bytes=None,
            etag=etag,
            order=self.inbox_order,
            correlation_id=correlation_id,
            created_at=self.clock.now(),
            failure=_not_accepted(name),
        )
        self.images.add_many([refused])
        return refused


def _not_accepted(name: str) -> Failure:
    return Failure.of(UploadNotAcceptedError(f"{name} arrived but could not be taken in; upload it again"))
