"""A project goes: at once for everybody, and with all that lies below it in the background."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.project_job import ProjectJob
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import QueueUnavailableError, VersionMismatchError
from spheroseg.messages import ProjectWorkRequested
from spheroseg.ports import Clock, ProjectJobRepository, ProjectRepository, ProjectWorkQueue


@dataclass(frozen=True)
class DeleteProject:
    """Mark a project, so that nobody finds it any more, and have the rest done."""

    projects: ProjectRepository
    jobs: ProjectJobRepository
    queue: ProjectWorkQueue
    clock: Clock

    def __call__(
        self, viewer: Viewer, project_id: UUID, correlation_id: str, expected: Collection[int] | None = None
    ) -> ProjectJob:
        """The job that removes images, runs and objects; archived projects can be deleted too.

        Raises:
            ProjectNotFoundError, RoleTooLowError: the viewer has no role in the project, or is not its owner.
            VersionMismatchError: it is in none of the ``expected`` versions (None: any will do).
            StaleStateError: another call changes it at the same time.
        """
        project = self.projects.accessible(viewer, project_id).to(Action.MANAGE)
        if expected is not None and project.version not in expected:
            raise VersionMismatchError("The project was changed after you read it")
        job = ProjectJob.deletion(project_id, viewer.user_id, correlation_id, self.clock.now())
        job = self.jobs.begin_deletion(project, job)
        with suppress(QueueUnavailableError):  # the project is gone for everybody; the sweep sends the job
            self.queue.send([ProjectWorkRequested.of(job)])
        return job
