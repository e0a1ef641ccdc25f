"""Operations on outlines, done by shapely; what comes out is checked, drawn and measured before anybody stores it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, floor
from typing import assert_never

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from shapely.ops import split

from spheroseg.domain.operations import (
    MAX_CORNERS,
    Add,
    AddHole,
    Delete,
    FillHole,
    Merge,
    Operation,
    Relabel,
    Replace,
    Simplify,
    Smooth,
    Split,
)
from spheroseg.domain.packed_outlines import packed
from spheroseg.domain.revision import Box, Draft, Drafted, RevisionDifference, SpheroidDifference
from spheroseg.domain.run_comparison import RunComparison, paired
from spheroseg.domain.spheroid import Measures, Polygon, Spheroid
from spheroseg.errors import EditTooLargeError
from spheroseg.imaging.coarsening import coarser
from spheroseg.imaging.outline_checks import Canvas, Place, checked, checked_line, geometry_of, stored
from spheroseg.imaging.rasterising import measures_of_outlines, overlapping, shared_areas, stretches_of

Outline = tuple[Polygon, ...]


class ShapelyEditor:
    """Outlines edited by shapely, measured by the product's own measures."""

    def draft(
        self,
        before: Mapping[int, Outline],
        operations: Sequence[Operation],
        size_px: tuple[int, int],
        highest_number: int,
    ) -> Draft:
        """What operations make of the spheroids that they name, one after the other.

        Args:
            before: Outlines of those that exist among the named ones.
            size_px: Width and height of the image.
            highest_number: The highest number that any spheroid of the run had so far.

        Raises:
            InvalidEditError: an operation names a spheroid that is not there, cannot be done, leaves no outline, or
                all of them together change nothing.
            EditTooLargeError: the outlines have too many corners.
        """
        sheet = _Sheet(Canvas(*size_px), dict(before), highest_number, {number: number for number in before})
        for index, operation in enumerate(operations):
            sheet.do(index, operation)
        return sheet.drafted(before)

    def finished(
        self,
        draft: Draft,
        before: Mapping[int, Spheroid],
        neighbours: Mapping[int, Outline],
        size_px: tuple[int, int],
    ) -> list[Spheroid]:
        """The drafted spheroids with their measures, in order of number.

        Args:
            before: The spheroids that the operations named.
            neighbours: Outlines of all others that may meet them.
            size_px: Width and height of the image.

        Raises:
            InvalidEditError: a spheroid has no pixel, or shares one with another.
        """
        numbers = sorted(draft.spheroids)
        outlines = [draft.spheroids[number].polygons for number in numbers]
        all_numbers = [*numbers, *neighbours]
        stretches = stretches_of([*outlines, *neighbours.values()])
        for number, area in zip(numbers, stretches.areas.tolist(), strict=False):
            if area == 0:
                raise Place(draft.touched_by.get(number), number).wrong(
                    "no pixel's centre lies in it: it is too small to be measured"
                )
        shared = overlapping(stretches)
        if shared is not None:
            one, other = sorted(shared[:2])
            raise Place(draft.touched_by.get(all_numbers[one]), all_numbers[one]).wrong(
                f"it overlaps spheroid {all_numbers[other]}, at the pixel in column {shared[2]} and row {shared[3]}"
            )
        new = [number for number in numbers if draft.spheroids[number].same_as is None]
        measured = measures_of_outlines(stretches_of([draft.spheroids[number].polygons for number in new]))
        measures = dict(zip(new, measured, strict=True))
        return [
            _spheroid(number, draft.spheroids[number], before)
            if number not in measures
            else _new_spheroid(number, draft.spheroids[number].polygons, measures[number], size_px)
            for number in numbers
        ]

    def difference(
        self,
        before: tuple[int, Mapping[int, Outline]],
        after: tuple[int, Mapping[int, Outline]],
        unchanged: tuple[int, int],
        width_px: int,
    ) -> RevisionDifference:
        """What became of spheroids, pixel by pixel.

        Args:
            before, after: Two revisions, each with the outlines of its spheroids that the other has not, or not so.
            unchanged: How many others there are, and their pixels together.
            width_px: Of the image.
        """
        ones, others = before[1], after[1]
        first, second = stretches_of(list(ones.values())), stretches_of(list(others.values()))
        shared = shared_areas(first, second, width_px)
        first_areas = dict(zip(ones, first.areas.tolist(), strict=True))
        second_areas = dict(zip(others, second.areas.tolist(), strict=True))
        places_before = {number: place for place, number in enumerate(ones)}
        places_after = {number: place for place, number in enumerate(others)}
        spheroids = [
            SpheroidDifference(
                number,
                first_areas.get(number, 0),
                second_areas.get(number, 0),
                shared.get((places_before.get(number, -1), places_after.get(number, -1)), 0),
            )
            for number in sorted({*ones, *others})
        ]
        same, same_px = unchanged
        whole = SpheroidDifference(
            0,
            same_px + sum(first_areas.values()),
            same_px + sum(second_areas.values()),
            same_px + sum(shared.values()),
        )
        return RevisionDifference(before[0], after[0], spheroids, same, whole)

    def paired(
        self, first: Mapping[int, Outline], second: Mapping[int, Outline], width_px: int, threshold: float
    ) -> RunComparison:
        """Which spheroid of one run is which of another run over the same pixels, by their pixels.

        Args:
            width_px: Of the image.
            threshold: 0.5 to below 1.
        """
        numbers, areas, stretches = [], [], []
        for outlines in (first, second):
            numbers.append(list(outlines))
            stretches.append(stretches_of(list(outlines.values())))
            areas.append(dict(zip(outlines, stretches[-1].areas.tolist(), strict=True)))
        shared = shared_areas(stretches[0], stretches[1], width_px)
        by_numbers = {(numbers[0][one], numbers[1][other]): common for (one, other), common in shared.items()}
        return paired(areas[0], areas[1], by_numbers, threshold)

    def coarser(self, outlines: Sequence[tuple[int, bytes]], tolerance_px: float) -> list[tuple[int, bytes]]:
        """Outlines for who only looks: fewer corners, none left out farther than the tolerance from what is shown.

        Holes within the tolerance are left out; neighbours may then overlap by up to it, and lines may cross.
        """
        return coarser(outlines, tolerance_px)


