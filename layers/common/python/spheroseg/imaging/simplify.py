"""Outlines with fewer corners: no farther from the exact ones than a tolerance, and no larger or smaller.

Outlines along pixel edges have a corner at every step. They are cut where three or more areas meet (objects or
background); each line between such points is simplified by itself and once, so that neighbours share it still. It goes
through the midpoints of its pixel edges, of which most lie on a straight; those that are near enough to the way between
others are left out. That takes area from one side, so the remaining ones are then moved to give it back: line by line,
hence for every object.

Source: Douglas, D. H. & Peucker, T. K. (1973), Cartographica 10(2), 112-122, which corners remain; giving the area back
as in Kronenfeld, B. J. et al. (2020), International Journal of Geographical Information Science 34(1), 21-46, here by
moving all corners of a piece along their normals at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from spheroseg.domain.spheroid import Polygon, Ring

Points = NDArray[np.float64]
Geometries = NDArray[np.object_]

AREA_KEPT_WITHIN = 0.001
"""Of an object's area."""

LEFT_OUT_WITHIN = 0.65
"""Share of the tolerance within which corners may be left out; the rest is for moving those that remain. Measured on 50
bodies of r = 55 px with tolerances from 1 to 3 px: with 0.7 everything keeps the tolerance just so (2.6 of 3 px)."""

LESS = 0.75
"""What breaks a promise is drawn again with so much of its tolerance, as often as needed."""

SMALLEST_PX = 0.36
"""Below, lines stay exact: a way through midpoints passes corners at √2/4 px."""

DECIMALS = 3
"""Of the coordinates, in px."""

OVERLAP_PX2 = 1e-3
"""Two objects may share so much: rounding to ``DECIMALS``, over outlines of some hundred px."""


def simplified(outlines: Mapping[int, Sequence[Polygon]], tolerance_px: float) -> dict[int, tuple[Polygon, ...]]:
    """The same areas with fewer corners.

    No point of an outline is farther than the tolerance from the exact one, every object's area stays within 0.1 %, no
    ring crosses itself or another one, holes stay in their polygons, and objects that touch share the same line. Where
    the tolerance would break one of these, a smaller one is taken for that part.

    Args:
        outlines: By object, along pixel edges, as ``outlines_of`` gives them; all objects of an image at once.
        tolerance_px: Above 0.

    Raises:
        ValueError: the tolerance is not above 0, or outlines do not run along pixel edges.
    """
    if not tolerance_px > 0:
        raise ValueError(f"The tolerance must be above 0 px; it is {tolerance_px}")
    network = _Network.of(outlines)
    tolerances = np.full(len(network.exact), float(tolerance_px))
    tolerances[tolerances < SMALLEST_PX] = 0
    lines = network.drawn(tolerances, range(tolerances.size))
    while True:
        polygons = network.polygons(lines)
        failed = network.failures(polygons, lines, tolerance_px)
        if not failed.size:
            return network.by_object(polygons)
        if not tolerances[failed].any():
            raise AssertionError("exact outlines keep their area and do not cross")
        tolerances[failed] *= LESS
        tolerances[tolerances < SMALLEST_PX] = 0
        for line, points in zip(failed.tolist(), network.drawn(tolerances, failed.tolist()), strict=True):
            lines[line] = points


@dataclass(frozen=True)
class _Part:
    """A polygon: for each of its rings the lines it consists of, and whether each is walked backwards."""

    number: int
    rings: list[list[tuple[int, bool]]]
    area: float


