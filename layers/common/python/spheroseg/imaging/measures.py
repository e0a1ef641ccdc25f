"""Labels to spheroids: outlines, size and shape. What each measure means stands in ``definitions.py``.

Everything is computed from the boundary rings of all objects at once. Area, centroid and second moments follow from
the corners by Green's theorem, exactly: the outline runs along pixel edges, so it encloses the pixels themselves.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spheroseg.domain.review import spheroid_reasons
from spheroseg.domain.spheroid import Measures, Spheroid
from spheroseg.imaging.boundaries import Indices, Labels, Rings, trace
from spheroseg.imaging.feret import hull_measures
from spheroseg.imaging.hulls import Hulls, hulls_of, hulls_of_rings, lengths_of
from spheroseg.imaging.perimeter import smoothed_boundaries
from spheroseg.imaging.polygons import polygons_of
from spheroseg.imaging.side_by_side import each_of

if TYPE_CHECKING:  # whoever measures alone needs none of the libraries behind it
    from spheroseg.imaging.certainty import Certainty

Floats = NDArray[np.float64]

CORNERS_AT_A_TIME = 2**15
"""Objects are measured together up to so many corners: their arrays then stay in the processor's cache."""


def spheroids_of(labels: Labels, certainty: "Certainty | None" = None) -> list[Spheroid]:
    """Every object with its outline and measures, in order of number.

    Args:
        labels: (h, w) int32, 0 is background.
        certainty: How sure the model is that found them; None where no model did, or nothing is known of it.
    """
    rings = trace(labels)
    with _uncollected():
        return _spheroids(labels, rings, certainty)


def _spheroids(labels: Labels, rings: Rings, certainty: "Certainty | None") -> list[Spheroid]:
    polygons = polygons_of(rings)
    measured = measures_of(rings)
    height, width = labels.shape
    spheroids = []
    for number, measures in measured.items():
        left, top = measures.bbox_x_px, measures.bbox_y_px  # whole numbers
        right, bottom = left + measures.bbox_width_px, top + measures.bbox_height_px
        touches_edge = left == 0 or top == 0 or right == width or bottom == height
        confidence, reasons = None, None
        if certainty is not None:
            confidence = certainty.confidence_of(number, (measures.centroid_x_px, measures.centroid_y_px))
            reasons = spheroid_reasons(
                confidence, touches_edge=touches_edge, low_confidence=certainty.low_spheroid_confidence
            )
        spheroids.append(
            Spheroid(
                number=number,
                polygons=polygons[number],
                measures=measures,
                confidence=confidence,
                touches_edge=touches_edge,
                rim_confidence=certainty.rim.get(number) if certainty else None,
                review_reasons=reasons,
            )
        )
    return spheroids


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looks for reference cycles: hundreds of thousands of points are made, none of them in a cycle, and the
    collector would walk through them again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def measures_of(rings: Rings) -> dict[int, Measures]:
    """The measures of every object, by its number."""
    measured: dict[int, Measures] = {}
    for numbers, values in each_of(_measured, rings.in_parts(CORNERS_AT_A_TIME)):
        columns = {name: column.tolist() for name, column in values.items()}
        measured.update(zip(numbers.tolist(), Measures.of_columns(columns), strict=True))
    return measured


def _measured(part: Rings) -> tuple[Indices, dict[str, Floats | Indices]]:
    """Numbers of the objects, and one array for each measure."""
    objects = _Objects(part, part.first_of_objects)
    return part.label[objects.first], objects.measures()


