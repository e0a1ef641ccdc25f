"""Project: what images belong to, and who owns them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from spheroseg.domain.segmentation import PixelSizeSource

NAME_MAX_LENGTH = 100
DESCRIPTION_MAX_LENGTH = 1000
MAX_TAGS = 10
TAG_MAX_LENGTH = 50


@dataclass(frozen=True)
class Project:
    """A named collection of images with one owner.

    Args:
        pixel_size_um: Edge of one pixel in µm for images whose file does not tell, or None: measures in pixels only.
        is_pixel_size_of_profile: Nobody said that number of this project: it began with its maker's usual one.
        description: Up to 1,000 characters, lines allowed; empty when nothing was said.
        tags: Up to 10, in the order in which they were given, none twice.
        version: Counts the changes, from 1: whoever changes a project may say which version they have seen.
        archived_at: Since when it can only be read; None: it can be written to.
        updated_at: When its own fields were changed last; None: never.
    """

    id: UUID
    owner_id: str
    name: str
    pixel_size_um: float | None
    created_at: datetime
    description: str = ""
    tags: tuple[str, ...] = ()
    version: int = 1
    archived_at: datetime | None = None
    updated_at: datetime | None = None
    is_pixel_size_of_profile: bool = False

    @property
    def pixel_size_source(self) -> PixelSizeSource | None:
        """Who said the pixel size; None exactly when it is unknown."""
        if self.pixel_size_um is None:
            return None
        return PixelSizeSource.PROFILE if self.is_pixel_size_of_profile else PixelSizeSource.PROJECT

    def changed(self, changes: Mapping[str, Any], at: datetime) -> Self:
        """The project with other fields, one version further; the same when none of them differs.

        A pixel size among them is the project's own from then on, also when the number stays.
        """
        of_profile = self.is_pixel_size_of_profile and "pixel_size_um" not in changes
        after = replace(self, **changes, is_pixel_size_of_profile=of_profile)
        return self if after == self else replace(after, version=self.version + 1, updated_at=at)


@dataclass(frozen=True)
class ProjectStatistics:
    """What is in a project.

    Args:
        images: Images by where they are: ``awaiting_upload`` and ``refused`` have no file to work on, the others say
            how their latest run is (``without_segmentation``, ``queued``, ``processing``, ``completed``, ``failed``,
            ``cancelled``).
        size_bytes: Of the original files that are there.
        spheroids: In the newest revision of the latest run of each image that succeeded.
        last_activity_at: When a file came, a run ended, or the project itself was changed last.
    """

    images: Mapping[str, int]
    size_bytes: int
    spheroids: int
    last_activity_at: datetime


PLACES = (
    "awaiting_upload",
    "refused",
    "without_segmentation",
    "queued",
    "processing",
    "completed",
    "failed",
    "cancelled",
)
"""The names of the earlier SpheroSeg, and two for what it did not tell."""

PLACE_OF_RUN = {"running": "processing", "succeeded": "completed"}
"""Statuses of runs that have another name there."""
