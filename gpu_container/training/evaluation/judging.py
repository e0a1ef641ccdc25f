"""How well the objects found in an image are the objects drawn in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import hypot

import cv2
import numpy as np
from numpy.typing import NDArray

from spheroseg.imaging.boundaries import Labels, trace
from spheroseg.imaging.matching import match, overlaps_of
from spheroseg.imaging.measures import measures_of
from training.evaluation.assurance import Assurance
from training.evaluation.boundaries import boundary_f1

BOUNDARY_PX = 2.0
BOUNDARY_SHARE_OF_DIAGONAL = 0.005
"""Tolerances of the two boundary scores."""

ROUND_CIRCULARITY = 0.8
"""From it a drawn object that is alone in its image counts as a single round spheroid."""


@dataclass(frozen=True)
class SizePairs:
    """Pixels of the objects that are partners at an IoU above 0.5, drawn beside found.

    Args:
        drawn_px2, found_px2: (n,) areas, holes not counted.
    """

    drawn_px2: NDArray[np.int64]
    found_px2: NDArray[np.int64]


@dataclass(frozen=True)
class ImageFigures:
    """One image.

    An image in which nothing is drawn and nothing found is right: all its scores are 1. Where only one of the two is
    empty, they are 0. ``object_iou`` is about drawn objects and is None without any.

    Args:
        image: Its name.
        drawn_count, found_count: Objects.
        foreground_iou, foreground_dice: All objects together: pixels of both over pixels of either, and Dice.
        object_iou: Mean over the drawn objects of the largest IoU that a found one has with it.
        boundary_f1_2px, boundary_f1_diagonal: Boundary F1 at 2 px, and at 0.5 % of the image's diagonal.
        ap50, ap75: AP at an IoU of 0.5 and 0.75: pairs / (pairs + missed + added).
        panoptic_quality: At an IoU of 0.5.
        count_error: Found less drawn.
        single_round: One object is drawn, with a circularity of at least 0.8.
        sizes: Areas of partners.
        chosen: The model, NAME@VERSION, that was chosen for this image; None where there was no choice.
        assurance: What the method said of its own answer; None where it says nothing.
    """

    image: str
    drawn_count: int
    found_count: int
    foreground_iou: float
    foreground_dice: float
    object_iou: float | None
    boundary_f1_2px: float
    boundary_f1_diagonal: float
    ap50: float
    ap75: float
    panoptic_quality: float
    count_error: int
    single_round: bool
    sizes: SizePairs
    chosen: str | None = None
    assurance: Assurance | None = None

    @property
    def count_error_absolute(self) -> int:
        """How many objects too many or too few."""
        return abs(self.count_error)


@dataclass(frozen=True)
class Judgement:
    """The images that one method was judged on."""

    images: tuple[ImageFigures, ...]

    def single_round(self) -> "Judgement":
        """Only the images of one drawn object with a circularity of at least 0.8: single round spheroids."""
        return Judgement(tuple(image for image in self.images if image.single_round))


def judge(pairs: Iterable[tuple[str, Labels, Labels]]) -> Judgement:
    """Compare what was found with what was drawn, image by image.

    Args:
        pairs: Name of the image, label image as drawn, label image as found: both (h, w) int32 with 0 as background;
            numbers need not agree. Taken one at a time, so they may be made while they are judged.

    Raises:
        ValueError: the two label images of an image differ in size.
    """
    return Judgement(tuple(judge_image(name, drawn, found) for name, drawn, found in pairs))


def judge_image(name: str, drawn: Labels, found: Labels) -> ImageFigures:
    """One image, see ``judge``."""
    try:
        overlaps = overlaps_of(drawn, found)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    at_half, at_three_quarters = match(overlaps, 0.5), match(overlaps, 0.75)
    near_px = BOUNDARY_SHARE_OF_DIAGONAL * hypot(*drawn.shape)
    boundary_2px, boundary_diagonal = boundary_f1(drawn, found, (BOUNDARY_PX, near_px))
    return ImageFigures(
        image=name,
        drawn_count=overlaps.first.size,
        found_count=overlaps.second.size,
        foreground_iou=overlaps.foreground_iou,
        foreground_dice=overlaps.foreground_dice,
        object_iou=float(overlaps.best_iou.mean()) if overlaps.first.size else None,
        boundary_f1_2px=boundary_2px,
        boundary_f1_diagonal=boundary_diagonal,
        ap50=at_half.average_precision,
        ap75=at_three_quarters.average_precision,
        panoptic_quality=at_half.panoptic_quality,
        count_error=overlaps.second.size - overlaps.first.size,
        single_round=overlaps.first.size == 1 and _is_round(drawn),
        sizes=SizePairs(at_half.first_areas, at_half.second_areas),
    )


def _is_round(drawn: Labels) -> bool:
    """The only object; one in several pieces is not round, and need not be measured."""
    pieces = cv2.connectedComponents((drawn > 0).view(np.uint8), connectivity=8)[0] - 1
    if pieces > 1:
        return False
    (measures,) = measures_of(trace(drawn)).values()
    return measures.circularity >= ROUND_CIRCULARITY
