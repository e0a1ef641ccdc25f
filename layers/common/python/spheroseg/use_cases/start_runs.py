"""Runs over many images of a project, started by one call."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.run_batch import (
    MAX_OF_PROJECT,
    MAX_SELECTED,
    MAX_TOLD,
    Candidate,
    Outcome,
    RunBatch,
    Told,
    batch_id_of_key,
    counted,
    fingerprint_of,
    next_run,
)
from spheroseg.domain.segmentation import Order, Priority, Segmentation, queued
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import TooManyImagesError
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
class StartRuns:
    """Queue a run over each of some images of a project, or over all of them; they are sent when their turn comes.

    What waits, runs or is done with the same model and parameters is told, not repeated. A call with the idempotency
    key of an earlier one gives that one's batch and starts nothing.
    """

    projects: ProjectRepository
    segmentations: SegmentationRepository
    batches: RunBatchRepository
    queue: SegmentationQueue
    clock: Clock
    ids: IdSource
    updates: UpdatePublisher | None = None

    def __call__(
        self,
        viewer: Viewer,
        project_id: UUID,
        image_ids: Sequence[UUID] | None,
        order: Order,
        correlation_id: str,
        *,
        urgency: int | None = None,
        again: bool = False,
        key: str | None = None,
    ) -> RunBatch:
        """The batch.

        Args:
            image_ids: None: every image of the project whose file has arrived.
            urgency: 0 to 10, which chooses the queue too; None: what the order's priority stands for.
            again: Repeat what has succeeded before as well.
            key: The idempotency key.

        Raises:
            ProjectNotFoundError: the viewer has no role in it.
            RoleTooLowError, ProjectArchivedError: the viewer may not write there, or nobody may.
            TooManyImagesError: more images than one call may start.
            IdempotencyKeyReusedError: the same key came with another request before.
            StaleStateError: an image was deleted at the same moment; nothing was started.
            QueueUnavailableError: the runs are there; their turn comes with the next sweep.
        """
        project = self.projects.accessible(viewer, project_id).to(Action.WRITE)
        if urgency is not None:
            order = replace(order, priority=Priority.of_urgency(urgency))
        fingerprint = fingerprint_of(order, urgency, image_ids, again)
        batch_id = self.ids.new() if key is None else batch_id_of_key(viewer.user_id, project.id, key)
        if key is not None and (known := self.batches.find(batch_id)) is not None:
            return known.asked_for_by(fingerprint)
        candidates, told = self._candidates(project.id, image_ids)
        at = self.clock.now()
        runs: list[Segmentation] = []
        wanted = [
            queued(
                image_id=one.image_id,
                project_id=project.id,
                owner_id=one.owner_id,
                order=order,
                correlation_id=correlation_id,
                at=at,
                requested_by=viewer.user_id,
                urgency=urgency,
                batch_id=batch_id,
            )
            for one in candidates
        ]
        latest = self._latest(wanted)
        for run in wanted:
            found = next_run(run, latest.get(run.id), again=again)
            if isinstance(found, Told):
                told.append(found)
            else:
                runs.append(found)
        batch = RunBatch(
            id=batch_id,
            project_id=project.id,
            requested_by=viewer.user_id,
            fingerprint=fingerprint,
            created_at=at,
            counts=counted(runs, told),
            told=tuple(islice(told, MAX_TOLD)),
        )
        batch = self.batches.start(batch, runs).asked_for_by(fingerprint)
        DispatchRuns(self.segmentations, self.queue, self.clock, self.updates)()
        return batch

    def _candidates(self, project_id: UUID, image_ids: Sequence[UUID] | None) -> tuple[Sequence[Candidate], list[Told]]:
        """Images that can be run over, and those that cannot."""
        limit = MAX_OF_PROJECT if image_ids is None else MAX_SELECTED
        if image_ids is not None and len(image_ids) > limit:
            raise TooManyImagesError(f"{len(image_ids):,} images were named; one call takes up to {limit:,}")
        found = self.batches.candidates(project_id, image_ids, limit + 1)
        if len(found) > limit:
            raise TooManyImagesError(f"The project has more than {limit:,} images; start them in selections")
        told = [Told(one.image_id, Outcome.NOT_STORED) for one in found if not one.is_stored]
        if image_ids is not None:
            there = {one.image_id for one in found}
            told += [Told(id_, Outcome.NOT_FOUND) for id_ in dict.fromkeys(image_ids) if id_ not in there]
        return [one for one in found if one.is_stored], told

    def _latest(self, wanted: Sequence[Segmentation]) -> dict[UUID, Segmentation]:
        latest: dict[UUID, Segmentation] = {}
        for begin in range(0, len(wanted), MAX_SELECTED):
            latest |= self.segmentations.latest_repeats([run.id for run in wanted[begin : begin + MAX_SELECTED]])
        return latest
