"""How sure a model is of each object: inside, and along its rim.

All of it is looked at in the pixels that the network saw, not in those of the image, so a rim is as wide for a large
image as for a small one. A pixel of the network's view belongs to the object that holds its centre.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from spheroseg.domain.model_card import Calibration
from spheroseg.domain.review import LOW_SPHEROID_CONFIDENCE
from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.mapped import release

RIM_PX = 2
"""Reach of a rim to either side of the outline, in pixels of the network's view: networks answer in steps of 2 px, and
masks that they learn from are good to so many (``training.targets``)."""

STEP_PX = 2**22
"""Pixels of the view that are looked at at once."""

LARGEST_UINT16 = 65_535

SMALLEST = 1e-6
"""Probabilities are taken no closer to 0 and 1 than this before they are calibrated: float32 ends there."""


@dataclass(frozen=True)
class View:
    """What a network saw an image in, closest.

    Args:
        probability: (h, w) foreground probability as the network gave it, float32 or in 255ths; may lie in a file.
        covered: Height and width of what the view shows, in pixels of the image; it may reach beyond the image.
        calibration: What makes its probabilities come true as often as they say; None: they are taken as they are.
        dropped_count: What was seen and is no object: too small, too uncertain, without a core, or out of focus.
        blur: See ``spheroseg.imaging.focus.blur_of``; None: not measured.
    """

    probability: NDArray[np.float32] | NDArray[np.uint8]
    covered: tuple[int, int]
    calibration: Calibration | None = None
    dropped_count: int = 0
    blur: float | None = None


@dataclass(frozen=True)
class Certainty:
    """How sure a model is, by the number of each object.

    Args:
        view: What that was taken from.
        inside: Mean calibrated probability of its pixels; an object that holds no centre of a pixel is not there.
        rim: Mean calibrated probability that a pixel within 2 px of the outline is on the right side of it: inside the
            probability of foreground, outside that of background. Left out is what lies within 2 px of another object;
            the image's border is no rim. An object without such a pixel is not there.
        touching: Objects that have a pixel beside one of another object.
    """

    view: View
    inside: Mapping[int, float] = field(default_factory=dict)
    rim: Mapping[int, float] = field(default_factory=dict)
    touching: frozenset[int] = frozenset()

    @property
    def low_spheroid_confidence(self) -> float:
        """Confidence below which somebody should look at a spheroid."""
        calibration = self.view.calibration
        return LOW_SPHEROID_CONFIDENCE if calibration is None else calibration.low_spheroid_confidence

    def confidence_of(self, number: int, centroid: tuple[float, float]) -> float:
        """The mean inside an object; of one that holds no centre of a pixel, what the pixel at its centroid says.

        Args:
            centroid: x and y in pixels of the image.
        """
        if number in self.inside:
            return self.inside[number]
        probability, covered = self.view.probability, self.view.covered
        x = min(int(centroid[0] * probability.shape[1] / covered[1]), probability.shape[1] - 1)
        y = min(int(centroid[1] * probability.shape[0] / covered[0]), probability.shape[0] - 1)
        only = _probability(self.view, slice(y, y + 1), probability.shape[1])[:, x]
        return float(calibrated(only, self.view.calibration)[0])


def calibrated(probability: NDArray[np.float32], calibration: Calibration | None) -> NDArray[np.float32]:
    """Probabilities as they come true: (…) float32, 0 to 1. The order of pixels does not change."""
    if calibration is None:
        return probability
    kept = np.clip(probability, np.float32(SMALLEST), np.float32(1 - SMALLEST))
    logits = np.log(kept / (1 - kept))
    scaled: NDArray[np.float32] = np.float32(calibration.slope) * logits + np.float32(calibration.intercept)
    return (1 / (1 + np.exp(-scaled))).astype(np.float32, copy=False)


def certainty_of(labels: Labels, view: View) -> Certainty:
    """How sure the model is of every object.

    Args:
        labels: (height, width) int32 of the image; 0 is background, objects are numbered from 1.
    """
    rows, columns = (places_of(view, axis, labels.shape[axis]) for axis in (0, 1))
    count = 0
    sums = _Sums.empty(0)
    touching: set[int] = set()
    step = max(1, STEP_PX // max(1, columns.size))
    for top in range(0, rows.size, step):
        bottom = min(top + step, rows.size)
        first, last = max(0, top - RIM_PX), min(rows.size, bottom + RIM_PX)
        seen = labels[np.ix_(rows[first:last], columns)]
        release(labels)
        count = max(count, int(seen.max(initial=0)))
        sums = sums.grown(count)
        own = slice(top - first, bottom - first)
        values = _probability(view, slice(top, bottom), columns.size)
        sums.add(seen[own], _rim(seen)[own], values, view.calibration)
        touching |= _touching(seen[own.start : own.stop + 1])
    has_pixels, has_rim = np.flatnonzero(sums.pixels).tolist(), np.flatnonzero(sums.rim_pixels).tolist()
    return Certainty(
        view=view,
        inside={number: float(sums.inside[number] / sums.pixels[number]) for number in has_pixels},
        rim={number: float(sums.rim[number] / sums.rim_pixels[number]) for number in has_rim},
        touching=frozenset(touching),
    )


def places_of(view: View, axis: int, size: int) -> NDArray[np.intp]:
    """The image's row (axis 0) or column (axis 1) that holds the centre of each pixel of the view, within the image."""
    of_view = view.probability.shape[axis]
    places: NDArray[np.intp] = np.floor((np.arange(of_view) + 0.5) * (view.covered[axis] / of_view)).astype(np.intp)
    return places[places < size]


