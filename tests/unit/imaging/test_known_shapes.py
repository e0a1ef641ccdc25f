"""Measures of drawn shapes whose true size and form are known, in every direction and at places between pixels."""

from dataclasses import asdict
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spheroseg.imaging.labels import outlines_of
from spheroseg.imaging.measures import spheroids_of
from tests.unit.imaging.shapes import Floats, Labels, a_disk, a_polygon, an_ellipse, regular, star

PLACES = [(x / 3, y / 3) for x, y in product((-1.0, 0.1, 1.2), (-0.9, 0.2, 1.1))]
"""Of a shape's middle between pixels."""

LABELS = hnp.arrays(np.int32, st.tuples(st.integers(2, 14), st.integers(2, 14)), elements=st.integers(0, 2))

LENGTHS = {"equivalent_diameter_px", "major_axis_px", "minor_axis_px", "bbox_width_px", "bbox_height_px"}
RATIOS = {"roundness", "extent", "hole_count"}


def measured(labels: Labels) -> dict[str, float]:
    """Of the one object there is."""
    (spheroid,) = spheroids_of(labels)
    return asdict(spheroid.measures)


def square(side: float) -> Floats:
    return np.array([(-1.0, -1.0), (1, -1), (1, 1), (-1, 1)]) * side / 2


def ellipse(ratio: float, radius: float) -> Floats:
    """An ellipse as large as the disk of this radius, by many corners."""
    angles = np.arange(0, 2 * np.pi, 0.02)
    return radius * np.stack([ratio**0.5 * np.cos(angles), np.sin(angles) / ratio**0.5], axis=1)


@pytest.mark.parametrize("radius", [5, 7.5, 10, 12, 15, 20, 31.7, 50, 100, 250, 500])
def test_digital_disks_at_places_between_pixels_have_their_diameter_and_are_round(radius: float) -> None:
    places = PLACES if radius >= 20 else [(x / 7, y / 7) for x, y in product(range(7), range(7))]
    found = [measured(a_disk(radius, place)) for place in (places if radius <= 100 else places[1::6])]
    for measures in found:
        assert 0.98 <= measures["circularity"] <= 1.02
        assert measures["solidity"] == 1
        assert measures["aspect_ratio"] == pytest.approx(1, abs=1 / radius)
    diameters = np.array([measures["equivalent_diameter_px"] for measures in found]) / (2 * radius)
    # The pixels of a small disk number up to 3 % more or less than its area, depending on its place; that is in the
    # label image, and on average it is nothing.
    if radius >= 10:
        assert diameters.mean() == pytest.approx(1, abs=0.001)
    if radius >= 20:
        assert diameters == pytest.approx(np.ones(diameters.size), abs=0.005)


@pytest.mark.parametrize("degrees", range(0, 180, 5))
def test_an_ellipse_has_its_axes_and_widths_in_36_directions(degrees: float) -> None:
    measures = measured(an_ellipse(60, 30, degrees))
    assert measures["equivalent_diameter_px"] == pytest.approx(2 * np.sqrt(60 * 30), rel=0.002)
    assert measures["major_axis_px"] == pytest.approx(120, rel=0.003)
    assert measures["minor_axis_px"] == pytest.approx(60, rel=0.003)
    assert measures["feret_max_px"] == pytest.approx(120, abs=0.8)
    assert measures["feret_min_px"] == pytest.approx(60, abs=0.8)
    assert measures["solidity"] == 1
    assert measures["perimeter_px"] == pytest.approx(290.653, rel=0.005)  # 4·60·E(3/4), the complete elliptic integral


@pytest.mark.parametrize("side", [36, 90])
@pytest.mark.parametrize("degrees", [0, 3, 10, 22.5, 30, 45, 53.13, 70, 87, 90])
def test_a_square_keeps_its_widths_in_every_direction(side: float, degrees: float) -> None:
    found = [measured(a_polygon(square(side), degrees, place)) for place in PLACES[::2]]
    for measures in found:
        # A corner that lies just short of the next pixel's centre is not in the label image.
        assert measures["feret_max_px"] == pytest.approx(side * 2**0.5, abs=1.5)
        assert measures["feret_min_px"] == pytest.approx(side, abs=0.75)
        assert measures["solidity"] == 1
        assert measures["perimeter_px"] == pytest.approx(4 * side, rel=0.04 if side == 36 else 0.015)
    assert np.mean([measures["feret_max_px"] for measures in found]) == pytest.approx(side * 2**0.5, abs=0.9)
    assert np.mean([measures["feret_min_px"] for measures in found]) == pytest.approx(side, abs=0.2)


