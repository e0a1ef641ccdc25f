"""Jobs on projects in dicts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from spheroseg.domain.project import Project
from spheroseg.domain.project_job import DoomedImage, JobKind, JobStatus, ProjectJob
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import JobNotFoundError, QueueUnavailableError, StaleStateError
from spheroseg.messages import AccountClosingRequested, ProjectWorkRequested
from tests.fakes.images import InMemoryImages


@dataclass
class InMemoryProjectJobs:
    """Jobs beside the projects and images that they work on."""

    images: InMemoryImages
    rows: dict[UUID, ProjectJob] = field(default_factory=dict)

    def begin_deletion(self, project: Project, job: ProjectJob) -> ProjectJob:
        projects = self.images.projects
        stored = projects.rows.get(project.id)
        if stored is None or project.id in projects.deleted or stored.version != project.version:
            raise StaleStateError("The project was changed just now")
        projects.deleted.add(project.id)
        total = sum(image.project_id == project.id for image in self.images.rows.values())
        self.rows[job.id] = replace(job, total=total)
        return self.rows[job.id]

    def get(self, job_id: UUID) -> ProjectJob:
        if job_id not in self.rows:
            raise JobNotFoundError(f"Job {job_id} does not exist")
        return self.rows[job_id]

    def one(self, viewer: Viewer, job_id: UUID) -> ProjectJob:
        job = self.get(job_id)
        if job.requested_by != viewer.user_id:
            raise JobNotFoundError(f"Job {job_id} does not exist")
        return job

    def doomed(self, project_id: UUID, limit: int) -> Sequence[DoomedImage]:
        if project_id not in self.images.projects.deleted:
            return []
        images = [image for image in self.images.rows.values() if image.project_id == project_id]
        first = sorted(images, key=lambda image: (image.created_at, image.id))[:limit]
        files = self.images.leave([image.id for image in first])
        return [DoomedImage(image.id, image.upload_id, tuple(files.get(image.id, ()))) for image in first]

    def remove_images(self, job: ProjectJob, image_ids: Sequence[UUID], at: datetime) -> ProjectJob:
        stored = self.get(job.id)
        if not _removes(stored):
            return stored
        gone = job.doomed_id in self.images.projects.deleted
        there = [
            image
            for image in map(self.images.rows.get, image_ids)
            if gone and image is not None and image.project_id == job.doomed_id
        ]
        for image in there:
            self.images.delete(image)
        if not stored.status.is_final:
            deletes = stored.kind is JobKind.DELETE
            self.rows[job.id] = stored.advanced(len(there), at) if deletes else replace(stored, alive_at=at)
        return self.rows[job.id]

    def end_removal(self, job: ProjectJob, at: datetime) -> ProjectJob:
        projects, stored = self.images.projects, self.get(job.id)
        if not _removes(stored):
            return stored
        if job.doomed_id in projects.deleted and not self.doomed(job.doomed_id, 1):
            projects.rows.pop(job.doomed_id, None)
            for key in [key for key in projects.members if key[0] == job.doomed_id]:
                del projects.members[key]
        if job.doomed_id not in projects.rows and not stored.status.is_final:
            self.rows[job.id] = stored.succeeded(at) if stored.kind is JobKind.DELETE else stored.undone(at)
        return self.rows[job.id]

    def stalled(self, before: datetime, limit: int) -> Sequence[ProjectJob]:
        silent = [job for job in self.rows.values() if not job.status.is_final and job.alive_at < before]
        return sorted(silent, key=lambda job: (job.alive_at, job.id))[:limit]


def _removes(job: ProjectJob) -> bool:
    return job.kind is JobKind.DELETE or not (job.status.goes_forward or job.status is JobStatus.SUCCEEDED)


@dataclass
class InMemoryProjectWorkQueue:
    """Requests in a list; ``is_available`` set to False makes it fail as a queue does that cannot be reached."""

    sent: list[ProjectWorkRequested | AccountClosingRequested] = field(default_factory=list)
    is_available: bool = True

    def send(self, requests: Sequence[ProjectWorkRequested | AccountClosingRequested], delay_s: int = 0) -> None:
        if not self.is_available:
            raise QueueUnavailableError("The queue does not answer")
        self.sent.extend(requests)
