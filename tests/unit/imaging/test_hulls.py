"""Convex hulls, against GEOS on the same points."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from spheroseg.imaging.boundaries import trace
from spheroseg.imaging.hulls import hulls_of, hulls_of_rings, lengths_of

POINTS = st.integers(1, 25).flatmap(lambda count: arrays.arrays(np.int64, (count, 2), elements=st.integers(-9, 9)))


@settings(deadline=None, max_examples=50)
@given(st.lists(POINTS, min_size=1, max_size=4))
def test_hulls_are_those_of_geos(groups: list[NDArray[np.int64]]) -> None:
    points = np.concatenate(groups)
    hulls = hulls_of(points[:, 0], points[:, 1], np.concatenate([[0], np.cumsum([len(group) for group in groups])]))
    lengths = lengths_of(hulls)
    for index, group in enumerate(groups):
        hull = shapely.MultiPoint(group).convex_hull
        mine = slice(hulls.starts[index], hulls.starts[index + 1])
        corners = list(zip(hulls.x[mine].tolist(), hulls.y[mine].tolist(), strict=True))
        assert set(corners) == {(int(x), int(y)) for x, y in shapely.get_coordinates(hull)}
        assert len(set(corners)) == len(corners)
        assert corners[0] == min(corners)
        assert lengths[index] == pytest.approx(hull.length * (1 if hull.geom_type == "Polygon" else 2))
        if len(corners) > 2:
            assert shapely.Polygon(corners).exterior.is_ccw  # x and y as GEOS sees them: the way of small y first


def test_floats_take_the_same_way() -> None:
    rng = np.random.default_rng(3)
    points = rng.normal(size=(500, 2)).astype(np.float32)
    hulls = hulls_of(points[:, 0], points[:, 1], np.array([0, 200, 500]))
    expected = [shapely.MultiPoint(part.astype(np.float64)).convex_hull.length for part in (points[:200], points[200:])]
    assert lengths_of(hulls).tolist() == pytest.approx(expected)


def turned(points: list[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    x, y = np.array(points).T
    return x, y


SPIRAL = [(0, 0), (10, 0), (10, 10), (-4, 10), (-4, -6), (14, -6), (14, 14), (13, 14), (13, -5), (-3, -5), (-3, 9), (9, 9), (9, 1), (0, 1)]  # fmt: skip
SPIKE = [(0, 0), (4, 0), (9, 9), (4, 0), (4, 4), (0, 4)]
THERE_AND_BACK = [(2, 2), (5, 5), (7, 7), (5, 5)]
ONE_PLACE = [(3, 3), (3, 3)]
STAR = [(0, 5), (4, 4), (5, 0), (6, 4), (10, 5), (6, 6), (5, 10), (4, 6)]


@pytest.mark.parametrize("line", [SPIRAL, SPIKE, THERE_AND_BACK, ONE_PLACE, STAR, [(1, 2)]])
def test_closed_lines_have_the_hull_of_their_points(line: list[tuple[int, int]]) -> None:
    x, y = turned([*STAR, *line])
    starts = np.array([0, len(STAR), x.size])
    for either in (hulls_of_rings(x, y, starts), hulls_of_rings(x.astype(np.float32), y.astype(np.float32), starts)):
        for found, expected in zip(either, hulls_of(x, y, starts), strict=True):
            assert found.tolist() == expected.tolist()


@settings(deadline=None, max_examples=100)
@given(arrays.arrays(np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 1)))
def test_outer_rings_of_any_object_have_the_hull_of_their_points(labels: NDArray[np.int32]) -> None:
    rings = trace(labels)
    outer = rings.area_px2 > 0
    x, y = rings.corners[np.repeat(outer, np.diff(rings.starts))].T
    starts = np.concatenate([[0], np.cumsum(np.diff(rings.starts)[outer])])
    if x.size:
        for found, expected in zip(hulls_of_rings(x, y, starts), hulls_of(x, y, starts), strict=True):
            assert found.tolist() == expected.tolist()
