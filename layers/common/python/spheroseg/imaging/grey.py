"""Samples of any kind to grey pixels, without losing or inventing anything unnoticed."""

from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from spheroseg.errors import InvalidPixelsError, UnsupportedImageError
from spheroseg.imaging.windowing import Grey

ROUNDING_SHARE = 1e-3
"""Samples that float32 rounds by more than this share of their range are refused: too few grey values would be left."""


def grey_of(samples: NDArray[Any], *, alpha: bool = False) -> Grey:
    """Grey pixels of a page.

    uint8, uint16 and float32 stay as they are, bool becomes 0 and 255. Other types become uint16 where that is
    exact, else float32. Colours become luminance (ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B), of equal red, green and
    blue just that value.

    Args:
        samples: (h, w), or (h, w, n) with n = 1 or 3, and one more for alpha.
        alpha: The last channel is opacity; it must be opaque everywhere.

    Raises:
        InvalidPixelsError: samples are not finite.
        UnsupportedImageError: transparency, a number of channels without meaning, or values beyond float32.
    """
    if samples.ndim == 2:
        samples = samples[..., None]
    if alpha:
        _check_opaque(samples[..., -1])
        samples = samples[..., :-1]
    channels = samples.shape[2]
    if channels == 1:
        return _as_grey_type(samples[..., 0])
    if channels == 3:
        if samples.dtype in (np.uint8, np.uint16):
            colours = np.ascontiguousarray(samples, dtype=samples.dtype.newbyteorder("="))
        else:
            colours = np.dstack([_as_grey_type(samples[..., channel]) for channel in range(3)])
        return cast("Grey", cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY))
    raise UnsupportedImageError(f"The image has {channels} channels; save the one to be segmented as a grey image")


def _check_opaque(alpha: NDArray[Any]) -> None:
    opaque = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "ui" else 1
    if not (alpha == opaque).all():
        raise UnsupportedImageError(
            "Parts of the image are transparent and so have no grey value; save it without alpha"
        )


def _as_grey_type(samples: NDArray[Any]) -> Grey:
    """One channel as uint8, uint16 or float32."""
    if samples.dtype == np.bool_:
        return np.ascontiguousarray(samples).view(np.uint8) * np.uint8(255)
    if samples.dtype.kind == "c":
        raise UnsupportedImageError("The image has complex samples")
    native = np.ascontiguousarray(samples, dtype=samples.dtype.newbyteorder("="))
    if native.dtype in (np.uint8, np.uint16):
        return cast("Grey", native)
    if native.dtype.kind in "iu":
        low, high = int(native.min()), int(native.max())
        if low >= 0 and high <= np.iinfo(np.uint16).max:
            return native.astype(np.uint16)
        _check_rounding(float(low), float(high))
        return native.astype(np.float32)
    finite = np.isfinite(native)
    if not finite.all():
        wrong = finite.size - np.count_nonzero(finite)
        raise InvalidPixelsError(f"{wrong:,} of {finite.size:,} samples are not finite (NaN or infinite)")
    if native.dtype != np.float32:
        _check_rounding(float(native.min()), float(native.max()))
    return native.astype(np.float32, copy=False)


def _check_rounding(low: float, high: float) -> None:
    """Refuse a range that float32 cannot tell apart."""
    largest = max(abs(low), abs(high))
    if largest > np.finfo(np.float32).max:
        raise UnsupportedImageError(f"The largest value, {largest:g}, is beyond 32-bit floating point")
    rounding = largest * 2.0**-24
    if low < high and rounding > ROUNDING_SHARE * (high - low):
        raise UnsupportedImageError(f"Values from {low:g} to {high:g} cannot be told apart in 32-bit floating point")
