import copy
import io
import pickle
from dataclasses import replace

import numpy as np
import orjson
import pytest
import shapely
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from shapely.geometry import Polygon as Shape

from spheroseg.domain.packed_outlines import packed, unpacked
from spheroseg.domain.spheroid import Polygon
from spheroseg.imaging import boundaries, runs
from spheroseg.imaging.labels import labels_tiff, outlines_of
from tests.unit.imaging.shapes import Labels, a_disk, drawn

SMALL_LABELS = hnp.arrays(np.int32, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.integers(0, 3))


def shape_of(polygon: Polygon) -> Shape:
    return Shape(polygon.exterior, polygon.holes)


def pixels_of(polygons: tuple[Polygon, ...], shape: tuple[int, ...]) -> np.ndarray:
    """In how many of the polygons each pixel's centre lies."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    covers: np.ndarray = np.sum([shapely.contains_xy(shape_of(polygon), x, y) for polygon in polygons], axis=0)
    return covers


@settings(max_examples=400, deadline=None)
@given(SMALL_LABELS)
def test_outlines_are_valid_and_enclose_exactly_the_pixels(labels: Labels) -> None:
    outlines = outlines_of(labels)
    assert sorted(outlines) == np.unique(labels[labels > 0]).tolist()
    for number, polygons in outlines.items():
        assert all(shape_of(polygon).is_valid for polygon in polygons)
        assert sum(shape_of(polygon).area for polygon in polygons) == np.count_nonzero(labels == number)
        assert (pixels_of(polygons, labels.shape) == (labels == number)).all()
        assert len(polygons) == ndimage.label(labels == number)[1]  # pieces that hang together by pixel edges


def test_the_label_image_made_from_outlines_is_the_one_they_came_from() -> None:
    rough = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(220, 260)), 3)
    ground, _ = ndimage.label(rough > 0)  # bodies with holes, islands in them, contact in corners and at the border
    labels = np.where(rough > 0.06, ground + 1000, ground).astype(np.int32)  # and each around others of its own
    outlines = outlines_of(labels)
    made = np.zeros_like(labels)
    y, x = np.mgrid[: labels.shape[0], : labels.shape[1]] + 0.5
    for number, polygons in outlines.items():
        for polygon in polygons:
            shape = shape_of(polygon)
            assert shape.is_valid
            inside = shapely.contains_xy(shape, x, y)
            assert not made[inside].any()
            made[inside] = number
    assert (made == labels).all()
    assert sum(len(polygon.holes) for polygons in outlines.values() for polygon in polygons) > 20


@settings(max_examples=100, deadline=None)
@given(SMALL_LABELS, st.integers(0, 5), st.integers(0, 5))
def test_a_shifted_image_has_shifted_outlines(labels: Labels, right: int, down: int) -> None:
    moved = outlines_of(np.pad(labels, ((down, 1), (right, 2))))
    for number, polygons in outlines_of(labels).items():
        expected = {tuple(sorted((x + right, y + down) for x, y in polygon.exterior)) for polygon in polygons}
        assert {tuple(sorted(polygon.exterior)) for polygon in moved[number]} == expected


@settings(max_examples=100, deadline=None)
@given(SMALL_LABELS)
def test_a_large_image_worked_in_bands_gives_the_same(labels: Labels) -> None:
    whole = outlines_of(labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "PIXELS_AT_A_TIME", 1)
        patch.setattr(boundaries, "RUNS_AT_A_TIME", 1)
        assert outlines_of(labels) == whole


def test_an_island_in_a_hole_is_a_polygon_of_its_own_with_its_own_hole() -> None:
    labels = drawn("""
        1111111
        1.....1
        1.111.1
        1.1.1.1
        1.111.1
        1.....1
        1111111
    """)
    ring, island = sorted(outlines_of(labels)[1], key=lambda polygon: -shape_of(polygon).area)
    assert [len(ring.holes), len(island.holes)] == [1, 1]
    assert (shape_of(ring).area, shape_of(island).area) == (24, 8)


def test_a_hole_belongs_to_the_piece_around_it() -> None:
    labels = drawn("""
        111.....
        1.1.111.
        111.1.1.
        ....111.
    """)
    assert [len(polygon.holes) for polygon in outlines_of(labels)[1]] == [1, 1]


def test_touching_objects_share_an_edge_and_no_area() -> None:
    first, second = (shape_of(polygons[0]) for polygons in outlines_of(drawn("1122 1122")).values())
    assert first.intersection(second).area == 0
    assert first.intersection(second).length == 2


def test_outer_rings_have_positive_and_holes_negative_shoelace_area() -> None:
    (polygon,) = outlines_of(drawn("111 1.1 111"))[1]
    assert shapely.LinearRing(polygon.exterior).is_ccw
    assert not shapely.LinearRing(polygon.holes[0]).is_ccw


def test_an_empty_image_has_no_outlines() -> None:
    assert outlines_of(np.zeros((5, 7), np.int32)) == {}


@pytest.mark.parametrize(("largest", "dtype"), [(3, np.uint16), (65_535, np.uint16), (65_536, np.uint32)])
def test_a_label_file_holds_the_labels_in_the_smallest_type_that_fits(largest: int, dtype: type) -> None:
    labels = a_disk(9) * largest
    read = tifffile.imread(io.BytesIO(labels_tiff(labels)))
    assert read.dtype == dtype
    assert (read == labels).all()


def test_a_label_file_tells_the_pixel_size_where_it_is_known() -> None:
    with tifffile.TiffFile(io.BytesIO(labels_tiff(a_disk(9), pixel_size_um=0.65))) as file:
        tags = file.pages.first.tags
        numerator, denominator = tags["XResolution"].value
        assert tags["ResolutionUnit"].value == 3  # per centimetre
    assert 1e4 / (numerator / denominator) == pytest.approx(0.65, rel=1e-6)
    with tifffile.TiffFile(io.BytesIO(labels_tiff(a_disk(9)))) as file:
        assert file.pages.first.tags["ResolutionUnit"].value == 1  # none


def nested_and_long() -> Labels:
    """A body with holes, one in pieces, and sides whose steps take one, two and four bytes in quarter pixels."""
    labels = np.zeros((60, 9_000), np.int32)
    labels[1:59, 2:400] = 1
    labels[5:9, 5:9] = labels[20:40, 30:390] = 0
    labels[25:30, 50:60] = 1
    labels[3:5, 500:520] = labels[50, 8_990] = 2
    labels[10, 600:8_950] = 3
    labels[12:20, 600:605] = 4
    return labels


def test_outlines_are_the_same_whether_or_not_somebody_asked_for_their_points() -> None:
    asked, unasked = outlines_of(nested_and_long()), outlines_of(nested_and_long())
    plain = {number: tuple(Polygon(one.exterior, one.holes) for one in polygons) for number, polygons in asked.items()}
    assert [len(one.holes) for one in plain[1]] == [2, 0]
    assert {type(value) for one in plain[3] for corner in one.exterior for value in corner} == {int}
    for number, polygons in unasked.items():
        assert packed(polygons) == packed(plain[number])
        assert unpacked(packed(polygons)) == plain[number]
        for closed in (False, True):
            given, expected = (
                orjson.dumps([one.coordinates(closed=closed) for one in ones], option=orjson.OPT_SERIALIZE_NUMPY)
                for ones in (polygons, plain[number])
            )
            assert given == expected
    assert not any("exterior" in vars(one) for polygons in unasked.values() for one in polygons)
    assert unasked == plain
    assert [repr(one) for one in unasked.values()] == [repr(one) for one in plain.values()]


def test_traced_polygons_are_copied_and_compared_as_any_other() -> None:
    (traced, island) = outlines_of(nested_and_long())[1]
    plain = Polygon(traced.exterior, traced.holes)
    for again in (copy.copy(traced), copy.deepcopy(traced), pickle.loads(pickle.dumps(traced)), replace(traced)):
        assert again == plain
        assert hash(again) == hash(plain)
        assert set(vars(again)) == {"exterior", "holes"}
    assert replace(traced, holes=()).holes == ()
    assert island != plain
    with pytest.raises(AttributeError, match="interiors"):
        traced.interiors  # type: ignore[attr-defined]  # noqa: B018


@settings(max_examples=100, deadline=None)
@given(SMALL_LABELS)
def test_traced_outlines_are_packed_as_their_points_are(labels: Labels) -> None:
    for polygons in outlines_of(labels).values():
        assert packed(polygons) == packed(copy.deepcopy(polygons))
