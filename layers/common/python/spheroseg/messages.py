"""What travels on queues and sockets: ids and a status; whoever wants more reads it. A change adds a version."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from spheroseg.domain.account_closing import AccountClosing
from spheroseg.domain.export import Export, ExportStatus
from spheroseg.domain.outline_import import Import, ImportStatus
from spheroseg.domain.project_job import ProjectJob
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus


class Message(BaseModel):
    """The common shape: a type, a version, and the id that log lines share."""

    # Ids are new each time: kept for the next message, as strings are otherwise, they would only take memory.
    model_config = ConfigDict(frozen=True, cache_strings="keys")

    correlation_id: str


class SegmentationRequested(Message):
    """A run waits for a worker."""

    type: Literal["segmentation_requested"] = "segmentation_requested"
    version: Literal[1] = 1
    segmentation_id: UUID

    @classmethod
    def of(cls, segmentation: Segmentation) -> "SegmentationRequested":
        """The request for a queued run."""
        return cls(correlation_id=segmentation.correlation_id, segmentation_id=segmentation.id)


class ProjectWorkRequested(Message):
    """A job on a project waits to be worked on."""

    type: Literal["project_work_requested"] = "project_work_requested"
    version: Literal[1] = 1
    job_id: UUID

    @classmethod
    def of(cls, job: ProjectJob) -> "ProjectWorkRequested":
        """The request for an unfinished job."""
        return cls(correlation_id=job.correlation_id, job_id=job.id)


class ExportRequested(Message):
    """An export waits for a worker."""

    type: Literal["export_requested"] = "export_requested"
    version: Literal[1] = 1
    export_id: UUID

    @classmethod
    def of(cls, export: Export) -> "ExportRequested":
        """The request for an export whose turn has come."""
        return cls(correlation_id=export.correlation_id, export_id=export.id)


class ImportRequested(Message):
    """The file of an import has come and waits for a worker."""

    type: Literal["import_requested"] = "import_requested"
    version: Literal[1] = 1
    import_id: UUID

    @classmethod
    def of(cls, import_: Import) -> "ImportRequested":
        """The request for a queued import."""
        return cls(correlation_id=import_.correlation_id, import_id=import_.id)


class BrightnessRequested(Message):
    """Outlines of a run were corrected, and wait for their brightness to be measured."""

    type: Literal["brightness_requested"] = "brightness_requested"
    version: Literal[1] = 1
    segmentation_id: UUID

    @classmethod
    def of(cls, segmentation: Segmentation) -> "BrightnessRequested":
        """The request for a run."""
        return cls(correlation_id=segmentation.correlation_id, segmentation_id=segmentation.id)


class AccountClosingRequested(Message):
    """A closed account waits for its data to be removed."""

    type: Literal["account_closing_requested"] = "account_closing_requested"
    version: Literal[1] = 1
    closing_id: UUID

    @classmethod
    def of(cls, closing: AccountClosing) -> "AccountClosingRequested":
        """The request for an unfinished closing."""
        return cls(correlation_id=closing.correlation_id, closing_id=closing.id)


class SegmentationChanged(Message):
    """A run has another status than before."""

    type: Literal["segmentation_changed"] = "segmentation_changed"
    version: Literal[1] = 1
    segmentation_id: UUID
    image_id: UUID
    project_id: UUID
    owner_id: str
    status: SegmentationStatus
    attempt: int
    spheroid_count: int | None
    failure_code: str | None
    occurred_at: datetime

    @classmethod
    def of(cls, segmentation: Segmentation, at: datetime) -> "SegmentationChanged":
        """The announcement of a run's present status."""
        return cls(
            correlation_id=segmentation.correlation_id,
            segmentation_id=segmentation.id,
            image_id=segmentation.image_id,
            project_id=segmentation.project_id,
            owner_id=segmentation.owner_id,
            status=segmentation.status,
            attempt=segmentation.attempt,
            spheroid_count=segmentation.result.spheroid_count if segmentation.result else None,
            failure_code=segmentation.failure.code if segmentation.failure else None,
            occurred_at=at,
        )


class JobChanged(Message):
    """An export or import has another status than before, or is further on."""

    type: str
    version: Literal[1] = 1
    project_id: UUID
    requested_by: str
    status: ExportStatus | ImportStatus
    attempt: int
    done: int
    total: int
    spheroids: int
    failure_code: str | None
    occurred_at: datetime


class ExportChanged(JobChanged):
    """An export has another status than before, or is further on."""

    type: Literal["export_changed"] = "export_changed"
    export_id: UUID
    status: ExportStatus

    @classmethod
    def of(cls, export: Export, at: datetime) -> "ExportChanged":
        """The announcement of where an export is."""
        return cls(export_id=export.id, **_standing(export, at))


class ImportChanged(JobChanged):
    """An import has another status than before, or is further on."""

    type: Literal["import_changed"] = "import_changed"
    import_id: UUID
    status: ImportStatus

    @classmethod
    def of(cls, import_: Import, at: datetime) -> "ImportChanged":
        """The announcement of where an import is."""
        return cls(import_id=import_.id, **_standing(import_, at))


def _standing(job: Export | Import, at: datetime) -> dict[str, Any]:
    return {
        "correlation_id": job.correlation_id,
        "project_id": job.project_id,
        "requested_by": job.requested_by,
        "status": job.status,
        "attempt": job.attempt,
        "done": job.done,
        "total": job.total,
        "spheroids": job.spheroids,
        "failure_code": job.failure.code if job.failure else None,
        "occurred_at": at,
    }


AnyChange = SegmentationChanged | ExportChanged | ImportChanged

Changed = Annotated[AnyChange, Field(discriminator="type")]
"""What the updates queue holds."""
