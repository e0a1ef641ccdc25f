"""A large file goes over in parts, which may be resumed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.image import Image, ImageStatus, original_key
from spheroseg.domain.upload_parts import UploadPart, goes_in_parts, part_count, part_size
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import IllegalMoveError, InvalidInputError, NotInPartsError, ObjectNotFoundError, StaleStateError
from spheroseg.ports import ImageRepository, ImageStore, PartLink

MAX_LINKS = 100
"""Links in one answer: 1.6 GB, for which an hour is enough at 4 Mbit/s."""
LINK_LIFETIME = timedelta(hours=1)


@dataclass(frozen=True)
class UploadInParts:
    """Links for the parts of an announced file, and which have arrived."""

    images: ImageRepository
    store: ImageStore

    def links(self, viewer: Viewer, image_id: UUID, digests: Mapping[int, str]) -> tuple[Image, Sequence[PartLink]]:
        """Where to put some parts; the first call begins the upload, later ones go on with it.

        Args:
            digests: SHA-256 of each part's bytes by its number, from 1, in hexadecimal digits.

        Raises:
            ImageNotFoundError, RoleTooLowError, ProjectArchivedError: the viewer may not write there.
            IllegalMoveError, NotInPartsError: it is there already, or a small file.
            InvalidInputError: the file has no part of that number.
        """
        image, size_bytes = self._awaited(viewer, image_id)
        count = part_count(size_bytes)
        if wrong := sorted(number for number in digests if not 1 <= number <= count):
            raise InvalidInputError(f"{image.name} has parts 1 to {count}, and none of number {wrong[0]}")
        image = self._begun(image)
        parts = [
            UploadPart(number, part_size(size_bytes, number), sha256) for number, sha256 in sorted(digests.items())
        ]
        return image, self.store.part_links(original_key(image.id), _upload_of(image), parts, LINK_LIFETIME)

    def arrived(self, viewer: Viewer, image_id: UUID) -> tuple[Image, Sequence[UploadPart]]:
        """The parts that have arrived, by number; what is missing is still to be sent.

        Raises:
            ImageNotFoundError, RoleTooLowError, ProjectArchivedError: the viewer may not write there.
            IllegalMoveError, NotInPartsError: it is there already, or a small file.
        """
        image, _ = self._awaited(viewer, image_id)
        if image.upload_id is None:
            return image, []
        try:
            return image, self.store.parts(original_key(image.id), image.upload_id)
        except ObjectNotFoundError:
            return image, []  # dropped after a day, or just now made a file

    def drop(self, viewer: Viewer, image_id: UUID) -> None:
        """Forget all parts; the file may be sent anew.

        Raises:
            ImageNotFoundError, RoleTooLowError, ProjectArchivedError: the viewer may not write there.
            IllegalMoveError, NotInPartsError: it is there already, or a small file.
        """
        image, _ = self._awaited(viewer, image_id)
        if image.upload_id is not None:
            self.store.drop_parts(original_key(image.id), image.upload_id)
            self.images.replace(image, image.with_upload(None))

    def _awaited(self, viewer: Viewer, image_id: UUID) -> tuple[Image, int]:
        image = self.images.accessible(viewer, image_id).to(Action.WRITE)
        if image.status is not ImageStatus.AWAITING_UPLOAD:
            raise IllegalMoveError(f"Image {image.id} is {image.status} and takes no more parts")
        if image.size_bytes is None or not goes_in_parts(image.size_bytes):
            raise NotInPartsError(f"{image.name} goes over in one piece; send it with the form of its announcement")
        return image, image.size_bytes

    def _begun(self, image: Image) -> Image:
        key = original_key(image.id)
        if image.upload_id is not None:
            try:
                self.store.parts(key, image.upload_id)
            except ObjectNotFoundError:
                pass  # dropped after a day: another one begins
            else:
                return image
        after = image.with_upload(self.store.begin_parts(key))
        try:
            self.images.replace(image, after)
        except StaleStateError:  # begun twice at once: the first one counts
            self.store.drop_parts(key, _upload_of(after))
            return self.images.get(image.id)
        return after


def _upload_of(image: Image) -> str:
    if image.upload_id is None:
        raise IllegalMoveError(f"The upload of image {image.id} has ended meanwhile")
    return image.upload_id
