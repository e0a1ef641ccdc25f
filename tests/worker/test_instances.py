"""Objects from drawn probabilities, so that what must come out is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.segmentation import watershed

from segmentation_worker.enlargement import enlarged
from segmentation_worker.instances import Labels, Probability, draw_objects, find_objects
from segmentation_worker.postprocessing import Postprocessing
from spheroseg.imaging.measures import spheroids_of

SETTINGS = Postprocessing(
    core_threshold=0.5, seed_peak=0.65, min_diameter_px=6, min_hole_diameter_px=3, min_certainty=0.6
)
SIZE = 128


def disks(*placed: tuple[float, float, float]) -> tuple[Probability, Probability]:
    """Foreground and core of disks (x, y, radius) in an image of 128 × 128."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    foreground = np.full((SIZE, SIZE), 0.02)
    core = np.full((SIZE, SIZE), 0.02)
    for cx, cy, radius in placed:
        inward = radius - np.hypot(x - cx, y - cy)
        foreground = np.maximum(foreground, 0.98 / (1 + np.exp(-3 * inward)))
        core = np.maximum(core, 0.98 / (1 + np.exp(-2 * (inward - 0.4 * radius))))
    return foreground.astype(np.float32), core.astype(np.float32)


def objects(
    foreground: Probability,
    core: Probability,
    factor: float = 1,
    threshold: float = 0.5,
    min_diameter_px: float = 0,
    *,
    holes: bool = True,
) -> Labels:
    seen = find_objects(foreground, core, threshold, 6, SETTINGS)
    shape = (round(foreground.shape[0] * factor), round(foreground.shape[1] * factor))
    return draw_objects(seen, enlarged(seen.foreground, shape) > threshold, min_diameter_px, holes=holes)


@pytest.mark.parametrize("factor", [1, 1.75, 4, 9.5])
def test_a_disk_keeps_its_place_size_and_roundness_at_any_size(factor: float) -> None:
    (spheroid,) = spheroids_of(objects(*disks((50, 70, 24)), factor))
    measures = spheroid.measures
    assert measures.centroid_x_px == pytest.approx(50 * factor, abs=0.1 * factor)
    assert measures.centroid_y_px == pytest.approx(70 * factor, abs=0.1 * factor)
    assert measures.equivalent_diameter_px == pytest.approx(48 * factor, rel=0.01)
    assert 0.98 <= measures.circularity <= 1.02


def test_touching_objects_share_a_straight_border_halfway() -> None:
    labels = objects(*disks((40, 64, 26), (88, 64, 26)), factor=4)
    assert np.unique(labels).tolist() == [0, 1, 2]
    border = [(np.flatnonzero(row == 1).max(), np.flatnonzero(row == 2).min()) for row in labels[236:276]]
    assert all(right == left + 1 for left, right in border)
    assert all(abs(left - 255.5) <= 3 for left, _ in border)


def test_a_foreground_without_a_sure_core_is_no_object_and_takes_no_ground() -> None:
    foreground, core = disks((40, 64, 26), (88, 64, 26))
    core[:, 64:] = np.minimum(core[:, 64:], 0.6)  # above the threshold, nowhere sure
    assert objects(foreground, core).max() == 1
    far, faint = disks((30, 30, 20), (95, 95, 20))
    faint[64:] = 0.1
    (spheroid,) = spheroids_of(objects(far, faint, factor=2))
    assert spheroid.measures.equivalent_diameter_px == pytest.approx(80, rel=0.02)


def test_an_object_is_dropped_when_its_probability_is_low_on_the_whole() -> None:
    foreground, core = disks((64, 64, 30))
    assert objects(foreground * 0.75, core).max() == 0
    assert objects(foreground, core).max() == 1


def test_small_objects_are_dropped_and_numbers_have_no_gap() -> None:
    foreground, core = disks((30, 30, 2), (80, 30, 12), (30, 90, 20), (90, 90, 9))
    assert [round(s.measures.equivalent_diameter_px) for s in spheroids_of(objects(foreground, core))] == [24, 40, 18]
    few = objects(foreground, core, factor=3, min_diameter_px=60)
    assert [(s.number, round(s.measures.equivalent_diameter_px / 3)) for s in spheroids_of(few)] == [(1, 24), (2, 40)]


