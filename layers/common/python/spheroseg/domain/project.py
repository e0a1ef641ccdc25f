"""Project: what images belong to, and who owns them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

NAME_MAX_LENGTH = 100


@dataclass(frozen=True)
class Project:
    """A named collection of images with one owner.

    Args:
        pixel_size_um: Edge of one pixel in µm for images whose file does not tell, or None: measures in pixels only.
    """

    id: UUID
    owner_id: str
    name: str
    pixel_size_um: float | None
    created_at: datetime
