"""Outlines with fewer corners for who only looks: from packed outlines to packed outlines, all of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spheroseg.domain.packed_outlines import (
    LONGEST_STEPS,
    STEP_BYTES,
    UNITS_PER_PX,
    RingHead,
    packed_ring,
    packed_rings,
    ring_heads,
)

Indices = NDArray[np.int64]

_LITTLE: dict[int, np.dtype[Any]] = {1: np.dtype("i1"), 2: np.dtype("<i2"), 4: np.dtype("<i4")}


@dataclass(frozen=True)
class _Rings:
    """Rings of many outlines.

    Args:
        corners: (n, 2) x and y in quarter pixels, ring after ring; none is closed by its first corner.
        lengths: (rings,) corners of each.
        shapes: For each outline how many rings each of its polygons has.
    """

    corners: Indices
    lengths: Indices
    shapes: Sequence[Sequence[int]]


def coarser(outlines: Sequence[tuple[int, bytes]], tolerance_px: float) -> list[tuple[int, bytes]]:
    """Fewer corners, none left out farther than the tolerance from what is shown.

    Holes within the tolerance are left out; neighbours may then overlap by up to it, and lines may cross.

    Args:
        outlines: Number and packed outline of each spheroid.
    """
    if not outlines:
        return []
    rings = _unpacked([content for _, content in outlines])
    ring_of = np.repeat(np.arange(rings.lengths.size), rings.lengths)
    simple = _simplified(shapely.linearrings(rings.corners / UNITS_PER_PX, indices=ring_of), tolerance_px)
    found, index = shapely.get_coordinates(simple, return_index=True)
    is_open = np.append(index[1:] == index[:-1], False)  # the last corner of each is the first one again
    quarters = np.floor(found[is_open] * UNITS_PER_PX + 0.5).astype(np.int64)
    ends = np.cumsum(np.bincount(index[is_open], minlength=rings.lengths.size))
    packed = _packed(quarters, ends)
    starts = np.concatenate([[0], ends[:-1]])
    size = np.maximum.reduceat(quarters, starts) - np.minimum.reduceat(quarters, starts)
    is_small: list[bool] = (size.max(axis=1) <= tolerance_px * UNITS_PER_PX).tolist()
    coarse: list[tuple[int, bytes]] = []
    place = 0
    for (number, _), counts in zip(outlines, rings.shapes, strict=True):
        polygons = []
        for count in counts:
            holes = [packed[hole] for hole in range(place + 1, place + count) if not is_small[hole]]
            polygons.append([packed[place], *holes])
            place += count
        coarse.append((number, packed_rings(polygons)))
    return coarse


def _simplified(rings: NDArray[np.object_], tolerance_px: float) -> NDArray[np.object_]:
    """Rings with fewer corners (Douglas-Peucker), three different ones at least.

    Asking GEOS to keep rings from crossing themselves takes thirty times as long. It also keeps small ones from
    collapsing: these are done with a tolerance of an eighth of their size first, and by GEOS if they still collapse.
    """
    simple: NDArray[np.object_] = shapely.simplify(rings, tolerance_px, preserve_topology=False)
    collapsed = np.flatnonzero(shapely.get_num_coordinates(simple) < 4)
    left, top, right, bottom = shapely.bounds(rings[collapsed]).T
    simple[collapsed] = shapely.simplify(
        rings[collapsed], np.maximum(right - left, bottom - top) / 8, preserve_topology=False
    )
    collapsed = collapsed[shapely.get_num_coordinates(simple[collapsed]) < 4]
    simple[collapsed] = shapely.simplify(rings[collapsed], tolerance_px)
    return simple


def _unpacked(contents: Sequence[bytes]) -> _Rings:
    """All corners: heads of rings are read one by one, their steps together."""
    heads: list[RingHead] = []
    shapes = []
    whole = b"".join(contents)
    begins = accumulate(map(len, contents), initial=0)
    for begin, _ in zip(begins, contents, strict=False):
        shape, found = ring_heads(whole, begin)
        shapes.append(shape)
        heads += found
    codes, lengths, x, y, at = np.array(heads, np.int64).T
    starts = np.cumsum(lengths) - lengths
    steps = np.zeros((int(lengths.sum()), 2), np.int64)
    content = np.frombuffer(whole, np.uint8)
    for code, size in enumerate(STEP_BYTES):
        chosen = np.flatnonzero(codes == code)
        counts = lengths[chosen] - 1
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        target = within + np.repeat(starts[chosen] + 1, counts)
        for axis in (0, 1):
            first = np.repeat(at[chosen] + axis * counts * size, counts) + within * size
            parts = content[first[:, None] + np.arange(size)]
            steps[target, axis] = np.frombuffer(parts.tobytes(), _LITTLE[size])
    steps[starts] = np.stack([x, y], axis=1)
    corners = np.cumsum(steps, axis=0)
    before = np.concatenate([np.zeros((1, 2), np.int64), corners[starts[1:] - 1]])
    return _Rings(corners - np.repeat(before, lengths, axis=0), lengths, shapes)


def _packed(corners: Indices, ends: Indices) -> list[bytes]:
    """Each ring in its packed form.

    Args:
        corners: (n, 2) in quarter pixels, ring after ring.
        ends: Place after the last corner of each ring.
    """
    steps = np.diff(corners, axis=0, append=0)
    steps[ends - 1] = 0
    starts = np.concatenate([[0], ends[:-1]])
    longest = np.maximum.reduceat(np.abs(steps).max(axis=1), starts)
    codes = np.searchsorted(LONGEST_STEPS, longest)
    x, y = ([axis.astype(_LITTLE[size]) for size in STEP_BYTES] for axis in steps.T)
    firsts: list[tuple[int, int]] = list(map(tuple, corners[starts].tolist()))
    return [
        packed_ring(end - start, *first, code, x[code][start : end - 1].tobytes() + y[code][start : end - 1].tobytes())
        for start, end, first, code in zip(starts.tolist(), ends.tolist(), firsts, codes.tolist(), strict=True)
    ]