def test_holes_are_kept_or_filled_as_asked_and_pinholes_never_kept() -> None:
    foreground, core = disks((64, 64, 50))
    hole, _ = disks((64, 64, 18))
    foreground = np.minimum(foreground, 1 - hole).astype(np.float32)
    core = np.minimum(core, 1 - hole).astype(np.float32)
    foreground[64:66, 30:32] = 0.1
    (kept,) = spheroids_of(objects(foreground, core, factor=2))
    (filled,) = spheroids_of(objects(foreground, core, factor=2, holes=False))
    assert (kept.measures.hole_count, filled.measures.hole_count) == (1, 0)
    assert kept.measures.hole_area_px2 == pytest.approx(np.pi * 36**2, rel=0.03)
    assert filled.measures.area_px2 == pytest.approx(np.pi * 100**2, rel=0.01)


def test_an_object_inside_the_hole_of_another_is_swallowed_only_when_holes_are_filled() -> None:
    foreground, _ = disks((64, 64, 55))
    hole, _ = disks((64, 64, 34))
    island, island_core = disks((64, 64, 20))
    foreground = np.maximum(np.minimum(foreground, 1 - hole), island).astype(np.float32)
    core = np.maximum(disks((64, 64, 50))[0] - disks((64, 64, 40))[0], island_core).astype(np.float32)
    assert objects(foreground, core).max() == 2
    (filled,) = spheroids_of(objects(foreground, core, holes=False))
    assert filled.number == 1
    assert filled.measures.area_px2 == pytest.approx(np.pi * 55**2, rel=0.02)


def test_background_between_two_objects_is_no_hole_of_either() -> None:
    foreground, core = disks((40, 64, 26), (88, 64, 26))
    assert np.array_equal(objects(foreground, core), objects(foreground, core, holes=False))


def test_nothing_is_found_in_nothing() -> None:
    empty = np.zeros((SIZE, SIZE), np.float32)
    assert not objects(empty, empty, factor=2).any()
    assert spheroids_of(objects(empty, empty)) == []


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1, 5), st.floats(0.1, 0.9), st.booleans())
def test_objects_are_numbered_without_gaps_in_one_piece_and_within_the_foreground(
    seed: int, factor: float, threshold: float, holes: bool
) -> None:
    random = np.random.default_rng(seed)
    placed = [tuple(random.uniform((0, 0, 4), (SIZE, SIZE, 30))) for _ in range(random.integers(1, 12))]
    foreground, core = disks(*placed)
    labels = objects(foreground, core, factor, threshold, holes=holes)
    spheroids = spheroids_of(labels)
    assert [spheroid.number for spheroid in spheroids] == list(range(1, len(spheroids) + 1))
    assert all(len(spheroid.polygons) == 1 for spheroid in spheroids)
    if not holes:
        assert not any(spheroid.measures.hole_count for spheroid in spheroids)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_shortcuts_give_what_filling_and_flooding_everything_gives(seed: int) -> None:
    random = np.random.default_rng(seed)
    foreground, core = (
        (1 / (1 + np.exp(-25 * ndimage.gaussian_filter(random.normal(size=(SIZE, SIZE)), sigma)))).astype(np.float32)
        for sigma in (2, 4)
    )
    anything = SETTINGS.model_copy(update={"min_certainty": 0, "min_hole_diameter_px": 6, "seed_peak": 0.5})
    seen = find_objects(foreground, core, 0.5, 0, anything)

    outside, _ = ndimage.label(foreground <= 0.5, structure=np.ones((3, 3)))
    areas = np.bincount(outside.ravel())
    border = np.concatenate([outside[0], outside[-1], outside[:, 0], outside[:, -1]])
    holes = (areas < np.pi / 4 * 6**2) & ~np.isin(np.arange(areas.size), border)
    holes[0] = False
    filled = np.where(holes[outside], np.float32(1), foreground)
    assert np.array_equal(seen.foreground, filled)
    inside = filled > 0.5
    seeds, count = ndimage.label(inside & (core > 0.5))
    flooded = watershed(-core, seeds, mask=inside)  # type: ignore[no-untyped-call]
    assert seen.count == count
    assert np.array_equal(np.where(seen.labels <= count, seen.labels, 0), flooded)
