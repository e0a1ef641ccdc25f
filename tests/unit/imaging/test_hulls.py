"""Convex hulls, against GEOS on the same points."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from spheroseg.imaging.hulls import hulls_of, lengths_of

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
