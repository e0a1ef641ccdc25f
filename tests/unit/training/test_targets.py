"""Label images to what a network learns from them."""

import numpy as np
import pytest

from training.targets import DEPTH, FOREGROUND, NEUTRAL, TOUCHING, VIEW, WEIGHT, depth_of, maps_of, touching, view_of


def disk(size: int, x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size]
    inside: np.ndarray = (columns - x) ** 2 + (rows - y) ** 2 < radius**2
    return inside


def two_touching() -> np.ndarray:
    labels = np.zeros((64, 64), np.int32)
    labels[disk(64, 20, 32, 12)] = 1
    labels[disk(64, 44, 32, 12)] = 2
    return labels


@pytest.mark.parametrize("radius", [4, 10, 25])
def test_depth_is_full_in_the_middle_of_an_object_of_any_size_and_falls_to_its_rim(radius: int) -> None:
    labels = disk(64, 32, 32, radius).astype(np.int32)
    depth = depth_of(labels)
    assert depth.max() == 255
    assert depth[32, 32] >= 250
    assert depth[labels == 0].max() == 0
    along = depth[32, 32:][labels[32, 32:] > 0].astype(int)
    assert (np.diff(along) <= 0).all()
    assert along[-1] <= 255 * 2 / radius


def test_an_object_that_the_border_cuts_is_deep_there() -> None:
    labels = disk(64, 0, 32, 20).astype(np.int32)
    assert depth_of(labels)[32, 0] >= 250


def test_an_object_without_a_rim_in_view_is_deep_everywhere() -> None:
    assert (depth_of(np.ones((16, 24), np.int32)) == 255).all()


def test_depths_of_neighbours_do_not_mix() -> None:
    labels = two_touching()
    whole = depth_of(labels)
    alone = depth_of(np.where(labels == 2, 2, 0).astype(np.int32))
    assert np.array_equal(whole[labels == 2], alone[labels == 2])


def test_pixels_where_two_objects_touch_weigh_more() -> None:
    labels = two_touching()
    line = touching(labels)
    assert line[32, 32]
    assert not line[32, 12]
    assert not line[0, 0]
    assert not touching(np.where(labels == 1, 7, 0).astype(np.int32)).any()
    maps = maps_of(np.zeros(labels.shape, np.float32), labels)
    assert set(np.unique(maps[..., WEIGHT])) == {NEUTRAL, NEUTRAL * TOUCHING}


def test_rims_of_silver_masks_weigh_less() -> None:
    labels = disk(64, 32, 32, 20).astype(np.int32)
    weight = maps_of(np.zeros(labels.shape, np.float32), labels, rim_weight=0.25)[..., WEIGHT]
    assert weight[32, 51] == NEUTRAL / 4
    assert weight[32, 32] == weight[0, 0] == NEUTRAL


def test_views_survive_being_kept_in_8_bits() -> None:
    view = np.linspace(-0.2, 1.2, 64 * 64, dtype=np.float32).reshape(64, 64)
    maps = maps_of(view, two_touching())
    assert np.abs(view_of(maps[..., VIEW]) - view).max() <= 1.4 / 255 / 2 + 1e-6
    assert np.array_equal(maps[..., FOREGROUND] > 0, two_touching() > 0)
    assert np.array_equal(maps[..., DEPTH], depth_of(two_touching()))
