"""Convex hulls of many groups of points in one go, by numpy alone.

Points are sorted by x, and of those with one x only the outermost stay: that gives a chain along the upper side of each
group and one along its lower side. A point of a chain that does not lie outside of the way between its two neighbours
is no corner of the hull, whatever else happens to these, because they are points of the group themselves; so all such
points go at once, and again, until none is left.

Source: the two chains of Andrew, A. M. (1979), Information Processing Letters 9(5), 216-219; here with all chains at a
time instead of point after point.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


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
    kind = np.int64 if x.dtype.kind in "iu" else np.float64
    counts = np.diff(starts)
    group = np.repeat(np.arange(counts.size), counts)
    x, y = x.astype(kind), y.astype(kind)
    reach = 2.0 ** np.ceil(np.log2(float(np.ptp(x)) + 1) + 1e-9)  # a power of two, so that sums keep the digits of x
    key = group * reach + (x - x.min())
    order = np.argsort(key)
    key, x, y, group = key[order], x[order], y[order], group[order]
    at = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    low, high = np.minimum.reduceat(y, at), np.maximum.reduceat(y, at)
    x, group = x[at], group[at]
    lower_x, lower_y, lower_group = _outermost(x, low, group)
    upper_x, upper_y, upper_group = _outermost(x, -high, group)
    upper_y = -upper_y

    # A column at either end that has one point only belongs to both chains.
    firsts, lasts = _ends(lower_group)
    upper_firsts, upper_lasts = _ends(upper_group)
    kept = np.ones(upper_x.size, bool)
    kept[upper_lasts] = upper_y[upper_lasts] != lower_y[lasts]
    kept[upper_firsts] &= upper_y[upper_firsts] != lower_y[firsts]
    upper_x, upper_y, upper_group = upper_x[kept], upper_y[kept], upper_group[kept]
    of_lower, of_upper = (np.bincount(part, minlength=counts.size) for part in (lower_group, upper_group))
    ends = np.concatenate([[0], np.cumsum(of_lower + of_upper)])
    forth = np.arange(lower_x.size) + np.repeat(np.cumsum(of_upper) - of_upper, of_lower)
    back = np.repeat(ends[1:] - 1 + np.cumsum(of_upper) - of_upper, of_upper) - np.arange(upper_x.size)
    corners_x, corners_y = np.empty(ends[-1], kind), np.empty(ends[-1], kind)
    corners_x[forth], corners_x[back] = lower_x, upper_x
    corners_y[forth], corners_y[back] = lower_y, upper_y
    return Hulls(corners_x, corners_y, ends)


def lengths_of(hulls: Hulls) -> NDArray[np.float64]:
    """The length of the way round each hull; of two ends there and back."""
    following = np.arange(1, hulls.x.size + 1)
    following[hulls.starts[1:] - 1] = hulls.starts[:-1]
    steps = np.hypot(hulls.x[following] - hulls.x, hulls.y[following] - hulls.y)
    lengths: NDArray[np.float64] = np.add.reduceat(steps, hulls.starts[:-1])
    return lengths


def _outermost(x: NDArray[Any], y: NDArray[Any], group: Indices) -> tuple[NDArray[Any], NDArray[Any], Indices]:
    """The points of each chain that lie below the way between all others; x ascends within a group."""
    while True:
        before_x, before_y = x[:-2], y[:-2]
        idle = (y[1:-1] - before_y) * (x[2:] - before_x) >= (y[2:] - before_y) * (x[1:-1] - before_x)
        idle &= group[2:] == group[:-2]  # groups ascend: then the one between is of the same
        if not idle.any():
            return x, y, group
        kept = np.ones(x.size, bool)
        kept[1:-1] = ~idle
        x, y, group = x[kept], y[kept], group[kept]


def _ends(group: Indices) -> tuple[Indices, Indices]:
    """The first and the last element of each group."""
    changes = np.flatnonzero(group[1:] != group[:-1])
    return np.concatenate([[0], changes + 1]), np.concatenate([changes, [group.size - 1]])