@dataclass(frozen=True)
class _Network:
    """All outlines as lines between the points where they meet.

    Args:
        exact: (lines,) LineStrings.
        is_free: (lines,) True for one that closes on itself and meets no other, so that all its corners may move.
        parts: Polygons.
    """

    exact: Geometries
    is_free: list[bool]
    parts: list[_Part]

    @classmethod
    def of(cls, outlines: Mapping[int, Sequence[Polygon]]) -> "_Network":
        """Cut the outlines where they meet."""
        rings = [
            [_unit_steps(ring) for ring in (polygon.exterior, *polygon.holes)]
            for polygons in outlines.values()
            for polygon in polygons
        ]
        numbers = [number for number, polygons in outlines.items() for _ in polygons]
        if not rings:
            return cls(np.zeros(0, object), [], [])
        meeting = _meeting_points([ring for polygon in rings for ring in polygon])
        known: dict[tuple[int, ...], int] = {}
        lines: list[NDArray[np.int64]] = []
        parts = []
        for number, polygon in zip(numbers, rings, strict=True):
            parts.append(
                _Part(
                    number,
                    [[_place(piece, known, lines) for piece in _cut(ring, meeting)] for ring in polygon],
                    sum(_signed_area(ring) for ring in polygon),
                )
            )
        exact = np.array([shapely.LineString(line) for line in lines], dtype=object)
        is_free = [bool((line[0] == line[-1]).all()) and tuple(line[0].tolist()) not in meeting for line in lines]
        return cls(exact, is_free, parts)

    def drawn(self, tolerances: Points, which: Sequence[int]) -> list[Points]:
        """Some lines with fewer corners, as (n, 2); those of tolerance 0 as they are, without corners on a straight."""
        begun = [
            _through_midpoints(self.exact[line], self.is_free[line]) if tolerances[line] else self.exact[line]
            for line in which
        ]
        fewer = shapely.simplify(np.array(begun, dtype=object), LEFT_OUT_WITHIN * tolerances[which])
        drawn = []
        for line, simple in zip(which, fewer, strict=True):
            points = shapely.get_coordinates(simple)
            if tolerances[line]:
                points = _with_area_of(shapely.get_coordinates(self.exact[line]), points, closed=self.is_free[line])
            drawn.append(points)
        return drawn

    def polygons(self, lines: Sequence[Points]) -> Geometries:
        """The polygons that lines make."""
        found = []
        for part in self.parts:
            rings = [
                np.concatenate([lines[line][::-1][:-1] if back else lines[line][:-1] for line, back in ring])
                for ring in part.rings
            ]
            # Fewer than three corners are no area; it is found invalid, and drawn again with a smaller tolerance.
            found.append(
                shapely.Polygon(rings[0], rings[1:]) if all(len(ring) > 2 for ring in rings) else shapely.Polygon()
            )
        return np.array(found, dtype=object)

    def failures(self, polygons: Geometries, lines: Sequence[Points], tolerance_px: float) -> NDArray[np.intp]:
        """Which lines are too far from the exact ones, or part of a polygon that is not as promised."""
        drawn = np.array([shapely.LineString(line) for line in lines], dtype=object)
        failed: NDArray[np.bool_] = shapely.hausdorff_distance(self.exact, drawn) > tolerance_px
        bad = ~shapely.is_valid(polygons) | shapely.is_empty(polygons)
        areas = np.array([part.area for part in self.parts])
        bad |= np.abs(shapely.area(polygons) - areas) > AREA_KEPT_WITHIN * areas
        sound = np.flatnonzero(~bad)
        first, second = shapely.STRtree(polygons[sound]).query(polygons[sound])
        first, second = sound[first[first < second]], sound[second[first < second]]
        overlap = shapely.area(shapely.intersection(polygons[first], polygons[second])) > OVERLAP_PX2
        bad[first[overlap]] = bad[second[overlap]] = True
        for place in np.flatnonzero(bad).tolist():
            failed[[line for ring in self.parts[place].rings for line, _ in ring]] = True
        return np.flatnonzero(failed)

    def by_object(self, polygons: Geometries) -> dict[int, tuple[Polygon, ...]]:
        """Polygons as the domain has them."""
        found: dict[int, list[Polygon]] = {}
        for part, polygon in zip(self.parts, polygons, strict=True):
            drawn = Polygon(_ring(polygon.exterior), tuple(_ring(hole) for hole in polygon.interiors))
            found.setdefault(part.number, []).append(drawn)
        return {number: tuple(pieces) for number, pieces in found.items()}


def _unit_steps(ring: Ring) -> NDArray[np.int64]:
    """Every grid point on the way round: (n, 2)."""
    corners = np.array(ring)
    whole = corners.astype(np.int64)
    way = np.roll(whole, -1, axis=0) - whole
    if (whole != corners).any() or (np.count_nonzero(way, axis=1) > 1).any():
        raise ValueError("These outlines do not run along pixel edges")
    steps = np.abs(way).sum(axis=1)
    starts = np.repeat(np.cumsum(steps) - steps, steps)
    along = np.arange(steps.sum()) - starts
    points: NDArray[np.int64] = np.repeat(whole, steps, axis=0) + along[:, None] * np.repeat(
        np.sign(way), steps, axis=0
    )
    return points


