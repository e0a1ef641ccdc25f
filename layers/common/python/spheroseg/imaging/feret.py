"""Convex hulls of many objects at a time: area, largest and smallest Feret diameter."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def hull_measures(hulls: Sequence[NDArray[np.int32]]) -> tuple[Floats, Floats, Floats]:
    """Area, and the largest and smallest distance between parallel lines that enclose each hull.

    Rotating calipers: the smallest width has one line along an edge of the hull and the other through the corner that
    lies opposite; the two corners farthest apart are found at such a turn as well. Opposite corners are looked up by
    the direction of the edges, for all hulls in one go.

    Args:
        hulls: (n, 2) corners in order with positive shoelace area, none repeated or on a straight line, n ≥ 3.

    Source: Toussaint, G. (1983), Solving geometric problems with the rotating calipers, IEEE MELECON.
    """
    counts = np.array([len(hull) for hull in hulls])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    which = np.repeat(np.arange(len(hulls)), counts)
    points = np.concatenate(hulls).astype(np.float64)
    following = np.arange(1, len(points) + 1)
    following[starts + counts - 1] = starts
    edges = points[following] - points

    angles = np.arctan2(edges[:, 1], edges[:, 0])
    turned = (angles - np.repeat(angles[starts], counts)) % (2 * np.pi)
    # Edges are sorted by direction inside a hull; a distance of 3 full turns keeps the hulls apart.
    sorted_by = turned + which * (6 * np.pi)
    opposite = np.searchsorted(sorted_by, (turned + np.pi) % (2 * np.pi) + which * (6 * np.pi))
    # The corner before the first edge whose direction is past the opposite one; its neighbours too, where edges are
    # parallel.
    base, size = np.repeat(starts, counts), np.repeat(counts, counts)
    candidates = points[base + (opposite - base + np.arange(-1, 2)[:, None]) % size]
    from_begin, from_end = candidates - points, candidates - points[following]
    normals = np.stack([-edges[:, 1], edges[:, 0]], axis=1) / np.hypot(edges[:, 0], edges[:, 1])[:, None]
    widths = (from_begin * normals).sum(axis=2).max(axis=0)
    apart = np.maximum((from_begin**2).sum(axis=2), (from_end**2).sum(axis=2)).max(axis=0)
    area = np.add.reduceat(points[:, 0] * points[following, 1] - points[following, 0] * points[:, 1], starts) / 2
    return area, np.sqrt(np.maximum.reduceat(apart, starts)), np.minimum.reduceat(widths, starts)
