"""Outlines to pixels, by the rule of ``imaging.rasterising``: which pixel centres lie inside (even-odd)."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spheroseg.domain.spheroid import Polygon, Spheroid
from spheroseg.errors import NotExpressibleError
from spheroseg.exchange.rings import box_of
from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.rasterising import Stretches, drawn, overlapping, stretches_of

CORNERS_AT_ONCE = 100_000


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
    shape = max(0, bottom - top), max(0, right - left)
    found = _inside(stretches_of([polygons]), width_px, height_px)
    moved = replace(found, row=found.row - top, begin=found.begin - left, end=found.end - left)
    return Patch(left, top, drawn(moved, np.ones(1, np.int64), shape).astype(bool))


def labels_of(spheroids: Iterable[Spheroid], width_px: int, height_px: int) -> Labels:
    """A label image: (h, w) int32, every spheroid's pixels hold its number, 0 is background.

    Raises:
        NotExpressibleError: two spheroids overlap, or one covers no pixel's centre; a label image has no place for
            either.
    """
    labels = np.zeros((height_px, width_px), np.int32)
    flat = labels.reshape(-1)
    for some in _at_once(spheroids):
        numbers = [one.number for one in some]
        found = _inside(stretches_of([one.polygons for one in some]), width_px, height_px)
        areas = found.areas
        if not areas.all():
            raise NotExpressibleError(
                f"Spheroid {numbers[int(np.argmin(areas))]} covers no pixel's centre, so a label image cannot hold it"
            )
        lengths = found.end - found.begin
        first = np.repeat(found.row * width_px + found.begin, lengths)
        pixels = first + np.arange(first.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        taken = np.flatnonzero(flat[pixels])
        shared = overlapping(found)
        if taken.size or shared is not None:
            one, other = (
                (numbers[shared[0]], numbers[shared[1]])
                if shared is not None
                else (int(flat[pixels[taken[0]]]), numbers[int(np.repeat(found.which, lengths)[taken[0]])])
            )
            raise NotExpressibleError(
                f"Spheroids {one} and {other} overlap; a pixel of a label image belongs to one object. COCO and "
                "GeoJSON can hold both"
            )
        flat[pixels] = np.repeat(np.array(numbers, np.int32)[found.which], lengths)
    return labels


def _at_once(spheroids: Iterable[Spheroid]) -> Iterator[list[Spheroid]]:
    """As many as are drawn in one go: arrays do not grow with the number of spheroids, nor with their corners."""
    some: list[Spheroid] = []
    corners = 0
    for one in spheroids:
        some.append(one)
        corners += sum(len(ring) for part in one.polygons for ring in (part.exterior, *part.holes))
        if corners > CORNERS_AT_ONCE:
            yield some
            some, corners = [], 0
    if some:
        yield some


def _inside(stretches: Stretches, width_px: int, height_px: int) -> Stretches:
    """What of them lies in the image; files may tell of objects that leave it."""
    begin, end = np.clip(stretches.begin, 0, width_px), np.clip(stretches.end, 0, width_px)
    is_in = (begin < end) & (stretches.row >= 0) & (stretches.row < height_px)
    return replace(stretches, begin=begin, end=end).part(is_in)


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
