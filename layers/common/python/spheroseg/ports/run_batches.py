"""Runs that were started together."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from spheroseg.domain.run_batch import Candidate, RunBatch, Selection
from spheroseg.domain.run_progress import Progress
from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.viewer import Viewer


class RunBatchRepository(Protocol):
    """Calls that start, cancel or repeat many runs of a project, and how far these are."""

    def candidates(self, project_id: UUID, image_ids: Sequence[UUID] | None, limit: int) -> Sequence[Candidate]:
        """Up to ``limit`` images of a project, the newest first, or those of the named ones that are there."""

    def find(self, batch_id: UUID) -> RunBatch | None:
        """The batch as last written, whoever started it."""

    def one(self, viewer: Viewer, batch_id: UUID) -> RunBatch:
        """A batch of a project that the viewer may read, or raise ``RunBatchNotFoundError``."""

    def start(self, batch: RunBatch, runs: Sequence[Segmentation]) -> RunBatch:
        """Store the batch with its runs, all or none, less those that another call started meanwhile.

        When a batch of that id is there, that one is given and nothing is stored.

        Args:
            runs: New ones of one call: project, person, moment, correlation id and batch are the same.

        Raises:
            StaleStateError: the image of one of them was deleted meanwhile.
        """

    def cancel(self, project_id: UUID, selection: Selection, at: datetime, limit: int) -> Sequence[Segmentation]:
        """Cancel up to ``limit`` of the meant runs that have not ended, in one statement, and give them."""

    def active(self, project_id: UUID, selection: Selection) -> int:
        """How many of the meant runs have not ended."""

    def failed(self, project_id: UUID, selection: Selection, limit: int) -> Sequence[Segmentation]:
        """Up to ``limit`` of the meant runs that failed and were not repeated since, as last written, oldest first."""

    def progress(self, project_id: UUID, batch_id: UUID | None, now: datetime) -> Progress:
        """How far the runs of a project or of one of its batches are, as last written."""
