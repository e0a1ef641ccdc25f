"""Images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from spheroseg.domain.access import Accessible
from spheroseg.domain.image import Image
from spheroseg.domain.image_list import ImageKey, ImageQuery
from spheroseg.domain.pages import Pages
from spheroseg.domain.paging import PageKey
from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.viewer import Viewer


@dataclass(frozen=True)
class RunOfImage:
    """A run as far as its removal needs it; ``is_open``: a worker may still write its result."""

    id: UUID
    is_open: bool


class ImageRepository(Protocol):
    """Images, by project."""

    def add_many(self, images: Sequence[Image]) -> None:
        """Store new images of one owner, all or none; what they need is taken from the owner's quota.

        Raises:
            QuotaExceededError: the owner's quota has no room for them, whoever else adds at the same time.
            ConflictError: one of them is there already.
        """

    def get(self, image_id: UUID) -> Image:
        """The image whoever owns it, or raise ``ImageNotFoundError``."""

    def one(self, viewer: Viewer, image_id: UUID) -> Image:
        """An image that the viewer may read, or raise ``ImageNotFoundError``."""

    def accessible(self, viewer: Viewer, image_id: UUID) -> Accessible[Image]:
        """The image as last written with what the viewer may do to it, or raise ``ImageNotFoundError``."""

    def accessible_many(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Accessible[Image]]:
        """Those of the images that the viewer has a role for, as last written, in one statement."""

    def named(self, project_id: UUID, names: Sequence[str]) -> Sequence[Image]:
        """Images of a project that have one of the names, as last written."""

    def change_many(self, image_ids: Sequence[UUID], changed: Callable[[Image], Image]) -> Sequence[Image]:
        """Store what ``changed`` makes of name, project, owner, tags, sample and pixel size of images, all or none.

        ``changed`` sees each as last written and locked, maybe more than once. Runs move along with their image, and
        their pixel size follows. Gives those that were changed.

        Raises:
            StaleStateError: one of them is gone.
            QuotaExceededError: an image moves to another owner, who has no room for it.
        """

    def page(self, viewer: Viewer, project_id: UUID, after: PageKey | None, limit: int) -> Sequence[Image]:
        """Up to ``limit`` images of a project that the viewer may read, newest first, older than ``after``."""

    def runs_of(self, image_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[RunOfImage]]:
        """All runs of some images, by image, as last written, in one statement."""

    def leave(self, image_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[UUID]]:
        """Let nothing use results of images that are about to be removed any more.

        Returns:
            By image, the runs under whose ids files lie that nothing else shows.
        """

    def with_digests(self, project_id: UUID, digests: Sequence[str]) -> Mapping[str, UUID]:
        """The image that was stored first with each of the digests, in a project, as last written."""

    def delete_many(self, image_ids: Sequence[UUID]) -> None:
        """Remove images, their segmentations and spheroids, together; those that are gone already do not matter."""

    def search(
        self, viewer: Viewer, project_id: UUID, query: ImageQuery, after: ImageKey | None, limit: int
    ) -> Sequence[Image]:
        """Up to ``limit`` images of a project that the viewer may read: those asked for, in order, past ``after``.

        New images never shift a page; one whose sort value changes meanwhile may be met twice, or not.
        """

    def replace(self, before: Image, after: Image) -> None:
        """Store ``after`` where ``before`` still stands, or raise ``StaleStateError``."""

    def accept(self, before: Image, after: Image, segmentation: Segmentation) -> None:
        """Store ``after`` and its queued run together where ``before`` still stands, or raise ``StaleStateError``."""

    def note_pages(self, image_id: UUID, pages: Pages) -> None:
        """Store how many pages an image's file has; nothing happens when that is known, or the image gone."""

    def delete(self, image: Image) -> None:
        """Remove the image, its segmentations and spheroids; nothing happens when it is gone already."""

    def awaiting_upload(self, requested_before: datetime, after: PageKey | None, limit: int) -> Sequence[Image]:
        """Up to ``limit`` images whose file is awaited since before that time, newest first, past ``after``."""
