from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, HalfspaceIntersection
from scipy.spatial.distance import pdist
from skimage.measure import regionprops

from spheroseg.domain.spheroid import Measures
from spheroseg.imaging.certainty import View, certainty_of
from spheroseg.imaging.definitions import DEFINITIONS
from spheroseg.imaging.measures import spheroids_of
from tests.unit.imaging.shapes import Labels, a_disk, a_rectangle, an_ellipse, drawn

LABELS = hnp.arrays(np.int32, st.tuples(st.integers(1, 20), st.integers(1, 20)), elements=st.integers(0, 2))
SHIFTS = [(0.0, 0.0), (0.5, 0.5), (0.3, 0.1), (0.27, 0.81)]


def measures_of(labels: Labels) -> Measures:
    (spheroid,) = spheroids_of(labels)
    return spheroid.measures


@pytest.mark.parametrize("radius", [20, 25, 37.5, 50, 80, 150, 300])
@pytest.mark.parametrize("shift", SHIFTS)
def test_a_digital_disk_is_measured_as_a_disk(radius: float, shift: tuple[float, float]) -> None:
    measures = measures_of(a_disk(radius, shift))
    assert measures.area_px2 == np.count_nonzero(a_disk(radius, shift))
    if radius >= 50:  # a smaller disk's own pixels are up to 0.7 % off
        assert measures.area_px2 == pytest.approx(np.pi * radius**2, rel=0.005)
    assert 0.98 <= measures.circularity <= 1.02
    assert measures.perimeter_px == pytest.approx(2 * np.pi * radius, rel=0.008)
    assert measures.major_axis_px == pytest.approx(2 * radius, abs=0.4)
    assert measures.minor_axis_px == pytest.approx(2 * radius, abs=0.4)
    assert measures.feret_max_px == pytest.approx(2 * radius, abs=0.9)
    assert measures.feret_min_px == pytest.approx(2 * radius, abs=1.0)
    assert measures.convexity == pytest.approx(1, abs=0.003)
    assert measures.solidity == 1


@pytest.mark.parametrize("radius", [5, 7, 10, 15])
def test_the_perimeter_of_small_disks_is_not_shrunk_by_smoothing(radius: float) -> None:
    for shift in SHIFTS:
        assert 0.98 <= measures_of(a_disk(radius, shift)).circularity <= 1.02


@pytest.mark.parametrize("degrees", [0, 10, 22.5, 30, 45])
def test_the_perimeter_of_a_square_hardly_depends_on_its_direction(degrees: float) -> None:
    assert measures_of(a_rectangle(60, 60, degrees)).perimeter_px == pytest.approx(240, rel=0.02)
    assert measures_of(a_rectangle(400, 400, degrees)).perimeter_px == pytest.approx(1600, rel=0.008)


def test_feret_diameters_of_a_square_are_its_diagonal_and_its_side() -> None:
    measures = measures_of(a_rectangle(90, 90))
    assert (measures.feret_max_px, measures.feret_min_px) == pytest.approx((90 * 2**0.5, 90))
    assert measures.area_px2 == 8100
    assert measures.extent == 1
    assert measures.solidity == 1


@pytest.mark.parametrize("degrees", [0, 15, 45, 80])
def test_axes_of_an_ellipse_are_not_swapped(degrees: float) -> None:
    measures = measures_of(an_ellipse(60, 30, degrees))
    assert measures.major_axis_px == pytest.approx(120, rel=0.005)
    assert measures.minor_axis_px == pytest.approx(60, rel=0.01)
    assert measures.ellipsoid_volume_px3 == pytest.approx(np.pi / 6 * 120 * 60**2, rel=0.02)
    assert measures.roundness == pytest.approx(0.5, rel=0.01)


def test_holes_are_subtracted_from_area_and_told() -> None:
    labels = a_disk(40)
    labels[30:40, 40:50] = 0
    labels[60, 60] = 0
    full, holed = measures_of(a_disk(40)), measures_of(labels)
    assert holed.area_px2 == full.area_px2 - 101
    assert (holed.hole_count, holed.hole_area_px2) == (2, 101)
    assert holed.perimeter_px == pytest.approx(full.perimeter_px)
    assert holed.perimeter_with_holes_px > full.perimeter_px + 30
    assert holed.feret_max_px == full.feret_max_px


def test_an_object_of_one_pixel_is_measured() -> None:
    measures = measures_of(drawn("... .1. ..."))
    assert (measures.area_px2, measures.bbox_width_px, measures.bbox_height_px) == (1, 1, 1)
    assert (measures.centroid_x_px, measures.centroid_y_px) == (1.5, 1.5)
    assert measures.major_axis_px == pytest.approx(4 / 12**0.5)
    assert all(np.isfinite(getattr(measures, field.name)) for field in fields(Measures))


