"""Many runs that nobody wants any more."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.run_batch import MAX_SELECTED, Selection
from spheroseg.domain.viewer import Viewer
from spheroseg.messages import SegmentationChanged
from spheroseg.ports import Clock, ProjectRepository, RunBatchRepository, UpdatePublisher


@dataclass(frozen=True)
class Cancelled:
    """What one call did.

    Args:
        cancelled: Runs that it cancelled.
        left: Runs that were meant and have not ended: one call cancels ``MAX_SELECTED``, the next goes on.
    """

    cancelled: int
    left: int


@dataclass(frozen=True)
class CancelRuns:
    """Stop the meant runs that wait or work; those that have ended stay as they are.

    A waiting one never starts, a worker stops before its next stage, and what comes late from it is refused.
    """

    projects: ProjectRepository
    batches: RunBatchRepository
    updates: UpdatePublisher
    clock: Clock

    def __call__(self, viewer: Viewer, project_id: UUID, selection: Selection) -> Cancelled:
        """How many were cancelled; each is announced.

        Raises:
            ProjectNotFoundError: the viewer has no role in it.
            RoleTooLowError, ProjectArchivedError: the viewer may not write there, or nobody may.
            QueueUnavailableError: they are cancelled, but not all were announced.
        """
        self.projects.accessible(viewer, project_id).to(Action.WRITE)
        at = self.clock.now()
        runs = self.batches.cancel(project_id, selection, at, MAX_SELECTED)
        self.updates.publish_many([SegmentationChanged.of(run, at) for run in runs])
        left = self.batches.active(project_id, selection) if len(runs) == MAX_SELECTED else 0
        return Cancelled(cancelled=len(runs), left=left)
