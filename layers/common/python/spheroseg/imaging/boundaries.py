"""Label images to closed rings along pixel edges: the ground for outlines and measures.

Every boundary is walked with its object to the right of the way (x to the right, y down), so an outer ring has a
positive shoelace area and a hole's ring a negative one. Pixels of one object hang together by their edges
(4-connected): parts that meet in a corner only are polygons of their own, and a hole that meets the outside in a corner
only is a hole of its own. So no ring touches itself, which is what valid polygons ask for.

The work is done on runs, of which there are far fewer than pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spheroseg.imaging.cycles import cycles_of
from spheroseg.imaging.owners import owners_of
from spheroseg.imaging.runs import Indices, Labels, Runs, is_new, order_of, runs_of
from spheroseg.imaging.side_by_side import each_of

__all__ = ["Indices", "Labels", "Rings", "trace"]

RUNS_AT_A_TIME = 2**14
"""Objects are traced together up to so many runs: their arrays then stay in the processor's cache."""

BELOW, BEGINS = 1, 2
"""Of the end of a run, as bits: it belongs to the row below the line, and the run begins there."""


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

    @property
    def first_of_objects(self) -> Indices:
        """Each object's first ring."""
        return np.flatnonzero(is_new(self.label))

    def in_parts(self, corners: int) -> Iterator["Rings"]:
        """The same in parts of whole objects, with about so many corners each."""
        first = self.first_of_objects
        for begin, end in _parts(self.starts[first], corners):
            start, stop = int(first[begin]), int(first[end]) if end < first.size else self.label.size
            yield Rings(
                self.corners[self.starts[start] : self.starts[stop]],
                self.starts[start : stop + 1] - self.starts[start],
                self.label[start:stop],
                self.area_px2[start:stop],
                self.owner[start:stop] - start,
            )


@dataclass(frozen=True)
class _Pieces:
    """Straight horizontal pieces of boundaries, by label, line and column.

    Args:
        line: y, with the labels' number before it: pieces of one label on one line have it in common.
        low, high: First and last x.
        is_forward: Walked from low to high, for the object lies below.
        label: Index of the label, from 0.
        y: Where the line lies.
        pinched: (pairs,) the first one of two that meet in a corner, where two pixels of the object do.
    """

    line: Indices
    low: Indices
    high: Indices
    is_forward: NDArray[np.bool_]
    label: Indices
    y: Indices
    pinched: Indices


def trace(labels: Labels) -> Rings:
    """The rings around every object and around every hole.

    Args:
        labels: (h, w) int32, 0 is background, other values name objects, which may touch, have holes and be in
            pieces.
    """
    runs = runs_of(labels)
    first = np.append(np.flatnonzero(is_new(runs.label)), runs.label.size)
    parts = (runs.part(int(first[begin]), int(first[end])) for begin, end in _parts(first[:-1], RUNS_AT_A_TIME))
    return _joined(each_of(_traced, parts))


def _parts(starts: Indices, size: int) -> Iterator[tuple[int, int]]:
    """First and end of groups of consecutive items that begin at ``starts``; each has about ``size`` or is one item."""
    begin = 0
    while begin < starts.size:
        end = max(begin + 1, int(np.searchsorted(starts, starts[begin] + size, side="right")) - 1)
        end = starts.size if starts[-1] < starts[begin] + size else end
        yield begin, end
        begin = end


def _traced(runs: Runs) -> Rings:
    """The rings of some objects."""
    pieces = _pieces(runs)
    after, goal = _turns(pieces)
    successor = goal[after]
    order, starts = cycles_of(successor, pieces.is_forward)
    if pieces.pinched.size:
        # All turns keep to the same pixel so far, which separates parts that meet in a corner. Where one and the same
        # ring comes by a corner twice, its two ways exchange their goals, which cuts it into two rings.
        ring = np.empty(order.size, np.int64)
        ring[order] = np.repeat(np.arange(starts.size - 1), np.diff(starts))
        first = pieces.pinched[ring[pieces.pinched] == ring[pieces.pinched + 1]]
        arriving = first[pieces.is_forward[first]]
        after[arriving], after[arriving + 1] = after[arriving + 1], after[arriving]
        leaving = first[~pieces.is_forward[first]]
        before = np.empty_like(goal)
        before[goal] = np.arange(goal.size)
        goal[before[leaving]], goal[before[leaving + 1]] = leaving + 1, leaving
        order, starts = cycles_of(goal[after], pieces.is_forward)
    return _rings(pieces, order, starts, runs)


