"""Jobs: what is done to projects in the background."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from http_api.rest.answers import POSITION_HEADER, Answer, Wired, Written, problems
from http_api.rest.orders import FailureOut
from http_api.viewer import CurrentViewer
from spheroseg.domain.project_job import JobKind, JobStatus, ProjectJob

router = APIRouter(prefix="/v1/jobs", tags=["projects"])


class JobOut(Answer):
    """Something that is done to a project in the background."""

    id: UUID = Field(description="Names the job", examples=["5f0c2f5e-7a55-5c0e-9d0d-1f5f7c7b3a10"])
    kind: JobKind = Field(description="What is done", examples=["delete"])
    project_id: UUID = Field(description="The project; it may be gone by now")
    target_project_id: UUID | None = Field(
        description="The project that a duplication makes, yours once the job has succeeded; null with others"
    )
    status: JobStatus = Field(
        description="`queued`, `running`, then `succeeded`. One that is cancelled, or cannot go on, is `undoing` while "
        "it removes what it has done, then `cancelled` or `failed`",
        examples=["running"],
    )
    done: int = Field(description="Images that are done", examples=[120])
    total: int = Field(description="All images of the project, as far as they were counted", examples=[500])
    created_at: datetime = Field(description="When it was asked for, in UTC")
    finished_at: datetime | None = Field(description="When all was done, in UTC; null before")
    failure: FailureOut | None = Field(description="Why it could not go on; null unless it is `undoing` or `failed`")

    @classmethod
    def of(cls, job: ProjectJob) -> "JobOut":
        """The domain's job."""
        return cls(
            id=job.id,
            kind=job.kind,
            project_id=job.project_id,
            target_project_id=job.target_id,
            status=job.status,
            done=job.done,
            total=job.total,
            created_at=job.created_at,
            finished_at=job.finished_at,
            failure=FailureOut.of(job.failure),
        )


@router.get("/{job_id}", summary="Get a job", response_description="How far it is", responses=problems("job-not-found"))
async def read_job(job_id: UUID, viewer: CurrentViewer, use_cases: Wired) -> JobOut:
    """A job that you asked for, also when its project is gone."""
    return JobOut.of(use_cases.work_on_project.one(viewer, job_id))


@router.post(
    "/{job_id}/cancel",
    summary="Cancel a job",
    response_description="The job after it",
    responses={200: {"headers": POSITION_HEADER}, **problems("job-not-found", "illegal-move")},
)
async def cancel_job(job_id: UUID, viewer: CurrentViewer, use_cases: Wired, written: Written) -> JobOut:
    """Stop a duplication that you asked for; what it has copied is removed. Cancelling it again changes nothing."""
    job = use_cases.duplicate_project.cancel(viewer, job_id)
    written()
    return JobOut.of(job)
