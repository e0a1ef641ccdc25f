"""Outlines to pixels, exactly: what edited outlines are measured by and drawn with.

A pixel belongs to an outline when its centre lies inside (even-odd, over all rings of a spheroid). A centre on the
outline itself belongs to the spheroid that lies to the right of it, and on a horizontal piece to the one below: so of
two outlines that share a line each centre belongs to one, and none is lost. Where corners are whole quarter pixels, as
all that the service stores are, everything is computed in integers: nothing depends on rounding. Corners of files may
lie anywhere, and follow the same rule in floating point. Outlines along pixel edges give their own pixels back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spheroseg.domain.packed_outlines import UNITS_PER_PX
from spheroseg.domain.spheroid import Measures, Polygon
from spheroseg.imaging.boundaries import trace
from spheroseg.imaging.measures import measures_of

Indices = NDArray[np.int64]

CENTRE = UNITS_PER_PX // 2
"""Of the first pixel, in quarter pixels."""

ROOM_PX = 2**22
"""Pixels that outlines are drawn into at once to be measured."""


@dataclass(frozen=True)
class Stretches:
    """Pixels of some spheroids as stretches of rows, by spheroid, then from top to bottom and left to right.

    Args:
        which: (n,) place of the spheroid among those that were given.
        row: (n,) y.
        begin, end: (n,) first column and the one after the last; never empty.
        count: Spheroids that were given.
    """

    which: Indices
    row: Indices
    begin: Indices
    end: Indices
    count: int

    @property
    def areas(self) -> Indices:
        """Pixels of each spheroid."""
        areas = np.zeros(self.count, np.int64)
        np.add.at(areas, self.which, self.end - self.begin)
        return areas

    def part(self, chosen: NDArray[np.bool_]) -> "Stretches":
        """Only those stretches."""
        return replace(
            self, which=self.which[chosen], row=self.row[chosen], begin=self.begin[chosen], end=self.end[chosen]
        )


def stretches_of(outlines: Sequence[Sequence[Polygon]]) -> Stretches:
    """The pixels of spheroids.

    Args:
        outlines: Corners anywhere; those at whole quarter pixels are exact, whatever else is there.
    """
    rings = [ring for polygons in outlines for one in polygons for ring in (one.exterior, *one.holes)]
    if not rings:
        nothing = np.zeros(0, np.int64)
        return Stretches(nothing, nothing, nothing, nothing, len(outlines))
    lengths = np.array([len(ring) for ring in rings])
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(rings)), np.float64, 2 * int(lengths.sum()))
    scaled = flat * UNITS_PER_PX
    whole = scaled.astype(np.int64)
    corners = (whole if np.array_equal(whole, scaled) else scaled).reshape(-1, 2)
    of_ring = np.repeat(
        np.arange(len(outlines)), [sum(1 + len(one.holes) for one in polygons) for polygons in outlines]
    )
    which = np.repeat(of_ring, lengths)
    following = np.arange(1, len(corners) + 1)
    ends = np.cumsum(lengths)
    following[ends - 1] = ends - lengths
    rises = corners[following, 1] != corners[:, 1]
    start, stop, which = corners[rises], corners[following][rises], which[rises]
    is_down = stop[:, 1] > start[:, 1]
    top, bottom = np.where(is_down[:, None], start, stop), np.where(is_down[:, None], stop, start)

    first, last = _at_or_after(top[:, 1]), _at_or_after(bottom[:, 1])
    rows_of_edge = last - first
    edge = np.repeat(np.arange(len(top)), rows_of_edge)
    begins = np.cumsum(rows_of_edge) - rows_of_edge
    row = np.arange(edge.size) - begins[edge] + first[edge]
    fall = (bottom - top)[edge]
    # Where the edge meets the row of centres, and the first column whose centre is there or to the right of it.
    along = (UNITS_PER_PX * row + CENTRE - top[edge, 1]) * fall[:, 0] + (top[edge, 0] - CENTRE) * fall[:, 1]
    column = (-(-along // (UNITS_PER_PX * fall[:, 1]))).astype(np.int64)
    order = np.lexsort((column, row, which[edge]))
    which, row, column = which[edge][order], row[order], column[order]
    is_stretch = column[0::2] < column[1::2]
    return Stretches(
        which[0::2][is_stretch],
        row[0::2][is_stretch],
        column[0::2][is_stretch],
        column[1::2][is_stretch],
        len(outlines),
    )


def _at_or_after(y: NDArray[Any]) -> Indices:
    """The first row whose centres lie at a place or below it, in quarter pixels."""
    rows: Indices = (-(-(y - CENTRE) // UNITS_PER_PX)).astype(np.int64)
    return rows


def overlapping(stretches: Stretches) -> tuple[int, int, int, int] | None:
    """Two spheroids that share a pixel, and its column and row; None where none do."""
    order = np.lexsort((stretches.begin, stretches.row))
    row, begin, end = stretches.row[order], stretches.begin[order], stretches.end[order]
    # Stretches of one spheroid never overlap, so among those of a row it is enough to look at neighbours.
    shared = np.flatnonzero((row[1:] == row[:-1]) & (begin[1:] < end[:-1]))
    if not shared.size:
        return None
    one, other = stretches.which[order[shared[0]]], stretches.which[order[shared[0] + 1]]
    return int(one), int(other), int(begin[shared[0] + 1]), int(row[shared[0]])


def measures_of_outlines(stretches: Stretches) -> list[Measures]:
    """The product's own measures of each spheroid, of its pixels.

    Args:
        stretches: Of spheroids that each have a pixel at least.

    Raises:
        ValueError: one of them has none.
    """
    if not stretches.count:
        return []
    sizes = _boxes(stretches)
    measures: list[Measures | None] = [None] * stretches.count
    for some in _rooms(sizes):
        chosen = np.zeros(stretches.count, bool)
        chosen[some] = True
        for index, found in _measured(stretches.part(chosen[stretches.which]), sizes, some).items():
            measures[index] = found
    return [found for found in measures if found is not None]


@dataclass(frozen=True)
class _Boxes:
    """Bounding boxes: (spheroids,) each."""

    left: Indices
    top: Indices
    width: Indices
    height: Indices


def _boxes(stretches: Stretches) -> _Boxes:
    if not stretches.areas.all():
        raise ValueError("A spheroid without a pixel has no measures")
    starts = np.flatnonzero(np.concatenate([[True], stretches.which[1:] != stretches.which[:-1]]))
    left, right = np.minimum.reduceat(stretches.begin, starts), np.maximum.reduceat(stretches.end, starts)
    top = stretches.row[starts]
    bottom = stretches.row[np.append(starts[1:], stretches.row.size) - 1] + 1
    return _Boxes(left, top, right - left, bottom - top)


def _rooms(boxes: _Boxes) -> Iterable[list[int]]:
    """Spheroids that are measured together, one below the other: those of like width, so that little room is lost."""
    some: list[int] = []
    height = 0
    for index in np.argsort(-boxes.width, kind="stable").tolist():
        height += int(boxes.height[index])
        if some and height * int(boxes.width[some[0]]) > ROOM_PX:
            yield some
            some, height = [], int(boxes.height[index])
        some.append(index)
    if some:
        yield some


def _measured(stretches: Stretches, boxes: _Boxes, some: Sequence[int]) -> dict[int, Measures]:
    """Draw spheroids one below the other, and measure them where they are."""
    order = np.array(some)
    moved_x, moved_y = np.zeros(boxes.left.size, np.int64), np.zeros(boxes.left.size, np.int64)
    ends = np.cumsum(boxes.height[order])
    moved_x[order] = -boxes.left[order]
    moved_y[order] = ends - boxes.height[order] - boxes.top[order]
    at = stretches.which
    labels = drawn(
        replace(
            stretches,
            row=stretches.row + moved_y[at],
            begin=stretches.begin + moved_x[at],
            end=stretches.end + moved_x[at],
        ),
        np.arange(1, stretches.count + 1),
        (int(ends[-1]), int(boxes.width[order].max())),
    )
    rings = trace(labels)
    of_corner = np.repeat(rings.label, np.diff(rings.starts)) - 1
    back = np.stack([moved_x[of_corner], moved_y[of_corner]], axis=1)
    measured = measures_of(replace(rings, corners=rings.corners - back))
    return {number - 1: measures for number, measures in measured.items()}


def drawn(stretches: Stretches, numbers: Indices, shape: tuple[int, int]) -> NDArray[np.int32]:
    """A label image: (h, w) int32, 0 is background.

    Args:
        stretches: Of spheroids that share no pixel and lie inside.
        numbers: (spheroids,) what their pixels hold.
        shape: Height and width.
    """
    height, width = shape
    # One column more, for stretches that end at the right border.
    changes = np.zeros(height * (width + 1), np.int32)
    values = numbers[stretches.which].astype(np.int32)
    place = stretches.row * (width + 1)
    np.add.at(changes, place + stretches.begin, values)
    np.subtract.at(changes, place + stretches.end, values)
    labels = changes.reshape(height, width + 1)
    np.cumsum(labels, axis=1, out=labels)
    return np.ascontiguousarray(labels[:, :width])


def labels_of(outlines: Mapping[int, Sequence[Polygon]], shape: tuple[int, int]) -> NDArray[np.int32]:
    """The label image of a whole revision: (h, w) int32, 0 is background.

    Raises:
        ValueError: two outlines share a pixel.
    """
    numbers = list(outlines)
    stretches = stretches_of([outlines[number] for number in numbers])
    shared = overlapping(stretches)
    if shared is not None:
        raise ValueError(f"Spheroids {numbers[shared[0]]} and {numbers[shared[1]]} share a pixel")
    return drawn(stretches, np.array(numbers, np.int64), shape)


def shared_areas(first: Stretches, second: Stretches, width: int) -> Mapping[tuple[int, int], int]:
    """Pixels that a spheroid of one set shares with one of another, by their places, where they share any.

    Args:
        first, second: Each of spheroids that share no pixel among themselves.
        width: Of the image, in px.
    """
    if not first.row.size or not second.row.size:
        return {}
    lines = []
    for one in (first, second):
        place = one.row * (width + 1)
        order = np.argsort(place + one.begin)
        lines.append(((place + one.begin)[order], (place + one.end)[order], one.which[order]))
    cuts = np.unique(np.concatenate([*lines[0][:2], *lines[1][:2]]))
    holders = []
    for begin, end, which in lines:
        at = np.searchsorted(begin, cuts[:-1], side="right") - 1
        is_held = (at >= 0) & (cuts[:-1] < end[at])
        holders.append(np.where(is_held, which[at], -1))
    both = (holders[0] >= 0) & (holders[1] >= 0)
    pairs = holders[0][both] * (second.count + 1) + holders[1][both]
    found, at = np.unique(pairs, return_inverse=True)
    sums = np.zeros(found.size, np.int64)
    np.add.at(sums, at, np.diff(cuts)[both])
    return {divmod(pair, second.count + 1): area for pair, area in zip(found.tolist(), sums.tolist(), strict=True)}
