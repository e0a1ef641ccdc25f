"""An import is no longer wanted."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.outline_import import Import
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import StaleStateError
from spheroseg.ports import Clock, ImageStore, ImportRepository, JobAnnouncer
from spheroseg.use_cases.cancel_export import TRIES
from spheroseg.use_cases.tell_job import TellJob


@dataclass(frozen=True)
class CancelImport:
    """End an unfinished import, which then changes nothing; a worker that is at it stops after an image."""

    imports: ImportRepository
    store: ImageStore
    clock: Clock
    updates: JobAnnouncer

    def __call__(self, viewer: Viewer, import_id: UUID) -> Import:
        """The import after it, its file removed; cancelling it again changes nothing.

        Raises:
            ImportNotFoundError: there is none of that id that the viewer asked for.
            IllegalMoveError: it has ended.
            StorageUnavailableError: it is cancelled; its file goes with the next try, or within a day.
        """
        self.imports.one(viewer, import_id)
        for _ in range(TRIES):
            before = self.imports.get(import_id)
            after = before.seen(self.clock.now()).cancelled(self.clock.now())
            if after != before:
                try:
                    self.imports.replace(before, after)
                except StaleStateError:
                    continue
                TellJob(self.updates, self.clock)(after)
            self.store.delete_under(after.prefix)
            return after
        raise StaleStateError("The import is being changed all the time; try again")
