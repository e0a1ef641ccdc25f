"""Otsu's threshold with morphology and a watershed: what a segmentation without learning gives.

The steps are those of the usual ImageJ and CellProfiler pipelines for bright field images of spheroids: smooth,
threshold, open, fill holes, drop specks, split by the distance to the background. Lengths grow with the image, because
a spheroid may be any part of it. They were set by what the words mean; neck and least body were set anew once, after
rims had been cut off, and nothing was fitted further.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import watershed

from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.windowing import Grey

NAME = "otsu"

SMOOTHING_SHARE = 0.002
OPENING_SHARE = 0.004
FRAME_SHARE = 0.01
"""σ of the Gaussian, radius of the opening, and width of the frame that tells the background: of the diagonal."""

MIN_AREA_SHARE = 0.0004
"""Of the image; smaller objects are specks."""

NECK = 0.7
"""Bodies are cut apart where the neck between them is narrower than this share of the smaller one: a bump is no
object."""

SEED_SIDE_PX = 512
"""Seeds are looked for in distances shrunk to this long side; the cut itself is made in all pixels."""


def find_by_otsu(pixels: Grey) -> Labels:
    """Objects of a grey image, (h, w) int32; an image of one value has none.

    Source: Otsu, N. (1979), IEEE Transactions on Systems, Man, and Cybernetics 9(1), 62-66; splitting by the distance
    transform: Vincent, L. & Soille, P. (1991), IEEE Transactions on Pattern Analysis and Machine Intelligence 13(6),
    583-598.
    """
    height, width = pixels.shape
    diagonal = float(np.hypot(height, width))
    if pixels.min() == pixels.max():
        return np.zeros((height, width), np.int32)
    smooth = cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), max(1.0, SMOOTHING_SHARE * diagonal)).astype(
        np.float32
    )
    threshold = threshold_otsu(smooth)  # type: ignore[no-untyped-call]
    background_is_bright = np.median(_frame(smooth, max(1, round(FRAME_SHARE * diagonal)))) > threshold
    inside = smooth <= threshold if background_is_bright else smooth > threshold
    reach = max(1, round(OPENING_SHARE * diagonal))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    opened = cv2.morphologyEx(inside.view(np.uint8), cv2.MORPH_OPEN, disk)
    filled = ndimage.binary_fill_holes(opened)
    parts, count = ndimage.label(filled)
    areas = np.bincount(parts.ravel(), minlength=count + 1)
    large = areas >= MIN_AREA_SHARE * pixels.size
    large[0] = False
    numbers = (np.cumsum(large) * large).astype(np.int32)
    return _split(numbers[parts], float(np.sqrt(MIN_AREA_SHARE * pixels.size / np.pi)))


def _frame(pixels: NDArray[np.float32], width_px: int) -> NDArray[np.float32]:
    """The pixels along the image's border."""
    border = np.ones(pixels.shape, np.bool_)
    border[width_px:-width_px, width_px:-width_px] = False
    return pixels[border]


def _split(parts: Labels, least_px: float) -> Labels:
    """Touching objects cut apart where they are narrow.

    Args:
        parts: (h, w), the pieces that hang together, numbered from 1.
        least_px: Radius below which a body is a speck.
    """
    labels = np.zeros(parts.shape, np.int32)
    number = 0
    for part, box in enumerate(ndimage.find_objects(parts), start=1):
        own = np.pad(parts[box] == part, 1)
        distance = cv2.distanceTransform(own.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE).astype(np.float32)
        seeds, count = _seeds(distance, least_px)
        pieces: Labels = own.astype(np.int32)
        if count > 1:
            pieces = watershed(-distance, seeds, mask=own).astype(np.int32)  # type: ignore[no-untyped-call]
        inner = pieces[1:-1, 1:-1]
        labels[box] += np.where(inner > 0, inner + number, 0)
        number += max(count, 1)
    return labels


def _seeds(distance: NDArray[np.float32], least_px: float) -> tuple[Labels, int]:
    """The bodies that a piece consists of, marked by their middles, and how many they are.

    The neck between two bodies is a saddle of the distance; that it is narrower than a share of the smaller body is a
    difference of logarithms, so h-maxima find them at any size. (Not by ``h_maxima`` of scikit-image, which gives two
    peaks of equal height even where no neck parts them.)
    """
    height, width = distance.shape
    scale = min(1.0, SEED_SIDE_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(distance, size, interpolation=cv2.INTER_AREA) if scale < 1 else distance
    height_of = np.log(np.maximum(small, least_px))
    levelled = reconstruction(height_of + np.log(NECK), height_of)  # type: ignore[no-untyped-call]
    peaks = local_maxima(levelled)  # type: ignore[no-untyped-call]
    found, count = ndimage.label(peaks, structure=np.ones((3, 3)))
    seeds = np.zeros(distance.shape, np.int32)
    for body, (y, x) in enumerate(ndimage.center_of_mass(found > 0, found, range(1, count + 1)), start=1):
        # The middle of a ring lies outside of it: the peak's pixel that is next to it is taken.
        rows, columns = np.nonzero(found == body)
        nearest = np.argmin((rows - y) ** 2 + (columns - x) ** 2)
        at_y, at_x = ((int(place) + 0.5) / scale for place in (rows[nearest], columns[nearest]))
        seeds[min(int(at_y), height - 1), min(int(at_x), width - 1)] = body
    return seeds, count
