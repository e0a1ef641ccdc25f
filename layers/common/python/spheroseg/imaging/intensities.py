"""How bright each object is, by the image's own values: never windowed, never stretched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from spheroseg.domain.spheroid import Brightness, Spheroid
from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.windowing import Grey

RING_GAP_PX, RING_SHARE, RING_LEAST_PX, RING_LEAST_PIXELS = 2.0, 0.1, 5.0, 25
"""A choice: the gap keeps the blurred rim out; the median of 25 values of noise is right to a quarter of its σ
(1.25/√25), while the ring stays near enough to follow uneven light."""


MAX_WINDOW_PX = 2**24
"""Pixels of the part of an image with an object and its ring: masks of them take 50 MB. Larger objects, some 4,000 px
across, have no ring: there is no telling what it would have to do with them."""

SAMPLED_PX = 40
"""Diameter that is sampled by every pixel of the ring: it is a tenth as thick, so that even sparse ones are hundreds. A
distance may then be off by a pixel or two of tens, and looking takes as long for a large object as for a small one."""

PIECE_PX = 2**20
"""Pixels of which squares are summed up at once."""

_GAP = np.array([[dx * dx + dy * dy <= RING_GAP_PX**2 for dx in range(-2, 3)] for dy in range(-2, 3)], np.uint8)
"""Everything within ``RING_GAP_PX`` of a pixel, (5, 5)."""


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
    """The brightness of every object, by its number.

    Args:
        labels: (h, w) int32, 0 is background.
        pixels: (h, w) uint8, uint16 or float32, of the same image.

    Raises:
        ValueError: the two differ in size.
    """
    if labels.shape != pixels.shape:
        raise ValueError(f"The label image has {_size(labels)} pixels, the image {_size(pixels)}")
    inside = labels.ravel() != 0
    outside: NDArray[np.generic] = pixels.ravel()[~inside]
    background = float(np.median(outside.astype(np.float64))) if outside.size else None

    if not inside.any():
        return {}
    numbers, values = labels.ravel()[inside], pixels.ravel()[inside].astype(np.float64)
    # Sorted by object, and by value within it: then everything is a piece of one array.
    order = np.lexsort((values, numbers))
    numbers, values = numbers[order], values[order]
    starts = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
    ends = np.append(starts[1:], numbers.size)
    around = _around(labels, pixels, numbers[starts], np.flatnonzero(inside)[order], starts)
    found: dict[int, Intensities] = {}
    for number, start, end in zip(numbers[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
        of_object = values[start:end]
        middle, even = divmod(end - start, 2)
        total, mean, local = float(of_object.sum()), float(of_object.mean()), around[number]
        found[number] = Intensities(
            intensity_mean=mean,
            intensity_sd=float(of_object.std()),
            intensity_min=float(of_object[0]),
            intensity_max=float(of_object[-1]),
            intensity_median=float(of_object[middle] if even else (of_object[middle - 1] + of_object[middle]) / 2),
            intensity_integrated=total,
            intensity_background=background,
            intensity_above_background=None if background is None else mean - background,
            intensity_integrated_above_background=None if background is None else total - (end - start) * background,
            intensity_local_background=local,
            intensity_above_local_background=None if local is None else mean - local,
            intensity_integrated_above_local_background=None if local is None else total - (end - start) * local,
        )
    return found


def brightness_of(labels: Labels, pixels: Grey, spheroids: Sequence[Spheroid]) -> list[Spheroid]:
    """The same spheroids with their brightness, as ``intensities_of`` has it, object by object.

    Whatever the size of the image, memory grows with that of the largest object alone.

    Args:
        labels: (h, w) int32, 0 is background; each spheroid's number is its value there.
        pixels: (h, w) uint8, uint16 or float32, of the same image.
    """
    return [replace(one, brightness=_brightness(labels, pixels, one)) for one in spheroids]


def _brightness(labels: Labels, pixels: Grey, spheroid: Spheroid) -> Brightness:
    measures, number = spheroid.measures, spheroid.number
    left, top = int(measures.bbox_x_px), int(measures.bbox_y_px)
    right, bottom = left + int(measures.bbox_width_px), top + int(measures.bbox_height_px)
    values = pixels[top:bottom, left:right][labels[top:bottom, left:right] == number]
    if values.size != measures.area_px2:
        raise ValueError(f"Spheroid {number} has {measures.area_px2:g} px², the labels {values.size} pixels of it")
    total = float(values.sum(dtype=np.float64))
    mean = total / values.size
    squares = sum(float(np.square(piece.astype(np.float64) - mean).sum()) for piece in _pieces(values))
    lowest, highest = float(values.min()), float(values.max())
    return Brightness(
        intensity_mean=mean,
        intensity_sd=sqrt(squares / values.size),
        intensity_min=lowest,
        intensity_max=highest,
        intensity_median=_median(values),
        intensity_integrated=total,
        intensity_local_background=_local(labels, pixels, number, (top, left, bottom, right), values.size),
    )


def _pieces(values: NDArray[np.generic]) -> Iterator[NDArray[np.generic]]:
    for start in range(0, values.size, PIECE_PX):
        yield values[start : start + PIECE_PX]


def _median(values: NDArray[np.generic]) -> float:
    """Of an even number the mean of the two in the middle, in float64: whole numbers and float32 would round it."""
    middle, even = divmod(values.size, 2)
    if even:
        return float(np.partition(values, middle)[middle])
    parted = np.partition(values, [middle - 1, middle])
    return (float(parted[middle - 1]) + float(parted[middle])) / 2


def _around(
    labels: Labels, pixels: Grey, numbers: NDArray[np.int32], places: NDArray[np.intp], starts: NDArray[np.intp]
) -> dict[int, float | None]:
    """The local background of each object.

    Args:
        numbers: (k,) of the objects.
        places: Flat positions of the objects' pixels, object by object.
        starts: (k,) where each object begins in ``places``.
    """
    rows, columns = np.divmod(places, labels.shape[1])
    top, left = np.minimum.reduceat(rows, starts), np.minimum.reduceat(columns, starts)
    bottom, right = np.maximum.reduceat(rows, starts) + 1, np.maximum.reduceat(columns, starts) + 1
    areas = np.diff(np.append(starts, places.size))
    boxes = zip(*(side.tolist() for side in (top, left, bottom, right)), strict=True)
    return {
        number: _local(labels, pixels, number, box, area)
        for number, box, area in zip(numbers.tolist(), boxes, areas.tolist(), strict=True)
    }


def _local(labels: Labels, pixels: Grey, number: int, box: tuple[int, int, int, int], area_px2: int) -> float | None:
    """The median of the ring around one object.

    Args:
        box: First row and column of its pixels, and those behind the last.
    """
    top, left, bottom, right = box
    diameter_px = 2 * sqrt(area_px2 / pi)
    reach = RING_GAP_PX + max(RING_LEAST_PX, RING_SHARE * diameter_px)
    margin = int(reach) + 1 + int(RING_GAP_PX)  # objects beyond the ring keep it away from them, too
    window = (slice(max(top - margin, 0), bottom + margin), slice(max(left - margin, 0), right + margin))
    near = labels[window]
    if near.size > MAX_WINDOW_PX:
        return None
    taken = cv2.dilate((near != 0).view(np.uint8), _GAP)
    step = max(1, int(diameter_px // SAMPLED_PX))
    some = (slice(None, None, step), slice(None, None, step))
    in_reach = _distances(near[some] == number) <= reach / step
    values = pixels[window][some][(taken[some] == 0) & in_reach]
    return _median(values) if values.size >= RING_LEAST_PIXELS else None


def _distances(there: NDArray[np.bool_]) -> NDArray[np.float32]:
    """From each pixel's centre to that of the nearest one that is there, in px."""
    away = (~there).view(np.uint8)
    return cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).astype(np.float32, copy=False)


def _size(image: NDArray[np.generic]) -> str:
    return f"{image.shape[1]} × {image.shape[0]}"
