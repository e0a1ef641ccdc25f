"""Project job: something that is done to a whole project in the background, in small steps."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID, uuid5

from spheroseg.domain.segmentation import Failure
from spheroseg.errors import IllegalMoveError

SILENT_JOB_AFTER = timedelta(minutes=5)
"""A job whose work was not heard of for so long is sent again: more than the longest loan of its message."""


class JobKind(StrEnum):
    """What is done."""

    DELETE = "delete"
    DUPLICATE = "duplicate"


class JobStatus(StrEnum):
    """Where a job is; ``undoing`` takes back what was done, then ends as ``cancelled`` or ``failed``."""

    QUEUED = "queued"
    RUNNING = "running"
    UNDOING = "undoing"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """True when nothing more happens."""
        return self in {JobStatus.SUCCEEDED, JobStatus.CANCELLED, JobStatus.FAILED}

    @property
    def goes_forward(self) -> bool:
        """True while more of it is to be done."""
        return self in {JobStatus.QUEUED, JobStatus.RUNNING}


@dataclass(frozen=True)
class ProjectJob:
    """One job on one project.

    Args:
        target_id: The project that a duplication makes; nobody finds it before the job has succeeded.
        requested_by: Who asked for it, and may see how far it is, also when the project is gone.
        done, total: Images that are done, and all of them as far as they were counted.
        alive_at: When it was last worked on, or asked for.
        failure: Why it ends without success; None also when somebody cancelled it.
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
    target_id: UUID | None = None
    failure: Failure | None = None

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

    @classmethod
    def duplication(
        cls, project_id: UUID, target_id: UUID, requested_by: str, correlation_id: str, at: datetime
    ) -> Self:
        """The job that makes ``target_id`` of a project; its id follows from the new project's."""
        return cls(
            id=uuid5(target_id, JobKind.DUPLICATE),
            kind=JobKind.DUPLICATE,
            project_id=project_id,
            requested_by=requested_by,
            status=JobStatus.QUEUED,
            done=0,
            total=0,
            correlation_id=correlation_id,
            created_at=at,
            alive_at=at,
            target_id=target_id,
        )

    @property
    def doomed_id(self) -> UUID:
        """The project that is removed: the one of a deletion, or the unfinished copy of a duplication."""
        return self.target_id or self.project_id

    def advanced(self, images: int, at: datetime) -> Self:
        """The job with so many more images done."""
        done = self.done + images
        return replace(self, status=JobStatus.RUNNING, done=done, total=max(self.total, done), alive_at=at)

    def succeeded(self, at: datetime) -> Self:
        """The job when all is done."""
        return replace(self, status=JobStatus.SUCCEEDED, alive_at=at, finished_at=at)

    def stopped(self, failure: Failure | None, at: datetime) -> Self:
        """The job that takes back what it has done; one that does so already, or has done it, stays as it is.

        Raises:
            IllegalMoveError: it has succeeded, or is a deletion, which cannot be taken back.
        """
        if self.kind is JobKind.DELETE:
            raise IllegalMoveError("A deletion cannot be cancelled: from its first moment on the project is gone")
        if self.status is JobStatus.SUCCEEDED:
            raise IllegalMoveError("The job has succeeded; delete the new project instead")
        if not self.status.goes_forward:
            return self
        return replace(self, status=JobStatus.UNDOING, failure=failure, alive_at=at)

    def undone(self, at: datetime) -> Self:
        """The job once nothing is left of what it had done."""
        status = JobStatus.FAILED if self.failure else JobStatus.CANCELLED
        return replace(self, status=status, alive_at=at, finished_at=at)


@dataclass(frozen=True)
class DoomedImage:
    """An image that is to be removed, and what of it lies in the store.

    Args:
        upload_id: An upload in parts that has not ended; None: there is none.
        segmentation_ids: The runs under whose ids results lie that nothing else shows: its own, or one of an image with
            the same bytes that is gone already.
    """

    id: UUID
    upload_id: str | None
    segmentation_ids: tuple[UUID, ...]
