"""An import that was tried too often gets its final status."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.outline_import import Import
from spheroseg.domain.segmentation import Failure
from spheroseg.errors import HeldElsewhereError, ImportNotFoundError, RetriesExhaustedError
from spheroseg.ports import Clock, ImportRepository, JobAnnouncer
from spheroseg.use_cases.tell_job import TellJob


@dataclass(frozen=True)
class FailImport:
    """Fail what a dead letter stands for; one that has ended, or is gone, stays as it is."""

    imports: ImportRepository
    clock: Clock
    updates: JobAnnouncer

    def __call__(self, import_id: UUID) -> Import | None:
        """The import as it stands now; None when it was deleted.

        Raises:
            HeldElsewhereError: a worker is at it, by another copy of the message; the letter is to be read again.
            StaleStateError: it changed just now; the letter is to be read again.
        """
        try:
            before = self.imports.get(import_id)
        except ImportNotFoundError:
            return None
        if before.is_held(self.clock.now()):
            raise HeldElsewhereError(f"Import {import_id} is still worked on")
        if before.status.is_final:
            return before
        error = RetriesExhaustedError(
            f"The import was tried {before.attempt} times and could not be finished; nothing was changed. The file may "
            "need more memory than there is: import it in parts, or report the import's id"
        )
        after = before.failed(Failure.of(error), self.clock.now())
        self.imports.replace(before, after)
        TellJob(self.updates, self.clock)(after)
        return after
