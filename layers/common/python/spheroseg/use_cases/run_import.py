"""One import, from the file to the outlines that are stored, all of them together or none."""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from spheroseg.domain.outline_import import Import, ImportStatus
from spheroseg.domain.segmentation import Failure, result_prefix
from spheroseg.errors import (
    HeldElsewhereError,
    ImportNotFoundError,
    QueueUnavailableError,
    SpherosegError,
    StaleRevisionError,
    StaleStateError,
    UnavailableError,
)
from spheroseg.messages import BrightnessRequested
from spheroseg.ports import Clock, ExportQueue, ImageStore, ImportRepository, JobAnnouncer, RevisionRepository
from spheroseg.use_cases.edit_outlines import stale_in_words
from spheroseg.use_cases.import_targets import storable
from spheroseg.use_cases.prepare_import import ImportChanges, ImportWork, PrepareImport, names_in
from spheroseg.use_cases.run_export import StoppedError
from spheroseg.use_cases.tell_job import TellJob


@dataclass(frozen=True)
class RunImport:
    """Read a file, check and measure its outlines, and store them; an import that has ended stays as it is.

    Files of new results are in the store before their rows are. Whoever cannot write the rows removes the files.
    """

    prepare: PrepareImport
    imports: ImportRepository
    revisions: RevisionRepository
    store: ImageStore
    clock: Clock
    scratch: Path
    updates: JobAnnouncer
    queue: ExportQueue | None = None

    def take(self, import_id: UUID) -> ImportWork | None:
        """The import, started by this worker; None when there is nothing to do.

        Raises:
            HeldElsewhereError: another worker is at it.
            StaleStateError: it changed just now.
        """
        try:
            before = self.imports.get(import_id)
        except ImportNotFoundError:
            return None
        now = self.clock.now()
        if before.status is ImportStatus.CANCELLED and before.attempt:
            self._clear_all(before)  # its worker may have died before it could
        if before.status.is_final or before.sent_at is None:
            return None
        if before.is_held(now):
            raise HeldElsewhereError(f"Import {import_id} is worked on by another worker")
        after = before.started(now)
        self.imports.replace(before, after)
        self._tell(after)
        return ImportWork(after)

    def make(self, work: ImportWork) -> Import | None:
        """The import after its end; None when it was cancelled, deleted or taken over, and nothing is left of it.

        Raises:
            StoppedError: ``work.stop`` was set from outside for another reason: see ``give_back``; or it was cancelled.
        """
        with TemporaryDirectory(prefix="spheroseg-import-", dir=self.scratch) as folder:
            changes = ImportChanges()
            try:
                self.prepare(changes, work, Path(folder))
            except (UnavailableError, StaleStateError):
                raise
            except StoppedError:
                self._clear(work.job, changes)  # nobody may begin it again: it may have been cancelled
                raise
            except SpherosegError as error:
                self._clear(work.job, changes)
                return self._failed(work, error)
        return self._stored(work, changes)

    def keep_alive(self, work: ImportWork) -> bool:
        """Say that it is still worked on, and how far it is; False when it is no longer this worker's."""
        after = work.job.advanced(work.done, work.total, work.spheroids, self.clock.now())
        try:
            self.imports.replace(work.job, after)
        except StaleStateError:
            return False
        if (after.done, after.total, after.spheroids) != work.told:
            work.told = after.done, after.total, after.spheroids
            self._tell(after)
        return True

    def give_back(self, work: ImportWork) -> None:
        """Let it wait again, for another worker; nothing happens when it is no longer this worker's."""
        after = work.job.given_back(self.clock.now())
        try:
            self.imports.replace(work.job, after)
        except StaleStateError:
            return
        self._tell(after)

    def _tell(self, import_: Import) -> None:
        TellJob(self.updates, self.clock)(import_)

    def _failed(self, work: ImportWork, error: SpherosegError) -> Import | None:
        after = work.job.advanced(work.done, work.total, work.spheroids, self.clock.now())
        return self._ended(work, after.failed(_failure(error), self.clock.now()), ImportChanges())

    def _stored(self, work: ImportWork, changes: ImportChanges) -> Import | None:
        now = self.clock.now()
        after = work.job.advanced(work.done, work.total, work.spheroids, now)
        try:
            return self._ended(work, after.succeeded(tuple(changes.images), changes.unmatched, now), changes)
        except StaleRevisionError as error:
            self._clear(work.job, changes)
            return self._failed(work, self._told_what_changed(changes, error))

    def _ended(self, work: ImportWork, after: Import, changes: ImportChanges) -> Import | None:
        try:
            self.imports.finish(work.job, after, changes.revisions, changes.runs)
        except StaleStateError:
            if self._is_still_ours(work.job):
                raise  # an image is gone since: whoever begins again says which
            self._clear(work.job, changes)
            return None
        self._tell(after)
        self.store.delete_under(after.prefix)
        if self.queue is not None and changes.revisions:
            ids = [revision.segmentation_id for revision, _ in changes.revisions]
            asked = [BrightnessRequested(correlation_id=after.correlation_id, segmentation_id=id_) for id_ in ids]
            with suppress(QueueUnavailableError):  # the sweep asks later
                self.queue.send(asked)
        return after

    def _is_still_ours(self, job: Import) -> bool:
        try:
            present = self.imports.get(job.id)
        except ImportNotFoundError:
            return False
        return (present.status, present.attempt) == (job.status, job.attempt)

    def _clear(self, job: Import, changes: ImportChanges) -> None:
        for run, _ in changes.runs:
            self.store.delete_under(result_prefix(run.id, job.attempt))

    def _clear_all(self, job: Import) -> None:
        """Files of every result that any attempt can have drawn, on images that are still there."""
        if job.options.bases:
            return
        chosen = job.options.image_id
        images = [id_ for id_, _ in names_in(self.imports, job.project_id)] if chosen is None else [chosen]
        for id_ in images:
            self.store.delete_under(result_prefix(job.new_result_id(id_)))

    def _told_what_changed(self, changes: ImportChanges, error: StaleRevisionError) -> StaleRevisionError:
        for revision, _ in changes.revisions:
            if self.revisions.later(revision.segmentation_id, revision.number - 1, 1):
                return stale_in_words(self.revisions, revision.segmentation_id, revision.number - 1)
        return error


def _failure(error: SpherosegError) -> Failure:
    failure = Failure.of(error)
    return replace(failure, detail=storable(failure.detail))
