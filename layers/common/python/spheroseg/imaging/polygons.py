"""Traced rings as polygons."""

import numpy as np

from spheroseg.domain.spheroid import Polygon, Ring
from spheroseg.imaging.boundaries import Rings


def polygons_of(rings: Rings) -> dict[int, tuple[Polygon, ...]]:
    """Traced rings as polygons, by object."""
    starts = rings.starts.tolist()
    # One Python number for each place, however many corners are there: making numbers would take longer than points.
    numbers = np.arange(int(rings.corners.max(initial=0)) + 1).astype(object)
    points = tuple(zip(*(numbers[rings.corners[:, axis]].tolist() for axis in (0, 1)), strict=True))
    exteriors: dict[int, Ring] = {}
    holes: dict[int, list[Ring]] = {}
    polygons: dict[int, list[int]] = {}
    for ring, (label, owner) in enumerate(zip(rings.label.tolist(), rings.owner.tolist(), strict=True)):
        part = points[starts[ring] : starts[ring + 1]]
        if owner == ring:
            exteriors[ring] = part
            polygons.setdefault(label, []).append(ring)
        else:
            holes.setdefault(owner, []).append(part)
    return {
        label: tuple(Polygon(exteriors[ring], tuple(holes.get(ring, ()))) for ring in outer)
        for label, outer in polygons.items()
    }
