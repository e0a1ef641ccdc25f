"""Convex hulls of many groups of points in one go, by numpy alone.

Points are sorted by x, and of those with one x only the outermost stay: that gives a chain along the upper side of each
group and one along its lower side. A point of a chain that does not lie outside of the way between its two neighbours
is no corner of the hull, whatever else happens to these, because they are points of the group themselves; so all such
points go at once, and again, until none is left.

Of points along closed lines that do not cross themselves the way from the leftmost point round is such a chain
already, which takes half of the time. That can go wrong, as with a spiral (Sklansky's method); so what comes out is
looked at, and points are sorted where it is not surely the hull.

Sources: the two chains of Andrew, A. M. (1979), Information Processing Letters 9(5), 216-219; here with all chains at a
time instead of point after point. Sklansky, J. (1982), Pattern Recognition Letters 1(2), 79-83.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spheroseg.imaging.runs import order_of

Indices = NDArray[np.int64]

LARGEST_INT32 = 2**31 - 1

INT64_BITS = 63
"""Of a number that is not below 0."""

CLOSE_PX2 = 1e-9
"""Twice the area of a triangle that is none but for rounding, in px²."""

FAR, FAR_UP_TO = (6, 2), 2**14
"""Among no more points than these, each is held against others so many places away first: rounds of looking cost more
than the points do, and a shallow bay is gone in one."""

SHARE_OF_FEW = 0.08
"""Where less of all points goes, it is faster to look at its neighbours than at everything once more."""


class Hulls(NamedTuple):
    """Hulls of groups of points.

    Args:
        x, y: (corners,) int64 or float64, hull after hull; each begins with its leftmost corner, of several the one
            with the smallest y, and goes round by way of small y first. No three corners lie on a line.
        starts: (groups + 1,) where each hull starts, and the end.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    starts: Indices


def hulls_of(x: NDArray[Any], y: NDArray[Any], starts: Indices) -> Hulls:
    """The hull of each group; of one point or of points on a line its one or two ends.

    Args:
        x, y: (points,) integers up to 2²⁴ in size, or float32, group after group: products of their differences are
            exact, or nearly so, in int64 and float64.
        starts: (groups + 1,) where each group starts, and the end; none is empty.
    """
    groups = starts.size - 1
    columns = _columns_of_integers if x.dtype.kind in "iu" else _columns_of_floats
    x, smallest, largest, group = columns(x, y, np.repeat(np.arange(groups), np.diff(starts)))
    # Forth along the sides of small y, back along the others: one way, on which every corner turns to the same side.
    x = np.concatenate([x, x[::-1]])
    y = np.concatenate([smallest, largest[::-1]])
    number = np.concatenate([group, (2 * groups - 1 - group)[::-1]])
    corners = _turning(x, y, number)
    x, y, number = x[corners], y[corners], number[corners]

    # A column at either end that has one point only belongs to both ways.
    ends = np.searchsorted(number, np.arange(2 * groups + 1))
    forth, back = ends[: groups + 1], ends[groups:][::-1]
    kept = np.ones(x.size, bool)
    kept[back[1:]] = y[back[1:]] != y[forth[1:] - 1]
    kept[back[:-1] - 1] &= y[back[:-1] - 1] != y[forth[:-1]]
    group = np.where(number < groups, number, 2 * groups - 1 - number)[kept]
    order = order_of(group, groups.bit_length())
    return Hulls(x[kept][order], y[kept][order], np.append(0, np.cumsum(np.bincount(group, minlength=groups))))


def hulls_of_rings(x: NDArray[Any], y: NDArray[Any], starts: Indices) -> Hulls:
    """The same of points along closed lines, each of which goes from the side of small x to that of small y first.

    Args:
        x, y, starts: As for ``hulls_of``; no line crosses itself.
    """
    kind = np.int64 if x.dtype.kind in "iu" else np.float64
    counts, groups = np.diff(starts), np.arange(starts.size - 1)
    leftmost = _leftmost(x, y, starts)
    # From the leftmost point round to that point again.
    closed = counts + 1
    ends = np.append(0, np.cumsum(closed))
    number = np.repeat(groups, closed)
    place = np.arange(ends[-1]) + np.repeat(leftmost - ends[:-1], closed)
    place -= np.where(place >= np.repeat(starts[1:], closed), np.repeat(counts, closed), 0)
    x_round, y_round = x[place].astype(kind), y[place].astype(kind)
    corners = _turning(x_round, y_round, number)
    if not _are_hulls(x_round, y_round, number, corners):
        return hulls_of(x, y, starts)
    corners = corners[np.append(number[corners[1:]] == number[corners[:-1]], False)]
    sizes = np.bincount(number[corners], minlength=groups.size)
    if not sizes.all():  # of all points at one place the closing one is left
        return hulls_of(x, y, starts)
    return Hulls(x_round[corners], y_round[corners], np.append(0, np.cumsum(sizes)))


