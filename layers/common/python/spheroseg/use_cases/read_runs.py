"""How far many runs are."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.run_batch import RunBatch
from spheroseg.domain.run_progress import Progress
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import Clock, ProjectRepository, RunBatchRepository


@dataclass(frozen=True)
class ReadRuns:
    """Batches and projects that the viewer may read, with the progress of their runs."""

    projects: ProjectRepository
    batches: RunBatchRepository
    clock: Clock

    def of_project(self, viewer: Viewer, project_id: UUID) -> Progress:
        """Progress over all runs of a project, or ``ProjectNotFoundError``."""
        project = self.projects.one(viewer, project_id).item
        return self.batches.progress(project.id, None, self.clock.now())

    def batch(self, viewer: Viewer, batch_id: UUID) -> tuple[RunBatch, Progress]:
        """A batch and the progress of its runs, or ``RunBatchNotFoundError``."""
        batch = self.batches.one(viewer, batch_id)
        return batch, self.batches.progress(batch.project_id, batch.id, self.clock.now())
