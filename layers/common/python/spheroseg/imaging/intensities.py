"""How bright each object is, by the image's own values: never windowed, never stretched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from spheroseg.domain.spheroid import Brightness, Spheroid
from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.mapped import release
from spheroseg.imaging.rings import (
    RING_LEAST_PIXELS,
    SHEET_PX,
    Box,
    Parts,
    Reach,
    rings_of_large_ones,
    sheets,
    small_ones,
)
from spheroseg.imaging.runs import runs_of
from spheroseg.imaging.windowing import Grey

PIECE_PX = 2**20
"""Pixels of which squares are summed up at once."""

STRIP_PX = 2**22
"""Pixels in the rows of an image that are looked through at once for an object's values."""


@dataclass(frozen=True)
class Intensities:
    """Brightness of one object; what each field is stands in ``spheroseg.imaging.definitions``."""

    intensity_mean: float
    intensity_sd: float
    intensity_min: float
    intensity_max: float
    intensity_median: float
    intensity_integrated: float
    intensity_background: float | None
    intensity_above_background: float | None
    intensity_integrated_above_background: float | None
    intensity_local_background: float | None
    intensity_above_local_background: float | None
    intensity_integrated_above_local_background: float | None


def intensities_of(labels: Labels, pixels: Grey) -> dict[int, Intensities]:
    """The brightness of every object, by its number, also against the background of the whole image.

    Args:
        labels: (h, w) int32, 0 is background.
        pixels: (h, w) uint8, uint16 or float32, of the same image.

    Raises:
        ValueError: the two differ in size.
    """
    if labels.shape != pixels.shape:
        raise ValueError(f"The label image has {_size(labels)} pixels, the image {_size(pixels)}")
    numbers, boxes, areas = _objects(labels)
    outside: NDArray[np.generic] = pixels[labels == 0]
    background = _median(outside) if outside.size else None
    found: dict[int, Intensities] = {}
    measured = measured_brightness(labels, pixels, numbers, boxes, areas)
    for number, area, one in zip(numbers, areas, measured, strict=True):
        above = one.above_local_background(area)
        found[number] = Intensities(
            intensity_mean=one.intensity_mean,
            intensity_sd=one.intensity_sd,
            intensity_min=one.intensity_min,
            intensity_max=one.intensity_max,
            intensity_median=one.intensity_median,
            intensity_integrated=one.intensity_integrated,
            intensity_local_background=one.intensity_local_background,
            intensity_above_local_background=above["intensity_above_local_background"],
            intensity_integrated_above_local_background=above["intensity_integrated_above_local_background"],
            intensity_background=background,
            intensity_above_background=None if background is None else one.intensity_mean - background,
            intensity_integrated_above_background=None
            if background is None
            else one.intensity_integrated - area * background,
        )
    return found


def brightness_of(labels: Labels, pixels: Grey, spheroids: Sequence[Spheroid]) -> list[Spheroid]:
    """The same spheroids with their brightness.

    Whatever the size of the image, memory grows with that of the largest object alone.

    Args:
        labels: (h, w) int32, 0 is background; each spheroid's number is its value there.
        pixels: (h, w) uint8, uint16 or float32, of the same image.

    Raises:
        ValueError: a spheroid is not the one in the label image.
    """
    boxes, areas = [], []
    for spheroid in spheroids:
        found = spheroid.measures
        top, left = int(found.bbox_y_px), int(found.bbox_x_px)
        boxes.append((top, left, top + int(found.bbox_height_px), left + int(found.bbox_width_px)))
        areas.append(int(found.area_px2))
    measured = measured_brightness(labels, pixels, [one.number for one in spheroids], boxes, areas)
    return [one.with_brightness(brightness) for one, brightness in zip(spheroids, measured, strict=True)]


def _objects(labels: Labels) -> tuple[list[int], list[Box], list[int]]:
    """Numbers of all objects, ascending, with their boxes and areas."""
    runs = runs_of(labels)
    if not runs.label.size:
        return [], [], []
    starts = np.flatnonzero(np.concatenate([[True], runs.label[1:] != runs.label[:-1]]))
    sides = (
        runs.row[starts],
        np.minimum.reduceat(runs.begin, starts),
        runs.row[np.append(starts[1:], runs.row.size) - 1] + 1,
        np.maximum.reduceat(runs.end, starts),
    )
    areas: list[int] = np.add.reduceat(runs.end - runs.begin, starts).tolist()
    return runs.label[starts].tolist(), list(zip(*(side.tolist() for side in sides), strict=True)), areas


