"""How bright each object is, by the image's own values: never windowed, never stretched."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.windowing import Grey

INTENSITY_DEFINITIONS: Mapping[str, str] = {
    "intensity_mean": "Mean of the pixels' values",
    "intensity_sd": "Standard deviation of the pixels' values (of all of them: divided by their number)",
    "intensity_min": "Smallest value",
    "intensity_max": "Largest value",
    "intensity_median": "Median of the values; of an even number the mean of the two in the middle",
    "intensity_integrated": "Sum of the values (ImageJ: raw integrated density)",
    "intensity_background": (
        "Median of all pixels of the image that belong to no object; the same for all objects of an image, empty where "
        "there is no such pixel"
    ),
    "intensity_above_background": "Mean less background",
    "intensity_integrated_above_background": (
        "Sum of the values less area times background: «corrected total cell fluorescence» of McCloy, R. A. et al. "
        "(2014), Cell Cycle 13(9), 1400-1412, there with the mean of a region drawn by hand as background"
    ),
    "intensity_local_background": (
        "Median of a ring around the object: pixels of no object, more than 2 px away from every object, and up to a "
        "tenth of the object's equivalent diameter (5 px at least) farther than that from this one; empty where fewer "
        "than 25 pixels are left of it"
    ),
    "intensity_above_local_background": "Mean less local background",
    "intensity_integrated_above_local_background": (
        "Sum of the values less area times local background: aperture photometry with an annulus for the sky, Stetson, "
        "P. B. (1987), Publications of the Astronomical Society of the Pacific 99, 191-222"
    ),
}
"""By field of ``Intensities``; all in the image's own grey values."""

RING_GAP_PX, RING_SHARE, RING_LEAST_PX, RING_LEAST_PIXELS = 2.0, 0.1, 5.0, 25
"""A choice: the gap keeps the blurred rim out; the median of 25 values of noise is right to a quarter of its σ
(1.25/√25), while the ring stays near enough to follow uneven light."""


@dataclass(frozen=True)
class Intensities:
    """Brightness of one object; what each field is stands in ``INTENSITY_DEFINITIONS``."""

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
    free = _distances(labels != 0) > RING_GAP_PX
    found: dict[int, float | None] = {}
    for place, number in enumerate(numbers.tolist()):
        reach = RING_GAP_PX + max(RING_LEAST_PX, RING_SHARE * 2 * sqrt(areas[place] / pi))
        margin = int(reach) + 1
        window = (
            slice(max(top[place] - margin, 0), bottom[place] + margin),
            slice(max(left[place] - margin, 0), right[place] + margin),
        )
        values = pixels[window][free[window] & (_distances(labels[window] == number) <= reach)]
        found[number] = float(np.median(values.astype(np.float64))) if values.size >= RING_LEAST_PIXELS else None
    return found


def _distances(there: NDArray[np.bool_]) -> NDArray[np.float32]:
    """From each pixel's centre to that of the nearest one that is there, in px."""
    away = (~there).view(np.uint8)
    return cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).astype(np.float32, copy=False)


def _size(image: NDArray[np.generic]) -> str:
    return f"{image.shape[1]} × {image.shape[0]}"
