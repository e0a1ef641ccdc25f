"""A queued run of a stored image, and all that the use case needs to work on it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spheroseg.domain.image import Image, original_key
from spheroseg.domain.segmentation import (
    Segmentation,
    SegmentationStatus,
)
from spheroseg.imaging.certainty import View
from spheroseg.ports import SegmentedPixels
from spheroseg.use_cases.segment_image import DecodedWork, SegmentedWork, SegmentImage
from tests.builders import a_project, a_segmentation, an_image
from tests.fakes import (
    InMemoryClock,
    InMemoryDecoder,
    InMemoryImages,
    InMemoryImageStore,
    InMemoryProjects,
    InMemorySegmentations,
    InMemorySegmenter,
    InMemorySegmenters,
    InMemoryUpdatePublisher,
)


def two_squares() -> SegmentedPixels:
    """A square of 20 px with a hole of 4 px, touching one of 10 px."""
    labels = np.zeros((64, 96), np.int32)
    labels[10:30, 10:30] = 1
    labels[18:22, 18:22] = 0
    labels[10:20, 30:40] = 2
    view = View(np.where(labels > 0, 0.9, 0.1).astype(np.float32), covered=(64, 96))
    return SegmentedPixels(labels=labels, view=view)


@dataclass
class Bench:
    """A queued run of a stored image, and everything that the use case needs."""

    folder: Path
    segmenter: InMemorySegmenter = field(default_factory=lambda: InMemorySegmenter(answer=two_squares()))

    def __post_init__(self) -> None:
        self.clock = InMemoryClock()
        self.projects = InMemoryProjects()
        self.segmentations = InMemorySegmentations(projects=self.projects)
        self.images = InMemoryImages(self.segmentations)
        self.store = InMemoryImageStore(self.clock)
        self.decoder = InMemoryDecoder()
        self.updates = InMemoryUpdatePublisher()
        self.run = self.add()
        self.use_case = SegmentImage(
            projects=self.projects,
            images=self.images,
            segmentations=self.segmentations,
            store=self.store,
            decoder=self.decoder,
            segmenters=InMemorySegmenters([self.segmenter]),
            updates=self.updates,
            clock=self.clock,
        )

    def add(self, *, project_size_um: float | None = None, **changes: Any) -> Segmentation:
        project = a_project(pixel_size_um=project_size_um)
        image = an_image(project, **changes)
        run = a_segmentation(image, queued_at=self.clock.now())
        self.projects.add(project)
        self.images.rows[image.id] = image
        self.store.put(original_key(image.id), b"a file", "application/octet-stream")
        self.segmentations.add(run)
        return run

    def image(self) -> Image:
        return self.images.get(self.run.image_id)

    def do(self, run: Segmentation | None = None) -> Segmentation | None:
        return self.use_case((run or self.run).id, self.folder)

    def stored(self) -> Segmentation:
        return self.segmentations.get(self.run.id)

    def results(self) -> list[str]:
        return sorted(key for key in self.store.objects if key.startswith("results/"))

    def announced(self) -> list[SegmentationStatus]:
        return [update.status for update in self.updates.published]

    def taken(self) -> Segmentation:
        run = self.use_case.take(self.run.id)
        assert run is not None
        return run

    def decoded(self) -> DecodedWork:
        work = self.use_case.decode(self.taken(), self.folder)
        assert isinstance(work, DecodedWork)
        return work

    def segmented(self) -> SegmentedWork:
        work = self.use_case.segment(self.decoded())
        assert isinstance(work, SegmentedWork)
        return work