def measured_brightness(
    labels: Labels, pixels: Grey, numbers: Sequence[int], boxes: Sequence[Box], areas: Sequence[int]
) -> list[Brightness]:
    """The brightness of objects: of small ones sheet by sheet, of large ones one by one.

    Args:
        labels: (h, w) int32, 0 is background.
        pixels: (h, w) uint8, uint16 or float32, of the same image.
        numbers, boxes, areas: Of the objects: what their pixels hold, where these are, and how many.

    Raises:
        ValueError: an object has not so many pixels in its box.
    """
    reaches = [Reach.of(area) for area in areas]
    sides = [reach.sides_px(box) for reach, box in zip(reaches, boxes, strict=True)]
    is_small = [
        reach.step == 1 and height * width <= SHEET_PX for reach, (height, width) in zip(reaches, sides, strict=True)
    ]
    measured: dict[int, Brightness] = {}

    small = [index for index, one in enumerate(is_small) if one]
    for chosen in sheets([reaches[index] for index in small], [sides[index] for index in small]):
        some = [small[one] for one in chosen]
        numbers_of, boxes_of = [numbers[index] for index in some], [boxes[index] for index in some]
        inside, around = small_ones(labels, pixels, numbers_of, boxes_of, reaches[some[0]])
        for index, count in zip(some, inside.counts.tolist(), strict=True):
            _check(numbers[index], areas[index], count)
        measured.update(zip(some, _together(inside, around), strict=True))

    large = [index for index, one in enumerate(is_small) if not one]
    room = [reaches[index].sides(boxes[index]) for index in large]
    for chosen in sheets([reaches[index] for index in large], room):
        some = [large[one] for one in chosen]
        numbers_of, boxes_of = [numbers[index] for index in some], [boxes[index] for index in some]
        rings = rings_of_large_ones(labels, pixels, numbers_of, boxes_of, reaches[some[0]])
        for index, ring in zip(some, rings, strict=True):
            values = _values(labels, pixels, numbers[index], boxes[index])
            _check(numbers[index], areas[index], values.size)
            measured[index] = _alone(values, ring)
    return [measured[index] for index in range(len(numbers))]


def _values(labels: Labels, pixels: Grey, number: int, box: Box) -> NDArray[Any]:
    """The grey values of one object, by row and column; of mapped images little is in memory at a time."""
    top, left, bottom, right = box
    rows = max(1, STRIP_PX // labels.shape[1])  # a page that is read brings its neighbours along: whole rows
    found = []
    for first in range(top, bottom, rows):
        strip = slice(first, min(first + rows, bottom)), slice(left, right)
        found.append(pixels[strip][labels[strip] == number])
        release(labels)
        release(pixels)
    return found[0] if len(found) == 1 else np.concatenate(found)


def _together(inside: Parts, around: Parts) -> list[Brightness]:
    """Of many objects, by few calls."""
    counts = inside.counts
    starts = np.cumsum(counts) - counts
    values = inside.values.astype(np.float64)
    totals = np.add.reduceat(values, starts)
    means = totals / counts
    lowest, highest = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    values -= np.repeat(means, counts)
    deviations = np.sqrt(np.add.reduceat(np.square(values, out=values), starts) / counts)
    found = zip(*(one.tolist() for one in (means, deviations, lowest, highest, totals)), inside, around, strict=True)
    return [
        Brightness(mean, sd, low, high, _median(own), total, _background(ring))
        for mean, sd, low, high, total, own, ring in found
    ]


def _alone(values: NDArray[Any], ring: NDArray[np.generic]) -> Brightness:
    """Of one object, in as little memory as its values take."""
    if values.dtype == np.uint8:
        low, high, median, total = _by_counts(values)
        deviation = _deviation(values, total / values.size)
    else:
        total = sum(float(piece.astype(np.float64).sum()) for piece in _pieces(values))
        deviation = _deviation(values, total / values.size)
        low, high, median = float(values.min()), float(values.max()), _median(values)
    return Brightness(
        intensity_mean=total / values.size,
        intensity_sd=deviation,
        intensity_min=low,
        intensity_max=high,
        intensity_median=median,
        intensity_integrated=total,
        intensity_local_background=_background(ring),
    )


def _by_counts(values: NDArray[np.uint8]) -> tuple[float, float, float, float]:
    """Smallest, largest and median value and the sum of bytes: all of them follow from how often each one is there."""
    pieces = (cv2.calcHist([piece.reshape(1, -1)], [0], None, [256], [0, 256]) for piece in _pieces(values))
    counts = sum((piece.reshape(-1).astype(np.int64) for piece in pieces), start=np.zeros(256, np.int64))
    there, up_to = np.flatnonzero(counts), np.cumsum(counts)
    middle = np.searchsorted(up_to, [(values.size - 1) // 2, values.size // 2], side="right")
    return float(there[0]), float(there[-1]), float(middle.sum()) / 2, float(counts @ np.arange(256))


def _deviation(values: NDArray[Any], mean: float) -> float:
    squares = 0.0
    for piece in _pieces(values):
        deviations = piece.astype(np.float64)
        deviations -= mean
        squares += float(np.square(deviations, out=deviations).sum())
    return sqrt(squares / values.size)


def _check(number: int, area_px2: int, pixels: int) -> None:
    if pixels != area_px2:
        raise ValueError(f"Spheroid {number} has {area_px2} px², the labels {pixels} pixels of it")


def _pieces(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for start in range(0, values.size, PIECE_PX):
        yield values[start : start + PIECE_PX]


def _background(around: NDArray[np.generic]) -> float | None:
    return _median(around) if around.size >= RING_LEAST_PIXELS else None


def _median(values: NDArray[np.generic]) -> float:
    """Of an even number the mean of the two in the middle, in float64: whole numbers and float32 would round it.

    Args:
        values: (n,) changes its order.
    """
    middle, is_odd = divmod(values.size, 2)
    if values.dtype == np.uint8:
        values.sort(kind="stable")  # counts instead of comparing: six times faster than what parts bytes
    else:
        values.partition(middle)  # for one place alone it is vectorised, for two it is fifteen times slower
    above = float(values[middle])
    return above if is_odd else (float(values[:middle].max()) + above) / 2


def _size(image: NDArray[np.generic]) -> str:
    return f"{image.shape[1]} × {image.shape[0]}"
