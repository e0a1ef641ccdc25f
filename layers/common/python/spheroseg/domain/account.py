"""Account: who somebody is to others, what they may keep, and what they keep."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from spheroseg.domain.image import Image, ImageStatus
from spheroseg.errors import QuotaExceededError

DEFAULT_QUOTA_BYTES = 10 * 2**30
"""10 GiB, as in the earlier SpheroSeg."""
DEFAULT_QUOTA_IMAGES = 100_000
"""As many images of 100 KB as fill the bytes: who comes near it keeps thumbnails."""
UNTOLD_BYTES = 100_000_000
"""What is kept free for a file whose size nobody told; its form takes no more. The database counts with it too."""


@dataclass(frozen=True)
class Quota:
    """What an account may keep at most: bytes of original files, and images."""

    size_bytes: int = DEFAULT_QUOTA_BYTES
    images: int = DEFAULT_QUOTA_IMAGES


@dataclass(frozen=True)
class Usage:
    """What an account keeps.

    Args:
        stored_bytes, stored_images: Files that lie in the store.
        announced_bytes, announced_images: Files that may still come; they take their room from the announcement on, so
            that many uploads at once never pass the quota.
    """

    stored_bytes: int = 0
    stored_images: int = 0
    announced_bytes: int = 0
    announced_images: int = 0

    @classmethod
    def of(cls, images: Iterable[Image]) -> Self:
        """What some images take. The database counts in the same way, in triggers on the table of images."""
        stored_bytes = stored_images = announced_bytes = announced_images = 0
        for image in images:
            if image.status is ImageStatus.AWAITING_UPLOAD:
                announced_bytes += UNTOLD_BYTES if image.size_bytes is None else image.size_bytes
                announced_images += 1
            elif image.status is ImageStatus.STORED or image.size_bytes:
                stored_bytes += image.size_bytes or 0  # a refused file takes room while it is there
                stored_images += 1
        return cls(stored_bytes, stored_images, announced_bytes, announced_images)

    @property
    def size_bytes(self) -> int:
        """Bytes that are taken."""
        return self.stored_bytes + self.announced_bytes

    @property
    def images(self) -> int:
        """Images that are there or announced."""
        return self.stored_images + self.announced_images


@dataclass(frozen=True)
class Profile:
    """What somebody says about themselves; None: nothing said.

    Args:
        language: A BCP 47 tag such as ``en`` or ``cs-CZ``.
        pixel_size_um: Edge of one pixel in µm that new projects begin with.
    """

    name: str | None = None
    organisation: str | None = None
    language: str | None = None
    pixel_size_um: float | None = None


@dataclass(frozen=True)
class Account:
    """One person's profile, quota and usage; whoever signed in has one.

    Args:
        quota_version: How often administrators changed the quota.
    """

    user_id: str
    profile: Profile = field(default_factory=Profile)
    quota: Quota = field(default_factory=Quota)
    usage: Usage = field(default_factory=Usage)
    quota_version: int = 0

    @property
    def left_bytes(self) -> int:
        """Bytes that may still be announced, 0 at least."""
        return max(self.quota.size_bytes - self.usage.size_bytes, 0)

    @property
    def left_images(self) -> int:
        """Images that may still be announced, 0 at least."""
        return max(self.quota.images - self.usage.images, 0)

    def require_room(self, wanted: Usage) -> None:
        """Return when what is ``wanted`` fits beside what is there, or raise ``QuotaExceededError``."""
        if wanted.size_bytes > self.left_bytes or wanted.images > self.left_images:
            raise QuotaExceededError(
                f"{wanted.images} images with {wanted.size_bytes} bytes do not fit: {self.left_images} of "
                f"{self.quota.images} images and {self.left_bytes} of {self.quota.size_bytes} bytes are left",
                left_bytes=self.left_bytes,
                left_images=self.left_images,
            )
