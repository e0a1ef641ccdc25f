"""Crops of training images."""

import numpy as np
import pytest

from training.augment import crop_of, targets_of, worn
from training.targets import FOREGROUND, HIGHEST, LOWEST, maps_of


def maps(height: int = 200, width: int = 320) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    labels = np.where((columns - 150) ** 2 + (rows - 90) ** 2 < 50**2, 1, 0).astype(np.int32)
    return maps_of(np.where(labels > 0, 0.2, 0.8).astype(np.float32), labels)


@pytest.mark.parametrize("seed", range(20))
def test_a_crop_is_within_range_and_its_targets_lie_under_it(seed: int) -> None:
    view, cropped = crop_of(maps(), 128, np.random.default_rng(seed))
    assert view.shape == (128, 128)
    assert view.dtype == np.float32
    assert LOWEST <= view.min() <= view.max() <= HIGHEST + 1e-6
    targets = targets_of(cropped, 0.4)
    assert targets.shape == (4, 64, 64)
    foreground, core, depth, weight = targets
    assert targets.min() >= 0
    assert targets[:3].max() <= 1
    assert (core <= foreground + 0.51).all()
    assert (depth <= foreground + 0.01).all()
    assert weight.min() > 0
    assert np.isclose(foreground.mean(), (cropped[..., FOREGROUND] / 255).mean(), atol=0.01)


def test_the_same_seed_gives_the_same_crop() -> None:
    first, again = (crop_of(maps(), 96, np.random.default_rng(5)) for _ in range(2))
    other = crop_of(maps(), 96, np.random.default_rng(6))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


def test_an_image_smaller_than_the_crop_fills_it() -> None:
    _, cropped = crop_of(maps(60, 80), 128, np.random.default_rng(0))
    assert cropped.shape == (128, 128, 4)


def test_the_body_stays_where_its_target_is() -> None:
    """Whatever is done to grey values, inside and outside stay two different things in the same places."""
    apart = []
    for seed in range(60):
        view, cropped = crop_of(maps(), 128, np.random.default_rng(seed))
        inside = cropped[..., FOREGROUND] > 127
        if 0.1 < inside.mean() < 0.9:
            apart.append(abs(view[inside].mean() - view[~inside].mean()))
    assert len(apart) > 20
    assert np.mean(np.array(apart) > 0.15) > 0.9


def test_wear_changes_the_view_and_nothing_outside_its_range() -> None:
    view = np.full((64, 64), 0.5, np.float32)
    worn_views = [worn(view, np.random.default_rng(seed)) for seed in range(30)]
    assert all(one.min() >= LOWEST and one.max() <= HIGHEST + 1e-6 for one in worn_views)
    assert not any(np.array_equal(one, view) for one in worn_views)
