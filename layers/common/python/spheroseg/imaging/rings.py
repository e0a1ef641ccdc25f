"""Where the local background of an object is looked for: a ring around it, away from every object.

Small objects are copied one below the other into one sheet and looked at together, because calls cost more than their
pixels do; of large ones only every so many pixels are looked at. Which is which makes no difference to the outcome.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isqrt, pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.mapped import release
from spheroseg.imaging.windowing import Grey

Mask = NDArray[np.uint8]
Indices = NDArray[np.int64]

RING_GAP_PX, RING_SHARE, RING_LEAST_PX, RING_LEAST_PIXELS = 2, 0.1, 5.0, 25
"""A choice: the gap keeps the blurred rim out; the median of 25 values of noise is right to a quarter of its σ
(1.25/√25), while the ring stays near enough to follow uneven light."""

MAX_WINDOW_PX = 2**24
"""Pixels of the part of an image with an object and its ring: masks of them take 50 MB. Larger objects, some 4,000 px
across, have no ring: there is no telling what it would have to do with them."""

SAMPLED_PX = 40
"""Diameter that is sampled by every pixel of the ring: it is a tenth as thick, so that even sparse ones are hundreds. A
distance may then be off by a pixel or two of tens, and looking takes as long for a large object as for a small one."""

SPARSE_STEP = 8
"""From this step on the surroundings of samples are fewer than all pixels, by far."""

SHEET_PX = 2**18
"""Pixels of small objects and their rings that are looked at together: what fits into a processor's cache."""

_GAP = np.array(
    [[dx * dx + dy * dy <= RING_GAP_PX**2 for dx in range(-2, 3)] for dy in range(-2, 3)],
    np.uint8,
)
"""Everything within ``RING_GAP_PX`` of a pixel, (5, 5)."""

_GAP_STEPS = [(int(down) - RING_GAP_PX, int(across) - RING_GAP_PX) for down, across in np.argwhere(_GAP)]

Box = tuple[int, int, int, int]
"""First row and column of an object's pixels, and those behind the last."""


