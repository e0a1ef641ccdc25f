"""An export is no longer wanted."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.export import Export
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import StaleStateError
from spheroseg.ports import Clock, ExportQueue, ExportRepository, JobAnnouncer
from spheroseg.use_cases.release_exports import ReleaseExports
from spheroseg.use_cases.tell_job import TellJob

TRIES = 5
"""Its worker may change the row between reading and writing it; not so often."""


@dataclass(frozen=True)
class CancelExport:
    """End an unfinished export; a worker that is at it stops within seconds and leaves nothing."""

    exports: ExportRepository
    queue: ExportQueue
    clock: Clock
    updates: JobAnnouncer

    def __call__(self, viewer: Viewer, export_id: UUID) -> Export:
        """The export after it; cancelling it again changes nothing.

        Raises:
            ExportNotFoundError: there is none of that id that the viewer asked for.
            IllegalMoveError: it has ended.
        """
        self.exports.one(viewer, export_id)
        for _ in range(TRIES):
            before = self.exports.get(export_id)
            after = before.seen(self.clock.now()).cancelled(self.clock.now())
            if after == before:
                return before
            try:
                self.exports.replace(before, after)
            except StaleStateError:
                continue
            TellJob(self.updates, self.clock)(after)
            ReleaseExports(self.exports, self.queue, self.clock)()
            return after
        raise StaleStateError("The export is being changed all the time; try again")
