import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spheroseg.domain.model_card import Calibration
from spheroseg.imaging import certainty
from spheroseg.imaging.certainty import View, calibrated, certainty_of
from spheroseg.imaging.measures import spheroids_of

PLAIN = Calibration(slope=0.5, intercept=-1.0)


def view_of(probability: np.ndarray, scale: int = 1, calibration: Calibration | None = None) -> View:
    height, width = probability.shape
    return View(probability.astype(np.float32), (scale * height, scale * width), calibration)


def a_square() -> tuple[np.ndarray, np.ndarray]:
    """A square of 10 px in a view of 30 px: 0.9 inside, 0.7 in its outermost 2 px, 0.2 in the 2 px around, 0.01 beyond."""
    labels = np.zeros((30, 30), np.int32)
    labels[10:20, 10:20] = 1
    probability = np.full((30, 30), 0.01)
    probability[8:22, 8:22] = 0.2
    probability[10:20, 10:20] = 0.7
    probability[12:18, 12:18] = 0.9
    return labels, probability


@pytest.mark.parametrize("scale", [1, 3])
def test_the_inside_and_the_rim_of_a_square_are_those_of_its_map(scale: int) -> None:
    labels, probability = a_square()
    found = certainty_of(np.kron(labels, np.ones((scale, scale), np.int32)), view_of(probability, scale))
    assert found.inside == {1: pytest.approx((36 * 0.9 + 64 * 0.7) / 100)}
    inner, outer = 100 - 36, 14 * 14 - 100
    assert found.rim == {1: pytest.approx((inner * 0.7 + outer * 0.8) / (inner + outer))}
    assert found.touching == frozenset()


def test_a_rim_at_the_border_of_the_image_or_at_another_object_is_none() -> None:
    labels = np.ones((12, 20), np.int32)
    labels[:, 10:] = 2
    found = certainty_of(labels, view_of(np.where(labels == 1, 0.8, 0.6)))
    assert found.rim == {}
    assert found.inside == {1: pytest.approx(0.8), 2: pytest.approx(0.6)}
    assert found.touching == {1, 2}


def test_calibration_changes_what_is_told_and_not_the_order() -> None:
    labels, probability = a_square()
    raw, mended = (certainty_of(labels, view_of(probability, 1, one)) for one in (None, PLAIN))
    assert mended.inside[1] < raw.inside[1]
    assert calibrated(np.array([0.5], np.float32), PLAIN) == pytest.approx(1 / (1 + np.e))
    assert calibrated(np.array([0.8], np.float32), PLAIN) == pytest.approx(2 / (2 + np.e))
    ends = calibrated(np.array([0, 0.3, 0.7, 1], np.float32), PLAIN)
    assert np.all(np.diff(ends) > 0)
    assert 0 < ends[0] < ends[-1] < 1


@pytest.mark.parametrize("wider", [["LARGEST_UINT8"], ["LARGEST_UINT8", "LARGEST_UINT16"]], ids=len)
def test_views_in_255ths_and_in_steps_give_the_same(monkeypatch: pytest.MonkeyPatch, wider: list[str]) -> None:
    random = np.random.default_rng(3)
    labels = np.kron(random.integers(0, 4, (9, 8)), np.ones((7, 7))).astype(np.int32)
    probability = random.integers(0, 256, labels.shape).astype(np.uint8)
    whole = certainty_of(labels, view_of(probability / 255, 1, PLAIN))
    monkeypatch.setattr(certainty, "STEP_PX", 5 * labels.shape[1])
    for limit in wider:
        monkeypatch.setattr(certainty, limit, 0)  # as with more objects than 8 or 16 bits count
    stepped = certainty_of(labels, View(probability, labels.shape, PLAIN))
    assert stepped.inside == pytest.approx(whole.inside, rel=1e-5)
    assert stepped.rim == pytest.approx(whole.rim, rel=1e-5)
    assert stepped.touching == whole.touching


@pytest.mark.parametrize("shape", [(40, 60), (50, 75), (33, 71), (1, 60), (40, 1)], ids=str)
def test_each_pixel_of_the_view_belongs_to_what_holds_its_centre(shape: tuple[int, int]) -> None:
    labels = np.random.default_rng(5).integers(0, 300, (100, 150)).astype(np.int32)
    probability = np.random.default_rng(6).random(shape).astype(np.float32)
    y, x = (
        np.floor((np.arange(of_view) + 0.5) * size / of_view) for of_view, size in zip(shape, labels.shape, strict=True)
    )
    there = labels[np.ix_(y.astype(int), x.astype(int))]
    found = certainty_of(labels, View(probability, (100, 150)))
    expected = {number: probability[there == number].mean() for number in np.unique(there[there > 0]).tolist()}
    assert found.inside == pytest.approx(expected, rel=1e-5)


def test_what_a_view_shows_beyond_the_image_is_left_out() -> None:
    labels = np.ones((50, 70), np.int32)
    probability = np.full((10, 10), 0.9, np.float32)
    probability[5:], probability[:, 7:] = 0, 0
    assert certainty_of(labels, View(probability, (100, 100))).inside == {1: pytest.approx(0.9)}


def test_an_object_between_the_pixels_of_the_view_is_as_sure_as_the_pixel_that_it_lies_in() -> None:
    labels = np.zeros((40, 40), np.int32)
    labels[10:12, 20:22] = 1  # the centres of the view's pixels are in rows and columns 5, 15, 25 ...
    probability = np.full((4, 4), 0.1, np.float32)
    probability[1, 2] = 0.75
    found = certainty_of(labels, View(probability, (40, 40)))
    assert (found.inside, found.rim) == ({}, {})
    (spheroid,) = spheroids_of(labels, found)
    assert spheroid.confidence == pytest.approx(0.75)
    assert spheroid.rim_confidence is None


@settings(max_examples=50, deadline=None)
@given(
    labels=arrays(np.int32, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.integers(0, 3)),
    seed=st.integers(0, 2**16),
    calibration=st.none()
    | st.builds(Calibration, slope=st.floats(0.05, 5), intercept=st.floats(-5, 5, allow_nan=False)),
)
def test_every_confidence_lies_between_0_and_1(labels: np.ndarray, seed: int, calibration: Calibration | None) -> None:
    random = np.random.default_rng(seed)
    shape = random.integers(1, np.array(labels.shape) + 1)
    probability = np.rint(random.random(shape) * random.choice([1, 3, 100])).clip(0, 1).astype(np.float32)
    found = certainty_of(labels, View(probability, (labels.shape[0], labels.shape[1]), calibration))
    for spheroid in spheroids_of(labels, found):
        assert spheroid.confidence is not None
        assert 0 <= spheroid.confidence <= 1
        assert spheroid.rim_confidence is None or 0 <= spheroid.rim_confidence <= 1
