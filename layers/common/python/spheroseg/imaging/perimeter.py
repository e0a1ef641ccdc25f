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
    midpoints, starts = _midpoints(rings, origin)
    counts = np.diff(starts)
    padded = counts + 2 * REACH_EDGES + 1  # wrapped round on both sides, and one more to close the ring
    padded_starts = np.concatenate([[0], np.cumsum(padded)])
    place = np.arange(padded_starts[-1]) - np.repeat(padded_starts[:-1] + REACH_EDGES, padded)
    size = np.repeat(counts, padded)
    outside = (place < 0) | (place >= size)
    place[outside] %= size[outside]
    wrapped = midpoints[np.repeat(starts[:-1], padded) + place]
    kernel = cv2.getGaussianKernel(2 * REACH_EDGES + 1, SIGMA_EDGES, cv2.CV_32F)
    smooth = cv2.sepFilter2D(wrapped[None], cv2.CV_32F, kernel, np.ones(1, np.float32))[0]
    valid = np.arange(starts[-1]) + np.repeat(padded_starts[:-1] + REACH_EDGES - starts[:-1], counts)
    points = smooth[valid]
    steps = smooth[valid + 1] - points
    drawn = np.add.reduceat(np.hypot(steps[:, 0], steps[:, 1]).astype(np.float64), starts[:-1])
    offsets = np.arange(-REACH_EDGES, REACH_EDGES + 1)
    kept = np.cos(2 * np.pi * offsets / counts[:, None]) @ kernel[:, 0].astype(np.float64)
    return points, starts, drawn / kept, drawn


def _midpoints(rings: Rings, origin: Indices) -> tuple[NDArray[np.float32], Indices]:
    """Midpoints of the unit edges in order, (n, 2), and where each ring starts among them, and the end."""
    corners = rings.corners
    following = np.arange(1, len(corners) + 1)
    following[rings.starts[1:] - 1] = rings.starts[:-1]
    way = corners[following] - corners
    units = np.abs(way).sum(axis=1)
    edge_starts = np.concatenate([[0], np.cumsum(units)])
    direction = np.sign(way).astype(np.float32)
    local = (corners - np.repeat(origin, np.diff(rings.starts), axis=0)).astype(np.float32)
    along = (np.arange(edge_starts[-1]) - np.repeat(edge_starts[:-1], units)).astype(np.float32) + np.float32(0.5)
    midpoints = np.repeat(local, units, axis=0) + np.repeat(direction, units, axis=0) * along[:, None]
    return midpoints, edge_starts[rings.starts]
