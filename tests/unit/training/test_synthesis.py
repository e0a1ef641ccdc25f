"""Synthetic images: what is drawn and what the mask says."""

import json

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from training.synthesis import Kind, synthesize

KINDS = pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.value)


def test_a_seed_gives_the_same_image_again() -> None:
    first, second = synthesize(11, height_px=128, width_px=160), synthesize(11, height_px=128, width_px=160)

    assert np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(first.labels, second.labels)
    assert first.recipe == second.recipe
    assert not np.array_equal(first.pixels, synthesize(12, height_px=128, width_px=160).pixels)


@KINDS
def test_labels_are_whole_objects_numbered_without_gaps(kind: Kind) -> None:
    for seed in range(6):
        image = synthesize(seed, height_px=160, width_px=192, kind=kind)

        assert image.pixels.shape == image.labels.shape == (160, 192)
        assert image.pixels.dtype in (np.uint8, np.uint16)
        assert image.labels.dtype == np.int32
        areas = np.bincount(image.labels.ravel())[1:]
        assert (areas >= 28).all()
        assert len(areas) == image.recipe.objects
        for number in range(1, len(areas) + 1):
            assert cv2.connectedComponents((image.labels == number).astype(np.uint8), connectivity=8)[0] == 2
        assert image.pixels.min() < image.pixels.max()


@pytest.mark.parametrize(("height", "width"), [(97, 640), (640, 97), (32, 32), (33, 257)])
def test_any_size_is_drawn(height: int, width: int) -> None:
    for seed, kind in enumerate(Kind):
        image = synthesize(seed, height_px=height, width_px=width, kind=kind)

        assert image.pixels.shape == image.labels.shape == (height, width)


def test_a_side_or_seed_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="31 px"):
        synthesize(0, height_px=31)
    with pytest.raises(ValueError, match="non-negative"):
        synthesize(-1)


def test_a_recipe_is_json_and_draws_the_image_again() -> None:
    image = synthesize(21, height_px=100, width_px=120, kind=Kind.CYSTIC)
    told = json.loads(json.dumps(image.recipe.as_dict()))

    again = synthesize(told["seed"], height_px=told["height_px"], width_px=told["width_px"], kind=Kind(told["asked"]))
    assert np.array_equal(image.pixels, again.pixels)
    assert again.recipe == image.recipe


def test_empty_images_have_no_objects_and_are_drawn_among_others() -> None:
    assert synthesize(1, height_px=64, width_px=64, kind=Kind.EMPTY).labels.max() == 0
    kinds = {synthesize(seed, height_px=32, width_px=32).recipe.kind for seed in range(90)}
    assert kinds == set(Kind)


def test_both_depths_are_drawn() -> None:
    depths = {synthesize(seed, height_px=40, width_px=40, kind=Kind.EMPTY).pixels.dtype for seed in range(30)}

    assert depths == {np.dtype(np.uint8), np.dtype(np.uint16)}


def _touching(labels: NDArray[np.int32]) -> bool:
    pairs = [(labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])]
    return any(((a != b) & (a > 0) & (b > 0)).any() for a, b in pairs)


def test_bodies_of_the_touching_kind_touch() -> None:
    for seed in range(15):
        assert _touching(synthesize(seed, height_px=256, width_px=256, kind=Kind.TOUCHING).labels), seed
