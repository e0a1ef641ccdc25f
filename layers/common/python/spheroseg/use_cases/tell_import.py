"""Where an import is, told to whoever asked for it."""

from contextlib import suppress
from dataclasses import dataclass

from spheroseg.domain.outline_import import Import
from spheroseg.errors import QueueUnavailableError
from spheroseg.messages import ImportChanged
from spheroseg.ports import Clock, JobAnnouncer


@dataclass(frozen=True)
class TellImport:
    """Announce an import as it stands; what is not heard is found by asking."""

    updates: JobAnnouncer
    clock: Clock

    def __call__(self, import_: Import) -> None:
        """Announce it, or go on without where the queue does not take it: no import may fail for that."""
        with suppress(QueueUnavailableError):
            self.updates.announce(ImportChanged.of(import_, self.clock.now()))
