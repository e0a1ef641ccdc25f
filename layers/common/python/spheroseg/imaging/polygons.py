"""Traced rings as polygons."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spheroseg.domain.spheroid import Polygon, Ring
from spheroseg.imaging.boundaries import Rings

CORNERS_AT_A_TIME = 2**13
"""Points are made and taken into rings together up to so many: they are then still in the processor's cache."""


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
    x, y = numbers[rings.corners[:, 0]].tolist(), numbers[rings.corners[:, 1]].tolist()
    points = tuple(zip(x, y, strict=True))
    starts = rings.starts.tolist()
    parts = [points[start:end] for start, end in pairwise(starts)]
    labels, owners = rings.label.tolist(), rings.owner.tolist()
    if len(set(owners)) == len(owners) == len(set(labels)):  # nothing has holes or is in pieces
        return {label: (Polygon(part),) for label, part in zip(labels, parts, strict=True)}
    holes: dict[int, list[Ring]] = {}
    outer: dict[int, list[int]] = {}
    for ring, (label, owner) in enumerate(zip(labels, owners, strict=True)):
        if owner == ring:
            outer.setdefault(label, []).append(ring)
        else:
            holes.setdefault(owner, []).append(parts[ring])
    return {
        label: tuple(Polygon(parts[ring], tuple(holes.get(ring, ()))) for ring in ones) for label, ones in outer.items()
    }