def _pieces(runs: Runs) -> _Pieces:
    """Where a label is in one of two rows, the one above a line and the one below it, and not in the other."""
    row, label = runs.row, runs.label
    new_label = is_new(label)
    new_row = new_label.copy()
    new_row[1:] |= row[1:] != row[:-1]
    # Lines of a label are numbered from top to bottom. Below a row's line comes its next row's, or one of its own.
    apart = new_label.copy()
    apart[1:] |= row[1:] > row[:-1] + 1
    top = np.cumsum(new_row)
    top += np.cumsum(apart)
    line_count = int(top[-1]) + 2
    y_of, label_of = np.zeros(line_count, np.int64), np.zeros(line_count, np.int64)
    which = np.cumsum(new_label) - 1
    y_of[top], y_of[top + 1] = row, row + 1
    label_of[top] = label_of[top + 1] = which

    # Of each line the ends of the runs above and below, from left to right: between the first and the second one only
    # of them is there, and so on. Of ends at the same place those where a run ends come first, so that pieces meet in
    # the corner and do not pass through it.
    x_bits = int(runs.end.max()).bit_length()
    count = row.size
    key = np.empty(4 * count, np.int64)
    shifted = top << (x_bits + 2)
    key[:count] = shifted
    key[:count] += (runs.begin << 2) + BEGINS + BELOW
    key[count : 2 * count] = shifted
    key[count : 2 * count] += (runs.end << 2) + BELOW
    shifted += 1 << (x_bits + 2)
    key[2 * count : 3 * count] = shifted
    key[2 * count : 3 * count] += (runs.begin << 2) + BEGINS
    key[3 * count :] = shifted
    key[3 * count :] += runs.end << 2
    key.sort()
    low, high = key[0::2], key[1::2]
    place_low, place_high = low >> 2, high >> 2
    kept = np.flatnonzero(place_low != place_high)
    low, place_low, place_high = low[kept], place_low[kept], place_high[kept]
    line = place_low >> x_bits
    within = (1 << x_bits) - 1
    side = low & (BEGINS | BELOW)
    return _Pieces(
        line=line,
        low=place_low & within,
        high=place_high & within,
        is_forward=(side == 0) | (side == BEGINS | BELOW),  # what is above ends here, or what is below begins
        label=label_of[line],
        y=y_of[line],
        pinched=np.flatnonzero(place_high[:-1] == place_low[1:]),
    )


def _turns(pieces: _Pieces) -> tuple[Indices, Indices]:
    """The vertical piece that follows each piece, and the piece that follows each vertical one.

    Corners of one label in one column belong together in pairs, from top to bottom. Where two pixels meet in a corner,
    there are two corners: that of the pixel above comes first, so that the way keeps to its pixel.
    """
    count = pieces.low.size
    # The corners at the low ends, then those at the high ends.
    line_bits = int(pieces.line[-1]).bit_length() + 1
    key = np.empty(2 * count, np.int64)
    key[:count], key[count:] = pieces.low, pieces.high
    x_bits = int(pieces.high.max()).bit_length()
    column = key.reshape(2, count)
    column += pieces.label << x_bits
    column <<= line_bits
    column += (pieces.line << 1) + pieces.is_forward
    bits = int(pieces.label[-1]).bit_length() + x_bits + line_bits
    order = order_of(key, bits)
    vertical = np.empty(2 * count, np.int64)
    vertical[order] = np.arange(2 * count) >> 1
    at_low, at_high = vertical[:count], vertical[count:]
    after = np.where(pieces.is_forward, at_high, at_low)
    goal = np.empty(count, np.int64)
    goal[np.where(pieces.is_forward, at_low, at_high)] = np.arange(count)
    return after, goal


def _rings(pieces: _Pieces, order: Indices, starts: Indices, runs: Runs) -> Rings:
    """Rings from cycles of pieces, sorted and with their owners."""
    low, high, is_forward = pieces.low[order], pieces.high[order], pieces.is_forward[order]
    begin, end, y = np.where(is_forward, low, high), np.where(is_forward, high, low), pieces.y[order]
    # Green's theorem along a path of horizontal and vertical edges: the area is −∮ y dx.
    area = np.add.reduceat(y * (begin - end), starts[:-1])
    label = runs.label[is_new(runs.label)][pieces.label[order[starts[:-1]]]]
    ranks = np.lexsort((area < 0, label))
    lengths = np.diff(starts)[ranks]
    new_starts = np.concatenate([[0], np.cumsum(lengths)])
    gather = np.repeat(starts[:-1][ranks] - new_starts[:-1], lengths) + np.arange(new_starts[-1])
    corners = np.empty((2 * gather.size, 2), np.int64)
    corners[0::2, 0], corners[1::2, 0] = begin[gather], end[gather]
    corners[0::2, 1] = corners[1::2, 1] = y[gather]
    label, area = label[ranks], area[ranks]
    return Rings(corners, 2 * new_starts, label, area, owners_of(corners, 2 * new_starts, label, area, runs))


def _joined(parts: list[Rings]) -> Rings:
    """Rings of several groups of objects, whose labels ascend."""
    if len(parts) == 1:
        return parts[0]
    nothing = np.zeros(0, np.int64)
    corners_before = np.cumsum([0, *(len(part.corners) for part in parts)])
    rings_before = np.cumsum([0, *(part.label.size for part in parts)])
    starts = [part.starts[:-1] + before for part, before in zip(parts, corners_before[:-1], strict=True)]
    owners = [part.owner + before for part, before in zip(parts, rings_before[:-1], strict=True)]
    return Rings(
        np.concatenate([np.zeros((0, 2), np.int64), *(part.corners for part in parts)]),
        np.concatenate([*starts, corners_before[-1:]]),
        np.concatenate([nothing, *(part.label for part in parts)]),
        np.concatenate([nothing, *(part.area_px2 for part in parts)]),
        np.concatenate([nothing, *owners]),
    )
