"""Which objects lie in the plane that is in focus: blurred and small ones beside sharp ones lie in another."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation_worker.instances import CROSS, FocusRule, Labels, Seen
from spheroseg.imaging.mapped import steps

Sharpness = NDArray[np.float32]

FAINT = 0.005
"""Added to every sharpness: in grey values of a view, where 1 is the whole window, less than that is noise."""


def rim_sharpness(view: NDArray[np.float32], labels: Labels, count: int) -> Sharpness:
    """Median grey-value gradient along each object's rim.

    Args:
        view: (h, w) as the network saw it.
        labels: (h, w), objects 1 … ``count``; higher numbers are background here.

    Returns:
        (count,) in grey values (1 is the whole window) a pixel of the view; NaN where an object has no rim in the view.
    """
    along_x, along_y = (cv2.Sobel(view, cv2.CV_32F, x, y, ksize=3, scale=1 / 8) for x, y in ((1, 0), (0, 1)))
    gradient = cv2.magnitude(along_x, along_y)
    kept = labels.astype(np.float32)  # exact to 2²⁴, and what OpenCV is fast with
    kept[kept > count] = 0
    rim = (kept > 0) & (cv2.dilate(kept, CROSS) != cv2.erode(kept, CROSS))  # the border of the view is no rim
    places = np.flatnonzero(rim)
    owner, values = np.take(labels, places), np.take(gradient, places)
    values = values[np.lexsort((values, owner))]
    lengths = np.bincount(owner, minlength=count + 1)[1:]
    middle = np.cumsum(lengths) - lengths + lengths // 2
    sharpness = np.full(count, np.nan, np.float32)
    sharpness[lengths > 0] = values[middle[lengths > 0]]
    return sharpness


def in_focus(seen: Seen, rule: FocusRule) -> Seen:
    """Without objects out of focus, which count as dropped; an object without a rim stays.

    Labels are renumbered in place.
    """
    if seen.sharpness is None or seen.count < 2:
        return seen
    kept = _focus(seen, seen.sharpness, rule) >= rule.least
    if kept.all():
        return seen
    numbers = np.zeros(seen.count + 1, np.int32)
    numbers[1:][kept] = np.arange(1, np.count_nonzero(kept) + 1)
    numbers[1:][~kept] = np.arange(np.count_nonzero(kept) + 1, seen.count + 1)
    for top, bottom in steps(seen.labels):
        rows = seen.labels[top:bottom]
        known = rows <= seen.count
        rows[known] = numbers[rows[known]]
    return replace(
        seen,
        boxes=seen.boxes[kept],
        diameters_px=seen.diameters_px[kept],
        sharpness=seen.sharpness[kept],
        dropped_count=seen.dropped_count + int(np.count_nonzero(~kept)),
    )


def _focus(seen: Seen, sharpness: Sharpness, rule: FocusRule) -> NDArray[np.float64]:
    """(n,) of each object; infinite without a rim."""
    known = np.isfinite(sharpness)
    above_noise = np.where(known, sharpness, 0).astype(np.float64) + FAINT
    large = known & (seen.diameters_px >= rule.reference * seen.diameters_px.max())
    sharpest = above_noise[large].max(initial=FAINT)
    size = seen.diameters_px / seen.typical_diameter_px
    return np.where(known, above_noise / sharpest * size**rule.size_power, np.inf)