def _meeting_points(rings: Sequence[NDArray[np.int64]]) -> set[tuple[int, int]]:
    """Grid points from which three or four edges lead, each counted once however many rings run along it."""
    starts = np.concatenate(rings)
    ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    low = np.minimum(starts, ends)
    corner = low.min(axis=0)
    x, y = (low - corner).T
    width = int(x.max()) + 2
    # A point is one number, and so is an edge: its first point, and whether it leads down.
    edges = np.unique(2 * (y * width + x) + (starts[:, 0] == ends[:, 0]))
    first, leads_down = edges // 2, edges % 2
    points, counts = np.unique(np.concatenate([first, first + np.where(leads_down, width, 1)]), return_counts=True)
    met = points[counts > 2]
    return set(zip((met % width + corner[0]).tolist(), (met // width + corner[1]).tolist(), strict=True))


def _cut(ring: NDArray[np.int64], meeting: set[tuple[int, int]]) -> list[NDArray[np.int64]]:
    """The pieces of a ring between meeting points, ends included; in order, the first one first."""
    places = [place for place, point in enumerate(map(tuple, ring.tolist())) if point in meeting]
    if not places:
        # A line that meets nothing has no ends; starting at its smallest point, the ring around a hole and the ring of
        # what fills the hole are one line.
        begin = int(np.lexsort((ring[:, 1], ring[:, 0]))[0])
        return [np.concatenate([ring[begin:], ring[: begin + 1]])]
    turned = np.concatenate([ring[places[0] :], ring[: places[0] + 1]])
    cuts = [place - places[0] for place in places] + [len(ring)]
    return [turned[begin : end + 1] for begin, end in pairwise(cuts)]


def _place(
    piece: NDArray[np.int64], known: dict[tuple[int, ...], int], lines: list[NDArray[np.int64]]
) -> tuple[int, bool]:
    """Which line this is, and whether it is walked backwards; a line that was not there is added.

    A line is known by its first two and last two points: no two lines leave a point along the same edge.
    """
    key = (*piece[0], *piece[1], *piece[-2], *piece[-1])
    reverse = (*piece[-1], *piece[-2], *piece[1], *piece[0])
    if key in known:
        return known[key], False
    if reverse in known:
        return known[reverse], True
    known[key] = len(lines)
    lines.append(piece)
    return known[key], False


def _through_midpoints(line: shapely.LineString, is_free: bool) -> shapely.LineString:
    """The line through the midpoints of its unit steps; ends stay, but for one that closes on itself freely."""
    points = shapely.get_coordinates(line)
    middle = (points[1:] + points[:-1]) / 2
    first, last = (middle[:0], middle[:1]) if is_free else (points[:1], points[-1:])
    return shapely.LineString(np.concatenate([first, middle, last]))


def _with_area_of(exact: Points, points: Points, *, closed: bool) -> Points:
    """The line with its inner corners moved along their normals until it has the exact one's area beside it."""
    missing = _area_beside(exact) - _area_beside(points)
    if len(points) == 2 and abs(missing) > 1e-9:  # nothing is left that could be moved
        points = np.stack([points[0], points.mean(axis=0), points[1]])
    moved = points
    for _ in range(3):  # the area is a quadratic function of the way; Newton's steps converge at once
        normals = _normals(points, closed=closed)
        gain = _gain(moved, normals)
        if abs(gain) < 1e-9:
            return points
        moved = moved + normals * (missing - (_area_beside(moved) - _area_beside(points))) / gain
    return np.round(moved, DECIMALS)  # the ends of a line that is not closed are whole numbers


def _normals(points: Points, *, closed: bool) -> Points:
    """Unit normals of the corners, (n, 2); none at the ends of a line that is not closed."""
    way = np.diff(points, axis=0)
    way /= np.maximum(np.hypot(way[:, 0], way[:, 1])[:, None], 1e-12)
    before = np.concatenate([way[-1:] if closed else way[:1] * 0, way])
    after = np.concatenate([way, way[:1] if closed else way[:1] * 0])
    mean = before + after
    normals = np.stack([mean[:, 1], -mean[:, 0]], axis=1)
    normals /= np.maximum(np.hypot(normals[:, 0], normals[:, 1])[:, None], 1e-12)
    if not closed:
        normals[[0, -1]] = 0
    return normals


def _area_beside(points: Points) -> float:
    """Area between a line and the way straight back from its end to its start; signed."""
    local = points - points[0]
    return float(np.sum(local[:-1, 0] * local[1:, 1] - local[1:, 0] * local[:-1, 1])) / 2


def _gain(points: Points, normals: Points) -> float:
    """How fast that area grows when the corners move along their normals."""
    local = points - points[0]
    x, y = local.T
    a, b = normals[:-1], normals[1:]
    return float(np.sum(a[:, 0] * y[1:] + x[:-1] * b[:, 1] - b[:, 0] * y[:-1] - x[1:] * a[:, 1])) / 2


def _signed_area(ring: NDArray[np.int64]) -> float:
    return _area_beside(np.concatenate([ring, ring[:1]]).astype(np.float64))


def _ring(ring: shapely.LinearRing) -> Ring:
    points: Iterable[tuple[float, float]] = map(tuple, shapely.get_coordinates(ring)[:-1].tolist())
    return tuple(points)
