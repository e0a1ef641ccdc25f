"""Projects, who works in them, and what is done to them in the background."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from spheroseg_client.models.base import Answer
from spheroseg_client.models.runs import Failure

Role = Literal["owner", "editor", "viewer"]
OfferedRole = Literal["editor", "viewer"]


class Project(Answer):
    """A named collection of images.

    ``pixel_size_um`` is the edge of one pixel in µm for images whose file does not tell; None: unknown.
    ``pixel_size_source`` is ``project`` where it was given for this project, ``profile`` where its maker's usual one
    was taken.
    """

    id: UUID
    name: str
    pixel_size_um: float | None
    pixel_size_source: str | None = None
    created_at: datetime
    role: Role = "owner"
    description: str = ""
    tags: Sequence[str] = ()
    version: int = 1
    updated_at: datetime | None = None
    archived_at: datetime | None = None


class ProjectStatistics(Answer):
    """What is in a project.

    ``images`` counts them by where they are, ``size_bytes`` is of the original files, ``spheroids`` were found by the
    latest run of each image that succeeded.
    """

    images: dict[str, int]
    size_bytes: int
    spheroids: int
    last_activity_at: datetime


class Job(Answer):
    """Something that is done to a project in the background; ``done`` of ``total`` images are.

    ``status`` is ``queued``, ``running``, then ``succeeded``; one that is stopped is ``undoing`` until nothing is left
    of it, then ``cancelled`` or ``failed``. ``target_project_id`` is the project that a duplication makes.
    """

    id: UUID
    kind: str
    project_id: UUID
    status: str
    done: int
    total: int
    created_at: datetime
    finished_at: datetime | None
    target_project_id: UUID | None = None
    failure: "Failure | None" = None

    @property
    def is_final(self) -> bool:
        """True when nothing more happens."""
        return self.status in {"succeeded", "cancelled", "failed"}


class Member(Answer):
    """Somebody with a role in a project; None: not told."""

    user_id: str
    role: Role
    email: str | None
    name: str | None
    joined_at: datetime


class Offer(Answer):
    """A role that is offered to an address, or, without one, to whoever holds a link."""

    id: UUID
    role: OfferedRole
    email: str | None
    created_at: datetime
    expires_at: datetime


class NewLink(Offer):
    """A link with its token, which is told once."""

    token: str


class Invitation(Answer):
    """A role that is offered to you."""

    id: UUID
    project_id: UUID
    project_name: str
    role: OfferedRole
    invited_by: str | None
    expires_at: datetime
