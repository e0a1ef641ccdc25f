"""Whether an outline is one: closed rings that do not cross, holes inside, everything inside the image.

What is wrong is told with spheroid, ring and corner, so that whoever drew it finds the place.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from spheroseg.domain.packed_outlines import UNITS_PER_PX
from spheroseg.domain.spheroid import Polygon, Ring
from spheroseg.errors import EditFault, InvalidEditError

GRID_PX = 1 / UNITS_PER_PX
_PLACE = re.compile(r"^(?P<what>[^\[]+)\[(?P<x>\S+) (?P<y>\S+)\]$")
_WORDS = {
    "Self-intersection": "the outline crosses or touches itself",
    "Ring Self-intersection": "the outline touches itself",
    "Hole lies outside shell": "a hole lies outside of its spheroid",
    "Holes are nested": "a hole lies in another hole",
    "Interior is disconnected": "holes cut the spheroid in two; give two polygons",
    "Nested shells": "a polygon lies in another one of the same spheroid",
    "Duplicate Rings": "a ring is there twice",
}


@dataclass(frozen=True)
class Canvas:
    """The image that outlines lie in, in px."""

    width: int
    height: int


@dataclass(frozen=True)
class Place:
    """What is being checked: the operation by its place, and the spheroid."""

    operation: int | None
    number: int | None

    def wrong(
        self, detail: str, polygon: int | None = None, ring: int | None = None, vertex: int | None = None
    ) -> InvalidEditError:
        """The error for something there."""
        return InvalidEditError.of(EditFault(self.operation, self.number, polygon, ring, vertex, detail))


@dataclass(frozen=True)
class _Given:
    """A ring as it will be stored, and which of the given corners each of its corners was."""

    ring: Ring
    vertices: Sequence[int]


def checked(polygons: Sequence[Polygon], canvas: Canvas, place: Place) -> tuple[Polygon, ...]:
    """What somebody drew as it will be stored: at quarter pixels, outer rings with a positive shoelace area (y down).

    Raises:
        InvalidEditError: it is no outline.
    """
    if not polygons:
        raise place.wrong("there is no polygon")
    kept = []
    for index, polygon in enumerate(polygons):
        rings = [
            _given(ring, canvas, place, index, number) for number, ring in enumerate((polygon.exterior, *polygon.holes))
        ]
        _require_valid(shapely.Polygon(rings[0].ring, [one.ring for one in rings[1:]]), [rings], place, index)
        kept.append(rings)
    outline = tuple(
        Polygon(_turned(rings[0].ring, outer=True), tuple(_turned(one.ring, outer=False) for one in rings[1:]))
        for rings in kept
    )
    if len(outline) > 1:
        _require_valid(geometry_of(outline), kept, place, None)
    return outline


def checked_line(line: Ring, place: Place) -> Ring:
    """A line to cut along, at quarter pixels.

    Raises:
        InvalidEditError: it has no length.
    """
    points = [_snapped(corner, place, None, None, vertex) for vertex, corner in enumerate(line)]
    points = [point for index, point in enumerate(points) if index == 0 or point != points[index - 1]]
    if len(points) < 2:
        raise place.wrong("the line has fewer than two different points")
    return tuple(points)


def stored(geometry: BaseGeometry, canvas: Canvas, place: Place) -> tuple[Polygon, ...]:
    """What came out of an operation as it will be stored: moved to quarter pixels, in the same form.

    Raises:
        InvalidEditError: nothing is left, or it is no outline.
    """
    on_grid = shapely.set_precision(geometry, GRID_PX)
    parts = [part for part in shapely.get_parts(on_grid) if part.geom_type == "Polygon" and part.area > 0]
    if not parts:
        raise place.wrong("nothing is left of it")
    outline = tuple(_polygon_of(part) for part in parts)
    whole = geometry_of(outline)
    left, top, right, bottom = whole.bounds
    if left < 0 or top < 0 or right > canvas.width or bottom > canvas.height:
        raise place.wrong(f"it leaves the image of {canvas.width} × {canvas.height} px")
    if not whole.is_valid:
        raise place.wrong(f"it is no outline afterwards: {shapely.is_valid_reason(whole)}")
    return outline


def geometry_of(polygons: Sequence[Polygon]) -> BaseGeometry:
    """The same for shapely: a Polygon, or a MultiPolygon of several."""
    parts = [shapely.Polygon(polygon.exterior, polygon.holes) for polygon in polygons]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _given(ring: Ring, canvas: Canvas, place: Place, polygon: int, number: int) -> _Given:
    points: list[tuple[float, float]] = []
    vertices: list[int] = []
    for vertex, corner in enumerate(ring):
        point = _snapped(corner, place, polygon, number, vertex)
        if not (0 <= point[0] <= canvas.width and 0 <= point[1] <= canvas.height):
            detail = f"({point[0]:g}, {point[1]:g}) lies outside of the image of {canvas.width} × {canvas.height} px"
            raise place.wrong(detail, polygon, number, vertex)
        if not points or point != points[-1]:
            points.append(point)
            vertices.append(vertex)
    while len(points) > 1 and points[0] == points[-1]:
        points.pop()
        vertices.pop()
    if len(set(points)) < 3:
        raise place.wrong("a ring needs three different corners", polygon, number)
    given = _Given(tuple(points), vertices)
    _require_valid(shapely.Polygon(points), [[given]], place, polygon, number)
    return given


def _snapped(
    corner: tuple[float, float], place: Place, polygon: int | None, ring: int | None, vertex: int
) -> tuple[float, float]:
    if not all(map(isfinite, corner)):
        raise place.wrong("a coordinate is no number", polygon, ring, vertex)
    x, y = (floor(coordinate * UNITS_PER_PX + 0.5) / UNITS_PER_PX for coordinate in corner)
    return x, y


def _require_valid(
    geometry: BaseGeometry,
    rings: Sequence[Sequence[_Given]],
    place: Place,
    polygon: int | None,
    ring: int | None = None,
) -> None:
    """Raise with the corner after which the first fault lies.

    Args:
        rings: Of each polygon; one polygon and one ring stand for themselves.
    """
    if geometry.is_valid and geometry.area > 0:
        return
    found = _PLACE.match(shapely.is_valid_reason(geometry))
    if found is None or geometry.convex_hull.area == 0:
        raise place.wrong("the ring encloses nothing", polygon, ring)
    where = np.array([float(found["x"]), float(found["y"])])
    # Of several rings that come by there the last: where a hole is wrong, the hole.
    at_polygon, at_ring, vertex = max(
        (
            (first, second, _edge_at(one.ring, where))
            for first, ones in enumerate(rings)
            for second, one in enumerate(ones)
        ),
        key=lambda at: (-round(at[2][1], 6), at[0], at[1]),
    )
    what = _WORDS.get(found["what"], found["what"].lower())
    raise place.wrong(
        f"{what} at ({where[0]:g}, {where[1]:g})",
        at_polygon if polygon is None else polygon,
        at_ring if ring is None else ring,
        rings[at_polygon][at_ring].vertices[vertex[0]],
    )


def _edge_at(ring: Ring, where: NDArray[np.float64]) -> tuple[int, float]:
    """The corner from which the edge nearest to a place leads, and how far the edge is from it."""
    corners = np.array(ring)
    edges = shapely.linestrings(np.stack([corners, np.roll(corners, -1, axis=0)], axis=1))
    distances = shapely.distance(edges, shapely.Point(where))
    nearest = int(np.argmin(distances))
    return nearest, float(distances[nearest])


def _polygon_of(part: BaseGeometry) -> Polygon:
    rings = [tuple((x, y) for x, y in ring.coords[:-1]) for ring in (part.exterior, *part.interiors)]
    return Polygon(_turned(rings[0], outer=True), tuple(_turned(ring, outer=False) for ring in rings[1:]))


def _turned(ring: Ring, *, outer: bool) -> Ring:
    """The ring with a positive shoelace area when it is an outer one, else a negative; its first corner stays."""
    area = sum(x * after[1] - after[0] * y for (x, y), after in zip(ring, (*ring[1:], ring[0]), strict=True))
    return ring if (area > 0) == outer else (ring[0], *reversed(ring[1:]))