def test_the_widths_of_a_square_along_rows_are_exact() -> None:
    measures = measured(a_polygon(square(90)))
    assert (measures["feret_max_px"], measures["feret_min_px"]) == pytest.approx((90 * 2**0.5, 90))


@pytest.mark.parametrize("degrees", range(0, 91, 15))
def test_a_triangle_keeps_its_widths_in_every_direction(degrees: float) -> None:
    corners = regular(3, 60)
    side = float(np.hypot(*(corners[1] - corners[0])))
    measures = measured(a_polygon(corners, degrees, (0.2, 0.4)))
    assert measures["equivalent_diameter_px"] == pytest.approx(120, rel=0.005)
    assert measures["feret_max_px"] == pytest.approx(side, abs=1.2)
    assert measures["feret_min_px"] == pytest.approx(side * 3**0.5 / 2, abs=1.2)
    assert measures["perimeter_px"] == pytest.approx(3 * side, rel=0.015)
    assert measures["solidity"] == 1


@pytest.mark.parametrize("degrees", [0, 13, 36])
def test_a_star_is_as_hollow_as_it_is(degrees: float) -> None:
    corners = star(5, 100, 0.5)
    measures = measured(a_polygon(corners, degrees))
    hull = regular_hull_area(corners)
    assert measures["area_px2"] == pytest.approx(np.pi * 100**2, rel=0.002)
    assert measures["solidity"] == pytest.approx(np.pi * 100**2 / hull, rel=0.02)  # its thin tips hold few pixels
    edge = float(np.hypot(*(corners[1] - corners[0])))
    assert measures["perimeter_px"] == pytest.approx(10 * edge, rel=0.02)
    assert measures["convexity"] == pytest.approx(5 * np.hypot(*(corners[2] - corners[0])) / (10 * edge), rel=0.02)


def regular_hull_area(corners: Floats) -> float:
    tips = corners[::2]
    x, y = tips.T
    return float(abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2)


def test_an_annulus_has_the_area_between_its_circles_and_both_boundaries() -> None:
    labels = a_disk(80)
    labels[np.pad(a_disk(50, (0.3, 0.2)), 30) > 0] = 0
    measures = measured(labels)
    assert measures["area_px2"] == pytest.approx(np.pi * (80**2 - 50**2), rel=0.003)
    assert measures["hole_count"] == 1
    assert measures["hole_area_px2"] == pytest.approx(np.pi * 50**2, rel=0.003)
    assert measures["perimeter_px"] == pytest.approx(2 * np.pi * 80, rel=0.005)
    assert measures["perimeter_with_holes_px"] == pytest.approx(2 * np.pi * (80 + 50), rel=0.005)
    assert measures["feret_max_px"] == pytest.approx(160, abs=0.8)


