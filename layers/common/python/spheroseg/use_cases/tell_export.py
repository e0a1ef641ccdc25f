"""Where an export is, told to whoever asked for it."""

from contextlib import suppress
from dataclasses import dataclass

from spheroseg.domain.export import Export
from spheroseg.errors import QueueUnavailableError
from spheroseg.messages import ExportChanged
from spheroseg.ports import Clock, JobAnnouncer


@dataclass(frozen=True)
class TellExport:
    """Announce an export as it stands; what is not heard is found by asking."""

    updates: JobAnnouncer
    clock: Clock

    def __call__(self, export: Export) -> None:
        """Announce it, or go on without where the queue does not take it: no export may fail for that."""
        with suppress(QueueUnavailableError):
            self.updates.announce(ExportChanged.of(export, self.clock.now()))