@dataclass
class _Sheet:
    """Outlines while operations are done on them.

    Args:
        same_as: For each spheroid whose outline was not changed the number that it had before.
        touched_by: Place of the operation that last changed each.
    """

    canvas: Canvas
    outlines: dict[int, Outline]
    highest: int
    same_as: dict[int, int]
    touched_by: dict[int, int] = field(default_factory=dict)
    corners: int = 0

    def do(self, index: int, operation: Operation) -> None:
        """One operation."""
        match operation:
            case Add():
                number = self.highest + 1
                self._put(index, number, checked(operation.polygons, self.canvas, Place(index, number)))
            case Delete():
                self._delete(index, operation)
            case Replace():
                self._take(index, operation.number)
                place = Place(index, operation.number)
                self._put(index, operation.number, checked(operation.polygons, self.canvas, place))
            case Split():
                self._split(index, operation)
            case Merge():
                self._merge(index, operation)
            case AddHole():
                self._add_hole(index, operation)
            case FillHole():
                self._fill_hole(index, operation)
            case Simplify() | Smooth():
                self._reshape(index, operation)
            case Relabel():
                self._relabel(index, operation)
            case _:
                assert_never(operation)

    def drafted(self, before: Mapping[int, Outline]) -> Draft:
        """What is different from before."""
        changed: dict[int, Drafted] = {}
        for number, outline in self.outlines.items():
            source = self.same_as.get(number)
            if source == number or (number in before and packed(outline) == packed(before[number])):
                continue
            changed[number] = Drafted(outline, source)
        removed = frozenset(before) - frozenset(self.outlines)
        if not changed and not removed:
            raise Place(None, None).wrong("the operations change nothing")
        boxes = [_box(drafted.polygons) for drafted in changed.values()]
        return Draft(changed, removed, boxes, self.highest, self.touched_by)

    def _take(self, index: int, number: int) -> Outline:
        """An outline that is to be changed or removed."""
        if number not in self.outlines:
            raise Place(index, number).wrong("there is no such spheroid")
        self.same_as.pop(number, None)
        self.touched_by[number] = index
        return self.outlines.pop(number)

    def _put(self, index: int, number: int, outline: Outline) -> None:
        self.corners += sum(len(ring) for one in outline for ring in (one.exterior, *one.holes))
        if self.corners > MAX_CORNERS:
            raise EditTooLargeError(f"One save takes outlines of up to {MAX_CORNERS:,} corners together")
        self.outlines[number] = outline
        self.touched_by[number] = index
        self.highest = max(self.highest, number)

    def _store(self, index: int, number: int, shape: BaseGeometry) -> None:
        self._put(index, number, stored(shape, self.canvas, Place(index, number)))

    def _delete(self, index: int, operation: Delete) -> None:
        for number in operation.numbers:
            self._take(index, number)

    def _reshape(self, index: int, operation: Simplify | Smooth) -> None:
        for number in operation.numbers:
            shape = geometry_of(self._take(index, number))
            if isinstance(operation, Simplify):
                self._store(index, number, shapely.simplify(shape, operation.tolerance_px))
            else:
                self._store(index, number, _smoothed(shape, operation.radius_px))

    def _split(self, index: int, operation: Split) -> None:
        place = Place(index, operation.number)
        line = shapely.LineString(checked_line(operation.line, place))
        missed: list[BaseGeometry] = []
        parts: list[BaseGeometry] = []
        for polygon in self._take(index, operation.number):
            shape = geometry_of([polygon])
            cut = list(split(shape, line).geoms)
            (parts if len(cut) > 1 else missed).extend(cut)
        if not parts:
            raise place.wrong("the line does not lead through it from side to side")
        largest, *others = sorted(parts, key=lambda part: (-part.area, part.bounds))
        self._store(index, operation.number, shapely.union_all([largest, *missed]) if missed else largest)
        for part in others:
            self._store(index, self.highest + 1, part)

    def _merge(self, index: int, operation: Merge) -> None:
        number = operation.numbers[0]
        if len(set(operation.numbers)) < 2 or len(set(operation.numbers)) < len(operation.numbers):
            raise Place(index, number).wrong("merging takes two or more different spheroids")
        shapes = [geometry_of(self._take(index, one)) for one in operation.numbers]
        whole = shapely.union_all(shapes)
        pieces = sum(shapely.get_num_geometries(shape) for shape in shapes)
        if not operation.allow_pieces and shapely.get_num_geometries(whole) > pieces - len(shapes) + 1:
            raise Place(index, number).wrong(
                "the spheroids do not touch along their outlines; allow_pieces merges what is apart"
            )
        self._store(index, number, whole)

    def _add_hole(self, index: int, operation: AddHole) -> None:
        place = Place(index, operation.number)
        (hole,) = checked([Polygon(operation.ring)], self.canvas, place)
        outline = self._take(index, operation.number)
        within = [at for at, one in enumerate(outline) if shapely.contains(geometry_of([one]), geometry_of([hole]))]
        if not within:
            outside = ~shapely.covers(geometry_of(outline), shapely.points(np.array(operation.ring)))
            vertex = int(np.argmax(outside)) if outside.any() else None
            raise place.wrong("the hole does not lie inside of the spheroid, or crosses another hole", None, 0, vertex)
        at = within[0]
        holed = Polygon(outline[at].exterior, (*outline[at].holes, hole.exterior))
        self._put(index, operation.number, checked([*outline[:at], holed, *outline[at + 1 :]], self.canvas, place))

    def _fill_hole(self, index: int, operation: FillHole) -> None:
        place = Place(index, operation.number)
        outline = self._take(index, operation.number)
        at = None if operation.at is None else shapely.Point(operation.at)
        filled = tuple(
            replace(
                one,
                holes=()
                if at is None
                else tuple(hole for hole in one.holes if not shapely.covers(shapely.Polygon(hole), at)),
            )
            for one in outline
        )
        if filled == outline:
            raise place.wrong("it has no hole" if at is None else f"it has no hole at ({at.x:g}, {at.y:g})")
        # An island in the hole is a polygon of the same spheroid, which is then a part of what is filled.
        self._store(index, operation.number, shapely.union_all([geometry_of([one]) for one in filled]))

    def _relabel(self, index: int, operation: Relabel) -> None:
        source = self.same_as.get(operation.number)
        if operation.to in self.outlines:
            raise Place(index, operation.number).wrong(f"the number {operation.to} is taken")
        outline = self._take(index, operation.number)
        self._put(index, operation.to, outline)
        if source is not None:
            self.same_as[operation.to] = source


