"""Which objects lie in the plane that is in focus: blurred and small ones beside sharp ones lie in another."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation_worker.instances import Labels, Seen
from segmentation_worker.postprocessing import FocusRule
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
    kept = labels if labels.max(initial=0) <= count else np.where(labels <= count, labels, 0)
    rim = np.zeros(kept.shape, bool)  # the border of the view is no rim
    for one, other in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        differs = kept[one] != kept[other]
        rim[one] |= differs
        rim[other] |= differs
    places = np.flatnonzero(rim)
    owner = np.take(kept, places)
    places, owner = places[owner > 0], owner[owner > 0]
    values = _gradient(view, places)
    # By owner, and each owner's by value: floats from 0 on are in the order of their bits, and numbers that carry both
    # are sorted ten times as fast as by two keys.
    bits = owner.astype(np.int64) << 32 | values.view(np.uint32)
    bits.sort()
    values = bits.astype(np.uint32).view(np.float32)  # the lower half
    lengths = np.bincount(owner, minlength=count + 1)[1:]
    middle = np.cumsum(lengths) - lengths + lengths // 2
    sharpness = np.full(count, np.nan, np.float32)
    sharpness[lengths > 0] = values[middle[lengths > 0]]
    return sharpness


def _gradient(view: NDArray[np.float32], places: NDArray[np.intp]) -> NDArray[np.float32]:
    """Length of the gradient (Sobel) at some of a view's pixels, which are few: (places,) in grey values a pixel."""
    around = cv2.copyMakeBorder(view, 1, 1, 1, 1, cv2.BORDER_REFLECT_101).ravel()
    width = view.shape[1] + 2
    middle = (places // view.shape[1] + 1) * width + places % view.shape[1] + 1

    def step(at: NDArray[np.intp], ahead: int) -> NDArray[np.float32]:
        return around[at + ahead] - around[at - ahead]

    def slope(ahead: int, aside: int) -> NDArray[np.float32]:
        return (step(middle - aside, ahead) + 2 * step(middle, ahead) + step(middle + aside, ahead)) / np.float32(8)

    return np.hypot(slope(1, width), slope(width, 1))


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
