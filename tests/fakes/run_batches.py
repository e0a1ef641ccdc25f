"""Batches of runs, beside the runs and images that they are about."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from spheroseg.domain.image import ImageStatus
from spheroseg.domain.run_batch import Candidate, RunBatch, Selection, without
from spheroseg.domain.run_progress import Progress
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import RunBatchNotFoundError, StaleStateError
from tests.fakes.images import InMemoryImages


@dataclass
class InMemoryRunBatches:
    """Batches in a dict."""

    images: InMemoryImages
    rows: dict[UUID, RunBatch] = field(default_factory=dict)

    def candidates(self, project_id: UUID, image_ids: Sequence[UUID] | None, limit: int) -> Sequence[Candidate]:
        rows = [row for row in self.images.rows.values() if row.project_id == project_id]
        if image_ids is None:
            rows.sort(key=lambda row: (row.created_at, row.id), reverse=True)
        else:
            places = {id_: place for place, id_ in enumerate(image_ids)}
            rows = sorted((row for row in rows if row.id in places), key=lambda row: places[row.id])
        return [Candidate(row.id, row.owner_id, row.status is ImageStatus.STORED) for row in rows[:limit]]

    def find(self, batch_id: UUID) -> RunBatch | None:
        return self.rows.get(batch_id)

    def one(self, viewer: Viewer, batch_id: UUID) -> RunBatch:
        batch = self.rows.get(batch_id)
        if batch is None or not self.images.projects.access(viewer, batch.project_id):
            raise RunBatchNotFoundError(f"Batch {batch_id} does not exist")
        return batch

    def start(self, batch: RunBatch, runs: Sequence[Segmentation]) -> RunBatch:
        if batch.id in self.rows:
            return self.rows[batch.id]
        if any(run.image_id not in self.images.rows for run in runs):
            raise StaleStateError("One of the images was deleted meanwhile")
        doubled = [run for run in runs if not self.images.segmentations.add(run)]
        self.rows[batch.id] = without(batch, doubled) if doubled else batch
        return self.rows[batch.id]

    def cancel(self, project_id: UUID, selection: Selection, at: datetime, limit: int) -> Sequence[Segmentation]:
        chosen = sorted(self._active(project_id, selection), key=lambda row: row.id)[:limit]
        cancelled = [row.cancelled(at) for row in chosen]
        self.images.segmentations.rows |= {row.id: row for row in cancelled}
        return cancelled

    def active(self, project_id: UUID, selection: Selection) -> int:
        return len(self._active(project_id, selection))

    def failed(self, project_id: UUID, selection: Selection, limit: int) -> Sequence[Segmentation]:
        rows = [row for row in self._meant(project_id, selection) if row.status is SegmentationStatus.FAILED]
        latest = self.images.segmentations.latest_repeats([row.first_id for row in rows])
        unrepeated = [row for row in rows if latest[row.first_id].id == row.id]
        return sorted(unrepeated, key=lambda row: (row.queued_at, row.id))[:limit]

    def progress(self, project_id: UUID, batch_id: UUID | None, now: datetime) -> Progress:
        rows = self._meant(project_id, Selection(batch_id=batch_id))
        held = [row for row in rows if row.status is SegmentationStatus.QUEUED and row.sent_at is None]
        return Progress(
            counts=Counter(row.status for row in rows),
            held=len(held),
            before=self.images.segmentations.sent_before(held),
            backlog=self.images.segmentations.backlog(now),
        )

    def _active(self, project_id: UUID, selection: Selection) -> list[Segmentation]:
        return [row for row in self._meant(project_id, selection) if not row.status.is_final]

    def _meant(self, project_id: UUID, selection: Selection) -> list[Segmentation]:
        return [
            row
            for row in self.images.segmentations.rows.values()
            if row.project_id == project_id
            and (selection.image_ids is None or row.image_id in selection.image_ids)
            and (selection.segmentation_ids is None or row.id in selection.segmentation_ids)
            and selection.batch_id in {None, row.batch_id}
        ]