@dataclass(frozen=True)
class _Objects:
    """Rings grouped by object: ``first`` is the first ring of each."""

    rings: Rings
    first: Indices

    def measures(self) -> dict[str, NDArray[np.float64] | Indices]:
        """One array for each measure, in order of number."""
        rings = self.rings
        outer = rings.area_px2 > 0
        area = self._per_object(rings.area_px2).astype(np.float64)
        low, high = self._bounding_boxes()
        size = high - low
        x, y, xx, yy, xy = self._moments(area, low)
        spread = np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
        major = 4 * np.sqrt((xx + yy) / 2 + spread)
        minor = 4 * np.sqrt(np.maximum((xx + yy) / 2 - spread, 0))
        lengths, convexity = self._perimeters(outer, low)
        perimeter = self._per_object(np.where(outer, lengths, 0))
        hull_pixels, feret_max, feret_min = hull_measures(self._hulls(low))
        diameter = 2 * np.sqrt(area / np.pi)
        circularity = 4 * np.pi * area / perimeter**2
        return {
            "area_px2": area,
            "perimeter_px": perimeter,
            "perimeter_with_holes_px": self._per_object(lengths),
            "equivalent_diameter_px": diameter,
            "circularity": circularity,
            "roundness": 4 * area / (np.pi * major**2),
            "solidity": area / hull_pixels,
            "convexity": convexity,
            "compactness": 1 / circularity,
            "extent": area / (size[:, 0] * size[:, 1]),
            "aspect_ratio": feret_max / feret_min,
            "sphericity": np.sqrt(circularity),
            "feret_max_px": feret_max,
            "feret_min_px": feret_min,
            "major_axis_px": major,
            "minor_axis_px": minor,
            "sphere_volume_px3": np.pi / 6 * diameter**3,
            "ellipsoid_volume_px3": np.pi / 6 * major * minor**2,
            "centroid_x_px": x,
            "centroid_y_px": y,
            "bbox_x_px": low[:, 0].astype(np.float64),
            "bbox_y_px": low[:, 1].astype(np.float64),
            "bbox_width_px": size[:, 0].astype(np.float64),
            "bbox_height_px": size[:, 1].astype(np.float64),
            "hole_count": self._per_object((~outer).astype(np.int64)),
            "hole_area_px2": self._per_object(np.where(outer, 0, -rings.area_px2)).astype(np.float64),
        }

    def _per_object(self, of_rings: NDArray[np.float64] | Indices) -> NDArray[np.float64] | Indices:
        """Sums over the rings of each object."""
        return np.add.reduceat(of_rings, self.first)

    @property
    def _first_corner(self) -> Indices:
        return self.rings.starts[self.first]

    def _bounding_boxes(self) -> tuple[Indices, Indices]:
        """Corners (x, y) of the bounding boxes: (objects, 2) each."""
        starts = self._first_corner
        return np.minimum.reduceat(self.rings.corners, starts), np.maximum.reduceat(self.rings.corners, starts)

    def _moments(self, area: Floats, low: Indices) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Centroid x, y and covariance xx, yy, xy of the area inside.

        Coordinates are taken from the bounding box's corner: sums stay small, so squares do not lose digits.
        """
        corners, starts = self.rings.corners, self._first_corner
        counts = np.diff(np.append(starts, len(corners)))
        local = (corners - np.repeat(low, counts, axis=0)).astype(np.float64)
        # Horizontal edges lead from even to odd corners. With dy = 0 on them, ∮ of −∫f dy along x gives the moments.
        x0, x1, y = local[0::2, 0], local[1::2, 0], local[0::2, 1]
        x0_2, x1_2, y_2 = x0 * x0, x1 * x1, y * y
        step, square = x0 - x1, x0_2 - x1_2
        terms = (
            square * y / 2,
            step * y_2 / 2,
            (x0_2 * x0 - x1_2 * x1) * y / 3,  # whole numbers, and exact, up to 200,000 px
            step * (y_2 * y) / 3,
            square * y_2 / 4,
        )
        sums = [np.add.reduceat(term, starts // 2) for term in terms]
        mean_x, mean_y = sums[0] / area, sums[1] / area
        xx, yy, xy = sums[2] / area - mean_x**2, sums[3] / area - mean_y**2, sums[4] / area - mean_x * mean_y
        return mean_x + low[:, 0], mean_y + low[:, 1], xx, yy, xy

    def _perimeters(self, outer: NDArray[np.bool_], low: Indices) -> tuple[Floats, Floats]:
        """Length of every ring, and every object's convexity.

        Convexity compares two lengths of the same smoothed points, so it cannot exceed 1.
        """
        rings_of = np.diff(np.append(self.first, self.rings.label.size))
        smoothed = smoothed_boundaries(self.rings, np.repeat(low, rings_of, axis=0))
        bulges = smoothed.bulges
        if not outer.all():  # holes lie in the hull and do not change it
            bulges = bulges & np.repeat(outer, np.diff(smoothed.starts))
        bulging = np.flatnonzero(bulges)
        ranges = np.searchsorted(bulging, np.append(smoothed.starts[self.first], smoothed.starts[-1]))
        hulls = lengths_of(self._hulls_along_outer_rings(smoothed.x[bulging], smoothed.y[bulging], ranges))
        return smoothed.lengths, hulls / self._per_object(np.where(outer, smoothed.drawn, 0))

    def _hulls(self, low: Indices) -> Hulls:
        """Convex hulls of the pixels' centres, in coordinates of the bounding boxes."""
        rings, starts = self.rings, self._first_corner
        x, y = rings.corners[:, 0], rings.corners[:, 1]
        # Horizontal edges lead from even to odd corners, vertical ones from odd to even, with the object's pixels to
        # the right of the way. The pixels beside corners where the way turns right are enough.
        following = np.arange(2, x.size + 1, 2)
        following[rings.starts[1:] // 2 - 1] = rings.starts[:-1]
        to_right = x[0::2] < x[1::2]
        to_below = y[1::2] < y[following]
        turns_right = np.empty(x.size, bool)
        np.equal(to_right, to_below, out=turns_right[1::2])
        turns_right[following] = to_right[following // 2] != to_below
        if (rings.area_px2 < 0).any():  # holes lie in the hull and do not change it
            turns_right &= np.repeat(rings.area_px2 > 0, np.diff(rings.starts))
        corners = np.flatnonzero(turns_right)
        ranges = np.searchsorted(corners, np.append(starts, x.size))
        counts = np.diff(ranges)
        is_to_right = to_right[corners >> 1]
        pixels_x = x[corners] - np.repeat(low[:, 0], counts)
        pixels_x -= is_to_right == (corners & 1)
        pixels_y = y[corners] - np.repeat(low[:, 1], counts)
        pixels_y -= ~is_to_right
        return hulls_of(pixels_x, pixels_y, ranges)

    def _hulls_along_outer_rings(self, x: NDArray[Any], y: NDArray[Any], ranges: Indices) -> Hulls:
        """Hulls of points that come in the order of the objects' outer rings."""
        is_in_pieces = np.count_nonzero(self.rings.area_px2 > 0) > self.first.size
        return hulls_of(x, y, ranges) if is_in_pieces else hulls_of_rings(x, y, ranges)
