"""How sharp an image is, without another one to compare it with."""

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE_PX = 256
"""Long side at which images are looked at, so that those of large and of small pixels compare. At 512 and 1024 px noise
and the spacing of pixels told more than focus (docs/results.md)."""

REBLUR_PX = 11
"""Length of the average that an image is blurred with once more; the size of the source's experiments."""


def blur_of(view: NDArray[np.float32]) -> float:
    """How little an image loses when it is blurred once more: 0 for noise from pixel to pixel, near 1 without detail.

    Differences between neighbours are summed up before and after an average over 11 px; what is left of them is the
    blur. The larger of the two directions counts. Contrast and brightness do not matter.

    Args:
        view: (h, w) float32 of at least 2 × 2 px that are not all equal; a larger one is shrunk to a side of 256 px.

    Source: Crété, F. et al. (2007), The blur effect: perception and estimation with a new no-reference perceptual blur
    metric, Proc. SPIE 6492, 64920I. ``skimage.measure.blur_effect`` differs: its differences are those of Sobel's
    filter, which tell higher values for noise.
    """
    height, width = view.shape
    scale = SIDE_PX / max(height, width)
    if scale < 1:
        size = (max(2, round(width * scale)), max(2, round(height * scale)))
        view = cv2.resize(view, size, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
    return max(_along(view), _along(np.ascontiguousarray(view.T)))


def _along(view: NDArray[np.float32]) -> float:
    """Of differences from row to row."""
    blurred = cv2.blur(view, (1, REBLUR_PX), borderType=cv2.BORDER_REFLECT)
    sharp = np.abs(np.diff(view, axis=0))
    left = np.abs(np.diff(blurred, axis=0))
    total = float(sharp.sum(dtype=np.float64))
    if total == 0:  # nothing changes this way: as blurred as can be
        return 1.0
    lost = float(np.maximum(sharp - left, 0).sum(dtype=np.float64))
    return 1 - lost / total
