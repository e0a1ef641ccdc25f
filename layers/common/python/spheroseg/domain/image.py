"""Image: an uploaded file, its statuses and their moves."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, Self
from uuid import UUID, uuid5

from spheroseg.domain.pages import Pages
from spheroseg.domain.sample import READERS, Sample
from spheroseg.domain.segmentation import Failure, Order
from spheroseg.errors import IllegalMoveError, InvalidInputError

NAME_MAX_LENGTH = 255


class ImageStatus(StrEnum):
    """Where an image's file is on its way in."""

    AWAITING_UPLOAD = "awaiting_upload"
    STORED = "stored"
    REFUSED = "refused"


@dataclass(frozen=True)
class Image:
    """One uploaded file and what its owner asked to be done with it.

    Args:
        name: The file's name as the user gave it; only shown, never used as a path or key.
        pixel_size_um: Edge of one pixel in µm as the user gave it, before the file's own value; None when not given.
        size_bytes: As announced, then as stored.
        etag: The store's tag of the stored bytes, None before they arrive.
        order: The segmentation that starts when the file arrives.
        correlation_id: Follows the image through every log line, from the request to the worker.
        failure: Why the file was refused.
        pages: How many pages its file has, and what they run over; None before it was decoded for the first time.
        digest: Of its bytes, as ``upload_parts`` writes it: told by whoever announced it, checked when it arrives; None
            when nobody told it.
        upload_id: The store's name of an upload in parts that is under way.
        tags: Up to ten words of its owner.
        sample: What it shows, as its owner says it.
        duplicate_of: An image of the same project with the same bytes, which was stored before; None: there is none.
        version: Larger after each change that was stored; only told, never compared.
    """

    id: UUID
    project_id: UUID
    owner_id: str
    name: str
    status: ImageStatus
    pixel_size_um: float | None
    size_bytes: int | None
    etag: str | None
    order: Order
    correlation_id: str
    created_at: datetime
    stored_at: datetime | None = None
    failure: Failure | None = None
    pages: Pages | None = None
    digest: str | None = None
    upload_id: str | None = None
    tags: tuple[str, ...] = ()
    sample: Sample = field(default_factory=Sample)
    version: int = field(default=1, compare=False)
    duplicate_of: UUID | None = None

    def with_upload(self, upload_id: str | None) -> Self:
        """The image whose file goes over in parts, or, with None, no longer does."""
        self._require(ImageStatus.AWAITING_UPLOAD, ImageStatus.AWAITING_UPLOAD)
        return replace(self, upload_id=upload_id)

    def described(self, changes: Mapping[str, Any]) -> Self:
        """The image with some of what its owner says of it changed.

        Args:
            changes: New values of ``name``, ``tags``, ``pixel_size_um``, ``project_id``, ``owner_id`` and the fields of
                ``Sample``; None takes a field back.
        """
        sample = {name: changes[name] for name in READERS if name in changes}
        rest = {name: value for name, value in changes.items() if name not in READERS}
        if rest.get("project_id", self.project_id) != self.project_id:
            rest["duplicate_of"] = None  # duplicates are told within a project
        return replace(self, sample=replace(self.sample, **sample), **rest)

    def stored(self, *, size_bytes: int, etag: str, at: datetime) -> Self:
        """The image once its bytes have arrived."""
        self._require(ImageStatus.AWAITING_UPLOAD, ImageStatus.STORED)
        return replace(self, status=ImageStatus.STORED, size_bytes=size_bytes, etag=etag, stored_at=at, upload_id=None)

    def refused(self, failure: Failure) -> Self:
        """The image whose file cannot be taken in, and why; the file may lie there still."""
        self._require(ImageStatus.AWAITING_UPLOAD, ImageStatus.REFUSED)
        return replace(self, status=ImageStatus.REFUSED, failure=failure)

    def given_up(self, failure: Failure) -> Self:
        """The image whose file never came; it takes no room any more."""
        return replace(self.refused(failure), size_bytes=None)

    def _require(self, expected: ImageStatus, target: ImageStatus) -> None:
        if self.status is not expected:
            raise IllegalMoveError(f"Image {self.id} is {self.status} and cannot become {target}")


def original_key(image_id: UUID) -> str:
    """Where an image's file lies in the bucket."""
    return f"originals/{image_id}"


def inbox_image_id(project_id: UUID, key: str, etag: str) -> UUID:
    """The id of a file that was put into a project's inbox: the same file announced again is the same image."""
    return uuid5(project_id, f"{key}\n{etag}")


def inbox_parts(key: str) -> tuple[UUID, str]:
    """The project and file name that a key ``inbox/<project id>/<file name>`` says, or ``InvalidInputError``."""
    folder, *rest = PurePosixPath(key).parts
    wrong = InvalidInputError(f"{key!r} is not inbox/<project id>/<file name>")
    if folder != "inbox" or len(rest) < 2:
        raise wrong
    try:
        return UUID(rest[0]), "/".join(rest[1:])[-NAME_MAX_LENGTH:]
    except ValueError as error:
        raise wrong from error