def test_islands_in_holes_count_to_any_depth() -> None:
    size, depth = 120, 14
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    ring = np.minimum(np.maximum(abs(x), abs(y)) // 4, depth)
    labels = ((ring % 2 == 1) & (ring < depth)).astype(np.int32)
    measures = measured(labels)
    assert measures["area_px2"] == np.count_nonzero(labels)
    assert measures["hole_count"] == depth / 2
    polygons = outlines_of(labels)[1]
    assert len(polygons) == depth / 2
    assert all(len(polygon.holes) == 1 for polygon in polygons)


@pytest.mark.parametrize(
    "corners",
    [
        pytest.param(ellipse(3, 20), id="ellipse"),
        pytest.param(square(36), id="square"),
        pytest.param(regular(3, 20), id="triangle"),
        pytest.param(regular(6, 20), id="hexagon"),
        pytest.param(star(5, 20, 0.5), id="star"),
    ],
)
def test_a_turn_changes_no_measure_by_more_than_a_hundredth(corners: Floats) -> None:
    """Mean over places between pixels: what a place does to the pixels is not the direction's doing."""
    turned = [[measured(a_polygon(corners, degrees, place)) for place in PLACES] for degrees in range(0, 90, 15)]
    names = [
        *("area_px2", "equivalent_diameter_px", "perimeter_px", "roundness", "solidity", "convexity"),
        *("feret_max_px", "feret_min_px", "aspect_ratio", "major_axis_px", "minor_axis_px"),
        *("circularity", "compactness", "sphericity", "ellipsoid_volume_px3", "sphere_volume_px3"),
    ]
    for name in names:
        means = np.array([np.mean([measures[name] for measures in at_places]) for at_places in turned])
        allowed = 0.015 if name in {"circularity", "compactness", "ellipsoid_volume_px3"} else 0.01  # squares of others
        assert np.abs(means / means.mean() - 1).max() < allowed, name


@settings(max_examples=60, deadline=None)
@given(LABELS, st.integers(2, 4))
def test_an_enlarged_image_has_enlarged_measures(labels: Labels, factor: int) -> None:
    large = spheroids_of(np.kron(labels, np.ones((factor, factor), np.int32)))
    for small, enlarged in zip(spheroids_of(labels), large, strict=True):
        before, after = asdict(small.measures), asdict(enlarged.measures)
        powers = {**dict.fromkeys(LENGTHS, 1), **dict.fromkeys(RATIOS, 0), "area_px2": 2, "sphere_volume_px3": 3}
        for name, power in powers.items():
            assert after[name] == pytest.approx(before[name] * factor**power), name
        assert after["hole_area_px2"] == pytest.approx(before["hole_area_px2"] * factor**2)


def test_a_body_drawn_twice_as_large_has_twice_the_lengths() -> None:
    for degrees in (0, 20, 50):
        small, large = measured(an_ellipse(40, 25, degrees)), measured(an_ellipse(80, 50, degrees))
        for name, power in {"perimeter_px": 1, "feret_max_px": 1, "feret_min_px": 1, "area_px2": 2}.items():
            assert large[name] == pytest.approx(small[name] * 2**power, rel=0.015), name


@settings(max_examples=60, deadline=None)
@given(LABELS)
def test_a_quarter_turn_and_a_mirror_change_nothing(labels: Labels) -> None:
    same = [name for name in measured_names() if "_x_" not in name and "_y_" not in name and "bbox" not in name]
    before = spheroids_of(labels)
    for changed in (np.rot90(labels), labels[::-1], labels[:, ::-1], labels.T):
        for first, second in zip(before, spheroids_of(np.ascontiguousarray(changed)), strict=True):
            for name in same:
                expected = getattr(first.measures, name)
                assert getattr(second.measures, name) == pytest.approx(expected, rel=1e-5), name


def measured_names() -> list[str]:
    return list(measured(a_disk(5)))


@settings(max_examples=60, deadline=None)
@given(LABELS, LABELS)
def test_objects_apart_do_not_change_one_another_and_add_up_as_one(first: Labels, second: Labels) -> None:
    first, second = (first > 0).astype(np.int32), (second > 0).astype(np.int32)
    if not (first.any() and second.any()):
        return
    height = max(first.shape[0], second.shape[0])
    beside = np.zeros((height, first.shape[1] + second.shape[1] + 1), np.int32)
    beside[: first.shape[0], : first.shape[1]] = first
    alone, beside_it = measured(beside.copy()), np.zeros_like(beside)
    beside_it[: second.shape[0], first.shape[1] + 1 :] = second
    other = measured(beside_it)
    both = spheroids_of(beside + 2 * beside_it)
    assert asdict(both[0].measures) == pytest.approx(alone, rel=1e-5)
    assert asdict(both[1].measures) == pytest.approx(other, rel=1e-5)

    union = measured(beside + beside_it)
    sums = ("area_px2", "perimeter_px", "perimeter_with_holes_px", "hole_count", "hole_area_px2")
    for name in sums:
        assert union[name] == pytest.approx(alone[name] + other[name], rel=1e-5), name


@settings(max_examples=60, deadline=None)
@given(LABELS)
def test_widths_keep_their_order_and_within_the_pixels(labels: Labels) -> None:
    for spheroid in spheroids_of(labels):
        measures = spheroid.measures
        assert 0 < measures.feret_min_px <= measures.feret_max_px * (1 + 1e-12)
        assert measures.feret_max_px <= np.hypot(measures.bbox_width_px, measures.bbox_height_px) * (1 + 1e-12)
        assert 0 < measures.solidity <= 1
        assert measures.aspect_ratio >= 1 - 1e-12


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 7), (9, 1), (2, 2), (5, 3)])
def test_bodies_along_rows_have_the_widths_of_their_pixels(width: int, height: int) -> None:
    measures = measured(np.pad(np.ones((height, width), np.int32), 2))
    assert measures["feret_max_px"] == pytest.approx(np.hypot(width, height))
    assert measures["feret_min_px"] == pytest.approx(min(width, height))
    assert measures["solidity"] == 1


def test_a_thin_line_across_the_grid_is_measured() -> None:
    measures = measured(np.eye(12, dtype=np.int32))
    assert measures["feret_max_px"] == pytest.approx(12 * 2**0.5)
    assert measures["feret_min_px"] == pytest.approx(2**0.5)
    assert measures["solidity"] == 1
