"""Where an export or import is, told to whoever asked for it."""

from contextlib import suppress
from dataclasses import dataclass

from spheroseg.domain.export import Export
from spheroseg.domain.outline_import import Import
from spheroseg.errors import QueueUnavailableError
from spheroseg.messages import ExportChanged, ImportChanged
from spheroseg.ports import Clock, JobAnnouncer


@dataclass(frozen=True)
class TellJob:
    """Announce an export or import as it stands; what is not heard is found by asking."""

    updates: JobAnnouncer
    clock: Clock

    def __call__(self, job: Export | Import) -> None:
        """Announce it, or go on without where the queue does not take it: no job may fail for that."""
        now = self.clock.now()
        change = ExportChanged.of(job, now) if isinstance(job, Export) else ImportChanged.of(job, now)
        with suppress(QueueUnavailableError):
            self.updates.announce(change)
