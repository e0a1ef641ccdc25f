"""Operations on outlines: what each does, what is refused and where, and that any sequence leaves outlines."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spheroseg.domain.operations import (
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
    touched,
)
from spheroseg.domain.packed_outlines import packed, unpacked
from spheroseg.domain.spheroid import Polygon, Ring, Spheroid
from spheroseg.errors import EditFault, InvalidEditError
from spheroseg.imaging.editing import Outline, ShapelyEditor
from spheroseg.imaging.measures import spheroids_of
from spheroseg.imaging.outline_checks import geometry_of
from spheroseg.imaging.rasterising import labels_of

SIZE = (40, 30)
EDITOR = ShapelyEditor()


def box(left: float, top: float, right: float, bottom: float) -> Ring:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def start() -> dict[int, Spheroid]:
    """Two bodies that touch, one with a hole, one alone at the border."""
    labels = np.zeros((SIZE[1], SIZE[0]), np.int32)
    labels[5:15, 5:15] = 1
    labels[8:11, 8:11] = 0
    labels[5:15, 15:20] = 2
    labels[20:30, 30:40] = 3
    return {one.number: one for one in spheroids_of(labels)}


def edited(
    spheroids: Mapping[int, Spheroid], *operations: Operation, highest: int | None = None
) -> dict[int, Spheroid]:
    """All spheroids after the operations, as a save would leave them."""
    named = frozenset[int]().union(*map(touched, operations))
    before = {number: one for number, one in spheroids.items() if number in named}
    highest = max(spheroids, default=0) if highest is None else highest
    draft = EDITOR.draft({number: one.polygons for number, one in before.items()}, operations, SIZE, highest)
    others = {number: one.polygons for number, one in spheroids.items() if number not in named}
    changed = EDITOR.finished(draft, before, others, SIZE)
    left = {number: one for number, one in spheroids.items() if number not in draft.removed}
    return left | {one.number: one for one in changed}


def areas(spheroids: Mapping[int, Spheroid]) -> dict[int, float]:
    return {number: spheroids[number].measures.area_px2 for number in sorted(spheroids)}


def fault_of(*operations: Operation) -> EditFault:
    with pytest.raises(InvalidEditError) as caught:
        edited(start(), *operations)
    assert caught.value.fault is not None
    assert str(caught.value.fault) in str(caught.value)
    return caught.value.fault


def test_each_operation_does_what_it_says() -> None:
    spheroids = start()
    assert areas(spheroids) == {1: 91, 2: 50, 3: 100}
    assert areas(edited(spheroids, Add((Polygon(box(25, 2, 30, 4)),)))) == {1: 91, 2: 50, 3: 100, 4: 10}
    assert areas(edited(spheroids, Delete((1, 3)))) == {2: 50}
    assert areas(edited(spheroids, Replace(3, (Polygon(box(30, 20, 35, 30)),)))) == {1: 91, 2: 50, 3: 50}
    assert areas(edited(spheroids, Split(3, ((29, 23), (41, 23))))) == {1: 91, 2: 50, 3: 70, 4: 30}
    assert areas(edited(spheroids, Merge((2, 1)))) == {2: 141, 3: 100}
    assert areas(edited(spheroids, AddHole(3, box(33, 22, 35, 24)))) == {1: 91, 2: 50, 3: 96}
    assert areas(edited(spheroids, FillHole(1))) == {1: 100, 2: 50, 3: 100}
    assert areas(edited(spheroids, FillHole(1, (9, 9)))) == {1: 100, 2: 50, 3: 100}
    assert areas(edited(spheroids, Relabel(2, 9))) == {1: 91, 3: 100, 9: 50}


def test_measures_are_those_of_the_pixels_and_know_the_border() -> None:
    after = edited(start(), Merge((1, 2)), Replace(3, (Polygon(box(30, 20, 36.25, 29)),)))
    labels = labels_of({number: one.polygons for number, one in after.items()}, (SIZE[1], SIZE[0]))
    again = {one.number: one for one in spheroids_of(labels)}
    assert {number: one.measures for number, one in after.items()} == {n: one.measures for n, one in again.items()}
    assert start()[3].touches_edge
    assert not after[3].touches_edge


def test_what_was_drawn_has_no_confidence_and_what_was_renamed_keeps_its_own() -> None:
    spheroids = start()
    spheroids[2] = Spheroid(2, spheroids[2].polygons, spheroids[2].measures, 0.9, touches_edge=False, review_reasons=())
    after = edited(spheroids, Relabel(2, 7), FillHole(1))
    assert (after[7].confidence, after[7].review_reasons, after[7].measures) == (0.9, (), spheroids[2].measures)
    assert (after[1].confidence, after[1].review_reasons) == (None, None)


def test_simplified_and_smoothed_outlines_stay_near() -> None:
    staircase = tuple((x + 2, y + 2) for step in range(8) for x, y in ((step, step), (step + 1, step)))
    drawn = edited({}, Add((Polygon((*staircase, (14, 9), (14, 20), (2, 20))),)))
    simple = edited(drawn, Simplify((1,), 1.0))
    assert len(simple[1].polygons[0].exterior) < len(drawn[1].polygons[0].exterior) / 2
    assert geometry_of(simple[1].polygons).hausdorff_distance(geometry_of(drawn[1].polygons)) <= 1.0 + 0.18
    smooth = edited(drawn, Smooth((1,), 2.0))
    # A corner of 45° loses r · (1 / sin 22.5° − 1), the others less.
    assert geometry_of(smooth[1].polygons).hausdorff_distance(geometry_of(drawn[1].polygons)) < 3.23 + 0.18
    assert 0.9 < smooth[1].measures.area_px2 / drawn[1].measures.area_px2 <= 1.01


def test_a_split_may_give_many_parts_and_cuts_pass_neighbours_exactly() -> None:
    after = edited(start(), Split(1, ((4, 6), (16, 13.5))), Split(2, ((14, 5.25), (21, 14))))
    assert sum(areas(after).values()) == 241
    comb = Polygon(
        ((20, 2), (38, 2), (38, 8), (34, 8), (34, 4), (30, 4), (30, 8), (26, 8), (26, 4), (22, 4), (22, 8), (20, 8))
    )
    parts = edited(edited(start(), Add((comb,))), Split(4, ((18, 6), (40, 6))))
    assert sorted(parts) == [1, 2, 3, 4, 5, 6, 7]
    assert parts[4].measures.area_px2 > parts[5].measures.area_px2 >= parts[6].measures.area_px2


def test_coordinates_are_rounded_to_quarters_before_anything_is_checked() -> None:
    after = edited({}, Add((Polygon(((1.1, 1.13), (9.12, 0.99), (9, 9), (0.9, 9.2))),)))
    assert after[1].polygons == (Polygon(((1.0, 1.25), (9.0, 1.0), (9.0, 9.0), (1.0, 9.25))),)


def test_closed_and_turned_rings_are_the_same_outline() -> None:
    ring = box(2, 2, 8, 8)
    closed = edited({}, Add((Polygon((*ring, ring[0]), (tuple(reversed(box(4, 4, 5, 5))),)),)))[1].polygons
    turned = edited({}, Add((Polygon((ring[0], *reversed(ring[1:])), (box(4, 4, 5, 5),)),)))[1].polygons
    assert geometry_of(closed).equals(geometry_of(turned))
    assert shapely.Polygon(turned[0].exterior).exterior.is_ccw  # positive shoelace area
    assert not shapely.Polygon(turned[0].holes[0]).exterior.is_ccw


BOW = ((20, 2), (28, 2), (20, 4), (28, 4))


@pytest.mark.parametrize(
    ("operation", "place", "words"),
    [
        (Add((Polygon(BOW),)), (0, 4, 0, 0, 1), "crosses"),
        (Add((Polygon(((20, 2), (24, 2), (41, 4))),)), (0, 4, 0, 0, 2), "outside of the image of 40 × 30"),
        (Add((Polygon(((20, 2), (20.1, 2), (20, 2))),)), (0, 4, 0, 0, None), "three different corners"),
        (Add((Polygon(((20, 2), (24, 2), (28, 2))),)), (0, 4, 0, 0, None), "encloses nothing"),
        (Add((Polygon(((20, 2), (float("nan"), 2), (28, 2))),)), (0, 4, 0, 0, 1), "no number"),
        (Add((Polygon(box(20, 2, 26, 8), (box(24, 4, 28, 6),)),)), (0, 4, 0, 1, None), "crosses"),
        (Add((Polygon(box(20, 2, 26, 8), (box(28, 4, 29, 6),)),)), (0, 4, 0, 1, 0), "outside of its spheroid"),
        (Add((Polygon(box(20, 2, 26, 8)), Polygon(box(21, 3, 23, 5)))), (0, 4, 1, 0, None), "another one"),
        (Add((Polygon(box(12, 12, 18, 18)),)), (0, 4, None, None, None), "overlaps spheroid 1"),
        (Add((Polygon(box(20.75, 2.75, 21.25, 3.25)),)), (0, 4, None, None, None), "too small"),
        (Add(()), (0, 4, None, None, None), "no polygon"),
        (Delete((8,)), (0, 8, None, None, None), "no such spheroid"),
        (Split(3, ((29, 23), (35, 23))), (0, 3, None, None, None), "from side to side"),
        (Split(3, ((29, 23), (29.1, 23))), (0, 3, None, None, None), "two different points"),
        (Merge((1, 3)), (0, 1, None, None, None), "do not touch"),
        (Merge((1, 1)), (0, 1, None, None, None), "two or more different"),
        (AddHole(3, box(33, 22, 41, 24)), (0, 3, 0, 0, 1), "outside of the image"),
        (AddHole(3, box(33, 18, 35, 24)), (0, 3, None, 0, 0), "inside"),
        (AddHole(1, box(7, 7, 9, 9)), (0, 1, None, 0, 2), "inside"),
        (FillHole(3), (0, 3, None, None, None), "no hole"),
        (FillHole(1, (6, 6)), (0, 1, None, None, None), "no hole at (6, 6)"),
        (Smooth((2,), 5.0), (0, 2, None, None, None), "nothing is left"),
        (Relabel(2, 3), (0, 2, None, None, None), "the number 3 is taken"),
        (Replace(3, start()[3].polygons), (None, None, None, None, None), "change nothing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(operation: Operation, place: tuple[int | None, ...], words: str) -> None:
    fault = fault_of(operation)
    found = (fault.operation, fault.number, fault.polygon, fault.ring)
    assert found == place[:4]
    if place[4] is not None:
        assert fault.vertex == place[4]
    assert words in fault.detail


def test_the_fault_names_the_operation_of_the_batch() -> None:
    assert fault_of(Relabel(2, 9), Delete((3,)), Delete((2,))).operation == 2
    assert fault_of(Add((Polygon(box(12, 12, 18, 18)),)), Delete((3,))).operation == 0


def test_places_may_be_exchanged_within_a_batch() -> None:
    after = edited(start(), Relabel(1, 9), Relabel(2, 1), Relabel(9, 2))
    assert areas(after) == {1: 50, 2: 91, 3: 100}


def test_the_difference_counts_pixels() -> None:
    before = start()
    after = edited(before, Replace(3, (Polygon(box(30, 20, 40, 25)),)), Delete((1,)), Add((Polygon(box(0, 0, 4, 4)),)))
    ones = {number: before[number].polygons for number in (1, 3)}
    others = {number: after[number].polygons for number in (3, 4)}
    found = EDITOR.difference((0, ones), (1, others), (1, 50), SIZE[0])
    told = {one.number: (one.before_px, one.after_px, one.shared_px, one.moved_px) for one in found.spheroids}
    assert told == {1: (91, 0, 0, 91), 3: (100, 50, 50, 50), 4: (0, 16, 0, 16)}
    assert found.spheroids[1].iou == 0.5
    assert (found.whole.before_px, found.whole.after_px, found.whole.shared_px) == (241, 116, 100)
    assert found.unchanged == 1


def test_coarser_outlines_have_fewer_corners_and_lie_near() -> None:
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = tuple(
        (round(4 * (20 + 9 * c)) / 4, round(4 * (15 + 9 * s)) / 4)
        for c, s in zip(np.cos(angle), np.sin(angle), strict=True)
    )
    content = packed((Polygon(ring, (box(14, 14, 14.5, 14.5), box(18, 12, 24, 18))),))
    ((number, coarse),) = EDITOR.coarser([(5, content)], 1.0)
    (polygon,) = unpacked(coarse)
    assert number == 5
    assert len(polygon.holes) == 1
    assert len(coarse) < len(content) / 4
    assert shapely.Polygon(polygon.exterior).hausdorff_distance(shapely.Polygon(ring)) < 1.2
    assert EDITOR.coarser([], 1.0) == []


def test_coarser_outlines_of_any_size_stay_outlines_with_their_numbers() -> None:
    """Small ones, slivers, steps of one, two and four bytes, islands and holes, all in one answer."""
    small, sliver, wide = box(3, 3, 4, 4), box(50, 50, 90, 50.25), box(100, 100, 5_000, 4_000)
    far = box(0, 0, 20_000_000, 10_000_000)
    given = {
        2: (Polygon(small),),
        3: (Polygon(sliver), Polygon(wide, (box(200, 200, 201, 201), box(300, 300, 2_000, 2_000)))),
        9: (Polygon(far),),
    }
    for tolerance in (0.25, 3.0, 1_000.0):
        coarse = EDITOR.coarser([(number, packed(outline)) for number, outline in given.items()], tolerance)
        found = {number: unpacked(content) for number, content in coarse}
        assert list(found) == list(given)
        assert all(len(set(polygon.exterior)) >= 3 for outline in found.values() for polygon in outline)
        assert [packed(outline) for outline in found.values()] == [content for _, content in coarse]
        assert [len(polygon.holes) for polygon in found[3]] == ([0, 2] if tolerance == 0.25 else [0, 1])
        assert shapely.Polygon(found[9][0].exterior).equals(shapely.Polygon(far))


@st.composite
def operations(draw: st.DrawFn, numbers: Sequence[int]) -> Operation:
    """Any operation near enough to sense that many succeed."""
    number = st.sampled_from([*numbers, 99] if numbers else [99])
    x, y = (st.integers(0, 4 * side).map(lambda steps: steps / 4) for side in SIZE)
    ring = st.lists(st.tuples(x, y), min_size=3, max_size=7).map(tuple)
    boxed = st.tuples(x, y, st.integers(4, 40), st.integers(4, 40)).map(
        lambda at: box(at[0], at[1], min(at[0] + at[2] / 4, SIZE[0]), min(at[1] + at[3] / 4, SIZE[1]))
    )
    polygons = st.lists(
        st.builds(Polygon, ring | boxed, st.lists(boxed, max_size=1).map(tuple)), min_size=1, max_size=2
    )
    some = st.lists(number, min_size=1, max_size=3, unique=True).map(tuple)
    found: Operation = draw(
        st.one_of(
            st.builds(Add, polygons.map(tuple)),
            st.builds(Delete, some),
            st.builds(Replace, number, polygons.map(tuple)),
            st.builds(Split, number, st.lists(st.tuples(x, y), min_size=2, max_size=4).map(tuple)),
            st.builds(Merge, some, st.booleans()),
            st.builds(AddHole, number, boxed),
            st.builds(FillHole, number, st.none() | st.tuples(x, y)),
            st.builds(Simplify, some, st.floats(0.1, 5)),
            st.builds(Smooth, some, st.floats(0.1, 3)),
            st.builds(Relabel, number, st.integers(1, 12)),
        )
    )
    return found


def outlines_are_valid(outlines: Mapping[int, Outline]) -> None:
    for outline in outlines.values():
        shape = geometry_of(outline)
        assert shape.is_valid
        assert shapely.box(0, 0, *SIZE).covers(shape)
        assert unpacked(packed(outline)) == outline
        for polygon in outline:
            assert shapely.Polygon(polygon.exterior).exterior.is_ccw
    labels_of(outlines, (SIZE[1], SIZE[0]))  # raises where two share a pixel


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_sequence_of_operations_leaves_outlines_or_everything_as_it_was(data: st.DataObject) -> None:
    spheroids = start()
    highest = 3
    for _ in range(data.draw(st.integers(1, 5))):
        operation = data.draw(operations(sorted(spheroids)))
        try:
            after = edited(spheroids, operation, highest=highest)
        except InvalidEditError:
            continue
        spheroids, highest = after, max(highest, *after, 0) if after else highest
        outlines_are_valid({number: one.polygons for number, one in spheroids.items()})
    if spheroids:
        labels = labels_of({number: one.polygons for number, one in spheroids.items()}, (SIZE[1], SIZE[0]))
        again = {one.number: one.measures for one in spheroids_of(labels)}
        assert {number: one.measures for number, one in spheroids.items()} == again
