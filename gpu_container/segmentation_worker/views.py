"""Images of any size at a network's scale, a few rows at a time."""

import math
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from segmentation_worker.preparation import SPARE, Preprocessing, with_room
from spheroseg.imaging.mapped import release, steps, zeros_in_file
from spheroseg.imaging.windowing import FLOAT_SAMPLES, Grey, resized, window_of

QUARTERS = 4
"""Views are made 1, 1¼, 1½ … times smaller than the image: so a few rows of it become a whole number of rows."""

IN_MEMORY_PX = 2**23


def shrink_for(long_side_px: int, side_px: int) -> float:
    """How many times smaller a view is that has at least the wanted side, in whole quarters; 1 at least."""
    return max(1.0, math.floor(QUARTERS * long_side_px / side_px) / QUARTERS)


def view_of(pixels: Grey, shrink: float, settings: Preprocessing, folder: Path) -> Grey:
    """The image shrunk as for the network, not windowed: ⌈h / shrink⌉ × ⌈w / shrink⌉, in a file where it is large.

    Args:
        shrink: In whole quarters; 1 gives the image itself.
    """
    if shrink == 1:
        return pixels
    height, width = pixels.shape
    shape = (math.ceil(height / shrink), math.ceil(width / shrink))
    kind = np.float32 if pixels.dtype == np.float32 else np.uint16  # 8 bits would round averages away
    view = np.empty(shape, kind) if math.prod(shape) <= IN_MEMORY_PX else zeros_in_file(shape, kind, folder)
    blurred = shrink > settings.blur_from_shrink
    # As for a whole view: by area to twice the size, blurred there, and by area again.
    first = shrink / SPARE if blurred and shrink > SPARE else 1.0
    sigma = settings.blur_per_shrink * shrink / first
    margin = math.ceil(4 * sigma) if blurred else 0  # in view pixels; what a Gaussian has beyond 4 σ does not matter
    for top, bottom in steps(view, step_px=round(IN_MEMORY_PX / shrink**2), multiple=QUARTERS):
        above, below = max(0, top - QUARTERS * math.ceil(margin / QUARTERS)), min(shape[0], bottom + margin)
        rows = pixels[round(above * shrink) : min(height, round(below * shrink))]
        missing = (round(below * shrink) - round(above * shrink) - len(rows), round(shape[1] * shrink) - width)
        band = with_room(cast("Grey", cv2.copyMakeBorder(rows, 0, missing[0], 0, missing[1], cv2.BORDER_REPLICATE)))
        if first > 1:
            band = resized(band, (round(shape[1] * SPARE), round((below - above) * SPARE)))
        if blurred:
            band = cast("Grey", cv2.GaussianBlur(band, (0, 0), sigma))
        view[top:bottom] = resized(band, (shape[1], below - above))[top - above : bottom - above]
        release(pixels)
    return cast("Grey", view)


def reduced(pixels: Grey, side_px: int, folder: Path) -> Grey:
    """The image by area to a long side of at least ``side_px``, which is enough for every smaller view of it."""
    plain = Preprocessing(
        window_percent=(0, 100),
        clip=(0, 1),
        blur_per_shrink=0,
        blur_from_shrink=math.inf,
        sides_px=(side_px,),
        enough_px=(),
        multiple_px=1,
    )
    return view_of(pixels, float(max(1, max(pixels.shape) // side_px)), plain, folder)


def window_of_view(view: Grey, percent: tuple[float, float]) -> tuple[float, float]:
    """The values at two percentiles of a view of any size, of large ones from a part of its pixels, evenly spread."""
    step = max(1, math.isqrt(view.size // (16 * FLOAT_SAMPLES)))
    return window_of(cast("Grey", np.ascontiguousarray(view[::step, ::step])), percent)