def lengths_of(hulls: Hulls) -> NDArray[np.float64]:
    """The length of the way round each hull; of two ends there and back."""
    following = np.arange(1, hulls.x.size + 1)
    following[hulls.starts[1:] - 1] = hulls.starts[:-1]
    steps = np.hypot(hulls.x[following] - hulls.x, hulls.y[following] - hulls.y)
    lengths: NDArray[np.float64] = np.add.reduceat(steps, hulls.starts[:-1])
    return lengths


Columns = tuple[NDArray[Any], NDArray[Any], NDArray[Any], Indices]
"""Of points of one group that have x in common: x, the smallest and the largest y, and the group; by group and x."""


def _columns_of_integers(x: NDArray[Any], y: NDArray[Any], group: Indices) -> Columns:
    least_x, least_y = int(x.min()), int(y.min())
    bits_of_x, bits_of_y = int(x.max() - least_x).bit_length(), int(y.max() - least_y).bit_length()
    if bits_of_x + bits_of_y + int(group[-1]).bit_length() > INT64_BITS:
        order = np.lexsort((y, x, group))
        x, y, group = x[order].astype(np.int64), y[order].astype(np.int64), group[order]
        first = np.flatnonzero(np.append(True, (x[1:] != x[:-1]) | (group[1:] != group[:-1])))
        return x[first], y[first], y[np.append(first[1:], y.size) - 1], group[first]
    # All in one number, which is sorted several times faster than its places are.
    packed = group << bits_of_x
    packed += x
    packed -= least_x
    packed <<= bits_of_y
    packed += y
    packed -= least_y
    packed.sort()
    column = packed >> bits_of_y
    first = np.flatnonzero(np.append(True, column[1:] != column[:-1]))
    column = column[first]
    within_x, within_y = (1 << bits_of_x) - 1, (1 << bits_of_y) - 1
    smallest, largest = packed[first], packed[np.append(first[1:], packed.size) - 1]
    return (
        (column & within_x) + least_x,
        (smallest & within_y) + least_y,
        (largest & within_y) + least_y,
        column >> bits_of_x,
    )


def _columns_of_floats(x: NDArray[Any], y: NDArray[Any], group: Indices) -> Columns:
    # The bits of floats are in the floats' order, those of negative ones in the opposite one.
    bits = (x.astype(np.float32) + np.float32(0)).view(np.int32)
    rank = np.where(bits < 0, bits ^ np.int32(LARGEST_INT32), bits).astype(np.int64)
    rank -= rank.min()
    bits_of_x = int(rank.max()).bit_length()
    order = order_of(rank + (group << bits_of_x), bits_of_x + int(group[-1]).bit_length())
    x, y, group = x[order].astype(np.float64), y[order].astype(np.float64), group[order]
    first = np.flatnonzero(np.append(True, (x[1:] != x[:-1]) | (group[1:] != group[:-1])))
    return x[first], np.minimum.reduceat(y, first), np.maximum.reduceat(y, first), group[first]


def _turning(x: NDArray[Any], y: NDArray[Any], number: Indices) -> Indices:
    """Which points are left of chains when those are taken out where the way does not turn to the side on which x leads
    to y; the ends of chains stay.

    Args:
        number: Of the chain, ascending.
    """
    corners = np.arange(x.size)
    reaches = list(FAR) if x.size <= FAR_UP_TO else []
    while True:
        reach = reaches.pop(0) if reaches else 1
        is_corner = _bends(x, y, number, reach)
        kept = np.flatnonzero(is_corner)
        gone = x.size - kept.size
        if reach == 1 and gone < SHARE_OF_FEW * x.size:
            return corners[_without_few(x, y, number, is_corner)] if gone else corners
        corners, x, y, number = corners[kept], x[kept], y[kept], number[kept]


