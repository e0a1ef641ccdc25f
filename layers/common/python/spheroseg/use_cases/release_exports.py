"""Exports whose turn has come are put on the queue."""

from contextlib import suppress
from dataclasses import dataclass

from spheroseg.errors import QueueUnavailableError
from spheroseg.messages import ExportRequested
from spheroseg.ports import Clock, ExportQueue, ExportRepository


@dataclass(frozen=True)
class ReleaseExports:
    """Of each person one export is in the queue or at work, so that people take turns."""

    exports: ExportRepository
    queue: ExportQueue
    clock: Clock

    def __call__(self) -> int:
        """How many were sent; what the queue does not take now is sent by the sweep."""
        released = self.exports.release(self.clock.now())
        if released:
            with suppress(QueueUnavailableError):
                self.queue.send([ExportRequested.of(export) for export in released])
        return len(released)
