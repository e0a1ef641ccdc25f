"""What an import is going to store: its file read, matched with images and results, checked and measured."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.image import Image, ImageStatus, original_key
from spheroseg.domain.outline_import import (
    MAX_OBJECTS,
    MAX_PIXELS,
    Base,
    Import,
    Imported,
    annotation_order,
    told,
)
from spheroseg.domain.outline_matching import matched
from spheroseg.domain.packed_outlines import unpacked
from spheroseg.domain.paging import PageKey
from spheroseg.domain.revision import Changes, Revision
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus, result_prefix
from spheroseg.domain.spheroid import Polygon, Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    DifferentSizesError,
    ImageNotFoundError,
    ImportFileTooLargeError,
    InvalidEditError,
    NotStoredYetError,
    RevisionNotFoundError,
)
from spheroseg.imaging.drawn_outlines import drawn_spheroids
from spheroseg.imaging.intensities import brightness_of
from spheroseg.imaging.rasterising import labels_of
from spheroseg.ports import (
    Clock,
    Decoder,
    ImageRepository,
    ImageStore,
    ImportRepository,
    OutlineFiles,
    ProjectRepository,
    RevisionRepository,
)
from spheroseg.use_cases.edit_outlines import stale_in_words
from spheroseg.use_cases.import_targets import Target, Targets, numbered, paired, storable
from spheroseg.use_cases.result_files import pixel_size_of, put_files, result_of
from spheroseg.use_cases.run_export import StoppedError

if TYPE_CHECKING:
    from spheroseg.exchange.results import ReadImage

IMAGES_AT_ONCE = 5_000
OUTLINES_AT_ONCE = 5_000


@dataclass
class ImportWork:
    """An import at work, as seen by whoever tells of it from another thread.

    Args:
        job: As this worker took it.
        done, total, spheroids: Images of the file that are ready to be stored, all of them, and their spheroids.
        told: What of that was announced last.
        stop: Set when it is not to be finished: it was cancelled, is another's, or the worker ends.
    """

    job: Import
    done: int = 0
    total: int = 0
    spheroids: int = 0
    told: tuple[int, int, int] = (0, 0, 0)
    stop: Event = field(default_factory=Event)


@dataclass
class ImportChanges:
    """What is to be stored; files of ``runs`` are in the store already."""

    images: list[Imported] = field(default_factory=list)
    revisions: list[tuple[Revision, Sequence[Spheroid]]] = field(default_factory=list)
    runs: list[tuple[Segmentation, Sequence[Spheroid]]] = field(default_factory=list)
    unmatched: tuple[str, ...] = ()


def names_in(imports: ImportRepository, project_id: UUID) -> Iterator[tuple[UUID, str]]:
    """Ids and names of all images of a project whose file is there."""
    after: PageKey | None = None
    while True:
        page = imports.names(project_id, after, IMAGES_AT_ONCE)
        for id_, name, after in page:  # noqa: B007 - the last one is where the next page begins
            yield id_, name
        if len(page) < IMAGES_AT_ONCE:
            return


@dataclass(frozen=True)
class PrepareImport:
    """Read a file, match it with images and results, check and measure its outlines; no row is written.

    Files of new results are put into the store; whoever cannot write their rows removes them.
    """

    projects: ProjectRepository
    images: ImageRepository
    imports: ImportRepository
    revisions: RevisionRepository
    store: ImageStore
    files: OutlineFiles
    decoder: Decoder
    clock: Clock

    def __call__(self, changes: ImportChanges, work: ImportWork, folder: Path) -> None:
        """Add to ``changes`` image by image, so that after an error it says whose files were put.

        Args:
            changes: Empty at first.
            work: The import as it was taken; it is told how far this is.
            folder: An empty one for the file and what is unpacked of it.

        Raises:
            StoppedError: ``work.stop`` was set.
            InvalidInputError, NotFoundError, ConflictError, ForbiddenError: the file, or what it is for, is to blame.
            UnavailableError: the store or the database does not answer.
        """
        job = work.job
        project = self.projects.accessible(Viewer(job.requested_by), job.project_id).to(Action.WRITE)
        path = folder / "received" / job.local_name
        path.parent.mkdir()
        self.store.download(job.key, path)
        unpacked_in = folder / "unpacked"
        unpacked_in.mkdir()
        targets = self._targets(job)
        read = self.files.read(path, job.options, self._sizes(job, targets), unpacked_in)
        path.unlink()
        work.total = len(read)
        if sum(len(image.objects) for image in read) > MAX_OBJECTS:
            raise ImportFileTooLargeError(f"One import takes up to {MAX_OBJECTS:,} outlines; import the file in parts")
        pairs, unmatched = paired(read, targets, self.files)
        changes.unmatched = tuple(map(storable, unmatched))
        work.done = len(unmatched)
        for image, target in pairs:
            if work.stop.is_set():
                raise StoppedError
            try:
                self._add(changes, job, project.owner_id, image, target, folder)
            except InvalidEditError as error:
                raise InvalidEditError(f"{image.name}: {error}", error.fault) from error
            work.done += 1
            work.spheroids += len(image.objects)
        if work.stop.is_set():
            raise StoppedError

    def _targets(self, job: Import) -> Targets:
        if job.options.bases:
            found = []
            for base in job.options.bases:
                run = self._head(job, base)
                found.append(Target(self._image(job, run.image_id), run.order.parameters.page, base))
            return Targets(found)
        if job.options.image_id is not None:
            return Targets([Target(self._image(job, job.options.image_id), job.options.page)])
        return Targets.of_names(
            names_in(self.imports, job.project_id), lambda id_: Target(self._image(job, id_), job.options.page)
        )

    def _image(self, job: Import, image_id: UUID) -> Image:
        image = self.images.get(image_id)
        if image.project_id != job.project_id:
            raise ImageNotFoundError(f"Image {image_id} is in another project by now")
        return image

    def _head(self, job: Import, base: Base) -> Segmentation:
        """The result that is to be corrected, whose newest revision is the one that was named."""
        head = self.revisions.head(Viewer(job.requested_by), base.segmentation_id).to(Action.WRITE)
        if base.revision > head.revision:
            raise RevisionNotFoundError(f"Segmentation {base.segmentation_id} has no revision {base.revision}")
        if base.revision < head.revision:
            raise stale_in_words(self.revisions, base.segmentation_id, base.revision)
        return head.segmentation

    def _sizes(self, job: Import, targets: Targets) -> Callable[[str], tuple[int, int] | None]:
        def size_of(name: str) -> tuple[int, int] | None:
            target = targets.called(name, self.files)
            if target is None:
                return None
            return self.imports.sizes(job.project_id, target.page, [target.image.id]).get(target.image.id)

        return size_of

    def _add(
        self, changes: ImportChanges, job: Import, owner_id: str, image: "ReadImage", target: Target, folder: Path
    ) -> None:
        if target.base is None:
            self._draw(changes, job, owner_id, image, target, folder)
        else:
            self._revise(changes, job, image, target, target.base)

    def _revise(self, changes: ImportChanges, job: Import, image: "ReadImage", target: Target, base: Base) -> None:
        head = self.revisions.head(Viewer(job.requested_by), base.segmentation_id).to(Action.WRITE)
        if head.revision != base.revision:
            raise stale_in_words(self.revisions, base.segmentation_id, base.revision)
        result = head.segmentation.result
        if result is None:
            raise AssertionError("a run that succeeded has a result")
        size_px = result.width_px, result.height_px
        _require_size(image, target, size_px)
        spheroids = drawn_spheroids(numbered(image), size_px)
        now = self._outlines(job, base)
        found = matched(now, [(one.number, one.polygons) for one in spheroids])
        added = [replace(spheroids[place], number=head.highest_number + 1 + at) for at, place in enumerate(found.added)]
        changed = [replace(spheroids[place], number=number) for number, place in sorted(found.changed.items())]
        told_changes = Changes(
            tuple(one.number for one in added), tuple(one.number for one in changed), tuple(found.removed)
        )
        number = None
        if not told_changes.is_empty:
            number = base.revision + 1
            revision = Revision(
                segmentation_id=base.segmentation_id,
                number=number,
                author_id=job.requested_by,
                created_at=self.clock.now(),
                note=job.options.note,
                restored_from=None,
                changes=told_changes,
                spheroid_count=len(spheroids),
                highest_number=head.highest_number + len(added),
                operations=[told(job)],
            )
            changes.revisions.append((revision, [*changed, *added]))
        counts = len(added), len(changed), len(found.removed)
        changes.images.append(Imported(storable(image.name), target.image.id, base.segmentation_id, number, *counts))

    def _outlines(self, job: Import, base: Base) -> Mapping[int, tuple[Polygon, ...]]:
        found: dict[int, tuple[Polygon, ...]] = {}
        after = 0
        while True:
            page = self.revisions.outlines(
                Viewer(job.requested_by), base.segmentation_id, base.revision, after, OUTLINES_AT_ONCE
            )
            found |= {number: unpacked(outline) for number, outline in page.outlines}
            if page.next_after is None:
                return found
            after = page.next_after

    def _draw(
        self, changes: ImportChanges, job: Import, owner_id: str, image: "ReadImage", target: Target, folder: Path
    ) -> None:
        """A new result whose outlines a person drew: measured as any other, with no model and no confidence."""
        if target.image.status is not ImageStatus.STORED:
            raise NotStoredYetError(f"The file of {target.image.name} has not arrived; nothing can be drawn on it")
        begun = self.clock.now()
        path = folder / "original"
        try:
            self.store.download(original_key(target.image.id), path)
            decoded = self.decoder.decode(path, target.page)
        finally:
            path.unlink(missing_ok=True)
        if target.image.pages is None:
            self.images.note_pages(target.image.id, decoded.pages)
        height_px, width_px = decoded.pixels.shape
        if height_px * width_px > MAX_PIXELS:
            raise ImportFileTooLargeError(
                f"{target.image.name} has {width_px} × {height_px} px; results are drawn on up to {MAX_PIXELS:,} pixels"
            )
        _require_size(image, target, (width_px, height_px))
        spheroids = drawn_spheroids(numbered(image), (width_px, height_px))
        labels = labels_of({one.number: one.polygons for one in spheroids}, (height_px, width_px))
        spheroids = brightness_of(labels, decoded.pixels, spheroids)
        pixel_size_um, source = pixel_size_of(self.projects, target.image, decoded)
        now = self.clock.now()
        run = Segmentation(
            id=job.new_result_id(target.image.id),
            image_id=target.image.id,
            project_id=job.project_id,
            owner_id=owner_id,
            order=annotation_order(target.page),
            status=SegmentationStatus.SUCCEEDED,
            attempt=job.attempt,
            correlation_id=job.correlation_id,
            queued_at=now,
            started_at=begun,
            finished_at=now,
            result=result_of(decoded, labels, len(spheroids), (pixel_size_um, source), stages_s={}),
            requested_by=None if job.requested_by == owner_id else job.requested_by,
        )
        for earlier in range(1, job.attempt):  # what it left; a later one's, if this worker was replaced, stays
            self.store.delete_under(result_prefix(run.id, earlier))
        changes.runs.append((run, spheroids))
        put_files(self.store, result_prefix(run.id, run.attempt), labels, decoded, spheroids, pixel_size_um)
        changes.images.append(Imported(storable(image.name), target.image.id, run.id, 0, len(spheroids), 0, 0))


def _require_size(image: "ReadImage", target: Target, size_px: tuple[int, int]) -> None:
    if image.width_px is not None and (image.width_px, image.height_px) != size_px:
        raise DifferentSizesError(
            f"{image.name} has {image.width_px} × {image.height_px} px in the file; {target.image.name} has "
            f"{size_px[0]} × {size_px[1]}"
        )