@settings(max_examples=200, deadline=None)
@given(LABELS)
def test_moments_and_boxes_agree_with_sums_over_pixels(labels: Labels) -> None:
    spheroids = spheroids_of(labels)
    for region, spheroid in zip(regionprops(labels), spheroids, strict=True):  # type: ignore[no-untyped-call]
        measures = spheroid.measures
        assert spheroid.number == region.label
        assert measures.area_px2 == region.area
        assert (measures.centroid_y_px, measures.centroid_x_px) == pytest.approx(np.add(region.centroid, 0.5))
        top, left, bottom, right = region.bbox
        assert (measures.bbox_x_px, measures.bbox_y_px) == (left, top)
        assert (measures.bbox_width_px, measures.bbox_height_px) == (right - left, bottom - top)
        spread = np.atleast_2d(np.cov(region.coords.T, bias=True)) + np.eye(2) / 12
        axes = 4 * np.sqrt(np.linalg.eigvalsh(spread))
        assert (measures.minor_axis_px, measures.major_axis_px) == pytest.approx(axes)


@settings(max_examples=200, deadline=None)
@given(LABELS)
def test_feret_and_solidity_agree_with_brute_force(labels: Labels) -> None:
    for spheroid in spheroids_of(labels):
        rows, columns = np.nonzero(labels == spheroid.number)
        centres = np.stack([columns, rows], axis=1)
        if np.linalg.matrix_rank(centres - centres[0]) < 2:
            corners = (centres[:, None] + np.array([(0, 0), (1, 0), (1, 1), (0, 1)])).reshape(-1, 2)
            normals = ConvexHull(corners).equations[:, :2]
        else:
            corners, normals = corners_of_body(centres)
            hull = ConvexHull(centres)
            x, y = np.meshgrid(np.arange(labels.shape[1]), np.arange(labels.shape[0]))
            away = hull.equations[:, :2] @ np.stack([x.ravel(), y.ravel()]) + hull.equations[:, 2:]
            in_hull = np.count_nonzero((away < 1e-9).all(axis=0))
            assert spheroid.measures.solidity == pytest.approx(len(centres) / in_hull)
        assert spheroid.measures.feret_max_px == pytest.approx(pdist(corners).max())
        assert spheroid.measures.feret_min_px == pytest.approx(min(np.ptp(corners @ normal) for normal in normals))


def corners_of_body(centres: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The body that ``feret`` estimates, built another way: its corners, and normals of lines that may bound it."""
    lines = [(*normal, distance - 0.5) for normal, distance in boxed(centres)]
    hull = ConvexHull(centres)
    for normal_x, normal_y, offset in np.unique(hull.equations.round(9), axis=0):
        on_it = centres[abs(centres @ (normal_x, normal_y) + offset) < 1e-6]
        step = on_it.max(axis=0) - on_it.min(axis=0)
        pieces = int(np.gcd(*step))
        spacing = pieces / np.hypot(*step)
        lines.append((normal_x, normal_y, offset - (spacing if pieces == 1 else spacing / 2)))
    return HalfspaceIntersection(np.array(lines), centres.mean(axis=0)).intersections, np.array(lines)[:, :2]


def boxed(centres: NDArray[np.int64]) -> list[tuple[tuple[int, int], float]]:
    low, high = centres.min(axis=0), centres.max(axis=0)
    return [((1, 0), -high[0]), ((0, 1), -high[1]), ((-1, 0), low[0]), ((0, -1), low[1])]


@settings(max_examples=50, deadline=None)
@given(LABELS, st.integers(1, 3000), st.integers(1, 2000))
def test_shape_does_not_depend_on_the_place(labels: Labels, right: int, down: int) -> None:
    moved = spheroids_of(np.pad(labels, ((down, 1), (right, 1))))
    for before, after in zip(spheroids_of(labels), moved, strict=True):
        for field in fields(Measures):
            shift = {"centroid_x_px": right, "bbox_x_px": right, "centroid_y_px": down, "bbox_y_px": down}
            expected = getattr(before.measures, field.name) + shift.get(field.name, 0)
            assert getattr(after.measures, field.name) == pytest.approx(expected, rel=1e-5), field.name


def test_objects_keep_their_numbers_and_their_own_confidence() -> None:
    labels = drawn("""
        .......
        .77....
        .77.33.
        ....33.
        .......
    """)
    probability = np.where(labels == 7, np.float32(0.9), np.float32(0.6)).astype(np.float32)
    first, second = spheroids_of(labels, certainty_of(labels, View(probability, covered=labels.shape)))
    assert (first.number, second.number) == (3, 7)
    assert (first.confidence, second.confidence) == pytest.approx((0.6, 0.9))
    assert spheroids_of(labels)[0].confidence is None


@pytest.mark.parametrize(("picture", "touches"), [("... .1. ...", False), ("... 11. ...", True), ("... ... .1.", True)])
def test_an_object_at_the_border_is_told(picture: str, touches: bool) -> None:
    (spheroid,) = spheroids_of(drawn(picture))
    assert spheroid.touches_edge is touches


def test_every_measure_has_a_definition_a_unit_and_a_source() -> None:
    assert list(DEFINITIONS) == [field.name for field in fields(Measures)]
    for name, definition in DEFINITIONS.items():
        unit = {"px": "px", "px2": "px²", "px3": "px³"}.get(name.rpartition("_")[2], "1")
        assert definition.unit == unit
        assert definition.meaning
        assert definition.source
