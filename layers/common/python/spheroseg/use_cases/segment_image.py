"""A queued segmentation is run: file in, objects, spheroids and status out."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from spheroseg.domain.image import Image, original_key
from spheroseg.domain.review import Review
from spheroseg.domain.segmentation import (
    Failure,
    ModelFile,
    Runtime,
    Segmentation,
    SegmentationStatus,
    result_prefix,
)
from spheroseg.domain.spheroid import Spheroid
from spheroseg.errors import HeldElsewhereError, InvalidInputError, NotFoundError, StaleStateError
from spheroseg.imaging.certainty import certainty_of
from spheroseg.imaging.intensities import brightness_of
from spheroseg.imaging.measures import spheroids_of
from spheroseg.imaging.reviewing import review_of
from spheroseg.messages import SegmentationChanged
from spheroseg.ports import (
    ChosenModel,
    Clock,
    DecodedImage,
    Decoder,
    ImageRepository,
    ImageStore,
    ProjectRepository,
    SegmentationRepository,
    SegmentedPixels,
    Segmenter,
    Segmenters,
    UpdatePublisher,
)
from spheroseg.use_cases.result_files import pixel_size_of, put_files, result_of

Outcome = TypeVar("Outcome")
NOBODY = UUID(int=0)


@dataclass(frozen=True)
class DecodedWork:
    """A run whose file is decoded; next is the model."""

    segmentation: Segmentation
    image: Image
    segmenter: Segmenter
    decoded: DecodedImage
    stages_s: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SegmentedWork:
    """A run whose objects are found; next are their outlines, measures and the store."""

    work: DecodedWork
    segmented: SegmentedPixels


@dataclass(frozen=True)
class SegmentImage:
    """Run one queued segmentation; a finished one is announced again, not computed again.

    The steps ``take``, ``decode``, ``segment`` and ``finish`` may be called from different threads, so that a worker
    downloads the next image while the model runs. Bad input fails the run for good: the step gives the failed run. A
    run that was cancelled, deleted or taken over meanwhile gives None, and nothing more is written for it. What is
    unavailable raises, and the step can be called again with what it was given.
    """

    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository
    store: ImageStore
    decoder: Decoder
    segmenters: Segmenters
    updates: UpdatePublisher
    clock: Clock

    def take(self, segmentation_id: UUID) -> Segmentation | None:
        """The run, started in this worker's name; one that has ended as it is, announced again; None when deleted.

        Raises:
            HeldElsewhereError: another worker is at it.
        """
        try:
            before = self.segmentations.get(segmentation_id)
        except NotFoundError:
            return None
        now = self.clock.now()
        if before.status.is_final:
            self._announce(before)
            return before
        if before.is_held(now):
            raise HeldElsewhereError(
                f"Segmentation {segmentation_id} is held by a worker heard of at {before.alive_at}"
            )
        running = before.started(now)
        try:
            self.segmentations.replace(before, running)
        except StaleStateError as error:
            raise HeldElsewhereError(f"Segmentation {segmentation_id} was changed by somebody else just now") from error
        return running

    def decode(self, running: Segmentation, folder: Path) -> DecodedWork | Segmentation | None:
        """The taken run, announced as running, with its pixels.

        Args:
            folder: Where the file is kept while it is decoded.
        """
        self._announce(running)  # here and not in ``take``: this step can be repeated, taking cannot
        stages_s: dict[str, float] = {}
        path = folder / f"{running.id}-{running.attempt}"
        try:
            image = self.images.get(running.image_id)
            segmenter = self.segmenters.of(running.order)
            self._timed(stages_s, "download", lambda: self.store.download(original_key(image.id), path))
            decoded = self._timed(stages_s, "decode", lambda: self.decoder.decode(path, running.order.parameters.page))
            if image.pages is None:
                self.images.note_pages(image.id, decoded.pages)
        except (InvalidInputError, NotFoundError) as error:
            return self._failed(running, error)
        finally:
            path.unlink(missing_ok=True)
        return DecodedWork(running, image, segmenter, decoded, stages_s)

    def segment(self, work: DecodedWork) -> SegmentedWork | Segmentation | None:
        """The run with its objects; None when it was cancelled or taken over before the model began."""
        if not self._is_wanted(work.segmentation):
            return None
        parameters = work.segmentation.order.parameters
        try:
            segmented = self._timed(
                work.stages_s, "model", lambda: work.segmenter.segment(work.decoded.pixels, parameters)
            )
        except InvalidInputError as error:
            return self._failed(work.segmentation, error)
        return SegmentedWork(work, segmented)

    def finish(self, segmented_work: SegmentedWork) -> Segmentation | None:
        """The succeeded run: its objects, then its row with the spheroids are written, then it is announced."""
        work, segmented = segmented_work.work, segmented_work.segmented
        running, decoded = work.segmentation, work.decoded
        if not self._is_wanted(running):
            return None
        pixel_size_um, source = pixel_size_of(self.projects, work.image, decoded)
        spheroids, review = self._timed(work.stages_s, "outlines", lambda: _described(segmented, decoded))
        prefix = result_prefix(running.id, running.attempt)
        self._timed(
            work.stages_s,
            "store",
            lambda: put_files(self.store, prefix, segmented.labels, decoded, spheroids, pixel_size_um),
        )
        result = replace(
            result_of(decoded, segmented.labels, len(spheroids), (pixel_size_um, source), dict(work.stages_s)),
            review=review,
            ran=_file_of(segmented.chosen or ChosenModel(work.segmenter.card, reason=None), segmented.runtime),
        )
        succeeded = running.succeeded(result, self.clock.now())
        ended = self._ended(running, succeeded, lambda: self.segmentations.finish(running, succeeded, spheroids))
        if ended is None:
            self.store.delete_under(prefix)
        return ended

    def keep_alive(self, running: Segmentation) -> bool:
        """Say that the run is still worked on; False when it was taken away or cancelled."""
        try:
            self.segmentations.keep_alive(running, self.clock.now())
        except StaleStateError:
            return False
        return True

    def give_back(self, running: Segmentation) -> None:
        """Let the run wait again, for a worker that stops; nothing happens when it was taken away before."""
        waiting = running.given_back(self.clock.now())
        with suppress(StaleStateError):
            self.segmentations.replace(running, waiting)
            self._announce(waiting)

    def is_over(self, segmentation_id: UUID) -> bool:
        """True when nobody needs to do anything for the run: it has ended, or was deleted."""
        try:
            return self.segmentations.standing(segmentation_id).status.is_final
        except NotFoundError:
            return True

    def check_reach(self) -> None:
        """Look once at the database and the store.

        Raises:
            UnavailableError: one of them does not answer; a run could not be finished now.
        """
        with suppress(NotFoundError):
            self.segmentations.get(NOBODY)
        with suppress(NotFoundError):
            self.store.describe(original_key(NOBODY))

    def __call__(self, segmentation_id: UUID, folder: Path) -> Segmentation | None:
        """All steps, one after the other; the run as it ended."""
        running = self.take(segmentation_id)
        if running is None or running.status.is_final:
            return running
        decoded = self.decode(running, folder)
        if not isinstance(decoded, DecodedWork):
            return decoded
        segmented = self.segment(decoded)
        return self.finish(segmented) if isinstance(segmented, SegmentedWork) else segmented

    def _failed(self, running: Segmentation, error: InvalidInputError | NotFoundError) -> Segmentation | None:
        failed = running.failed(Failure.of(error), self.clock.now())
        return self._ended(running, failed, lambda: self.segmentations.replace(running, failed))

    def _ended(self, running: Segmentation, after: Segmentation, write: Callable[[], None]) -> Segmentation | None:
        """``after``, written and announced; None when the run was cancelled, deleted or taken over meanwhile."""
        try:
            write()
        except StaleStateError:
            try:
                present = self.segmentations.get(running.id)
            except NotFoundError:
                return None
            if (present.status, present.attempt) != (after.status, after.attempt):
                return None
            after = present  # written by an earlier call of this step whose answer, or announcement, was lost
        self._announce(after)
        return after

    def _is_wanted(self, running: Segmentation) -> bool:
        """Whether the run is still this worker's: one that was cancelled goes no further and writes nothing."""
        try:
            present = self.segmentations.standing(running.id)
        except NotFoundError:
            return False
        # A repeat of ``finish`` whose answer was lost finds the run ended by itself, and announces it again.
        given_up = {SegmentationStatus.QUEUED, SegmentationStatus.CANCELLED}
        return present.attempt == running.attempt and present.status not in given_up

    def _announce(self, segmentation: Segmentation) -> None:
        self.updates.publish(SegmentationChanged.of(segmentation, self.clock.now()))

    def _timed(self, stages_s: dict[str, float], stage: str, step: Callable[[], Outcome]) -> Outcome:
        begun = self.clock.now()
        outcome = step()
        stages_s[stage] = (self.clock.now() - begun).total_seconds()
        return outcome


def _described(segmented: SegmentedPixels, decoded: DecodedImage) -> tuple[list[Spheroid], Review]:
    certainty = certainty_of(segmented.labels, segmented.view)
    spheroids = brightness_of(segmented.labels, decoded.pixels, spheroids_of(segmented.labels, certainty))
    return spheroids, replace(review_of(spheroids, certainty), unequal_edges_um=decoded.unequal_edges_um)


def _file_of(chosen: ChosenModel, runtime: Runtime | None) -> ModelFile:
    card = chosen.card
    return ModelFile(
        model=card.name,
        version=card.version,
        precision=card.precision,
        sha256=card.sha256,
        reason=chosen.reason,
        runtime=runtime,
    )
