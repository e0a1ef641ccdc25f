"""Project job: something that is done to a whole project in the background, in small steps."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID, uuid5

SILENT_JOB_AFTER = timedelta(minutes=5)
"""A job whose work was not heard of for so long is sent again: more than the longest loan of its message."""


class JobKind(StrEnum):
    """What is done."""

    DELETE = "delete"


class JobStatus(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"

    @property
    def is_final(self) -> bool:
        """True when nothing more happens."""
        return self is JobStatus.SUCCEEDED


@dataclass(frozen=True)
class ProjectJob:
    """One job on one project.

    Args:
        requested_by: Who asked for it, and may see how far it is, also when the project is gone.
        done, total: Images that are done, and all of them as far as they were counted.
        alive_at: When it was last worked on, or asked for.
    """

    id: UUID
    kind: JobKind
    project_id: UUID
    requested_by: str
    status: JobStatus
    done: int
    total: int
    correlation_id: str
    created_at: datetime
    alive_at: datetime
    finished_at: datetime | None = None

    @classmethod
    def deletion(cls, project_id: UUID, requested_by: str, correlation_id: str, at: datetime) -> Self:
        """The job that removes a project; its id follows from the project's, so that there is one at most."""
        return cls(
            id=uuid5(project_id, JobKind.DELETE),
            kind=JobKind.DELETE,
            project_id=project_id,
            requested_by=requested_by,
            status=JobStatus.QUEUED,
            done=0,
            total=0,
            correlation_id=correlation_id,
            created_at=at,
            alive_at=at,
        )

    def advanced(self, images: int, at: datetime) -> Self:
        """The job with so many more images done."""
        done = self.done + images
        return replace(self, status=JobStatus.RUNNING, done=done, total=max(self.total, done), alive_at=at)

    def succeeded(self, at: datetime) -> Self:
        """The job when all is done."""
        return replace(self, status=JobStatus.SUCCEEDED, alive_at=at, finished_at=at)


@dataclass(frozen=True)
class DoomedImage:
    """An image that is to be removed, and what of it lies in the store.

    Args:
        upload_id: An upload in parts that has not ended; None: there is none.
        segmentation_ids: Its runs, whose results lie under their ids.
    """

    id: UUID
    upload_id: str | None
    segmentation_ids: tuple[UUID, ...]
