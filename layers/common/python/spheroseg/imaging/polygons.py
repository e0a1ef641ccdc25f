"""Traced rings as polygons, whose points are made when somebody asks for them."""

from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spheroseg.domain.packed_outlines import STEP_BYTES, UNITS_PER_PX, code_of, packed_ring
from spheroseg.domain.spheroid import Polygon, Ring
from spheroseg.imaging.boundaries import Rings

CORNERS_AT_A_TIME = 2**16
"""Rings are kept together up to so many corners: whoever keeps a polygon keeps no more than these."""


def polygons_of(rings: Rings) -> dict[int, tuple[Polygon, ...]]:
    """Traced rings as polygons, by object."""
    # One Python number for each place, however many corners are there: making numbers would take longer than points.
    numbers = np.arange(int(rings.corners.max(initial=0)) + 1).astype(object)
    polygons: dict[int, tuple[Polygon, ...]] = {}
    for part in rings.in_parts(CORNERS_AT_A_TIME):
        polygons.update(_polygons(part, numbers))
    return polygons


def _polygons(rings: Rings, numbers: NDArray[Any]) -> dict[int, tuple[Polygon, ...]]:
    """The polygons of some objects.

    Args:
        numbers: (largest coordinate + 1,) Python's number for each coordinate.
    """
    labels, owners = rings.label.tolist(), rings.owner.tolist()
    holes: dict[int, list[int]] = {}
    store = _Traced(rings.corners.astype(np.int32), rings.starts.tolist(), holes, numbers)
    if len(set(owners)) == len(owners) == len(set(labels)):  # nothing has holes or is in pieces
        return {label: (Polygon.kept_in(store, ring),) for ring, label in enumerate(labels)}
    outer: dict[int, list[int]] = {}
    for ring, (label, owner) in enumerate(zip(labels, owners, strict=True)):
        if owner == ring:
            outer.setdefault(label, []).append(ring)
        else:
            holes.setdefault(owner, []).append(ring)
    return {label: tuple(Polygon.kept_in(store, ring) for ring in ones) for label, ones in outer.items()}


class _Traced:
    """Rings of some objects; a polygon's place is that of its outer ring.

    Args:
        corners: (n, 2) int32, ring after ring.
        starts: Where each ring starts in them, and the end.
        holes: The other rings of those that have some, by the outer ring.
        numbers: (largest coordinate + 1,) Python's number for each coordinate.
    """

    def __init__(
        self, corners: NDArray[np.int32], starts: list[int], holes: dict[int, list[int]], numbers: NDArray[Any]
    ) -> None:
        self._corners = corners
        self._starts = starts
        self._holes = holes
        self._numbers = numbers

    def rings(self, place: int) -> list[Ring]:
        """The points of a polygon."""
        return [
            tuple(zip(self._numbers[ring[:, 0]].tolist(), self._numbers[ring[:, 1]].tolist(), strict=True))
            for ring in self.arrays(place, closed=False)
        ]

    def arrays(self, place: int, *, closed: bool) -> list[NDArray[np.int32]]:
        """The corners of a polygon, (corners, 2) a ring, which are nobody's to change."""
        spans = [(self._starts[ring], self._starts[ring + 1]) for ring in self._rings_of(place)]
        if closed:
            return [
                np.concatenate([self._corners[begin:end], self._corners[begin : begin + 1]]) for begin, end in spans
            ]
        return [self._corners[begin:end] for begin, end in spans]

    def packed(self, place: int) -> list[bytes]:
        """The rings of a polygon in few bytes."""
        return [self._packed[ring] for ring in self._rings_of(place)]

    def _rings_of(self, place: int) -> list[int]:
        return [place, *self._holes.get(place, ())]

    @cached_property
    def _packed(self) -> list[bytes]:
        """All rings, packed: calls for each of them would take longer than the steps do."""
        starts = np.array(self._starts)
        steps = np.zeros((len(self._corners), 2), np.int64)
        steps[1:] = np.diff(self._corners, axis=0)
        steps[starts[:-1]] = 0  # from one ring to the next
        steps *= UNITS_PER_PX
        longest = np.maximum.reduceat(np.abs(steps).max(axis=1), starts[:-1]).tolist()
        codes = [code_of(one) for one in longest]
        # Steps in as many bytes as a ring may need, for all rings; each takes its part of one of them.
        widths = {
            code: tuple(steps[:, axis].astype(f"<i{STEP_BYTES[code]}").tobytes() for axis in (0, 1))
            for code in set(codes)
        }
        first = (self._corners[starts[:-1]].astype(np.int64) * UNITS_PER_PX).tolist()
        packed = []
        for code, (x, y), (begin, end) in zip(codes, first, pairwise(self._starts), strict=True):
            along_x, along_y = widths[code]
            span = slice((begin + 1) * STEP_BYTES[code], end * STEP_BYTES[code])
            packed.append(packed_ring(end - begin, x, y, code, along_x[span] + along_y[span]))
        return packed
