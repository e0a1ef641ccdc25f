"""Imports whose message was lost are sent again, those without a file expire, old rows are forgotten."""

from dataclasses import dataclass

from spheroseg.domain.outline_import import FORGOTTEN_AFTER
from spheroseg.errors import StaleStateError
from spheroseg.messages import ImportRequested
from spheroseg.ports import Clock, ExportQueue, ImageStore, ImportRepository
from spheroseg.use_cases.sweep_exports import BATCH, SILENT_AFTER


@dataclass(frozen=True)
class SweptImports:
    """What one sweep did.

    Args:
        sent: Imports that were sent again.
        expired: Those whose file did not come in time, or was never started.
        forgotten: Rows that were removed.
    """

    sent: int
    expired: int
    forgotten: int


@dataclass(frozen=True)
class SweepImports:
    """Once a minute; the bucket's own rule removes the files that no sweep has seen."""

    imports: ImportRepository
    store: ImageStore
    queue: ExportQueue
    clock: Clock

    def __call__(self) -> SweptImports:
        """One sweep."""
        now = self.clock.now()
        silent = self.imports.stalled(now - SILENT_AFTER, now, BATCH)
        if silent:
            self.queue.send([ImportRequested.of(one) for one in silent])
        past = self.imports.past(now, BATCH)
        for one in past:
            self.store.delete_under(one.prefix)
            try:
                self.imports.replace(one, one.seen(now))
            except StaleStateError:
                continue  # gone with its project, or started just now: its worker says that the file is missing
        return SweptImports(len(silent), len(past), self.imports.forget(now - FORGOTTEN_AFTER, BATCH))