def _smoothed(shape: BaseGeometry, radius: float) -> BaseGeometry:
    """Opening, then closing by a disk.

    Source: Serra, J. (1982), Image Analysis and Mathematical Morphology.
    """
    opened = shapely.buffer(shapely.buffer(shape, -radius), radius)
    return shapely.buffer(shapely.buffer(opened, radius), -radius)


def _box(outline: Outline) -> Box:
    left, top, right, bottom = geometry_of(outline).bounds
    return Box(floor(left), floor(top), ceil(right), ceil(bottom))


def _spheroid(number: int, drafted: Drafted, before: Mapping[int, Spheroid]) -> Spheroid:
    if drafted.same_as is None:
        raise AssertionError("a spheroid is new, or the same as one before")
    return replace(before[drafted.same_as], number=number)


def _new_spheroid(number: int, outline: Outline, measures: Measures, size_px: tuple[int, int]) -> Spheroid:
    """No model made it, so it has no confidence, and nobody judged whether it needs a look."""
    right, bottom = measures.bbox_x_px + measures.bbox_width_px, measures.bbox_y_px + measures.bbox_height_px
    touches_edge = measures.bbox_x_px == 0 or measures.bbox_y_px == 0 or right == size_px[0] or bottom == size_px[1]
    return Spheroid(number, outline, measures, confidence=None, touches_edge=touches_edge)
