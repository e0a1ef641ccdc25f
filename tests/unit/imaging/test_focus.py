import cv2
import numpy as np
import pytest

from spheroseg.imaging.focus import blur_of


def a_view(side_px: int = 256) -> np.ndarray:
    """Dark disks with grain, in focus."""
    random = np.random.default_rng(5)
    y, x = np.mgrid[:side_px, :side_px] / side_px
    view = np.full((side_px, side_px), 0.8)
    for cx, cy, radius in ((0.3, 0.3, 0.15), (0.7, 0.6, 0.2), (0.3, 0.8, 0.1)):
        view[np.hypot(x - cx, y - cy) < radius] = 0.3
    return (view + random.normal(0, 0.02, view.shape)).astype(np.float32)


def blurred(view: np.ndarray, sigma_px: float) -> np.ndarray:
    return cv2.GaussianBlur(view, (0, 0), sigma_px).astype(np.float32)


def test_blur_grows_with_the_distance_from_focus_and_ignores_contrast() -> None:
    view = a_view()
    told = [blur_of(view), *(blur_of(blurred(view, sigma)) for sigma in (0.5, 1, 2, 4))]
    assert told == sorted(told)
    assert told[0] < 0.35
    assert told[-1] > 0.7
    assert blur_of(view * 100 + 7) == pytest.approx(told[0], abs=1e-3)


def test_steps_and_ramps_have_the_blur_that_follows_from_the_definition() -> None:
    step = (np.arange(64) >= 32).astype(np.float32)
    assert blur_of(step[:, None] + step) == pytest.approx(1 / 11)  # an average over 11 px leaves 1/11 of the step
    ramp = np.arange(64, dtype=np.float32)
    assert blur_of(ramp[:, None] + ramp) > 0.9  # it leaves all of a ramp but at the border
    assert blur_of(np.maximum(step[:, None], step)) == pytest.approx(1 / 11)


def test_large_pixels_and_small_ones_compare() -> None:
    fine = blurred(a_view(1024), 8)
    coarse = cv2.resize(fine, (512, 512), interpolation=cv2.INTER_AREA).astype(np.float32)
    assert blur_of(fine) == pytest.approx(blur_of(coarse), abs=0.01)


def test_a_view_that_changes_one_way_only_is_as_blurred_as_can_be() -> None:
    assert blur_of(np.tile(np.arange(64, dtype=np.float32) % 2, (64, 1))) == 1
