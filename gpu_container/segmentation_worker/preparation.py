"""An image as a network wants to see it: at its scale, evenly windowed."""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator

from spheroseg.imaging.windowing import Grey, resized, window_of, windowed


class Preprocessing(BaseModel):
    """What a model card says about its input.

    Args:
        window_percent: Percentiles of grey values that become 0 and 1.
        clip: Values after that are kept within these.
        blur_per_shrink: σ of the Gaussian before shrinking, in pixels, for each pixel that becomes one.
        blur_from_shrink: Less shrinking than this is done without blurring.
        sides_px: Long sides at which an image is looked at, one after the other while the objects look small.
        enough_px: Typical diameters, one for each side but the last, at which objects are large enough to stop there.
        multiple_px: Height and width are padded to a multiple of this.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    window_percent: tuple[float, float]
    clip: tuple[float, float]
    blur_per_shrink: float
    blur_from_shrink: float
    sides_px: tuple[int, ...]
    enough_px: tuple[float, ...]
    multiple_px: int

    @model_validator(mode="after")
    def _one_limit_less_than_sides(self) -> "Preprocessing":
        if len(self.enough_px) != len(self.sides_px) - 1:
            raise ValueError("enough_px has one entry less than sides_px")
        return self


SPARE = 2
"""Images are first shrunk by area to so many times the wanted side, which is much cheaper than blurring them whole and
changes what is seen by less than rounding does (measured, see docs/results.md)."""


def reduced(pixels: Grey, settings: Preprocessing) -> Grey:
    """The image as far as any look at it needs it; 8-bit grey values get room for what averaging adds."""
    if pixels.dtype == np.uint8:
        small = _shrunk(pixels, 2 * SPARE * max(settings.sides_px))
        pixels = cast("Grey", np.multiply(small, 257, dtype=np.uint16))
    return _shrunk(pixels, SPARE * max(settings.sides_px))


def prepared(pixels: Grey, long_side_px: int, original_side_px: int, settings: Preprocessing) -> NDArray[np.float32]:
    """The network's view with a long side of at most ``long_side_px``: (h, w) float32, not yet padded.

    Args:
        pixels: From ``reduced``.
        original_side_px: Long side of the original image.

    Raises:
        InvalidPixelsError: all pixels are equal.
    """
    shrink = original_side_px / long_side_px
    if shrink > settings.blur_from_shrink:
        pixels = _shrunk(pixels, SPARE * long_side_px)
        present = max(pixels.shape) / long_side_px
        pixels = cast("Grey", cv2.GaussianBlur(pixels, (0, 0), settings.blur_per_shrink * present))
    pixels = _shrunk(pixels, long_side_px)
    low, high = window_of(pixels, settings.window_percent)
    return np.clip(windowed(pixels, low, high), *settings.clip)


def padded(view: NDArray[np.float32], multiple_px: int) -> NDArray[np.float32]:
    """The view continued to the right and below by its mirror image, up to a multiple of ``multiple_px``."""
    height, width = view.shape
    bottom, right = -height % multiple_px, -width % multiple_px
    if not bottom and not right:
        return view
    return cv2.copyMakeBorder(view, 0, bottom, 0, right, cv2.BORDER_REFLECT_101).astype(np.float32, copy=False)


def _shrunk(pixels: Grey, long_side_px: int) -> Grey:
    height, width = pixels.shape
    factor = long_side_px / max(height, width)
    if factor >= 1:
        return pixels
    return resized(pixels, (max(1, round(width * factor)), max(1, round(height * factor))))
