import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spheroseg.errors import InvalidPixelsError
from spheroseg.imaging.windowing import Grey, preview_jpeg, window_of, windowed


def seen(jpeg: bytes) -> np.ndarray:
    """The grey values of a JPEG picture."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return picture


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(np.uint8, 255), (np.uint16, 4095), (np.float32, 1)]))
def test_the_window_is_that_of_the_percentiles(seed: int, kind: tuple[type, int]) -> None:
    dtype, largest = kind
    pixels: Grey = (np.random.default_rng(seed).random((37, 53)) ** 2 * largest).astype(dtype)
    assert window_of(pixels) == pytest.approx(np.percentile(pixels, (0.5, 99.5)))


def test_few_bright_pixels_on_an_even_ground_still_have_a_window() -> None:
    pixels = np.full((100, 100), 7, np.uint16)
    pixels[50, 50] = 900
    assert window_of(pixels) == (7, 900)


def test_an_image_of_one_value_has_no_window() -> None:
    with pytest.raises(InvalidPixelsError):
        window_of(np.full((9, 9), 65_535, np.uint16))


def test_a_window_maps_its_ends_to_0_and_1() -> None:
    pixels = np.array([[0, 100, 300, 500, 65_535]], np.uint16)
    assert windowed(pixels, 100, 500)[0].tolist() == pytest.approx([-0.25, 0, 0.5, 1, 163.5875])


def test_a_picture_of_a_12_bit_range_is_neither_black_nor_white() -> None:
    ramp = np.linspace(200, 4000, 256 * 256).reshape(256, 256).astype(np.uint16)
    picture = seen(preview_jpeg(ramp))
    assert picture.dtype == np.uint8
    assert picture[0].mean() < 5
    assert picture[-1].mean() > 250
    assert picture[128].mean() == pytest.approx(127, abs=4)


def test_a_picture_of_8_bit_pixels_shows_them_as_they_are() -> None:
    pixels = np.tile(np.arange(90, 154, dtype=np.uint8), (64, 1))
    picture = seen(preview_jpeg(pixels))
    assert np.abs(picture.astype(int) - pixels).max() <= 4


def test_a_large_picture_is_shrunk_in_proportion() -> None:
    picture = seen(preview_jpeg(np.ones((300, 1200), np.uint16), 400))
    assert picture.shape == (100, 400)
