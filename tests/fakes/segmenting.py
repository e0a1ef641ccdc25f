"""A model and a decoder that answer at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.pages import Pages
from spheroseg.domain.segmentation import Order, Parameters
from spheroseg.errors import (
    ModelNotFoundError,
    SpherosegError,
)
from spheroseg.ports import DecodedImage, SegmentedPixels
from tests.builders import a_model_card

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass
class InMemorySegmenter:
    """A model that gives every image the same answer, or raises ``error``."""

    answer: SegmentedPixels | None = None
    card: ModelCard = field(default_factory=a_model_card)
    error: SpherosegError | None = None
    asked: list[Parameters] = field(default_factory=list)

    def segment(
        self, pixels: "NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]", parameters: Parameters
    ) -> SegmentedPixels:
        import numpy as np

        from spheroseg.imaging.certainty import View

        self.asked.append(parameters)
        if self.error:
            raise self.error
        if self.answer:
            return self.answer
        height, width = pixels.shape
        view = View(np.zeros((height, width), np.float32), covered=(height, width))
        return SegmentedPixels(labels=np.zeros((height, width), np.int32), view=view)


@dataclass
class InMemorySegmenters:
    """The models that are at hand."""

    segmenters: Sequence[InMemorySegmenter] = field(default_factory=lambda: [InMemorySegmenter()])

    def of(self, order: Order) -> InMemorySegmenter:
        for segmenter in self.segmenters:
            if (segmenter.card.name, segmenter.card.version) == (order.model, order.model_version):
                return segmenter
        raise ModelNotFoundError(f"There is no model {order.model} {order.model_version}")


@dataclass
class InMemoryDecoder:
    """A decoder that finds the same picture in every file, or raises ``error``."""

    image: DecodedImage | None = None
    error: SpherosegError | None = None

    def decode(self, path: Path, page: int) -> DecodedImage:
        import numpy as np

        if self.error:
            raise self.error
        ramp = np.arange(64 * 96, dtype=np.uint16).reshape(64, 96)
        return self.image or DecodedImage(pixels=ramp, pixel_type="uint16", pages=Pages(1), pixel_size_um=None)
