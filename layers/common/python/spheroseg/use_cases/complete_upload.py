"""An uploader says that its file is there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.image import Image, ImageStatus, original_key
from spheroseg.domain.upload_parts import UploadPart, digest_of_parts, part_count, part_size
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import NotStoredYetError, ObjectNotFoundError, PartsMissingError, StaleStateError
from spheroseg.ports import ImageRepository, ImageStore
from spheroseg.use_cases.accept_upload import AcceptUpload


@dataclass(frozen=True)
class CompleteUpload:
    """Put the parts together where there are some, and take the file in; doing it again changes nothing."""

    images: ImageRepository
    store: ImageStore
    accept_upload: AcceptUpload

    def __call__(self, viewer: Viewer, image_id: UUID) -> Image:
        """The image, stored or refused.

        Raises:
            ImageNotFoundError: the viewer has no role in its project.
            RoleTooLowError, ProjectArchivedError: the viewer may not write there, or nobody may.
            PartsMissingError: some of its parts have not arrived.
            NotStoredYetError: nothing has arrived.
        """
        image = self.images.accessible(viewer, image_id).to(Action.WRITE)
        if image.status is ImageStatus.AWAITING_UPLOAD and image.upload_id is not None:
            self._put_together(image, image.upload_id)
        try:
            return self.accept_upload.original(image_id)
        except ObjectNotFoundError as error:
            raise NotStoredYetError(f"The file of image {image_id} has not arrived; upload it with its form") from error

    def _put_together(self, image: Image, upload_id: str) -> None:
        key = original_key(image.id)
        try:
            parts = self.store.parts(key, upload_id)
        except ObjectNotFoundError:
            return  # it was put together before, or dropped after a day; what lies there tells
        _require_all(image, parts)
        try:
            self.images.replace(image, replace(image, digest=digest_of_parts(parts)))
        except StaleStateError:
            return  # another call is at it
        try:
            self.store.end_parts(key, upload_id, parts)
        except ObjectNotFoundError:
            return


def _require_all(image: Image, parts: Sequence[UploadPart]) -> None:
    """Return when every part is there in its size, so that together they are the file that was announced."""
    size_bytes = image.size_bytes or 0
    sizes = {part.number: part.size_bytes for part in parts}
    wanted = {number: part_size(size_bytes, number) for number in range(1, part_count(size_bytes) + 1)}
    if missing := [number for number, size in wanted.items() if sizes.get(number) != size]:
        raise PartsMissingError(f"{len(missing)} of {len(wanted)} parts have not arrived, the first is {missing[0]}")
