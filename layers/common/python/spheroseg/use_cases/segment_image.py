"""A queued segmentation is run: file in, objects, spheroids and status out."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from spheroseg.domain.image import Image, original_key
from spheroseg.domain.segmentation import (
    Failure,
    PixelSizeSource,
    Result,
    Segmentation,
    SegmentationStatus,
    result_prefix,
)
from spheroseg.domain.spheroid import Spheroid
from spheroseg.errors import InvalidInputError, NotFoundError, StaleStateError
from spheroseg.imaging.geojson import feature_collection
from spheroseg.imaging.labels import labels_tiff
from spheroseg.imaging.measures import spheroids_of
from spheroseg.imaging.windowing import preview_jpeg
from spheroseg.messages import SegmentationChanged
from spheroseg.ports import (
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
from spheroseg.use_cases.read_segmentations import LABELS_FILE, OUTLINES_FILE, PREVIEW_FILE

Outcome = TypeVar("Outcome")


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

    The three steps may be called from different threads, so that a worker downloads the next image while the model
    runs; each returns None when nothing is left to do. Bad input fails the run for good. What is unavailable raises,
    and the step can be called again with what it was given.
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
        """The run, started in this worker's name; None when it is finished, gone, or held by another worker."""
        try:
            before = self.segmentations.get(segmentation_id)
        except NotFoundError:
            return None  # deleted meanwhile
        now = self.clock.now()
        if before.status.is_final:
            self._announce(before)
            return None
        if before.is_held(now):
            return None
        running = before.started(now)
        try:
            self.segmentations.replace(before, running)
        except StaleStateError:
            return None  # taken by another worker just now
        self._announce(running)
        return running

    def decode(self, running: Segmentation, folder: Path) -> DecodedWork | None:
        """The taken run with its pixels.

        Args:
            folder: Where the file is kept while it is decoded.
        """
        stages_s: dict[str, float] = {}
        path = folder / f"{running.id}-{running.attempt}"
        try:
            image = self.images.get(running.image_id)
            segmenter = self.segmenters.of(running.order)
            self._timed(stages_s, "download", lambda: self.store.download(original_key(image.id), path))
            decoded = self._timed(stages_s, "decode", lambda: self.decoder.decode(path, running.order.parameters.page))
        except (InvalidInputError, NotFoundError) as error:
            self._fail(running, error)
            return None
        finally:
            path.unlink(missing_ok=True)
        return DecodedWork(running, image, segmenter, decoded, stages_s)

    def segment(self, work: DecodedWork) -> SegmentedWork | None:
        """The run with its objects."""
        parameters = work.segmentation.order.parameters
        try:
            segmented = self._timed(
                work.stages_s, "model", lambda: work.segmenter.segment(work.decoded.pixels, parameters)
            )
        except InvalidInputError as error:
            self._fail(work.segmentation, error)
            return None
        return SegmentedWork(work, segmented)

    def finish(self, segmented_work: SegmentedWork) -> Segmentation | None:
        """The succeeded run, its objects, row and spheroids written and announced; None when it was taken away."""
        work, segmented = segmented_work.work, segmented_work.segmented
        running, decoded = work.segmentation, work.decoded
        pixel_size_um, source = self._pixel_size(work.image, decoded)
        spheroids = self._timed(
            work.stages_s, "outlines", lambda: spheroids_of(segmented.labels, segmented.probability)
        )
        self._timed(work.stages_s, "store", lambda: self._put(running, segmented, decoded, spheroids, pixel_size_um))
        height_px, width_px = segmented.labels.shape
        result = Result(
            width_px=width_px,
            height_px=height_px,
            pixel_type=decoded.pixel_type,
            pixel_size_um=pixel_size_um,
            pixel_size_source=source,
            spheroid_count=len(spheroids),
            stages_s=dict(work.stages_s),
        )
        succeeded = running.succeeded(result, self.clock.now())
        try:
            self.segmentations.finish(running, succeeded, spheroids)
        except StaleStateError:
            if not self._was_written(succeeded):
                self.store.delete_under(result_prefix(running.id, running.attempt))
                return None
        self._announce(succeeded)
        return succeeded

    def keep_alive(self, running: Segmentation) -> bool:
        """Say that the run is still worked on; False when it was taken away or cancelled."""
        try:
            self.segmentations.keep_alive(running, self.clock.now())
        except StaleStateError:
            return False
        return True

    def give_back(self, running: Segmentation) -> None:
        """Let the run wait again, for a worker that stops."""
        with suppress(StaleStateError):  # taken away already: nothing is left to give back
            self.segmentations.replace(running, running.given_back(self.clock.now()))

    def __call__(self, segmentation_id: UUID, folder: Path) -> Segmentation | None:
        """All steps, one after the other."""
        running = self.take(segmentation_id)
        decoded = self.decode(running, folder) if running else None
        segmented = self.segment(decoded) if decoded else None
        return self.finish(segmented) if segmented else None

    def _put(
        self,
        running: Segmentation,
        segmented: SegmentedPixels,
        decoded: DecodedImage,
        spheroids: list[Spheroid],
        pixel_size_um: float | None,
    ) -> None:
        prefix = result_prefix(running.id, running.attempt)
        outlines = feature_collection(spheroids, pixel_size_um)
        self.store.put(prefix + LABELS_FILE, labels_tiff(segmented.labels, pixel_size_um), "image/tiff")
        self.store.put(prefix + OUTLINES_FILE, outlines, "application/geo+json")
        self.store.put(prefix + PREVIEW_FILE, preview_jpeg(decoded.pixels), "image/jpeg")

    def _pixel_size(self, image: Image, decoded: DecodedImage) -> tuple[float | None, PixelSizeSource | None]:
        if image.pixel_size_um is not None:
            return image.pixel_size_um, PixelSizeSource.USER
        if decoded.pixel_size_um is not None:
            return decoded.pixel_size_um, PixelSizeSource.FILE
        project = self.projects.get(image.project_id)
        if project.pixel_size_um is not None:
            return project.pixel_size_um, PixelSizeSource.PROJECT
        return None, None

    def _was_written(self, succeeded: Segmentation) -> bool:
        """True when an earlier call of the same attempt wrote the row and only its answer was lost."""
        try:
            present = self.segmentations.get(succeeded.id)
        except NotFoundError:
            return False
        return present.status is SegmentationStatus.SUCCEEDED and present.attempt == succeeded.attempt

    def _fail(self, running: Segmentation, error: InvalidInputError | NotFoundError) -> None:
        failed = running.failed(Failure.of(error), self.clock.now())
        try:
            self.segmentations.replace(running, failed)
        except StaleStateError:
            return  # cancelled, deleted, or taken over meanwhile
        self._announce(failed)

    def _announce(self, segmentation: Segmentation) -> None:
        self.updates.publish(SegmentationChanged.of(segmentation, self.clock.now()))

    def _timed(self, stages_s: dict[str, float], stage: str, step: Callable[[], Outcome]) -> Outcome:
        begun: datetime = self.clock.now()
        outcome = step()
        stages_s[stage] = (self.clock.now() - begun).total_seconds()
        return outcome
