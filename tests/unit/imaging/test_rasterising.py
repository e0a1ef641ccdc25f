"""Outlines to pixels: exact, without loss between neighbours, and with the measures that the pixels had before."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spheroseg.domain.spheroid import Polygon
from spheroseg.imaging.labels import outlines_of
from spheroseg.imaging.measures import spheroids_of
from spheroseg.imaging.rasterising import (
    drawn,
    labels_of,
    measures_of_outlines,
    overlapping,
    shared_areas,
    stretches_of,
)
from tests.unit.imaging.shapes import Labels


def scene(seed: int, side: int = 60) -> Labels:
    """Bodies that touch, with holes, islands, single pixels and contact with the border."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((side, side), np.int32)
    y, x = np.mgrid[:side, :side] + 0.5
    for number in range(1, 9):
        row, column = rng.uniform(0, side, 2)
        labels[np.hypot(y - row, (x - column) * rng.uniform(0.6, 1.4)) < rng.uniform(1, 14)] = number
    labels[rng.random(labels.shape) < 0.04] = 0
    return labels


@pytest.mark.parametrize("seed", range(4))
def test_outlines_along_pixel_edges_give_their_pixels_and_the_very_measures_back(seed: int) -> None:
    labels = scene(seed)
    spheroids = spheroids_of(labels)
    assert (labels_of(outlines_of(labels), labels.shape) == labels).all()
    together = measures_of_outlines(stretches_of([spheroid.polygons for spheroid in spheroids]))
    assert together == [spheroid.measures for spheroid in spheroids]
    for spheroid in spheroids:
        assert measures_of_outlines(stretches_of([spheroid.polygons])) == [spheroid.measures]


def quarter(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(int(4 * low), int(4 * high)).map(lambda steps: steps / 4)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(quarter(0, 16), quarter(0, 16)), min_size=4, max_size=12))
def test_every_centre_belongs_to_one_of_the_outlines_that_share_a_line(points: list[tuple[float, float]]) -> None:
    """Triangles of a plane without gaps: each centre inside of all together is in exactly one of them."""
    cloud = shapely.MultiPoint(points)
    triangles = [one for one in shapely.delaunay_triangles(cloud).geoms if one.area > 0]
    whole = shapely.union_all(triangles)  # a narrow cloud's hull is not covered to its edge
    outlines = [(Polygon(tuple((x, y) for x, y in one.exterior.coords[:-1])),) for one in triangles]
    stretches = stretches_of(outlines)
    assert overlapping(stretches) is None
    shown = drawn(stretches, np.arange(1, len(outlines) + 1), (17, 17))
    for row, column in np.ndindex(17, 17):
        centre = shapely.Point(column + 0.5, row + 0.5)
        inside = [number for number, one in enumerate(triangles, start=1) if shapely.contains_properly(one, centre)]
        if inside:
            assert shown[row, column] == inside[0]
        elif shapely.contains_properly(whole, centre):
            assert shown[row, column] > 0


def test_a_centre_on_the_outline_belongs_to_the_right_and_to_below() -> None:
    square = Polygon(((0.5, 0.5), (2.5, 0.5), (2.5, 2.5), (0.5, 2.5)))
    stretches = stretches_of([(square,)])
    assert drawn(stretches, np.array([1]), (3, 3)).tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]


def test_shared_pixels_are_those_of_the_label_images() -> None:
    first, second = scene(1), scene(2)
    ones, others = outlines_of(first), outlines_of(second)
    shared = shared_areas(stretches_of(list(ones.values())), stretches_of(list(others.values())), first.shape[1])
    named = {(list(ones)[one], list(others)[other]): area for (one, other), area in shared.items()}
    pairs, counts = np.unique(np.stack([first, second]).reshape(2, -1), axis=1, return_counts=True)
    expected = {(int(a), int(b)): int(n) for a, b, n in zip(*pairs, counts, strict=True) if a and b}
    assert named == expected


def test_what_shares_a_pixel_is_named() -> None:
    ones = [(Polygon(((0, 0), (4, 0), (4, 4), (0, 4))),), (Polygon(((3, 3), (6, 3), (6, 6), (3, 6))),)]
    assert overlapping(stretches_of(ones)) == (0, 1, 3, 3)
    with pytest.raises(ValueError, match="Spheroids 5 and 9 share a pixel"):
        labels_of({5: ones[0], 9: ones[1]}, (8, 8))


def test_nothing_between_centres_has_no_pixel_and_no_measures() -> None:
    stretches = stretches_of([(Polygon(((1.75, 1.75), (2.25, 1.75), (2.25, 2.25), (1.75, 2.25))),)])
    assert stretches.areas.tolist() == [0]
    with pytest.raises(ValueError, match="no measures"):
        measures_of_outlines(stretches)
