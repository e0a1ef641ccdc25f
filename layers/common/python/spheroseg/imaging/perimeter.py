"""Length of a boundary that is only known on a pixel grid.

Unit pixel edges overestimate the length by up to 4/π, and joining their midpoints by 5 % still, so the midpoints are
smoothed along the boundary first. Smoothing shrinks small rings: what it takes from the ring's slowest wave, of which
a circle consists, is given back. σ = 1.5 edges was chosen by measurement (tests/unit/imaging/test_measures.py):
circularity of digital disks is 0.99 to 1.00 from r = 5 px; with σ = 1 it is 0.98, and with σ = 2.5 the rounding of
corners costs nearly twice as much length.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spheroseg.imaging.boundaries import Indices, Rings

SIGMA_EDGES = 1.5
REACH_EDGES = 5
"""Edges on each side that take part; beyond 3.3 σ the Gaussian is below 0.5 % of its peak."""

_WEIGHTS = np.exp(-(np.arange(-REACH_EDGES, REACH_EDGES + 1) ** 2) / (2 * SIGMA_EDGES**2))
KERNEL = (_WEIGHTS / _WEIGHTS.sum()).astype(np.float32)


class Smoothed(NamedTuple):
    """Smoothed rings.

    Args:
        points: (n, 2) float32, ring after ring.
        starts: (rings + 1,) where each ring starts in ``points``, and the end.
        bulges: (n,) where the line bends around the object; a hull has no other corners.
        lengths: (rings,) in px.
        drawn: (rings,) length of the line through the points, which is a little shorter.
    """

    points: NDArray[np.float32]
    starts: Indices
    bulges: NDArray[np.bool_]
    lengths: NDArray[np.float64]
    drawn: NDArray[np.float64]


def smoothed_boundaries(rings: Rings, origin: Indices) -> Smoothed:
    """The smoothed points of all rings, and the rings' lengths.

    Args:
        origin: (rings, 2) what to subtract from x and y, near each ring, so that float32 holds the points well.
    """
    midpoints, starts = _midpoints(rings, origin)
    counts = np.diff(starts)
    # All rings as one line, in which the points near a ring's ends get the wrong neighbours; then those near the ends
    # once more, in stretches across the ends. A line shorter than the kernel is all near ends.
    points = np.empty_like(midpoints)
    if len(midpoints) >= KERNEL.size:
        for axis in (0, 1):
            points[:, axis] = np.convolve(midpoints[:, axis], KERNEL, "same")
    first, size = starts[:-1, None], counts[:, None]
    across = first + np.arange(-2 * REACH_EDGES, 2 * REACH_EDGES) % size
    near_ends = across[:, REACH_EDGES:-REACH_EDGES]
    for axis in (0, 1):
        smoothed = np.convolve(midpoints[across, axis].ravel(), KERNEL, "same").reshape(across.shape)
        points[near_ends, axis] = smoothed[:, REACH_EDGES:-REACH_EDGES]

    ends = starts[1:] - 1
    way = np.empty_like(points)
    np.subtract(points[1:], points[:-1], out=way[:-1])
    way[ends] = points[starts[:-1]] - points[ends]
    steps = np.sqrt(way[:, 0] ** 2 + way[:, 1] ** 2)
    bulges = np.empty(len(points), bool)
    np.greater(way[:-1, 0] * way[1:, 1], way[:-1, 1] * way[1:, 0], out=bulges[1:])
    last, first_way = way[ends], way[starts[:-1]]
    bulges[starts[:-1]] = last[:, 0] * first_way[:, 1] > last[:, 1] * first_way[:, 0]
    drawn = np.add.reduceat(steps, starts[:-1], dtype=np.float64)
    # Row by row: a product of matrices would depend on how many rings there are, in its last digit.
    offsets = np.arange(-REACH_EDGES, REACH_EDGES + 1)
    kept = (np.cos(2 * np.pi * offsets / size) * KERNEL.astype(np.float64)).sum(axis=1)
    return Smoothed(points, starts, bulges, drawn / kept, drawn)


def _midpoints(rings: Rings, origin: Indices) -> tuple[NDArray[np.float32], Indices]:
    """The midpoints of the unit edges in order, (n, 2), and where each ring starts among them, and the end."""
    corners = rings.corners
    # Horizontal edges lead from even to odd corners, vertical ones from odd to the next even one.
    following = np.arange(2, len(corners) + 1, 2)
    following[rings.starts[1:] // 2 - 1] = rings.starts[:-1]
    along_x, along_y = corners[1::2, 0] - corners[0::2, 0], corners[following, 1] - corners[1::2, 1]
    units = np.empty(len(corners), np.int64)
    np.abs(along_x, out=units[0::2])
    np.abs(along_y, out=units[1::2])
    edge_starts = np.concatenate([[0], np.cumsum(units)])
    starts = edge_starts[rings.starts]
    # In half pixels everything is whole. Steps round a ring add up to nothing, so the running sum begins anew with
    # every ring.
    beginnings = (2 * (corners[rings.starts[:-1]] - origin)).astype(np.int32)
    counts = np.diff(starts)
    midpoints = np.empty((starts[-1], 2), np.float32)
    for axis, lengths in enumerate((along_x, along_y)):
        directions = np.zeros(len(corners), np.int8)
        directions[axis::2] = np.sign(lengths)
        step = np.repeat(directions, units)
        along = np.cumsum(step, dtype=np.int32)
        along *= 2
        along -= step
        along += np.repeat(beginnings[:, axis], counts)
        np.multiply(along, np.float32(0.5), out=midpoints[:, axis], casting="unsafe")
    return midpoints, starts
