"""Whether what a model says of its own answers is so: confidences that come true, and a flag that finds the worst.

A confidence is calibrated when of all pixels that get 0.8, eight in ten are foreground. Looked at are the pixels of the
network's view that lie in found objects or within 4 px of one: far from every object all is well and says nothing.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from spheroseg.domain.review import Review
from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.certainty import calibrated, certainty_of, places_of
from spheroseg.imaging.measures import spheroids_of
from spheroseg.imaging.reviewing import review_of
from spheroseg.ports import SegmentedPixels

NEAR_PX = 4
"""Reach around found objects, in pixels of the view; wider than a rim."""

BINS = 15
"""Of equal width, as in Guo et al. 2017."""


@dataclass(frozen=True)
class Reliability:
    """Probabilities and what came of them, in 15 bins from 0 to 1; two add up.

    Args:
        count: (15,) how many probabilities lie in each bin.
        told: (15,) their sum.
        came_true: (15,) the sum of what came of them, each from 0 to 1.
    """

    count: NDArray[np.float64]
    told: NDArray[np.float64]
    came_true: NDArray[np.float64]

    @classmethod
    def of(cls, probability: NDArray[np.floating], came_true: NDArray[np.floating]) -> "Reliability":
        """Of (n,) probabilities, 0 to 1, and (n,) outcomes, 0 to 1."""
        place = np.minimum((probability * BINS).astype(np.intp), BINS - 1)
        return cls(
            np.bincount(place, minlength=BINS).astype(np.float64),
            np.bincount(place, weights=probability, minlength=BINS).astype(np.float64),
            np.bincount(place, weights=came_true, minlength=BINS).astype(np.float64),
        )

    def __add__(self, other: "Reliability") -> "Reliability":
        return Reliability(self.count + other.count, self.told + other.told, self.came_true + other.came_true)

    def weighted(self, weight: float) -> "Reliability":
        """The same, counting for more or less."""
        return Reliability(self.count * weight, self.told * weight, self.came_true * weight)

    @property
    def error(self) -> float | None:
        """Expected calibration error: mean distance between told and come true, over bins by their counts; None without
        any.

        Source: Naeini, M. P. et al. (2015), Obtaining well calibrated probabilities using Bayesian binning, AAAI.
        """
        total = float(self.count.sum())
        return float(np.abs(self.told - self.came_true).sum()) / total if total else None


@dataclass(frozen=True)
class Assurance:
    """What a model said of its answer for one image, and what came of it.

    Args:
        review: Whether somebody should look.
        raw, mended: Of pixels in and near found objects: the network's probabilities, and the calibrated ones; each
            image counts 1.
        spheroids: Confidences of spheroids; what came of each is the share of its pixels that are drawn foreground.
    """

    review: Review
    raw: Reliability
    mended: Reliability
    spheroids: Reliability

    @property
    def doubt(self) -> float:
        """The score behind the flag: 1 less the confidence of the result; 1 when nothing was found."""
        confidence = self.review.signs.confidence
        return 1.0 if confidence is None else 1 - confidence


def assurance_of(drawn: Labels, found: SegmentedPixels) -> Assurance:
    """What the model said, held against what was drawn.

    Args:
        drawn: (h, w) int32 of the size of the image.
    """
    certainty = certainty_of(found.labels, found.view)
    spheroids = spheroids_of(found.labels, certainty)
    probability, truth = near_objects(drawn, found)
    mended = calibrated(probability, found.view.calibration)
    weight = 1 / probability.size if probability.size else 0.0
    numbers = np.array([spheroid.number for spheroid in spheroids], np.intp)
    pixels = np.bincount(found.labels.ravel())
    right = np.bincount(found.labels.ravel(), weights=(drawn > 0).ravel())
    return Assurance(
        review=review_of(spheroids, certainty),
        raw=Reliability.of(probability, truth).weighted(weight),
        mended=Reliability.of(mended, truth).weighted(weight),
        spheroids=Reliability.of(
            np.array([spheroid.confidence for spheroid in spheroids], np.float64), right[numbers] / pixels[numbers]
        ),
    )


def near_objects(drawn: Labels, found: SegmentedPixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The network's own probabilities in and near found objects, and 1 where foreground was drawn, else 0: (n,) each.

    Args:
        drawn: (h, w) int32 of the size of the image.
    """
    places = _places(found)
    kernel = np.ones((2 * NEAR_PX + 1, 2 * NEAR_PX + 1), np.uint8)
    near = cv2.dilate((found.labels[places] > 0).view(np.uint8), kernel).view(np.bool_)
    return _probability(found, near), (drawn[places][near] > 0).astype(np.float32)


def inside_objects(found: SegmentedPixels) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Of the pixels of the view in found objects: the object's number, and the network's own probability; (n,) each."""
    numbers = found.labels[_places(found)]
    return numbers[numbers > 0], _probability(found, numbers > 0)


def _places(found: SegmentedPixels) -> tuple[NDArray[np.intp], ...]:
    """Where in the image the centres of the view's pixels lie."""
    return np.ix_(*(places_of(found.view, axis, found.labels.shape[axis]) for axis in (0, 1)))


def _probability(found: SegmentedPixels, chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Of some pixels of the view, float32."""
    seen = found.view.probability[: chosen.shape[0], : chosen.shape[1]][chosen]
    return (seen.astype(np.float32) / np.float32(255 if seen.dtype == np.uint8 else 1)).astype(np.float32, copy=False)
