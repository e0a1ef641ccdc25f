"""A project is made once more, with its images and results, for whoever may read it."""

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.project_copy import copy_of_project
from spheroseg.domain.project_job import ProjectJob
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import QueueUnavailableError
from spheroseg.messages import ProjectWorkRequested
from spheroseg.ports import (
    Clock,
    IdSource,
    ProjectCopyRepository,
    ProjectJobRepository,
    ProjectRepository,
    ProjectWorkQueue,
)


@dataclass(frozen=True)
class DuplicateProject:
    """Charge the viewer's account with all of it, and have it copied; until that is done nobody finds the copy."""

    projects: ProjectRepository
    jobs: ProjectJobRepository
    copies: ProjectCopyRepository
    queue: ProjectWorkQueue
    clock: Clock
    ids: IdSource

    def __call__(self, viewer: Viewer, project_id: UUID, name: str | None, correlation_id: str) -> ProjectJob:
        """The job that copies; the new project is its ``target_id`` and the viewer's own.

        Args:
            name: Of the new project; None: the old one's with «(copy)» behind it.

        Raises:
            ProjectNotFoundError: the viewer has no role in it; any role will do, also in an archived one.
            QuotaExceededError: the viewer has no room for its images.
        """
        source = self.projects.accessible(viewer, project_id).to(Action.READ)
        at = self.clock.now()
        target = copy_of_project(source, self.ids.new(), viewer.user_id, name, at)
        job = ProjectJob.duplication(source.id, target.id, viewer.user_id, correlation_id, at)
        return self._sent(self.copies.begin(target, job))

    def cancel(self, viewer: Viewer, job_id: UUID) -> ProjectJob:
        """The job, which removes what it has copied, then ends; cancelling it again changes nothing.

        Raises:
            JobNotFoundError: there is none of that id that the viewer asked for.
            IllegalMoveError: it has succeeded, or is a deletion.
        """
        job = self.jobs.one(viewer, job_id)
        return self._sent(self.copies.stop(job.id, None, self.clock.now()))

    def _sent(self, job: ProjectJob) -> ProjectJob:
        if not job.status.is_final:
            with suppress(QueueUnavailableError):  # the sweep sends it
                self.queue.send([ProjectWorkRequested.of(job)])
        return job
