"""Brightness of corrected outlines is measured again, in the revisions that changed them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TYPE_CHECKING
from uuid import UUID

from spheroseg.domain.image import original_key
from spheroseg.domain.packed_outlines import unpacked
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.domain.spheroid import Brightness
from spheroseg.errors import NotFoundError, SegmentationNotFoundError
from spheroseg.imaging.outline_brightness import brightness_on, canvases
from spheroseg.ports import (
    BrightnessRepository,
    Clock,
    Decoder,
    ImageRepository,
    ImageStore,
    RevisionRepository,
    SegmentationRepository,
)
from spheroseg.use_cases.run_export import StoppedError

if TYPE_CHECKING:
    from spheroseg.imaging.windowing import Grey

AT_ONCE = 5_000
"""Spheroids that are measured between two looks at what is due."""


@dataclass
class BrightnessWork:
    """A run that is measured, as seen by whoever tells of it from another thread.

    Args:
        done, spheroids: Revisions and spheroids that were measured so far.
        stop: Set when the worker ends.
    """

    run: Segmentation
    done: int = 0
    spheroids: int = 0
    stop: Event = field(default_factory=Event)


@dataclass(frozen=True)
class MeasureBrightness:
    """Measure whatever is due in a run, each in the revision that it is due in, so that no order of messages matters.

    What is stored depends on the image and on a revision alone, neither of which ever changes: two workers at once
    store the same, and what one left undone the next one finds due.
    """

    segmentations: SegmentationRepository
    images: ImageRepository
    revisions: RevisionRepository
    brightness: BrightnessRepository
    store: ImageStore
    decoder: Decoder
    clock: Clock
    scratch: Path

    def take(self, segmentation_id: UUID) -> BrightnessWork | None:
        """The run; None when nothing is due in it, or it was deleted."""
        try:
            run = self.segmentations.get(segmentation_id)
        except SegmentationNotFoundError:
            return None
        is_due = run.status is SegmentationStatus.SUCCEEDED and self.brightness.due(run.id, 1)
        return BrightnessWork(run) if is_due else None

    def make(self, work: BrightnessWork) -> BrightnessWork | None:
        """The same after its end; None when the image was deleted meanwhile.

        Raises:
            StoppedError: ``work.stop`` was set from outside; what was measured so far is kept.
        """
        pixels = self._pixels(work.run)
        if pixels is None:
            return None
        while due := self.brightness.due(work.run.id, AT_ONCE):
            for revision, numbers in due.items():
                if work.stop.is_set():
                    raise StoppedError
                measured = self._measured(work.run.id, revision, numbers, pixels)
                self.brightness.store(work.run.id, revision, measured, self.clock.now())
                work.done += 1
                work.spheroids += len(measured)
        return work

    def keep_alive(self, work: BrightnessWork) -> bool:
        """True: nobody takes the work away."""
        return not work.stop.is_set()

    def give_back(self, work: BrightnessWork) -> None:
        """Nothing: what is due stays due."""

    def _pixels(self, run: Segmentation) -> "Grey | None":
        with TemporaryDirectory(prefix="spheroseg-brightness-", dir=self.scratch) as folder:
            path = Path(folder) / "original"
            try:
                self.store.download(original_key(run.image_id), path)
            except NotFoundError:
                if self._is_gone(run):
                    return None
                raise
            decoded = self.decoder.decode(path, run.order.parameters.page)
        result = run.result
        if result is None or decoded.pixels.shape != (result.height_px, result.width_px):
            raise AssertionError(f"run {run.id} is of another image than the one that is stored")
        return decoded.pixels

    def _is_gone(self, run: Segmentation) -> bool:
        try:
            self.images.get(run.image_id)
        except NotFoundError:
            return True
        return False

    def _measured(
        self, segmentation_id: UUID, revision: int, numbers: Sequence[int], pixels: "Grey"
    ) -> Mapping[int, Brightness]:
        height_px, width_px = pixels.shape
        spheroids = list(self.revisions.some(segmentation_id, revision, numbers).values())
        measured: dict[int, Brightness] = {}
        for canvas, some in canvases(spheroids, (width_px, height_px)):
            near = self.revisions.near(segmentation_id, revision, [canvas])
            outlines = {number: unpacked(outline) for number, outline in near.items()}
            measured |= brightness_on(canvas, pixels, outlines, some)
        return measured
