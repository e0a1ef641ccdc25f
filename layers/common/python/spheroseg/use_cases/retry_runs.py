"""Runs that failed are tried once more."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.run_batch import MAX_SELECTED, RunBatch, Selection, batch_id_of_key, counted, fingerprint_of
from spheroseg.domain.segmentation import queued
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import (
    Clock,
    IdSource,
    ProjectRepository,
    RunBatchRepository,
    SegmentationQueue,
    SegmentationRepository,
    UpdatePublisher,
)
from spheroseg.use_cases.dispatch_runs import DispatchRuns


@dataclass(frozen=True)
class RetryRuns:
    """Queue a new run after each of the meant ones that failed, with the same model and parameters.

    The failed ones stay in the history with their reason. One that was repeated since, whatever came of it, is left
    alone, and so is whatever did not fail.
    """

    projects: ProjectRepository
    segmentations: SegmentationRepository
    batches: RunBatchRepository
    queue: SegmentationQueue
    clock: Clock
    ids: IdSource
    updates: UpdatePublisher | None = None

    def __call__(
        self, viewer: Viewer, project_id: UUID, selection: Selection, correlation_id: str, key: str | None = None
    ) -> RunBatch:
        """The new runs as a batch: up to ``MAX_SELECTED``, the next call goes on.

        Raises:
            ProjectNotFoundError: the viewer has no role in it.
            RoleTooLowError, ProjectArchivedError: the viewer may not write there, or nobody may.
            IdempotencyKeyReusedError: the same key came with another request before.
            StaleStateError: an image was deleted at the same moment; nothing was started.
            QueueUnavailableError: the runs are there; their turn comes with the next sweep.
        """
        self.projects.accessible(viewer, project_id).to(Action.WRITE)
        meant = (selection.image_ids, selection.segmentation_ids)
        fingerprint = fingerprint_of(
            None, None, None, "retry", selection.batch_id, *(sorted(map(str, ids or ())) for ids in meant)
        )
        batch_id = self.ids.new() if key is None else batch_id_of_key(viewer.user_id, project_id, key)
        batch = self.batches.find(batch_id) if key is not None else None
        if batch is None:
            at = self.clock.now()
            failed = self.batches.failed(project_id, selection, MAX_SELECTED)
            runs = [
                queued(
                    image_id=run.image_id,
                    project_id=run.project_id,
                    owner_id=run.owner_id,
                    order=run.order,
                    correlation_id=correlation_id,
                    at=at,
                    requested_by=viewer.user_id,
                    urgency=run.urgency,
                    batch_id=batch_id,
                ).after(run)
                for run in failed
            ]
            batch = self.batches.start(
                RunBatch(batch_id, project_id, viewer.user_id, fingerprint, at, counted(runs, [])), runs
            )
        batch = batch.asked_for_by(fingerprint)
        DispatchRuns(self.segmentations, self.queue, self.clock, self.updates)()
        return batch
