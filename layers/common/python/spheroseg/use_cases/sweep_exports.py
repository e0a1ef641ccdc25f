"""Exports whose message was lost are sent again, files whose day is over are removed, old rows are forgotten."""

from dataclasses import dataclass, replace
from datetime import timedelta

from spheroseg.domain.export import FORGOTTEN_AFTER, ExportStatus
from spheroseg.errors import StaleStateError
from spheroseg.messages import ExportRequested
from spheroseg.ports import Clock, ExportQueue, ExportRepository, ExportStore
from spheroseg.use_cases.release_exports import ReleaseExports

SILENT_AFTER = timedelta(minutes=5)
"""An export that was sent and not heard of for so long is sent again. A second message of one that still waits does no
harm: whoever gets it later finds it taken."""
BATCH = 100


@dataclass(frozen=True)
class Swept:
    """What one sweep did.

    Args:
        held: Requests that the queue held before, waiting or lent out.
        sent: Exports that were sent again.
        released: Those whose turn had come, and nothing else had sent them.
        expired: Files that were removed.
        forgotten: Rows that were removed.
    """

    held: int
    sent: int
    released: int
    expired: int
    forgotten: int


@dataclass(frozen=True)
class SweepExports:
    """Once a minute; the bucket's own rule removes what no sweep has seen."""

    exports: ExportRepository
    store: ExportStore
    queue: ExportQueue
    clock: Clock

    def __call__(self) -> Swept:
        """One sweep.

        The queue is asked each time: SQS stops reporting metrics of queues that nobody touched for six hours, and
        workers are started by these metrics.
        """
        now, held = self.clock.now(), self.queue.depth()
        silent = self.exports.stalled(now - SILENT_AFTER, now, BATCH)
        if silent:
            self.queue.send([ExportRequested.of(export) for export in silent])
        released = ReleaseExports(self.exports, self.queue, self.clock)()
        expired = self._expire()
        forgotten = self.exports.forget(now - FORGOTTEN_AFTER, BATCH)
        return Swept(held, len(silent), released, expired, forgotten)

    def _expire(self) -> int:
        past = self.exports.past(self.clock.now(), BATCH)
        for export in past:
            self.store.clear(export.prefix)
            try:
                self.exports.replace(export, replace(export, status=ExportStatus.EXPIRED))
            except StaleStateError:
                continue  # gone with its project, or another sweep was first
        return len(past)
