"""Length of a boundary that is only known on a pixel grid.

Unit pixel edges overestimate the length by up to 4/π, and joining their midpoints by 5 % still, so the midpoints are
smoothed along the boundary first. Smoothing shrinks small rings: what it takes from the ring's slowest wave, of which
a circle consists, is given back. σ = 1.5 edges was chosen by measurement (tests/unit/imaging/test_measures.py):
circularity of digital disks is 0.99 to 1.00 from r = 5 px; with σ = 1 it is 0.98, and with σ = 2.5 the rounding of
corners costs nearly twice as much length.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from spheroseg.imaging.boundaries import Indices, Rings

SIGMA_EDGES = 1.5
REACH_EDGES = 5
"""Edges on each side that take part; beyond 3.3 σ the Gaussian is below 0.5 % of its peak."""


def smoothed_boundaries(
    rings: Rings, origin: Indices
) -> tuple[NDArray[np.float32], Indices, NDArray[np.float64], NDArray[np.float64]]:
    """The smoothed points of all rings, and the rings' lengths.

    Args:
        origin: (rings, 2) what to subtract from x and y, near each ring, so that float32 holds the points well.

    Returns:
        points: (n, 2) float32, ring after ring.
        starts: (rings + 1,) where each ring starts in ``points``, and the end.
        lengths: (rings,) in px.
        drawn: (rings,) length of the line through the points, which is a little shorter.
    """
    x, y, starts = _midpoints(rings, origin)
    counts = np.diff(starts)
    # Each ring is wrapped round on both sides, and by one more point that closes it.
    before, after = np.arange(-REACH_EDGES, 0), np.arange(REACH_EDGES + 1)
    inner = np.arange(counts.size) * (before.size + after.size) + before.size  # by how much points move to the right
    place = np.arange(starts[-1]) + np.repeat(inner, counts)
    wrapped = np.empty((starts[-1] + counts.size * (before.size + after.size), 2), np.float32)
    first, size = (starts[:-1] + inner)[:, None], counts[:, None]
    for channel, values in enumerate((x, y)):
        wrapped[place, channel] = values
        wrapped[first + before, channel] = values[starts[:-1, None] + before % size]
        wrapped[first + size + after, channel] = values[starts[:-1, None] + after % size]
    kernel = cv2.getGaussianKernel(2 * REACH_EDGES + 1, SIGMA_EDGES, cv2.CV_32F)
    smooth = cv2.sepFilter2D(wrapped[None], cv2.CV_32F, kernel, np.ones(1, np.float32))[0]
    points = smooth[place]
    way = smooth[1:] - smooth[:-1]
    steps = np.sqrt(way[:, 0] ** 2 + way[:, 1] ** 2)[place]
    drawn = np.add.reduceat(steps.astype(np.float64), starts[:-1])
    offsets = np.arange(-REACH_EDGES, REACH_EDGES + 1)
    kept = np.cos(2 * np.pi * offsets / size) @ kernel.reshape(-1).astype(np.float64)
    return points, starts, drawn / kept, drawn


def _midpoints(rings: Rings, origin: Indices) -> tuple[NDArray[np.float32], NDArray[np.float32], Indices]:
    """x and y of the midpoints of the unit edges in order, and where each ring starts among them, and the end."""
    corners = rings.corners
    following = np.arange(1, len(corners) + 1)
    following[rings.starts[1:] - 1] = rings.starts[:-1]
    way = corners[following] - corners
    units = np.abs(way).sum(axis=1)
    edge_starts = np.concatenate([[0], np.cumsum(units)])
    starts = edge_starts[rings.starts]
    beginnings = corners[rings.starts[:-1]] - origin
    counts = np.diff(starts)
    coordinates = []
    for axis in (0, 1):
        step = np.repeat(np.sign(way[:, axis]).astype(np.float32), units)
        # Steps round a ring add up to nothing, so the running sum begins anew with every ring.
        along = np.cumsum(step, dtype=np.float64) - step / 2
        coordinates.append((along + np.repeat(beginnings[:, axis], counts)).astype(np.float32))
    return coordinates[0], coordinates[1], starts
