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
    x, y = np.concatenate(hulls).astype(np.float64).T.copy()
    following = np.arange(1, x.size + 1)
    following[starts + counts - 1] = starts
    next_x, next_y = x[following], y[following]
    along_x, along_y = next_x - x, next_y - y

    angles = np.arctan2(along_y, along_x)
    turned = (angles - np.repeat(angles[starts], counts)) % (2 * np.pi)
    # Edges are sorted by direction inside a hull; a distance of 3 full turns keeps the hulls apart.
    apart = np.repeat(np.arange(counts.size) * (6 * np.pi), counts)
    first, size = np.repeat(starts, counts), np.repeat(counts, counts)
    opposite = np.searchsorted(turned + apart, (turned + np.pi) % (2 * np.pi) + apart) - first
    length = np.sqrt(along_x**2 + along_y**2)
    width, square = np.zeros(x.size), np.zeros(x.size)
    # The corner before the first edge whose direction is past the opposite one; its neighbours too, where edges are
    # parallel.
    for shift in (-1, 0, 1):
        corner = first + (opposite + shift) % size
        corner_x, corner_y = x[corner], y[corner]
        away_x, away_y = corner_x - x, corner_y - y
        width = np.maximum(width, (along_x * away_y - along_y * away_x) / length)
        square = np.maximum(square, away_x**2 + away_y**2)
        square = np.maximum(square, (corner_x - next_x) ** 2 + (corner_y - next_y) ** 2)
    area = np.add.reduceat(x * next_y - next_x * y, starts) / 2
    return area, np.sqrt(np.maximum.reduceat(square, starts)), np.minimum.reduceat(width, starts)
