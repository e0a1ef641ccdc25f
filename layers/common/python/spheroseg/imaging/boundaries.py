"""Label images to closed rings along pixel edges: the ground for outlines and measures.

Every boundary is walked with its object to the right of the way (x to the right, y down), so an outer ring has a
positive shoelace area and a hole's ring a negative one. Pixels of one object hang together by their edges
(4-connected): parts that meet in a corner only are polygons of their own, and a hole that meets the outside in a corner
only is a hole of its own. So no ring touches itself, which is what valid polygons ask for.

The work is done on the few edges where two labels meet, never pixel by pixel.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spheroseg.imaging.cycles import cycles_of
from spheroseg.imaging.mapped import picked, release

Labels = NDArray[np.int32]
Indices = NDArray[np.int64]

PIXELS_AT_A_TIME = 250_000
"""Compared at once: what fits into the processor's cache. A large image then needs little memory beside itself."""


WORD = 64
"""Bits of a word."""


@dataclass(frozen=True)
class Rings:
    """All rings of a label image: by object, each object's outer rings before its holes.

    Args:
        corners: (n, 2) int64, x and y of every corner, ring after ring. A ring starts with a horizontal edge, and
            horizontal and vertical edges alternate.
        starts: (rings + 1,) where each ring starts in ``corners``, and the end.
        label: (rings,) the object's value in the label image, ascending.
        area_px2: (rings,) enclosed area, negative for holes.
        owner: (rings,) for a hole the index of the outer ring around it, for an outer ring its own.
    """

    corners: Indices
    starts: Indices
    label: Indices
    area_px2: Indices
    owner: Indices


@dataclass(frozen=True)
class _Runs:
    """Straight boundary pieces of one orientation.

    Those walked from low to high come first (``forward`` of them), then those walked the other way; both parts are
    sorted by line and place. ``line`` is y for horizontal pieces and x for vertical ones.
    """

    line: Indices
    low: Indices
    high: Indices
    label: NDArray[np.int32]
    forward: int

    @property
    def begin(self) -> Indices:
        """Where on its line each piece starts."""
        return np.concatenate([self.low[: self.forward], self.high[self.forward :]])

    @property
    def end(self) -> Indices:
        """Where on its line each piece arrives."""
        return np.concatenate([self.high[: self.forward], self.low[self.forward :]])


def trace(labels: Labels) -> Rings:
    """The rings around every object and around every hole.

    Args:
        labels: (h, w) int32, 0 is background, other values name objects, which may touch, have holes and be in
            pieces.
    """
    horizontal, vertical = _runs(labels)
    to_vertical, pinched_h = _turns(labels, horizontal, vertical, horizontal=True)
    to_horizontal, pinched_v = _turns(labels, vertical, horizontal, horizontal=False)
    order, starts = cycles_of(to_horizontal[to_vertical])
    if pinched_h.size or pinched_v.size:
        # All turns keep to the same pixel so far, which separates parts that meet in a corner. Where one and the same
        # ring comes by a corner twice, its two ways exchange their goals, which cuts it into two rings.
        ring = np.empty(order.size, np.int64)
        ring[order] = np.repeat(np.arange(starts.size - 1), np.diff(starts))
        ring_of_vertical = np.empty_like(ring)
        ring_of_vertical[to_vertical] = ring
        for successors, pairs, ring_of in (
            (to_vertical, pinched_h, ring),
            (to_horizontal, pinched_v, ring_of_vertical),
        ):
            first, second = pairs[:, ring_of[pairs[0]] == ring_of[pairs[1]]]
            successors[first], successors[second] = successors[second], successors[first]
        order, starts = cycles_of(to_horizontal[to_vertical])
    return _rings(horizontal, order, starts)


def _at(labels: Labels, row: Indices, column: Indices) -> NDArray[np.int32]:
    """The labels of pixels; 0 outside the image."""
    height, width = labels.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    return np.where(inside, picked(labels, np.where(inside, row, 0), np.where(inside, column, 0)), np.int32(0))


