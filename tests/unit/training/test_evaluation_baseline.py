import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from training.evaluation import judge
from training.evaluation.baseline import find_by_otsu
from training.evaluation.judging import ImageFigures


def scene(*disks: tuple[int, int, int]) -> NDArray[np.int32]:
    labels = np.zeros((300, 400), np.int32)
    for number, (x, y, radius) in enumerate(disks, start=1):
        cv2.circle(labels, (x, y), radius, number, cv2.FILLED)
    return labels


def found(labels: NDArray[np.int32], inside: int, outside: int, dtype: str = "uint8") -> ImageFigures:
    grey = np.where(labels > 0, inside, outside) + np.random.default_rng(0).normal(0, 4, labels.shape)
    (image,) = judge([("scene", labels, find_by_otsu(grey.astype(dtype)))]).images
    return image


@pytest.mark.parametrize(("inside", "outside"), [(60, 180), (180, 60)], ids=["dark", "bright"])
def test_objects_are_found_on_either_background(inside: int, outside: int) -> None:
    image = found(scene((100, 100, 50), (280, 180, 70)), inside, outside)
    assert (image.found_count, image.ap75) == (2, 1)
    assert image.foreground_iou > 0.97


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_any_pixel_type_is_taken(dtype: str) -> None:
    assert found(scene((100, 100, 50)), 600, 1800, dtype).ap75 == 1


def test_touching_objects_are_cut_apart_and_bumps_are_not() -> None:
    assert found(scene((120, 150, 60), (235, 150, 60)), 60, 180).ap75 == 1
    assert found(scene((120, 150, 60), (160, 150, 60)), 60, 180).found_count == 1


def test_holes_are_filled_and_specks_dropped() -> None:
    labels = scene((150, 150, 70))
    seen = labels.copy()
    cv2.circle(seen, (150, 150), 20, 0, cv2.FILLED)
    cv2.circle(seen, (330, 60), 2, 1, cv2.FILLED)
    grey = np.where(seen > 0, 60, 180).astype(np.uint8)
    (image,) = judge([("scene", labels, find_by_otsu(grey))]).images
    assert image.found_count == 1
    assert image.foreground_iou > 0.97


def test_an_image_of_one_value_has_no_objects() -> None:
    nothing = find_by_otsu(np.full((50, 60), 7, np.uint8))
    assert nothing.shape == (50, 60)
    assert not nothing.any()
