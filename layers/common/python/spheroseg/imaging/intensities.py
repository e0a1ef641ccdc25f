"""How bright each object is, by the image's own values: never windowed, never stretched."""

from collections.abc import Mapping
from dataclasses import dataclass

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
}
"""By field of ``Intensities``; all in the image's own grey values."""


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
    found: dict[int, Intensities] = {}
    for number, start, end in zip(numbers[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
        of_object = values[start:end]
        middle, even = divmod(end - start, 2)
        total, mean = float(of_object.sum()), float(of_object.mean())
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
        )
    return found


def _size(image: NDArray[np.generic]) -> str:
    return f"{image.shape[1]} × {image.shape[0]}"