def _runs(labels: Labels) -> tuple[_Runs, _Runs]:
    """The horizontal and the vertical pieces of all boundaries."""
    height, width = labels.shape
    stride = width + 1
    rows = max(1, PIXELS_AT_A_TIME // stride)
    places: list[tuple[Indices, Indices]] = []
    neighbours: list[tuple[Labels, Labels, Labels, Labels]] = []
    # A row above and one below, and a column that divides the end of a row from the beginning of the next.
    band = np.zeros((rows + 2, stride), np.int32)
    differs = np.empty(_whole_words(band.size), bool)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        above, below = max(top - 1, 0), min(bottom + 1, height)
        band[above - top + 1 : below - top + 1, :width] = labels[above:below]
        if below == bottom:
            band[bottom - top + 1] = 0
        flat = band[: bottom - top + 2].reshape(-1)
        last = flat.size if bottom == height else flat.size - stride
        across = _changes(flat[: last - stride], flat[stride:last], differs)
        down = _changes(flat[width : -stride - 1], flat[stride:-stride], differs) + stride
        shift = top * stride
        places.append((across + shift, down + (shift - stride)))
        neighbours.append((flat[across], flat[across + stride], flat[down - 1], flat[down]))
        release(labels)
    across, down = (np.concatenate(parts) for parts in zip(*places, strict=True))
    above_it, below_it, left_of_it, right_of_it = (np.concatenate(parts) for parts in zip(*neighbours, strict=True))
    horizontal = _joined(across, stride, before=above_it, after=below_it, forward_is_after=True)
    row = down // stride  # much faster than divmod
    down = (down - row * stride) * (height + 1) + row
    by_column = np.argsort(down)
    vertical = _joined(
        down[by_column],
        height + 1,
        before=left_of_it[by_column],
        after=right_of_it[by_column],
        forward_is_after=False,
    )
    return horizontal, vertical


def _whole_words(size: int) -> int:
    return -(-size // WORD) * WORD


def _changes(first: Labels, second: Labels, room: NDArray[np.bool_]) -> Indices:
    """Where two rows of numbers differ, which is in few places: as many are looked at at a time as a word has bits.

    Args:
        room: Working memory of at least as many elements, rounded up to that many.
    """
    differs = room[: _whole_words(first.size)]
    np.not_equal(first, second, out=differs[: first.size])
    differs[first.size :] = False
    words = np.flatnonzero(np.packbits(differs).view(np.uint64))
    found = np.flatnonzero(differs.reshape(-1, WORD)[words])
    places: Indices = (words * WORD)[found // WORD] + found % WORD
    return places


def _joined(places: Indices, length: int, before: Labels, after: Labels, *, forward_is_after: bool) -> _Runs:
    """Unit edges joined to pieces; an edge between two objects becomes part of a piece of each.

    Args:
        places: Of the edges, ascending: the line times ``length``, which is longer than a line by one, and where on it.
    """
    parts = []
    for label in (after, before) if forward_is_after else (before, after):
        kept = np.flatnonzero(label)
        along, names = places[kept], label[kept]
        first = np.ones(along.size, bool)
        first[1:] = (along[1:] != along[:-1] + 1) | (names[1:] != names[:-1])
        starts = np.flatnonzero(first)
        ends = np.append(starts[1:], along.size)
        low = along[starts]
        line = low // length  # much faster than divmod
        low -= line * length
        parts.append((line, low, low + (ends - starts), names[starts]))
    lines, lows, highs, names = (np.concatenate(pair) for pair in zip(*parts, strict=True))
    return _Runs(lines, lows, highs, names, forward=parts[0][0].size)


def _turns(labels: Labels, runs: _Runs, others: _Runs, *, horizontal: bool) -> tuple[Indices, Indices]:
    """Which piece of the other orientation follows each piece, and pairs of pieces that end in a pinched corner.

    Returns:
        (pieces,) indices into ``others``, and (2, pairs) indices into ``runs``.
    """
    end = runs.end
    forward = np.arange(end.size) < runs.forward
    # The pixels next on the way: beside the piece's own pixels, and beside the pixels across the piece.
    onward = np.where(forward, end, end - 1)
    own_side = (
        np.where(forward, runs.line, runs.line - 1) if horizontal else np.where(forward, runs.line - 1, runs.line)
    )
    far_side = 2 * runs.line - 1 - own_side
    if horizontal:
        ahead, across = _at(labels, own_side, onward), _at(labels, far_side, onward)
    else:
        ahead, across = _at(labels, onward, own_side), _at(labels, onward, far_side)
    left = ahead == runs.label
    pinched = ~left & (across == runs.label)

    # Right of forward-horizontal is forward-vertical; right of forward-vertical is backward-horizontal.
    next_forward = (forward ^ left) if horizontal else ~(forward ^ left)
    scale = max(labels.shape) + 1
    key = end * scale + runs.line
    # Every piece of the other orientation follows exactly one: in order of where they meet, the first follows the
    # first. Those of the other orientation are in that order already.
    following = np.empty(end.size, np.int64)
    for leads, first_of_others in ((np.flatnonzero(next_forward), 0), (np.flatnonzero(~next_forward), others.forward)):
        following[leads[np.argsort(key[leads])]] = np.arange(first_of_others, first_of_others + leads.size)

    places = np.flatnonzero(pinched)
    split = np.searchsorted(places, runs.forward)
    towards, back = places[:split], places[split:]
    pairs = np.stack([towards[np.argsort(key[towards])], back[np.argsort(key[back])]])
    return following, pairs


def _rings(horizontal: _Runs, order: Indices, starts: Indices) -> Rings:
    """Rings from cycles of horizontal pieces, sorted and with their owners."""
    count = starts.size - 1
    if count == 0:
        nothing = np.zeros(0, np.int64)
        return Rings(np.zeros((0, 2), np.int64), np.zeros(1, np.int64), nothing, nothing, nothing)
    begin, end, y = horizontal.begin[order], horizontal.end[order], horizontal.line[order]
    # Green's theorem along a path of horizontal and vertical edges: the area is −∮ y dx.
    area = np.add.reduceat(y * (begin - end), starts[:-1])
    label = horizontal.label[order][starts[:-1]].astype(np.int64)
    ranks = np.lexsort((area < 0, label))
    lengths = np.diff(starts)[ranks]
    new_starts = np.concatenate([[0], np.cumsum(lengths)])
    gather = np.repeat(starts[:-1][ranks] - new_starts[:-1], lengths) + np.arange(new_starts[-1])
    corners = np.empty((2 * gather.size, 2), np.int64)
    corners[0::2, 0], corners[1::2, 0] = begin[gather], end[gather]
    corners[0::2, 1] = corners[1::2, 1] = y[gather]
    label, area = label[ranks], area[ranks]
    return Rings(corners, 2 * new_starts, label, area, _owners(corners, 2 * new_starts, label, area))


def _owners(corners: Indices, starts: Indices, label: Indices, area: Indices) -> Indices:
    """The outer ring that each ring belongs to."""
    owner = np.arange(label.size)
    outer = area > 0
    latest_outer = np.maximum.accumulate(np.where(outer, owner, 0))
    owner = np.where(outer, owner, latest_outer)  # right where the object is in one piece: its holes follow it
    names, first, counts = np.unique(label[outer], return_index=True, return_counts=True)
    outer_rings = np.flatnonzero(outer)
    for name, start, pieces in zip(names[counts > 1], first[counts > 1], counts[counts > 1], strict=True):
        candidates = outer_rings[start : start + pieces]
        by_area = candidates[np.argsort(area[candidates])]
        for hole in np.flatnonzero((label == name) & ~outer).tolist():
            owner[hole] = _smallest_around(corners, starts, hole, by_area)
    return owner


def _smallest_around(corners: Indices, starts: Indices, hole: int, candidates: Indices) -> int:
    """The first of ``candidates`` (outer rings, smallest first) with the object's pixel beside the hole inside."""
    (x0, y0), (x1, _) = corners[starts[hole]], corners[starts[hole] + 1]
    # The first edge is horizontal; the object's pixels lie to the right of the way, below when it leads to larger x.
    x, y = min(x0, x1) + 0.5, y0 + (0.5 if x1 > x0 else -0.5)
    for ring in candidates.tolist():
        part = corners[starts[ring] : starts[ring + 1]]
        ends = np.roll(part, -1, axis=0)
        vertical = part[:, 0] == ends[:, 0]
        low, high = np.minimum(part[:, 1], ends[:, 1]), np.maximum(part[:, 1], ends[:, 1])
        if np.count_nonzero(vertical & (part[:, 0] > x) & (low < y) & (high > y)) % 2:
            return int(ring)
    raise AssertionError("a hole lies in an outer ring of its object")
