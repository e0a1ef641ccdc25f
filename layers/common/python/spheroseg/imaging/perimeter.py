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


Floats = NDArray[np.float32]

PACKED = (("<i4", "<u2"), ("<i8", "<u4"))
"""Integers that hold two coordinates, and those that each of the two is in them: as small as half pixels allow."""


class Smoothed(NamedTuple):
    """Smoothed rings.

    Args:
        x, y: (n,) float32, ring after ring.
        starts: (rings + 1,) where each ring starts in them, and the end.
        bulges: (n,) where the line bends around the object; a hull has no other corners.
        lengths: (rings,) in px.
        drawn: (rings,) length of the line through the points, which is a little shorter.
    """

    x: Floats
    y: Floats
    starts: Indices
    bulges: NDArray[np.bool_]
    lengths: NDArray[np.float64]
    drawn: NDArray[np.float64]


def smoothed_boundaries(rings: Rings, origin: Indices) -> Smoothed:
    """The smoothed points of all rings, and the rings' lengths.

    Args:
        origin: (rings, 2) what to subtract from x and y: the corner of the ring's bounding box, or of one around it, so
            that float32 holds the points well.
    """
    *midpoints, starts = _midpoints(rings, origin)
    size = np.diff(starts)[:, None]
    # All rings as one line, in which the points near a ring's ends get the wrong neighbours; then those near the ends
    # once more, in stretches across the ends. A line shorter than the kernel is all near ends.
    across = starts[:-1, None] + np.arange(-2 * REACH_EDGES, 2 * REACH_EDGES) % size
    near_ends = across[:, REACH_EDGES:-REACH_EDGES]
    axes = []
    for middles in midpoints:
        if middles.size >= KERNEL.size:
            points: Floats = np.convolve(middles, KERNEL, "same")
        else:
            points = np.empty_like(middles)
        smoothed = np.convolve(middles[across].ravel(), KERNEL, "same").reshape(across.shape)
        points[near_ends] = smoothed[:, REACH_EDGES:-REACH_EDGES]
        axes.append(points)
    x, y = axes

    first, last = starts[:-1], starts[1:] - 1
    way_x, way_y = _ways(x, first, last), _ways(y, first, last)
    bulges = np.empty(x.size, bool)
    np.greater(way_x[:-1] * way_y[1:], way_y[:-1] * way_x[1:], out=bulges[1:])
    bulges[first] = way_x[last] * way_y[first] > way_y[last] * way_x[first]
    way_x *= way_x
    way_y *= way_y
    way_x += way_y
    drawn = np.add.reduceat(np.sqrt(way_x, out=way_x), first, dtype=np.float64)
    # Row by row: a product of matrices would depend on how many rings there are, in its last digit.
    offsets = np.arange(-REACH_EDGES, REACH_EDGES + 1)
    kept = (np.cos(2 * np.pi * offsets / size) * KERNEL.astype(np.float64)).sum(axis=1)
    return Smoothed(x, y, starts, bulges, drawn / kept, drawn)


def _ways(places: Floats, first: Indices, last: Indices) -> Floats:
    """From each point of a ring to the next one, along one axis."""
    ways = np.empty_like(places)
    np.subtract(places[1:], places[:-1], out=ways[:-1])
    ways[last] = places[first] - places[last]
    return ways


def _midpoints(rings: Rings, origin: Indices) -> tuple[Floats, Floats, Indices]:
    """The midpoints of the unit edges in order, x and y, and where each ring starts among them, and the end."""
    corners = rings.corners
    # Horizontal edges lead from even to odd corners, vertical ones from odd to the next even one.
    following = np.arange(2, len(corners) + 1, 2)
    following[rings.starts[1:] // 2 - 1] = rings.starts[:-1]
    along_x, along_y = corners[1::2, 0] - corners[0::2, 0], corners[following, 1] - corners[1::2, 1]
    units = np.empty(len(corners), np.int64)
    np.abs(along_x, out=units[0::2])
    np.abs(along_y, out=units[1::2])
    starts = np.append(0, np.cumsum(units))[rings.starts]
    counts = np.diff(starts)
    # In half pixels everything is whole. Both coordinates are summed up in one integer, y above x: nothing runs over
    # from one to the other, for none is below 0. A ring has room for two edges in each pixel that it reaches.
    beginnings = 2 * (corners[rings.starts[:-1]] - origin)
    whole, half = PACKED[bool(int(beginnings.max()) + int(counts.max()) >= 2**15)]
    above = 2 ** (8 * np.dtype(half).itemsize)
    directions = np.empty(len(corners), whole)
    np.sign(along_x, out=directions[0::2], casting="unsafe")
    np.multiply(np.sign(along_y), above, out=directions[1::2], casting="unsafe")
    step = np.repeat(directions, units)
    # Steps round a ring add up to nothing, so the running sum begins anew with every ring.
    along = np.cumsum(step, dtype=whole)
    along *= 2
    along -= step
    along += np.repeat((beginnings[:, 0] + above * beginnings[:, 1]).astype(whole), counts)
    places = along.view(half).reshape(-1, 2)
    x, y = (np.multiply(places[:, axis], np.float32(0.5), dtype=np.float32, casting="unsafe") for axis in (0, 1))
    return x, y, starts
