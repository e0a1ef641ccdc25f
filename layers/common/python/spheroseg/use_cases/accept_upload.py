"""An uploaded file becomes a stored image with a queued segmentation."""

from dataclasses import dataclass, replace
from uuid import UUID

from spheroseg.domain.image import Image, ImageStatus, inbox_image_id, inbox_parts, original_key
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import Failure, Order, Segmentation, queued, segmentation_id
from spheroseg.domain.upload_parts import digest_of_bytes, goes_in_parts
from spheroseg.errors import (
    ConflictError,
    DigestMismatchError,
    EmptyUploadError,
    ImageNotFoundError,
    InvalidInputError,
    ObjectChangedError,
    ObjectNotFoundError,
    ProjectNotFoundError,
    QuotaExceededError,
    StaleStateError,
)
from spheroseg.ports import (
    Clock,
    ImageRepository,
    ImageStore,
    ProjectRepository,
    SegmentationQueue,
    SegmentationRepository,
    StoredObject,
    UpdatePublisher,
)
from spheroseg.use_cases.dispatch_runs import DispatchRuns


@dataclass(frozen=True)
class AcceptUpload:
    """Take in a file that arrived; one that was taken in before is announced again and nothing else.

    ``original`` serves files that were announced through the API, ``inbox`` those put into a project's inbox without
    a word.
    """

    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository
    store: ImageStore
    queue: SegmentationQueue
    clock: Clock
    inbox_order: Order
    updates: UpdatePublisher | None = None

    def original(self, image_id: UUID) -> Image:
        """The image whose file lies at ``originals/{image_id}``, stored and queued.

        Raises:
            ImageNotFoundError: no such image, such as one that was deleted meanwhile; its file was removed.
            ObjectNotFoundError: the file has not arrived.
        """
        try:
            image = self.images.get(image_id)
        except ImageNotFoundError:
            self.store.delete(original_key(image_id))
            raise
        if image.status is ImageStatus.AWAITING_UPLOAD:
            image = self._accepted(image, self.store.describe(original_key(image_id)))
        self._announce(image)
        return image

    def inbox(self, key: str, etag: str, correlation_id: str) -> Image:
        """The image made of an object that was put to ``inbox/{project id}/…``; the object moves to the originals.

        Raises:
            ProjectNotFoundError, InvalidInputError: the key names no project; the object stays, marked with the reason.
            ObjectChangedError: another object lies there by now; its own event takes it in.
            QuotaExceededError: the project's owner has no room for it; the object stays, marked with the reason.
            ObjectNotFoundError: the object was removed before it was taken in.
        """
        try:
            project_id, name = inbox_parts(key)
            project = self.projects.get(project_id)
        except (InvalidInputError, ProjectNotFoundError) as error:
            self.store.refuse(key, error.code)
            raise
        image = self._expected(project, name, key, etag, correlation_id)
        if image.status is ImageStatus.AWAITING_UPLOAD:
            image = self._accepted(image, self._copied(image, key, etag))
        self._remove_from_inbox(key, etag)
        self._announce(image)
        return image

    def _expected(self, project: Project, name: str, key: str, etag: str, correlation_id: str) -> Image:
        """The row of an inbox file, there before its copy: the copy's own event must not find it missing."""
        image_id = inbox_image_id(project.id, key, etag)
        try:
            return self.images.get(image_id)  # an earlier delivery of the same event made it
        except ImageNotFoundError:
            stored = self.store.describe(key)
        if stored.etag != etag:
            raise ObjectChangedError(f"{key} is no longer the object that was announced")
        image = Image(
            id=image_id,
            project_id=project.id,
            owner_id=project.owner_id,
            name=name,
            status=ImageStatus.AWAITING_UPLOAD,
            pixel_size_um=None,
            size_bytes=stored.size_bytes,
            etag=None,
            order=self.inbox_order,
            correlation_id=correlation_id,
            created_at=self.clock.now(),
        )
        try:
            self.images.add_many([image])
        except QuotaExceededError as error:
            self.store.refuse(key, error.code)
            raise
        except ConflictError:
            return self.images.get(image.id)  # another delivery of the same event is making it now
        return image

    def _copied(self, image: Image, key: str, etag: str) -> StoredObject:
        original = original_key(image.id)
        try:
            return self.store.copy(key, etag, original)
        except (ObjectNotFoundError, ObjectChangedError) as error:
            try:
                return self.store.describe(original)  # an earlier delivery copied it
            except ObjectNotFoundError:
                self.images.delete(image)
                raise error from None

    def _accepted(self, image: Image, stored: StoredObject) -> Image:
        try:
            if stored.size_bytes == 0:
                after = image.refused(Failure.of(_empty(image.name)))
                self.images.replace(image, after)
            elif (digest := self._digest(image, stored)) != image.digest and image.digest is not None:
                after = image.given_up(Failure.of(_altered(image.name)))
                self.images.replace(image, after)
                self.store.delete(original_key(image.id))
            else:
                told = replace(image, digest=digest)
                after = told.stored(size_bytes=stored.size_bytes, etag=stored.etag, at=self.clock.now())
                self.images.accept(image, after, self._segmentation_of(after))
        except StaleStateError:
            return self.images.get(image.id)  # the same event, handled twice at once
        return after

    def _digest(self, image: Image, stored: StoredObject) -> str | None:
        """Of the bytes that arrived; what was announced tells nothing, but of parts, which were checked one by one.

        None for a large file that nobody announced: reading it would take longer than a call may.
        """
        if image.digest is not None and not image.digest.startswith(digest_of_bytes("")):
            return image.digest
        if image.digest is None and goes_in_parts(stored.size_bytes):
            return None
        return digest_of_bytes(self.store.sha256(original_key(image.id)))

    def _segmentation_of(self, image: Image) -> Segmentation:
        return queued(
            image_id=image.id,
            project_id=image.project_id,
            owner_id=image.owner_id,
            order=image.order,
            correlation_id=image.correlation_id,
            at=self.clock.now(),
        )

    def _announce(self, image: Image) -> None:
        if image.status is not ImageStatus.STORED:
            return
        id_ = segmentation_id(image.id, image.order)
        segmentation = self.segmentations.get_many([id_]).get(id_)
        if segmentation is not None:  # a copy of an image has only those runs of the original that succeeded
            DispatchRuns(self.segmentations, self.queue, self.clock, self.updates).announce(segmentation)

    def _remove_from_inbox(self, key: str, etag: str) -> None:
        try:
            if self.store.describe(key).etag == etag:
                self.store.delete(key)
        except ObjectNotFoundError:
            return  # removed by an earlier delivery of the same event


def _altered(name: str) -> DigestMismatchError:
    return DigestMismatchError(f"The bytes of {name} are not those whose SHA-256 was announced; upload it again")


def _empty(name: str) -> EmptyUploadError:
    return EmptyUploadError(f"{name} holds no bytes; upload it again")