@dataclass(frozen=True)
class Reach:
    """How far from an object its ring ends.

    Args:
        step: Every so many rows and columns are looked at.
        squared: The largest square of a distance that belongs to it, in steps.
        margin_px: What is left around the object's box: objects beyond the ring keep it away from them, too.
    """

    step: int
    squared: int
    margin_px: int

    @classmethod
    @lru_cache(maxsize=4096)
    def of(cls, area_px2: int) -> "Reach":
        """That of an object of so many pixels."""
        diameter_px = 2 * sqrt(area_px2 / pi)
        reach_px = RING_GAP_PX + max(RING_LEAST_PX, RING_SHARE * diameter_px)
        step = max(1, int(diameter_px // SAMPLED_PX))
        return cls(step, int((reach_px / step) ** 2), int(reach_px) + 1 + RING_GAP_PX)

    def window(self, box: Box) -> tuple[slice, slice]:
        """The part of the image that is looked at."""
        top, left, bottom, right = box
        return (
            slice(max(top - self.margin_px, 0), bottom + self.margin_px),
            slice(max(left - self.margin_px, 0), right + self.margin_px),
        )

    def sides_px(self, box: Box) -> tuple[int, int]:
        """Height and width of that part, were the image larger."""
        top, left, bottom, right = box
        return bottom - top + 2 * self.margin_px, right - left + 2 * self.margin_px

    def sides(self, box: Box) -> tuple[int, int]:
        """The same in steps, with room for the ring on all sides: what it takes on a sheet of samples."""
        height, width = self.sides_px(box)
        room = 2 * self.room
        return -(-height // self.step) + room, -(-width // self.step) + room

    @property
    def room(self) -> int:
        """Steps beyond which nothing is reached."""
        return isqrt(self.squared) + 1


def sheets(reaches: Sequence[Reach], sides: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Places of objects that are looked at together: of one reach, and of like width, so that little room is lost.

    Args:
        sides: Height and width that each takes on a sheet.
    """
    some: list[int] = []
    height = 0
    for index in sorted(range(len(reaches)), key=lambda one: (*vars(reaches[one]).values(), -sides[one][1])):
        height += sides[index][0]
        if some and (reaches[index] != reaches[some[0]] or height * sides[some[0]][1] > SHEET_PX):
            yield some
            some, height = [], sides[index][0]
        some.append(index)
    if some:
        yield some


@dataclass(frozen=True)
class Parts:
    """Grey values of several objects, or of their rings, one after the other.

    Args:
        values: (n,)
        counts: (objects,) how many are of each.
    """

    values: NDArray[np.generic]
    counts: Indices

    def __iter__(self) -> Iterator[NDArray[np.generic]]:
        """Those of each."""
        ends = np.cumsum(self.counts).tolist()
        return (self.values[begin:end] for begin, end in zip([0, *ends[:-1]], ends, strict=True))


def small_ones(
    labels: Labels, pixels: Grey, numbers: Sequence[int], boxes: Sequence[Box], reach: Reach
) -> tuple[Parts, Parts]:
    """Objects that are looked at pixel by pixel, and their rings.

    Args:
        boxes: The first of them is the widest.
    """
    sides = [reach.sides_px(box) for box in boxes]
    heights = np.array([height for height, _ in sides])
    starts = np.cumsum(heights) - heights
    width = sides[0][1]
    drawn = np.zeros((int(heights.sum()), width), np.int32)
    grey = np.zeros(drawn.shape, pixels.dtype)
    margin, (rows, columns) = reach.margin_px, labels.shape
    outside = []
    for start, (height, breadth), (top, left, bottom, right) in zip(starts.tolist(), sides, boxes, strict=True):
        y, x = top - margin, left - margin
        if y >= 0 and x >= 0 and bottom + margin <= rows and right + margin <= columns:
            drawn[start : start + height, :breadth] = labels[y : y + height, x : x + breadth]
            grey[start : start + height, :breadth] = pixels[y : y + height, x : x + breadth]
            continue
        inside = reach.window((top, left, bottom, right))
        near = labels[inside]
        first_row, first_column = start + inside[0].start - y, inside[1].start - x
        there = slice(first_row, first_row + near.shape[0]), slice(first_column, first_column + near.shape[1])
        drawn[there], grey[there] = near, pixels[inside]
        outside.append((slice(start, start + height), there))
    release(labels)
    release(pixels)
    own = (drawn == np.repeat(np.array(numbers), heights)[:, None]).view(np.uint8)
    taken: Mask = cv2.dilate((drawn != 0).view(np.uint8), _GAP).astype(np.uint8, copy=False)
    for block, there in outside:
        kept = taken[there].copy()
        taken[block] = 1
        taken[there] = kept
    return _parts(own, grey, starts), _rings(own, taken, grey, starts, reach)


def rings_of_large_ones(
    labels: Labels, pixels: Grey, numbers: Sequence[int], boxes: Sequence[Box], reach: Reach
) -> Parts:
    """Rings of objects that are sampled, or are scattered widely; without a value of those that have none.

    Args:
        boxes: The first of them is the widest.
    """
    sides = [reach.sides(box) for box in boxes]
    heights = np.array([height for height, _ in sides])
    starts = np.cumsum(heights) - heights
    own = np.zeros((int(heights.sum()), sides[0][1]), np.uint8)
    taken, grey = np.ones(own.shape, np.uint8), np.zeros(own.shape, pixels.dtype)
    some = slice(None, None, reach.step), slice(None, None, reach.step)
    for number, start, box in zip(numbers, starts.tolist(), boxes, strict=True):
        window = reach.window(box)
        near = labels[window]
        if near.size > MAX_WINDOW_PX:
            continue
        samples = near[some]
        there = (
            slice(start + reach.room, start + reach.room + samples.shape[0]),
            slice(reach.room, reach.room + samples.shape[1]),
        )
        np.equal(samples, number, out=own[there].view(np.bool_))
        taken[there] = is_near_object(near, reach.step)
        grey[there] = pixels[window][some]
        release(labels)
        release(pixels)
    return _rings(own, taken, grey, starts, reach)


def is_near_object(labels: Labels, step: int) -> NDArray[np.bool_]:
    """Whether there is an object within the gap around every so many pixels."""
    if step < SPARSE_STEP:
        return cv2.dilate((labels != 0).view(np.uint8), _GAP)[::step, ::step].astype(bool)
    height, width = (-(-size // step) for size in labels.shape)
    found = np.zeros((height, width), bool)
    for down, across in _GAP_STEPS:
        row, column = int(down < 0), int(across < 0)  # what lies before the first row or column is no object
        near = labels[row * step + down :: step, column * step + across :: step][: height - row, : width - column] != 0
        found[row : row + near.shape[0], column : column + near.shape[1]] |= near
    return found


def _rings(own: Mask, taken: Mask, grey: NDArray[np.generic], starts: Indices, reach: Reach) -> Parts:
    ring = spread(own, reach.squared)
    ring &= taken == 0
    return _parts(ring, grey, starts)


def _parts(there: Mask, grey: NDArray[np.generic], starts: Indices) -> Parts:
    """Grey values of what is there, by blocks of rows that begin at ``starts``."""
    places = np.flatnonzero(there.view(np.bool_))
    counts = np.diff(np.append(np.searchsorted(places, starts * there.shape[1]), places.size))
    return Parts(grey.reshape(-1)[places], counts)


def spread(there: Mask, squared: int) -> Mask:
    """Every place within a distance of one that is there.

    A disk is a stretch for each of its rows: what is there is widened step by step, and each width laid over the rows
    that the disk has it in.

    Args:
        there: (h, w) 0 or 1; 0 within the distance of every border.
        squared: Square of the distance in px.
    """
    width, reach = there.shape[1], isqrt(squared)
    wide = there.reshape(-1).copy()
    found = np.zeros_like(wide)
    rows_of: dict[int, list[int]] = {}
    for row in range(reach + 1):
        rows_of.setdefault(isqrt(squared - row * row), []).append(row)
    for half in range(reach + 1):
        if half:
            wider = wide.copy()
            wider[1:] |= wide[:-1]
            wider[:-1] |= wide[1:]
            wide = wider
        for row in rows_of.get(half, ()):
            shift = row * width
            if shift:
                found[shift:] |= wide[:-shift]
                found[:-shift] |= wide[shift:]
            else:
                found |= wide
    return found.reshape(there.shape)
