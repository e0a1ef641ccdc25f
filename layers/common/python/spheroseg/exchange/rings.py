"""Rings: their areas, how they lie in one another, and several of them as one line for formats without holes."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import shapely

from spheroseg.domain.spheroid import Polygon, Ring

Point = tuple[float, float]


def shoelace(ring: Sequence[Point]) -> float:
    """Signed area of a ring in px²: positive for outer rings, x to the right and y down."""
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise((*ring, ring[0]))) / 2


def area_of(polygons: Iterable[Polygon]) -> float:
    """Area of an object in px², holes not counted."""
    return sum(
        abs(shoelace(polygon.exterior)) - sum(abs(shoelace(hole)) for hole in polygon.holes) for polygon in polygons
    )


def box_of(polygons: Iterable[Polygon]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of an object."""
    corners = [corner for polygon in polygons for corner in polygon.exterior]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs), min(ys), max(xs), max(ys)


def polygons_from(rings: Sequence[Sequence[Point]]) -> tuple[Polygon, ...]:
    """Rings of one object in any order and direction as polygons: even-odd, nested to any depth.

    Args:
        rings: The first corner may be repeated at the end.

    Raises:
        ValueError: a ring has fewer than three different corners, encloses nothing, or crosses itself or another one.
    """
    opened = [_opened(ring) for ring in rings]
    areas = [shapely.Polygon(ring) for ring in opened]
    for place, area in enumerate(areas, start=1):
        if not area.is_valid or area.area == 0:
            raise ValueError(f"ring {place} crosses itself or encloses nothing ({shapely.is_valid_reason(area)})")
    order = sorted(range(len(areas)), key=lambda index: -areas[index].area)
    parents: dict[int, int | None] = {}
    for place, index in enumerate(order):
        inside = [other for other in order[:place] if areas[other].contains(areas[index])]
        parents[index] = inside[-1] if inside else None
    depths: dict[int, int] = {}
    for index in order:
        parent = parents[index]
        depths[index] = 0 if parent is None else depths[parent] + 1
    polygons = tuple(
        Polygon(
            _turned(opened[index], outer=True),
            tuple(_turned(opened[hole], outer=False) for hole in range(len(opened)) if parents[hole] == index),
        )
        for index in range(len(opened))
        if depths[index] % 2 == 0
    )
    for polygon in polygons:
        whole = shapely.Polygon(polygon.exterior, polygon.holes)
        if not whole.is_valid:
            raise ValueError(f"its rings cross ({shapely.is_valid_reason(whole)})")
    return polygons


def _opened(ring: Sequence[Point]) -> Ring:
    points = tuple((float(x), float(y)) for x, y in ring)
    if len(points) > 1 and points[0] == points[-1]:
        points = points[:-1]
    if len(set(points)) < 3:
        raise ValueError(f"a ring has {len(set(points))} different corners, it needs three")
    return points


def _turned(ring: Ring, *, outer: bool) -> Ring:
    return ring if (shoelace(ring) > 0) == outer else (ring[0], *ring[:0:-1])


def joined(polygons: Sequence[Polygon]) -> list[Point]:
    """One closed line around an object with holes or pieces: the rings, joined by bridges that are walked both ways.

    Bridges have no width, so the line encloses exactly the object's area. ``parted`` finds them again: no bridge is an
    edge of the object.

    Raises:
        ValueError: the rings touch in so many corners that there is no place for a bridge.
    """
    first, *others = [ring for polygon in polygons for ring in (polygon.exterior, *polygon.holes)]
    edges = {frozenset(edge) for ring in (first, *others) for edge in pairwise((*ring, ring[0]))}
    hanging: dict[int, list[list[Point]]] = {}
    for ring in others:
        start, place = _bridge(first, ring, edges)
        edges.add(frozenset((first[start], ring[place])))
        hanging.setdefault(start, []).append([*ring[place:], *ring[: place + 1]])
    line: list[Point] = []
    for index, corner in enumerate(first):
        line.append(corner)
        for walked in hanging.get(index, ()):
            line += [*walked, corner]
    return line


def _bridge(first: Ring, ring: Ring, edges: set[frozenset[Point]]) -> tuple[int, int]:
    """The shortest line from the first ring to another one that is no edge: which corners it joins."""
    distance = np.hypot(*(np.subtract.outer([p[axis] for p in first], [p[axis] for p in ring]) for axis in (0, 1)))
    for flat in np.argsort(distance, axis=None, kind="stable").tolist():
        start, place = divmod(flat, len(ring))
        if first[start] != ring[place] and frozenset((first[start], ring[place])) not in edges:
            return start, place
    raise ValueError("the rings touch in every corner")


def parted(line: Sequence[Point]) -> list[list[Point]]:
    """The rings of a line that ``joined`` made, in its order; a line without bridges is one ring."""
    closed = [*line, line[0]]
    main: list[Point] = []
    rings: list[list[Point]] = []
    backwards = {(b, a): index for index, (a, b) in enumerate(pairwise(closed))}
    index = 0
    while index < len(line):
        corner, following = closed[index], closed[index + 1]
        main.append(corner)
        back = backwards.get((corner, following))
        if back is not None and back > index:
            # From the far end of the bridge round the other ring to the far end again, then back over the bridge.
            rings.append([*closed[index + 1 : back]])
            main.pop()
            index = back + 1
            continue
        index += 1
    return [main, *rings]
