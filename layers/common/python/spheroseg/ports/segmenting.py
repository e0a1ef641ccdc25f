"""Models and decoders."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.pages import Pages
from spheroseg.domain.segmentation import Order, Parameters, Runtime

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from spheroseg.imaging.certainty import View


@dataclass(frozen=True)
class ChosenModel:
    """Which model made the objects, and why that one, in words; None: it was asked for."""

    card: ModelCard
    reason: str | None


@dataclass(frozen=True)
class SegmentedPixels:
    """What a model makes of an image.

    Args:
        labels: (height, width) int32; 0 is background, 1 … n are the objects, numbered without gaps. Of a large image
            they lie in a file that is mapped into memory.
        view: What the model saw them in, with how likely each of its pixels belongs to a spheroid.
        chosen: The model that made it; None: the segmenter's own.
        runtime: What computed it; None where the segmenter does not say.
    """

    labels: "NDArray[np.int32]"
    view: "View"
    chosen: ChosenModel | None = None
    runtime: Runtime | None = None


class Segmenter(Protocol):
    """A loaded model, or several that are chosen between."""

    @property
    def card(self) -> ModelCard:
        """What runs where the answer names no other model."""

    def segment(
        self, pixels: "NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]", parameters: Parameters
    ) -> SegmentedPixels:
        """Objects of a grey image, (height, width), at its own size.

        Raises:
            InvalidPixelsError: the pixels cannot be segmented, such as when all are equal.
        """


class Segmenters(Protocol):
    """The models that a worker can run."""

    def of(self, order: Order) -> Segmenter:
        """The ordered model, or raise ``ModelNotFoundError``."""


@dataclass(frozen=True)
class DecodedImage:
    """One page of a file as grey pixels.

    Args:
        pixels: (height, width) uint8, uint16 or float32: the samples as stored, colours as luminance.
        pixel_type: The file's own sample type, such as ``uint16``.
        pages: Pages of the file, at least 1, and what they run over.
        pixel_size_um: Edge of one pixel in µm as the file says it unambiguously, else None.
        unequal_edges_um: Its edges along x and y in µm, where the file says two that differ; then it has no one size.
    """

    pixels: "NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]"
    pixel_type: str
    pages: Pages
    pixel_size_um: float | None
    unequal_edges_um: tuple[float, float] | None = None


class Decoder(Protocol):
    """Reads image files without trusting them."""

    def decode(self, path: Path, page: int) -> DecodedImage:
        """One page of a file, the first is 1.

        Raises:
            InvalidInputError: one of its leaves says what is wrong with the file.
        """
