"""One queued export is made, from reading the project to the finished file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event
from uuid import UUID

from spheroseg.domain.export import Export, ExportedRun, ExportFile
from spheroseg.domain.segmentation import Failure
from spheroseg.domain.spheroid import Spheroid
from spheroseg.errors import (
    ExportNotFoundError,
    HeldElsewhereError,
    InvalidInputError,
    NothingToExportError,
    ProjectNotFoundError,
    StaleStateError,
)
from spheroseg.ports import (
    Clock,
    ExportMaker,
    ExportQueue,
    ExportRepository,
    ExportSource,
    ExportStore,
    JobAnnouncer,
    ReviewRepository,
)
from spheroseg.use_cases.release_exports import ReleaseExports
from spheroseg.use_cases.tell_job import TellJob

IMAGES_AT_ONCE = 100
SPHEROIDS_AT_ONCE = 500
"""Some 2 MB of outlines at a time: constant memory, and a statement's share of a millisecond each."""


class StoppedError(Exception):
    """The export is no longer this worker's to finish."""


@dataclass
class Work:
    """An export at work, as seen by whoever tells of it from another thread.

    Args:
        export: As this worker took it.
        done, spheroids: Images and spheroids that are written.
        told: What of that was announced last.
        stop: Set when it is not to be finished: it was cancelled, is another's, or the worker ends.
    """

    export: Export
    done: int = 0
    spheroids: int = 0
    told: tuple[int, int] = (0, 0)
    stop: Event = field(default_factory=Event)


@dataclass(frozen=True)
class RunExport:
    """Make an export's file; one that has ended stays as it is.

    The file is complete in the store before the row says so. Whoever cannot write the row any more removes the file.
    """

    exports: ExportRepository
    source: ExportSource
    store: ExportStore
    maker: ExportMaker
    queue: ExportQueue
    clock: Clock
    reviews: ReviewRepository
    updates: JobAnnouncer

    def take(self, export_id: UUID) -> Work | None:
        """The export, started by this worker; None when there is nothing to do.

        Raises:
            HeldElsewhereError: another worker is at it.
            StaleStateError: it changed just now.
        """
        try:
            before = self.exports.get(export_id)
        except ExportNotFoundError:
            return None
        if before.status.is_final:
            return None
        if before.is_held(self.clock.now()):
            raise HeldElsewhereError(f"Export {export_id} is worked on by another worker")
        total = self.source.count(before.project_id, before.options.image_ids)
        after = before.started(total, self.clock.now())
        self.exports.replace(before, after)
        if before.attempt:
            self.store.clear(before.prefix)  # what an earlier worker left
        self._tell(after)
        return Work(after)

    def make(self, work: Work) -> Export | None:
        """The export after its end; None when it was cancelled, deleted or taken over, and nothing is left of it.

        Raises:
            StoppedError: ``work.stop`` was set from outside for another reason: see ``give_back``.
        """
        try:
            file = self._written(work)
        except (InvalidInputError, NothingToExportError, ProjectNotFoundError) as error:
            after = work.export.failed(Failure.of(error), self.clock.now())
        else:
            after = work.export.advanced(work.done, work.spheroids, self.clock.now()).succeeded(file, self.clock.now())
        try:
            self.exports.replace(work.export, after)
        except StaleStateError:
            self.store.clear(f"{work.export.prefix}{work.export.attempt}/")
            return None
        self._tell(after)
        ReleaseExports(self.exports, self.queue, self.clock)()
        return after

    def keep_alive(self, work: Work) -> bool:
        """Say that it is still worked on, and how far it is; False when it is no longer this worker's."""
        now = work.export.advanced(work.done, work.spheroids, self.clock.now())
        try:
            self.exports.replace(work.export, now)
        except StaleStateError:
            return False
        if (now.done, now.spheroids) != work.told:
            work.told = now.done, now.spheroids
            self._tell(now)
        return True

    def give_back(self, work: Work) -> None:
        """Let it wait again, for another worker; nothing happens when it is no longer this worker's."""
        after = work.export.given_back(self.clock.now())
        try:
            self.exports.replace(work.export, after)
        except StaleStateError:
            return
        self._tell(after)

    def _tell(self, export: Export) -> None:
        TellJob(self.updates, self.clock)(export)

    def _written(self, work: Work) -> ExportFile:
        export = work.export
        if not self.exports.may_be_made(export):
            raise ProjectNotFoundError("The project is gone, or may not be read any more")
        name, media_type = self.maker.file_of(export)
        with self.store.write(export.key_of(name), media_type, name) as target:
            self.maker.write(export, self._runs(work), lambda found: self._spheroids(work, found), target.stream)
            if work.stop.is_set():
                raise StoppedError
        return ExportFile(name, target.size_bytes, target.sha256, media_type)

    def _runs(self, work: Work) -> Iterator[ExportedRun]:
        chosen, after, found = work.export.options.image_ids, None, False
        while True:
            runs, images, after = self.source.runs(work.export.project_id, chosen, after, IMAGES_AT_ONCE)
            before, begun = work.done, set[UUID]()
            for run in self._wanted(work.export, runs):
                if work.stop.is_set():
                    raise StoppedError
                begun.add(run.run.image_id)
                work.done = before + len(begun) - 1
                found = True
                yield run
            work.done = before + images
            if after is None:
                break
        if not found:
            if work.export.options.accepted_only:
                raise NothingToExportError("Nobody has accepted a result of the images; review them first")
            raise NothingToExportError("None of the images has a result; segment them first")

    def _wanted(self, export: Export, runs: Sequence[ExportedRun]) -> Sequence[ExportedRun]:
        if not export.options.accepted_only or not runs:
            return runs
        accepted = self.reviews.accepted([found.run.id for found in runs])
        # What was saved and accepted since the runs were read is another revision than the one that would be written.
        return [found for found in runs if accepted.get(found.run.id) == found.run.revision]

    def _spheroids(self, work: Work, found: ExportedRun) -> Iterator[Spheroid]:
        after = 0
        while True:
            if work.stop.is_set():
                raise StoppedError
            page = self.source.spheroids(found.run.id, found.run.revision, after, SPHEROIDS_AT_ONCE)
            for spheroid in page:
                yield spheroid
                work.spheroids += 1
            if len(page) < SPHEROIDS_AT_ONCE:
                return
            after = page[-1].number
