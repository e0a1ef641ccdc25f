from itertools import pairwise
from math import hypot

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spheroseg.domain.spheroid import Polygon
from spheroseg.imaging.labels import outlines_of
from spheroseg.imaging.simplify import simplified
from tests.unit.imaging.shapes import Labels, a_disk, an_ellipse

SMALL_LABELS = hnp.arrays(np.int32, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.integers(0, 3))
Outlines = dict[int, tuple[Polygon, ...]]


def shapes_of(polygons: tuple[Polygon, ...]) -> list[shapely.Polygon]:
    return [shapely.Polygon(polygon.exterior, polygon.holes) for polygon in polygons]


def corners_of(outlines: Outlines) -> int:
    return sum(len(ring) for polygons in outlines.values() for one in polygons for ring in (one.exterior, *one.holes))


def touching_cells() -> Labels:
    """Nine cells in a disk, each touching its neighbours, with a hole and an island."""
    size = 240
    y, x = np.mgrid[:size, :size] + 0.5
    seeds = [(60, 60), (120, 50), (185, 65), (55, 125), (122, 118), (190, 120), (65, 185), (125, 190), (180, 178)]
    labels: Labels = np.argmin([np.hypot(x - u, y - v) for u, v in seeds], axis=0).astype(np.int32) + 1
    labels[np.hypot(x - 120, y - 120) > 105] = 0
    labels[np.hypot(x - 120, y - 118) < 20] = 0
    labels[np.hypot(x - 120, y - 118) < 9] = 10
    labels[np.hypot(x - 185, y - 120) < 8] = 11
    return labels


def check_promises(labels: Labels, tolerance: float) -> Outlines:
    exact = outlines_of(labels)
    found = simplified(exact, tolerance)
    assert list(found) == list(exact)
    everything = []
    for number, polygons in found.items():
        before, after = shapes_of(exact[number]), shapes_of(polygons)
        assert len(before) == len(after)
        everything += after
        for old, new in zip(before, after, strict=True):
            assert new.is_valid
            assert len(new.interiors) == len(old.interiors)
            assert new.area == pytest.approx(old.area, rel=0.001)
            assert shapely.hausdorff_distance(old.boundary, new.boundary, densify=0.2) <= tolerance + 0.01
    for place, one in enumerate(everything):
        for other in everything[place + 1 :]:
            assert one.intersection(other).area < 1e-3
    return found


@pytest.mark.parametrize("tolerance", [0.7, 1.0, 2.0, 5.0])
def test_touching_cells_keep_area_neighbours_holes_and_islands(tolerance: float) -> None:
    labels = touching_cells()
    found = check_promises(labels, tolerance)
    assert corners_of(found) < (0.7 if tolerance < 1 else 0.3) * corners_of(outlines_of(labels))
    whole = shapely.union_all([shape for polygons in found.values() for shape in shapes_of(polygons)])
    assert len(whole.interiors if whole.geom_type == "Polygon" else whole.geoms[0].interiors) <= 1  # no gap appeared


@settings(max_examples=60, deadline=None)
@given(SMALL_LABELS, st.sampled_from([0.3, 0.8, 1.5, 6.0]))
def test_whatever_the_labels_are_the_promises_hold(labels: Labels, tolerance: float) -> None:
    check_promises(labels, tolerance)


def test_a_disk_needs_few_corners_and_has_the_length_of_a_circle() -> None:
    found = simplified(outlines_of(a_disk(80, (0.3, 0.1))), 1.0)
    ((polygon,),) = found.values()
    assert len(polygon.exterior) < 50
    ring = [*polygon.exterior, polygon.exterior[0]]
    length = sum(hypot(x1 - x0, y1 - y0) for (x0, y0), (x1, y1) in pairwise(ring))
    assert length == pytest.approx(2 * np.pi * 80, rel=0.01)  # along pixel edges it is 27 % longer


def test_neighbours_share_their_line_still() -> None:
    labels = an_ellipse(60, 40, 20)
    labels[:, labels.shape[1] // 2 :] *= 2
    first, second = (shapes_of(polygons)[0] for polygons in simplified(outlines_of(labels), 1.5).values())
    assert first.intersection(second).length == pytest.approx(
        shapely.shared_paths(first.exterior, second.exterior).length
    )
    assert first.intersection(second).length > 70


def test_what_does_not_run_along_pixel_edges_is_refused() -> None:
    with pytest.raises(ValueError, match="pixel edges"):
        simplified({1: (Polygon(((0, 0), (4, 1), (0, 2))),)}, 1)
    with pytest.raises(ValueError, match="pixel edges"):
        simplified({1: (Polygon(((0, 0), (4.5, 0), (4.5, 2), (0, 2))),)}, 1)
    with pytest.raises(ValueError, match="above 0"):
        simplified({}, 0)


def test_nothing_is_simplified_to_nothing() -> None:
    assert simplified({}, 1) == {}
