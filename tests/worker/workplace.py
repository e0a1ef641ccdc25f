"""A worker over fakes whose model, rows and decoder do what a test tells them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING
from uuid import UUID

from segmentation_worker.consumer import Consumer, Pace
from segmentation_worker.health.progress import Progress
from segmentation_worker.polling import WeightedQueue
from segmentation_worker.reports import Reports
from spheroseg.adapters.system import SystemClock
from spheroseg.domain.image import original_key
from spheroseg.domain.segmentation import Parameters, Segmentation, SegmentationStatus
from spheroseg.errors import (
    DatabaseUnavailableError,
    UndecodableImageError,
)
from spheroseg.ports import DecodedImage, SegmentedPixels
from spheroseg.use_cases.segment_image import SegmentImage
from tests.builders import a_project, a_segmentation, an_image
from tests.fakes import (
    InMemoryDecoder,
    InMemoryImages,
    InMemoryImageStore,
    InMemoryProjects,
    InMemorySegmentations,
    InMemorySegmenter,
    InMemorySegmenters,
    InMemoryUpdatePublisher,
)
from tests.worker.loans import LendingQueue

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SECOND = 0.05
"""How long a second of a loan lasts in these tests."""

FAST = Pace(prefetch=2, streams=2, finishers=2, long_poll_s=2, retry_for_s=2.0, grace_s=2.0, heartbeat_s=10 * SECOND)


@dataclass
class SlowSegmenter(InMemorySegmenter):
    """A model that waits for ``go`` when told to, and can run into a bug."""

    go: Event = field(default_factory=Event)
    begun: Event = field(default_factory=Event)
    bug: Exception | None = None
    at_once: int = 0
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self.go.set()

    def segment(
        self, pixels: "NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]", parameters: Parameters
    ) -> SegmentedPixels:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.begun.set()
            assert self.go.wait(60)
            if self.bug:
                raise self.bug
            return super().segment(pixels, parameters)
        finally:
            self.at_once -= 1


@dataclass
class Rows(InMemorySegmentations):
    """Rows that can be cut off."""

    is_available: bool = True
    calls: int = 0

    def get(self, segmentation_id: UUID) -> Segmentation:
        self._reach()
        return super().get(segmentation_id)

    def _require(self, before: Segmentation) -> None:
        self._reach()
        super()._require(before)

    def _reach(self) -> None:
        self.calls += 1
        if not self.is_available:
            raise DatabaseUnavailableError("The database does not answer")


@dataclass
class Decoding(InMemoryDecoder):
    decoded: int = 0
    broken: set[bytes] = field(default_factory=set)

    def decode(self, path: Path, page: int) -> DecodedImage:
        self.decoded += 1
        if path.read_bytes() in self.broken:
            raise UndecodableImageError("It is no image")
        return super().decode(path, page)


class Workplace:
    """A worker over fakes and queues whose seconds are short."""

    def __init__(self, folder: Path, pace: Pace = FAST) -> None:
        self.folder = folder
        self.high, self.normal, self.low = (LendingQueue(second=SECOND) for _ in range(3))
        self.projects = InMemoryProjects()
        self.rows = Rows()
        self.images = InMemoryImages(self.rows)
        self.store = InMemoryImageStore()
        self.decoder = Decoding()
        self.segmenter = SlowSegmenter()
        self.updates = InMemoryUpdatePublisher()
        self.project = a_project()
        self.projects.add(self.project)
        self.progress_file = folder / "progress"
        self.workers: list[tuple[Consumer, Thread]] = []
        self.pace = pace

    def use_case(self) -> SegmentImage:
        return SegmentImage(
            projects=self.projects,
            images=self.images,
            segmentations=self.rows,
            store=self.store,
            decoder=self.decoder,
            segmenters=InMemorySegmenters([self.segmenter]),
            updates=self.updates,
            clock=SystemClock(),
        )

    def consumer(self, use_case: SegmentImage | None = None) -> Consumer:
        queues = [WeightedQueue(self.high, 6), WeightedQueue(self.normal, 3), WeightedQueue(self.low, 1)]
        # The queues wait long_poll_s * SECOND.
        return Consumer(
            use_case or self.use_case(), queues, Reports(), Progress(self.progress_file), self.folder, self.pace
        )

    def start(self, use_case: SegmentImage | None = None) -> Consumer:
        consumer = self.consumer(use_case)
        thread = Thread(target=consumer.run)
        self.workers.append((consumer, thread))
        thread.start()
        return consumer

    def stop(self) -> None:
        self.segmenter.go.set()
        for consumer, thread in self.workers:
            consumer.stop()
            thread.join(10)
            assert not thread.is_alive()

    def queued(self, queue: LendingQueue | None = None, content: bytes = b"a file") -> Segmentation:
        image = an_image(self.project)
        run = a_segmentation(image)
        self.images.rows[image.id] = image
        self.store.put(original_key(image.id), content, "image/tiff")
        self.rows.add(run)
        (queue or self.normal).request(run.id)
        return run

    def status(self, run: Segmentation) -> SegmentationStatus:
        return self.rows.rows[run.id].status

    def all_are(self, status: SegmentationStatus, runs: list[Segmentation]) -> Callable[[], bool]:
        return lambda: all(self.status(run) is status for run in runs)

    def is_empty(self) -> bool:
        return not (self.high.messages or self.normal.messages or self.low.messages)
