"""An export that was tried too often gets its final status."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.export import Export
from spheroseg.domain.segmentation import Failure
from spheroseg.errors import ExportNotFoundError, HeldElsewhereError, RetriesExhaustedError
from spheroseg.ports import Clock, ExportQueue, ExportRepository, JobAnnouncer
from spheroseg.use_cases.release_exports import ReleaseExports
from spheroseg.use_cases.tell_job import TellJob


@dataclass(frozen=True)
class FailExport:
    """Fail what a dead letter stands for; one that has ended, or is gone, stays as it is."""

    exports: ExportRepository
    queue: ExportQueue
    clock: Clock
    updates: JobAnnouncer

    def __call__(self, export_id: UUID) -> Export | None:
        """The export as it stands now; None when it was deleted.

        Raises:
            HeldElsewhereError: a worker is at it, by another copy of the message; the letter is to be read again.
            StaleStateError: it changed just now; the letter is to be read again.
        """
        try:
            before = self.exports.get(export_id)
        except ExportNotFoundError:
            return None
        if before.is_held(self.clock.now()):
            raise HeldElsewhereError(f"Export {export_id} is still worked on")
        if before.status.is_final:
            return before
        error = RetriesExhaustedError(
            f"The export was tried {before.attempt} times and could not be finished; ask for it again, or report its "
            "id if it fails again"
        )
        after = before.failed(Failure.of(error), self.clock.now())
        self.exports.replace(before, after)
        TellJob(self.updates, self.clock)(after)
        ReleaseExports(self.exports, self.queue, self.clock)()
        return after
