"""Label images to closed rings along pixel edges, the ground for outlines and measures.

Every object's boundary is walked with the object to the right of the way (x to the right, y down), so an outer ring has a
positive shoelace area and a hole's ring a negative one. Pixels of one object hang together by their edges
(4-connected): two that meet in a corner only belong to different polygons, and a hole that meets the outside in a
corner only is a hole of its own. So no ring touches itself, which is what valid polygons ask for.

The work is done on the few edges where two labels meet, never pixel by pixel.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]
Indices = NDArray[np.int64]

ROWS_PIXELS = 4_000_000
"""Pixels compared at a time, so that a large image needs little memory beside itself."""


@dataclass(frozen=True)
class Rings:
    """All rings of a label image, by object, each object's outer rings before its holes.

    Args:
        corners: (n, 2) int64, x and y of every corner, ring after ring. A ring starts with a horizontal edge, and
            horizontal and vertical edges alternate.
        starts: (rings + 1,) where each ring starts in ``corners``, and the end.
        label: (rings,) the object's value in the label image, ascending.
        area_px2: (rings,) area inside; negative for holes.
        owner: (rings,) for a hole the outer ring around it, for an outer ring itself.
    """

    corners: Indices
    starts: Indices
    label: Indices
    area_px2: Indices
    owner: Indices


@dataclass(frozen=True)
class _Runs:
    """Straight boundary pieces of one direction, sorted by the line they lie on and their place on it.

    ``line`` is y for horizontal pieces and x for vertical ones; ``low`` and ``high`` bound the piece along it;
    ``forward`` is True where the walk goes from low to high; ``row`` and ``column`` name the object's pixel at the
    end where the walk arrives.
    """

    line: Indices
    low: Indices
    high: Indices
    label: Indices
    forward: NDArray[np.bool_]

    @property
    def begin(self) -> Indices:
        return np.where(self.forward, self.low, self.high)

    @property
    def end(self) -> Indices:
        return np.where(self.forward, self.high, self.low)


def trace(labels: Labels) -> Rings:
    """The rings around every object and around every hole.

    Args:
        labels: (h, w) int32, 0 is background, other values name objects. Objects may touch, have holes and be in
            pieces.
    """
    horizontal, vertical = _runs(labels)
    to_vertical, pinched_h = _successors(labels, horizontal, vertical, horizontal_first=True)
    to_horizontal, pinched_v = _successors(labels, vertical, horizontal, horizontal_first=False)
    order, starts = _cycles(to_horizontal[to_vertical])
    if pinched_h.size or pinched_v.size:
        ring = np.empty(order.size, np.int64)
        ring[order] = np.repeat(np.arange(starts.size - 1), np.diff(starts))
        _cross_over(to_vertical, pinched_h, ring[pinched_h])
        ring_of_vertical = np.empty(order.size, np.int64)
        ring_of_vertical[to_vertical] = ring  # exchanges within a ring leave this true
        _cross_over(to_horizontal, pinched_v, ring_of_vertical[pinched_v])
        order, starts = _cycles(to_horizontal[to_vertical])
    return _rings(horizontal, order, starts)


def _runs(labels: Labels) -> tuple[_Runs, _Runs]:
    """Horizontal pieces sorted by y and x, vertical ones sorted by x and y."""
    height, width = labels.shape
    rows = max(1, ROWS_PIXELS // (width + 2))
    horizontal: list[Indices] = []
    vertical: list[Indices] = []
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        last = bottom == height
        # One row above, one column on both sides, and at the end one row below: background around the image.
        band = np.zeros((bottom - top + 1 + last, width + 2), np.int32)
        above = max(top - 1, 0)
        band[above - top + 1 : bottom - top + 1, 1:-1] = labels[above:bottom]
        if top > 0:
            band[0, 1:-1] = labels[top - 1]
        horizontal.append(_edges(band[:-1], band[1:], top, -1))
        inner = band[1 : bottom - top + 1]
        vertical.append(_edges(inner[:, :-1], inner[:, 1:], top, 0))
    return _merged(np.hstack(horizontal)), _merged(np.hstack(vertical)[[1, 0, 2, 3]])


def _edges(before: Labels, after: Labels, top: int, x_shift: int) -> Indices:
    """Unit edges between neighbours of different labels: rows y, x, label, walked forward or not."""
    shape = before.shape
    where = np.flatnonzero(np.ascontiguousarray(before != after))
    row, column = np.divmod(where, shape[1])
    row += top
    column += x_shift
    return np.stack([row, column, before[row - top, column - x_shift], after[row - top, column - x_shift]])


def _merged(edges: Indices) -> _Runs:
    """Unit edges joined to straight pieces; each edge counts once for the object on either side of it."""
    raise NotImplementedError
