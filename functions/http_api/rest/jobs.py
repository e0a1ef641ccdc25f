"""Jobs: what is done to projects in the background."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from http_api.rest.answers import Answer, Wired, problems
from http_api.viewer import CurrentViewer
from spheroseg.domain.project_job import JobKind, JobStatus, ProjectJob

router = APIRouter(prefix="/v1/jobs", tags=["projects"])


class JobOut(Answer):
    """Something that is done to a project in the background."""

    id: UUID = Field(description="Names the job", examples=["5f0c2f5e-7a55-5c0e-9d0d-1f5f7c7b3a10"])
    kind: JobKind = Field(description="What is done", examples=["delete"])
    project_id: UUID = Field(description="The project; it may be gone by now")
    status: JobStatus = Field(description="`queued`, `running`, then `succeeded`", examples=["running"])
    done: int = Field(description="Images that are done", examples=[120])
    total: int = Field(description="All images of the project, as far as they were counted", examples=[500])
    created_at: datetime = Field(description="When it was asked for, in UTC")
    finished_at: datetime | None = Field(description="When all was done, in UTC; null before")

    @classmethod
    def of(cls, job: ProjectJob) -> "JobOut":
        """The domain's job."""
        return cls(
            id=job.id,
            kind=job.kind,
            project_id=job.project_id,
            status=job.status,
            done=job.done,
            total=job.total,
            created_at=job.created_at,
            finished_at=job.finished_at,
        )


@router.get("/{job_id}", summary="Get a job", response_description="How far it is", responses=problems("job-not-found"))
async def read_job(job_id: UUID, viewer: CurrentViewer, use_cases: Wired) -> JobOut:
    """A job that you asked for, also when its project is gone."""
    return JobOut.of(use_cases.work_on_project.one(viewer, job_id))