def _bends(x: NDArray[Any], y: NDArray[Any], number: Indices, reach: int) -> NDArray[np.bool_]:
    """Where a point lies outside of the way between those ``reach`` places before and after it; and at chains' ends."""
    bends = np.ones(x.size, bool)
    if x.size > 2 * reach:
        along, down = x[reach:] - x[:-reach], y[reach:] - y[:-reach]
        inner = bends[reach:-reach]
        np.greater(along[:-reach] * down[reach:], along[reach:] * down[:-reach], out=inner)
        inner |= number[2 * reach :] != number[: -2 * reach]  # numbers ascend: else those between are of the same chain
    return bends


def _without_few(x: NDArray[Any], y: NDArray[Any], number: Indices, is_corner: NDArray[np.bool_]) -> Indices:
    """The same, where a first look has shown few points to go.

    Args:
        is_corner: What that look has left; changed.
    """
    gone = np.flatnonzero(~is_corner)
    before, after = np.arange(-1, x.size - 1), np.arange(1, x.size + 1)
    while gone.size:
        # Of several in a row, what is before the first one and what is after the last one are neighbours now.
        is_first = np.append(True, after[gone[:-1]] != gone[1:])
        first, last = before[gone[is_first]], after[gone[np.append(is_first[1:], True)]]
        after[first], before[last] = last, first
        # What lies between the same two as before need not be looked at again.
        at = np.concatenate([first, last[np.append(last[:-1] != first[1:], True)]])
        at = at[(at > 0) & (at < x.size - 1)]
        one, other = before[at], after[at]
        x_here, y_here = x[at], y[at]
        bends = (x_here - x[one]) * (y[other] - y_here) > (x[other] - x_here) * (y_here - y[one])
        bends |= number[one] != number[other]
        gone = np.sort(at[~bends])
        is_corner[gone] = False
    return np.flatnonzero(is_corner)


def _are_hulls(x: NDArray[Any], y: NDArray[Any], number: Indices, corners: Indices) -> bool:
    """Whether what is left of closed lines is surely their hulls.

    It is when the way between the corners goes once round, and each part of the line lies on the inner side of the way
    between its own two corners: it could then leave the hull across another part of the line only.

    Args:
        x, y, number: Of all points.
        corners: Those that are left.
    """
    along = np.diff(x[corners])
    turns_back = (along[:-1] < 0) & (along[1:] > 0) & (number[corners[2:]] == number[corners[:-2]])
    if turns_back.any():
        return False
    # Points that are left lie on the way; the last corner of each line is its end, so the others have one after them.
    is_corner = np.zeros(x.size, bool)
    is_corner[corners] = True
    left = np.flatnonzero(~is_corner)
    after = np.cumsum(is_corner)[left]
    before, after = corners[after - 1], corners[after]
    from_x, from_y = x[before], y[before]
    way_x, way_y, to_x, to_y = x[after] - from_x, y[after] - from_y, x[left] - from_x, y[left] - from_y
    inner = way_x * to_y - way_y * to_x
    if (inner < -CLOSE_PX2).any():
        return False
    on_way = np.flatnonzero(inner <= CLOSE_PX2)
    way_x, way_y, to_x, to_y = way_x[on_way], way_y[on_way], to_x[on_way], to_y[on_way]
    is_between = (way_x * to_x + way_y * to_y >= 0) & (to_x**2 + to_y**2 <= way_x**2 + way_y**2)
    return bool(is_between.all())


def _leftmost(x: NDArray[Any], y: NDArray[Any], starts: Indices) -> Indices:
    """The index of each group's leftmost point, of several the one with the smallest y."""
    counts = np.diff(starts)
    candidates = np.flatnonzero(x == np.repeat(np.minimum.reduceat(x, starts[:-1]), counts))
    group = np.searchsorted(starts, candidates, side="right") - 1
    order = np.lexsort((y[candidates], group))
    first = np.searchsorted(group, np.arange(counts.size))
    leftmost: Indices = candidates[order[first]]
    return leftmost