@dataclass
class _Sums:
    """By object: pixels and probability inside, pixels and certainty along the rim."""

    pixels: NDArray[np.float64]
    inside: NDArray[np.float64]
    rim_pixels: NDArray[np.float64]
    rim: NDArray[np.float64]

    @classmethod
    def empty(cls, count: int) -> "_Sums":
        return cls(*(np.zeros(count + 1) for _ in range(4)))

    def grown(self, count: int) -> "_Sums":
        """The same with room for so many objects."""
        more = count + 1 - self.pixels.size
        if more <= 0:
            return self
        return _Sums(*(np.pad(values, (0, more)) for values in (self.pixels, self.inside, self.rim_pixels, self.rim)))

    def add(self, seen: Labels, rim: Labels, probability: NDArray[np.float32], calibration: Calibration | None) -> None:
        """Some rows: labels, the number of the object whose rim a pixel lies on, what the network said."""
        size = self.pixels.size
        places = np.flatnonzero(seen)
        number = np.take(seen, places).astype(np.intp)
        self.pixels += np.bincount(number, minlength=size)
        self.inside += np.bincount(number, calibrated(np.take(probability, places), calibration), size)
        places = np.flatnonzero(rim)
        number = np.take(rim, places).astype(np.intp)
        values = calibrated(np.take(probability, places), calibration)
        right = np.where(np.take(seen, places) > 0, values, 1 - values)
        self.rim_pixels += np.bincount(number, minlength=size)
        self.rim += np.bincount(number, right, size)


def _probability(view: View, rows: slice, width: int) -> NDArray[np.float32]:
    """Some rows of the network's answer as float32."""
    part = np.ascontiguousarray(view.probability[rows, :width])
    release(view.probability)
    return part.astype(np.float32) / np.float32(255) if part.dtype == np.uint8 else part.astype(np.float32, copy=False)


def _rim(seen: Labels) -> Labels:
    """The number of the object whose rim each pixel lies on, 0 where there is none or more than one."""
    kernel = np.ones((2 * RIM_PX + 1, 2 * RIM_PX + 1), np.uint8)
    inside = (seen > 0).view(np.uint8)
    # Whole numbers of 16 bits are looked through twice as fast; floats are exact up to 16.7 million objects.
    most = int(seen.max(initial=0))
    numbers = seen.astype(np.uint16) if most < LARGEST_UINT16 else seen.astype(np.float32)
    largest = cv2.dilate(numbers, kernel, borderType=cv2.BORDER_REPLICATE)
    # The smallest number that is near, counted from above, so that background is none.
    smallest = most + 1 - cv2.dilate((most + 1 - numbers) * inside, kernel, borderType=cv2.BORDER_REPLICATE)
    is_near_ground = cv2.erode(inside, kernel, borderType=cv2.BORDER_REPLICATE) == 0
    is_rim = is_near_ground & (largest > 0) & (smallest == largest)
    return np.where(is_rim, largest, 0).astype(np.int32)


def _touching(seen: Labels) -> set[int]:
    """Objects with a pixel beside one of another object."""
    found: set[int] = set()
    for one, other in ((seen[:, :-1], seen[:, 1:]), (seen[:-1], seen[1:])):
        beside = (one != other) & (one > 0) & (other > 0)
        if beside.any():
            found |= set(one[beside].tolist()) | set(other[beside].tolist())
    return found
