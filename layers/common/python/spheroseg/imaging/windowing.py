"""The range of grey values that a picture or a model is to show."""

from math import ceil, floor
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from spheroseg.errors import InvalidPixelsError
from spheroseg.imaging.mapped import steps

Grey = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]

WINDOW_PERCENT = (0.5, 99.5)
"""What is left out at both ends: dead pixels, dust, reflections. The models were trained with these."""

FLOAT_SAMPLES = 250_000
"""Percentiles of float pixels are taken from about so many, evenly spread: exact ones would need a full sort."""

JPEG_QUALITY = 90
PREVIEW_SIDE_PX = 2048


def window_of(pixels: Grey, percent: tuple[float, float] = WINDOW_PERCENT) -> tuple[float, float]:
    """The values at two percentiles; the extremes where these two are equal.

    Args:
        pixels: (h, w), finite.

    Raises:
        InvalidPixelsError: all pixels are equal.
    """
    low, high = _percentiles(pixels, percent)
    if not low < high:
        low, high = float(pixels.min()), float(pixels.max())
    if not low < high:
        raise InvalidPixelsError("All pixels have the same value")
    return low, high


def windowed(pixels: Grey, low: float, high: float) -> NDArray[np.float32]:
    """Grey values with ``low`` at 0 and ``high`` at 1, not clipped: (h, w) float32."""
    scale = 1 / (high - low)
    return cv2.addWeighted(pixels, scale, pixels, 0, -low * scale, dtype=cv2.CV_32F).astype(np.float32, copy=False)


def resized(pixels: Grey, size_px: tuple[int, int]) -> Grey:
    """The pixels shrunk to (width, height), each the mean of the area that it covers."""
    return cast("Grey", cv2.resize(pixels, size_px, interpolation=cv2.INTER_AREA))


def preview_jpeg(pixels: Grey, max_side_px: int = PREVIEW_SIDE_PX) -> bytes:
    """A JPEG picture to look at: 8-bit pixels as they are, others from percentile 0.5 (black) to 99.5 (white).

    Args:
        pixels: (h, w), finite.
        max_side_px: A larger image is shrunk to it.
    """
    height, width = pixels.shape
    shrink = max_side_px / max(height, width)
    if shrink < 1:
        size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        pixels = resized(_shrunk_in_steps(pixels, 2 * max_side_px), size)
    if pixels.dtype != np.uint8:
        try:
            low, high = window_of(pixels)
        except InvalidPixelsError:  # a picture of one value can still be looked at
            low, high = float(pixels.min()) - 1, float(pixels.max()) + 1
        picture = cv2.convertScaleAbs(np.clip(windowed(pixels, low, high), 0, 1), alpha=255)
    else:
        picture = pixels
    written, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not written:
        raise AssertionError("JPEG takes any 8-bit image up to 65,500 px, and the side is limited")
    return encoded.tobytes()


def _shrunk_in_steps(pixels: Grey, side_px: int) -> Grey:
    """Blocks of pixels as their means, so many to a block that at least ``side_px`` are left along the longer side; a
    rest of less than a block at the right and below is left out."""
    height, width = pixels.shape
    block = max(pixels.shape) // side_px
    if block < 2 or min(pixels.shape) < block:
        return pixels
    shape = (height // block, width // block)
    shrunk = np.empty(shape, pixels.dtype)
    for top, bottom in steps(pixels[: shape[0] * block], multiple=block):
        rows = (top // block, bottom // block)
        shrunk[rows[0] : rows[1]] = resized(pixels[top:bottom, : shape[1] * block], (shape[1], rows[1] - rows[0]))
    return cast("Grey", shrunk)


def _percentiles(pixels: Grey, percent: tuple[float, float]) -> tuple[float, float]:
    if pixels.dtype == np.float32:
        step = max(1, round((pixels.size / FLOAT_SAMPLES) ** 0.5))
        low, high = np.percentile(pixels[::step, ::step], percent)
        return float(low), float(high)
    values = 256 if pixels.dtype == np.uint8 else 65_536
    histogram = cv2.calcHist([pixels], [0], None, [values], [0, values])
    counts = histogram.reshape(-1, 256)
    up_to_row = np.cumsum(counts.sum(axis=1, dtype=np.float64))  # summing up row by row takes a fifth of the time

    def value_of(rank: int) -> int:
        row = int(np.searchsorted(up_to_row, rank, side="right"))
        before = up_to_row[row - 1] if row else 0.0
        return 256 * row + int(np.searchsorted(before + np.cumsum(counts[row], dtype=np.float64), rank, side="right"))

    def value_at(place: float) -> float:  # between two ranks as numpy.percentile interpolates
        below, above = value_of(floor(place)), value_of(ceil(place))
        return below + (above - below) * (place - floor(place))

    low, high = (value_at(share / 100 * (pixels.size - 1)) for share in percent)
    return low, high
