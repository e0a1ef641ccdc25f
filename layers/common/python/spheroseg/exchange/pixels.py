"""Outlines to pixels: which pixel centres lie inside (even-odd)."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spheroseg.domain.spheroid import Polygon, Spheroid
from spheroseg.errors import NotExpressibleError
from spheroseg.exchange.rings import box_of
from spheroseg.imaging.boundaries import Labels


class Patch(NamedTuple):
    """The pixels of one object.

    Args:
        left, top: Column and row of the patch's first pixel.
        mask: (h, w) bool.
    """

    left: int
    top: int
    mask: NDArray[np.bool_]


def patch_of(polygons: tuple[Polygon, ...], width_px: int, height_px: int) -> Patch:
    """The pixels of the image whose centres lie in an object; for outlines along pixel edges these are its pixels."""
    low_x, low_y, high_x, high_y = box_of(polygons)
    left, top = max(0, int(np.floor(low_x))), max(0, int(np.floor(low_y)))
    right, bottom = min(width_px, int(np.ceil(high_x))), min(height_px, int(np.ceil(high_y)))
    width, height = max(0, right - left), max(0, bottom - top)
    crossings = np.zeros((height, width + 1), np.uint8)
    for polygon in polygons:
        for ring in (polygon.exterior, *polygon.holes):
            corners = np.array(ring, np.float64) - (left, top)
            _cross(crossings, corners, np.roll(corners, -1, axis=0))
    return Patch(left, top, np.bitwise_xor.accumulate(crossings[:, :width], axis=1).astype(bool))


def _cross(crossings: NDArray[np.uint8], begin: NDArray[np.float64], end: NDArray[np.float64]) -> None:
    """Note where edges cross the lines through pixels' centres: from there to the right, inside and outside change."""
    height, last = crossings.shape[0], crossings.shape[1] - 1
    low, high = np.minimum(begin[:, 1], end[:, 1]), np.maximum(begin[:, 1], end[:, 1])
    first = np.clip(np.ceil(low - 0.5), 0, height).astype(np.int64)
    stop = np.clip(np.ceil(high - 0.5), 0, height).astype(np.int64)
    counts = np.maximum(stop - first, 0)
    edge = np.repeat(np.arange(len(begin)), counts)
    row = np.arange(edge.size) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    (x0, y0), (x1, y1) = begin[edge].T, end[edge].T
    x = x0 + (row + 0.5 - y0) * (x1 - x0) / (y1 - y0)
    column = np.clip(np.ceil(x - 0.5), 0, last).astype(np.int64)
    np.bitwise_xor.at(crossings, (row, column), np.uint8(1))


def labels_of(spheroids: Iterable[Spheroid], width_px: int, height_px: int) -> Labels:
    """A label image: (h, w) int32, every spheroid's pixels hold its number, 0 is background.

    Raises:
        NotExpressibleError: two spheroids overlap, or one covers no pixel's centre; a label image has no place for
            either.
    """
    labels = np.zeros((height_px, width_px), np.int32)
    for spheroid in spheroids:
        patch = patch_of(spheroid.polygons, width_px, height_px)
        if not patch.mask.any():
            raise NotExpressibleError(
                f"Spheroid {spheroid.number} covers no pixel's centre, so a label image cannot hold it"
            )
        height, width = patch.mask.shape
        part = labels[patch.top : patch.top + height, patch.left : patch.left + width]
        if (others := part[patch.mask]).any():
            raise NotExpressibleError(
                f"Spheroids {int(others[others != 0][0])} and {spheroid.number} overlap; a pixel of a label image "
                "belongs to one object. COCO and GeoJSON can hold both"
            )
        part[patch.mask] = spheroid.number
    return labels


def run_lengths(patch: Patch, width_px: int, height_px: int) -> list[int]:
    """COCO's run lengths over the whole image, column by column, the first of background.

    Source: ``maskApi.c`` of pycocotools (Lin, T.-Y. et al.), «RLE is a simple yet efficient format».
    """
    if not patch.mask.any():
        return [width_px * height_px]
    height, width = patch.mask.shape
    padded = np.zeros((width, height + 2), np.int8)
    padded[:, 1:-1] = patch.mask.T
    steps = np.diff(padded, axis=1)
    column, row = np.nonzero(steps > 0)
    begins = (column + patch.left) * height_px + row + patch.top
    column, row = np.nonzero(steps < 0)
    ends = (column + patch.left) * height_px + row + patch.top
    apart = begins[1:] != ends[:-1]  # a run goes on in the next column where the object fills the image's height
    begins, ends = begins[np.append(True, apart)], ends[np.append(apart, True)]
    turns = np.empty(2 * begins.size, np.int64)
    turns[0::2], turns[1::2] = begins, ends
    counts: list[int] = np.diff(np.concatenate([[0], turns, [width_px * height_px]])).tolist()
    return counts if counts[-1] else counts[:-1]
