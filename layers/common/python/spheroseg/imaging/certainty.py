"""How sure a model is of each object: inside, and along its rim.

All of it is looked at in the pixels that the network saw, not in those of the image, so a rim is as wide for a large
image as for a small one. A pixel of the network's view belongs to the object that holds its centre.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

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

LARGEST_UINT8, LARGEST_UINT16 = 255, 65_535

Numbers = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
"""Labels in the smallest type that holds them."""

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
    sums = _Sums.empty(0)
    touching: set[int] = set()
    step = max(1, STEP_PX // max(1, columns.size))
    for top in range(0, rows.size, step):
        bottom = min(top + step, rows.size)
        first, last = max(0, top - RIM_PX), min(rows.size, bottom + RIM_PX)
        sampled = _sampled(labels, rows[first:last], columns)
        release(labels)
        most = int(sampled.max(initial=0))
        seen = _narrowed(sampled, most)
        sums = sums.grown(most)
        own = slice(top - first, bottom - first)
        values = _probability(view, slice(top, bottom), columns.size)
        largest, is_rim = _rim(seen, most)
        sums.add(seen[own], largest[own], is_rim[own], values, view.calibration)
        if most > 1:
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

    def add(
        self,
        seen: Numbers,
        largest: Numbers,
        is_rim: NDArray[np.bool_],
        probability: NDArray[np.float32],
        calibration: Calibration | None,
    ) -> None:
        """Some rows: labels, what ``_rim`` says of them, what the network said."""
        size = self.pixels.size
        # Masks pick values three times as fast as places do.
        inside = seen > 0
        number = seen[inside].astype(np.intp)
        self.pixels += np.bincount(number, minlength=size)
        self.inside += np.bincount(number, calibrated(probability[inside], calibration), size)
        number = largest[is_rim].astype(np.intp)
        values = calibrated(probability[is_rim], calibration)
        right = np.where(inside[is_rim], values, 1 - values)
        self.rim_pixels += np.bincount(number, minlength=size)
        self.rim += np.bincount(number, right, size)


def _probability(view: View, rows: slice, width: int) -> NDArray[np.float32]:
    """Some rows of the network's answer as float32."""
    part = np.ascontiguousarray(view.probability[rows, :width])
    release(view.probability)
    return part.astype(np.float32) / np.float32(255) if part.dtype == np.uint8 else part.astype(np.float32, copy=False)


def _sampled(labels: Labels, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Labels:
    """Some rows and columns of a label image, which are mostly evenly spaced: (rows, columns) int32."""
    (top, down), (left, right) = (_spacing(places) for places in (rows, columns))
    if down and right:
        return np.ascontiguousarray(labels[top : rows[-1] + 1 : down, left : columns[-1] + 1 : right])
    sampled = np.empty((rows.size, columns.size), np.int32)
    for row, place in zip(sampled, rows.tolist(), strict=True):  # by far less memory than whole rows take at once
        labels[place].take(columns, out=row, mode="clip")  # no place lies outside: that spares a copy
    return sampled


def _spacing(places: NDArray[np.intp]) -> tuple[int, int]:
    """The first of ascending places, and how far each is from the one before; 0 where they are not evenly spaced."""
    if places.size < 2:
        return (int(places[0]), 1) if places.size else (0, 1)
    steps = np.diff(places)
    return int(places[0]), int(steps[0]) if (steps == steps[0]).all() else 0


def _narrowed(labels: Labels, most: int) -> Numbers:
    """Labels in the type that is looked through fastest; floats are exact up to 16.7 million objects."""
    if most < LARGEST_UINT8:
        return labels.astype(np.uint8)
    return labels.astype(np.uint16) if most < LARGEST_UINT16 else labels.astype(np.float32)


def _rim(seen: Numbers, most: int) -> tuple[Numbers, NDArray[np.bool_]]:
    """The largest number near each pixel, and whether the pixel lies on the rim of that object and of no other one.

    Args:
        most: The largest number in ``seen``, less than what its type can hold.
    """
    kernel = np.ones((2 * RIM_PX + 1, 2 * RIM_PX + 1), np.uint8)
    inside = (seen > 0).view(np.uint8)
    largest = cv2.dilate(seen, kernel, borderType=cv2.BORDER_REPLICATE)
    # The smallest number that is near, counted from above, so that background is none.
    from_above = cv2.dilate((most + 1 - seen) * inside, kernel, borderType=cv2.BORDER_REPLICATE)
    # Sums that are too large for the type begin at 0 again, which none reaches ``most`` + 1 by.
    is_rim = np.equal(largest + from_above, most + 1)
    is_rim &= cv2.erode(inside, kernel, borderType=cv2.BORDER_REPLICATE) == 0
    return cast("Numbers", largest), is_rim


def _touching(seen: Numbers) -> set[int]:
    """Objects with a pixel beside one of another object."""
    found: set[int] = set()
    for one, other in ((seen[:, :-1], seen[:, 1:]), (seen[:-1], seen[1:])):
        beside = (one != other) & (one > 0) & (other > 0)
        if beside.any():
            found |= set(map(int, np.unique(one[beside]))) | set(map(int, np.unique(other[beside])))
    return found
