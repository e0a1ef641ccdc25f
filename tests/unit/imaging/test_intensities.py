from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from spheroseg.imaging import intensities, rings
from spheroseg.imaging.definitions import INTENSITY_DEFINITIONS
from spheroseg.imaging.intensities import Intensities, brightness_of, intensities_of
from spheroseg.imaging.mapped import release
from spheroseg.imaging.measures import spheroids_of
from tests.unit.imaging.shapes import drawn

LABELS = drawn("11.. 11.3 ...3")


def test_brightness_is_measured_in_the_images_own_values() -> None:
    pixels = np.array([[100, 200, 10, 20], [300, 65535, 10, 7], [10, 10, 11, 9]], np.uint16)
    first, third = (intensities_of(LABELS, pixels)[number] for number in (1, 3))
    assert asdict(first) == {
        "intensity_mean": 66135 / 4,
        "intensity_sd": pytest.approx(np.std([100, 200, 300, 65535])),
        "intensity_min": 100,
        "intensity_max": 65535,
        "intensity_median": 250,
        "intensity_integrated": 66135,
        "intensity_background": 10,
        "intensity_above_background": 66135 / 4 - 10,
        "intensity_integrated_above_background": 66135 - 40,
        "intensity_local_background": None,
        "intensity_above_local_background": None,
        "intensity_integrated_above_local_background": None,
    }
    assert (third.intensity_mean, third.intensity_median, third.intensity_above_background) == (8, 8, -2)


def test_floats_below_zero_are_taken_as_they_are() -> None:
    pixels = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    assert intensities_of(LABELS, pixels)[1].intensity_min == -1


def test_without_a_pixel_outside_of_objects_there_is_no_background() -> None:
    found = intensities_of(drawn("11 12"), np.ones((2, 2), np.uint8))
    assert found[2].intensity_background is None
    assert found[2].intensity_integrated_above_background is None


def test_an_image_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="4 × 3 pixels, the image 3 × 4"):
        intensities_of(LABELS, np.zeros((4, 3), np.uint8))


def test_no_object_has_no_brightness() -> None:
    assert intensities_of(np.zeros((2, 2), np.int32), np.zeros((2, 2), np.uint8)) == {}


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(np.int32, (6, 7), elements=st.integers(0, 3)),
    hnp.arrays(np.uint16, (6, 7), elements=st.integers(0, 65535)),
)
def test_every_object_is_measured_as_by_itself(labels: np.ndarray, pixels: np.ndarray) -> None:
    found = intensities_of(labels, pixels)
    assert list(found) == np.unique(labels[labels > 0]).tolist()
    for number, one in found.items():
        values = pixels[labels == number].astype(float)
        assert one.intensity_median == np.median(values)
        assert one.intensity_mean == pytest.approx(values.mean())
        assert one.intensity_sd == pytest.approx(values.std())
        assert one.intensity_integrated == values.sum()


def test_every_brightness_has_a_definition() -> None:
    assert list(INTENSITY_DEFINITIONS) == [field.name for field in fields(Intensities)]


def test_the_local_background_follows_uneven_light() -> None:
    """A ramp of light: what stands 1,000 above it does so locally, wherever it stands; globally it does not."""
    columns = np.arange(200) * 10
    pixels = np.repeat(columns[None], 60, 0).astype(np.uint16)
    labels = np.zeros((60, 200), np.int32)
    for number, column in ((5, 40), (9, 160)):
        labels[20:41, column - 10 : column + 11] = number
    pixels[labels > 0] += 1000
    for one in intensities_of(labels, pixels).values():
        assert one.intensity_above_local_background == 1000
        assert one.intensity_integrated_above_local_background == 1000 * 21 * 21
        assert abs((one.intensity_above_background or 0) - 1000) > 500


def test_the_ring_keeps_away_from_every_object() -> None:
    """Pixels within 2 px of any object and those of neighbours are bright; the ring between them is dark."""
    labels = np.zeros((80, 80), np.int32)
    labels[30:50, 10:30], labels[30:50, 36:56] = 1, 2
    near = labels > 0
    for _ in range(2):
        padded = np.pad(near, 1)
        near = near | padded[2:, 1:-1] | padded[:-2, 1:-1] | padded[1:-1, 2:] | padded[1:-1, :-2]
    pixels = np.where(near, 200, 3).astype(np.uint8)
    assert [one.intensity_local_background for one in intensities_of(labels, pixels).values()] == [3, 3]


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(np.int32, (24, 30), elements=st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, 2])),
    hnp.arrays(np.float32, (24, 30), elements=st.floats(-1e4, 1e4, width=32)),
)
def test_spheroids_are_as_bright_as_their_objects(labels: np.ndarray, pixels: np.ndarray) -> None:
    labels[8:18, 9:16] = 3
    whole = intensities_of(labels, pixels)
    for one in brightness_of(labels, pixels, spheroids_of(labels)):
        told, expected = one.intensities, asdict(whole[one.number])
        assert told is not None
        for name, value in told.items():
            assert value == (None if expected[name] is None else pytest.approx(expected[name], abs=1e-6)), name


def test_a_ring_keeps_away_from_objects_that_it_does_not_reach() -> None:
    """Of pixels 2 px or less from another object none counts, also where that object lies outside of the ring."""
    labels = np.zeros((40, 60), np.int32)
    labels[15:25, 10:20] = 1
    labels[:, 29:31] = 2
    pixels = np.full((40, 60), 50, np.uint16)
    pixels[labels == 2] = 9_000
    pixels[:, 27:29] = pixels[:, 31:33] = 9_000  # its halo
    first, _ = brightness_of(labels, pixels, spheroids_of(labels))
    assert first.brightness is not None
    assert first.brightness.intensity_local_background == 50


def test_labels_of_something_else_are_refused() -> None:
    [spheroid] = spheroids_of(drawn("11 11"))
    with pytest.raises(ValueError, match="Spheroid 1 has 4 px², the labels 3 pixels"):
        brightness_of(drawn("11 1."), np.ones((2, 2), np.uint8), [spheroid])


def plain(labels: np.ndarray, pixels: np.ndarray, number: int) -> dict[str, float | None]:
    """One object by the definitions alone, in the slowest way that there is."""
    own = labels == number
    values = pixels[own].astype(np.float64)
    diameter = 2 * np.sqrt(values.size / np.pi)
    reach = 2 + max(5.0, 0.1 * diameter)
    step = max(1, int(diameter // 40))
    rows, columns = np.nonzero(own)
    # Samples begin where the part of the image begins that the ring may lie in.
    margin = int(reach) + 3
    window = (slice(max(rows.min() - margin, 0), None, step), slice(max(columns.min() - margin, 0), None, step))
    ring = ndimage.distance_transform_edt(~own[window]) <= reach / step
    ring &= (ndimage.distance_transform_edt(labels == 0) > 2)[window]
    around = pixels[window][ring].astype(np.float64)
    local = float(np.median(around)) if around.size >= 25 else None
    return {
        "intensity_mean": values.mean(),
        "intensity_sd": values.std(),
        "intensity_min": values.min(),
        "intensity_max": values.max(),
        "intensity_median": float(np.median(values)),
        "intensity_integrated": values.sum(),
        "intensity_local_background": local,
        "intensity_above_local_background": None if local is None else values.mean() - local,
        "intensity_integrated_above_local_background": None if local is None else values.sum() - values.size * local,
    }


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(
    ("side", "count", "largest"), [(200, 40, 12), (400, 6, 110), (300, 1, 240), (40, 9, 20)], ids=str
)
def test_brightness_is_what_the_definitions_say(side: int, count: int, largest: int, dtype: type) -> None:
    """Bodies of all sizes, at the border, beside, inside and on top of each other, some scattered in pieces."""
    chance = np.random.default_rng(side)
    labels = np.zeros((side, side + 7), np.int32)
    y, x = np.mgrid[:side, : side + 7]
    for number in range(1, count + 1):
        top, left = chance.uniform(0, side, 2)
        labels[np.hypot(y - top, x - left) < chance.uniform(1, largest) / 2] = 7 * number
    if count > 1:
        labels[chance.random(labels.shape) < 0.002] = 7
    pixels: np.ndarray = (chance.normal(120, 25, labels.shape) * (1 if dtype == np.uint8 else 40)).clip(0).astype(dtype)
    measured = brightness_of(labels, pixels, spheroids_of(labels))
    whole = intensities_of(labels, pixels)
    assert [one.number for one in measured] == list(whole) == np.unique(labels[labels > 0]).tolist()
    for one in measured:
        expected = plain(labels, pixels, one.number)
        told, also = one.intensities, asdict(whole[one.number])
        assert told is not None
        for name, value in expected.items():
            near = None if value is None else pytest.approx(value, rel=1e-12, abs=1e-9)
            assert told[name] == also[name] == near, (one.number, name)


@pytest.mark.parametrize("step", [8, 9, 15])
def test_what_lies_beside_samples_is_told_without_the_pixels_between_them(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in ((70, 40), (64, 90), (5, 3)):
        labels = (np.random.default_rng(step).random(size) < 0.04).astype(np.int32)
        with monkeypatch.context() as patch:
            patch.setattr(rings, "SPARSE_STEP", step + 1)
            spread = rings.is_near_object(labels, step)
        assert np.array_equal(rings.is_near_object(labels, step), spread)


def test_an_object_of_a_mapped_image_is_measured_strip_by_strip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    y, x = np.mgrid[:400, :400]
    labels = (np.hypot(y - 200, x - 190) < 170).astype(np.int32)
    pixels = np.random.default_rng(1).integers(0, 5000, labels.shape).astype(np.uint16)
    found = spheroids_of(labels)
    expected = brightness_of(labels, pixels, found)
    mapped = [np.memmap(tmp_path / str(one.dtype), one.dtype, "w+", shape=one.shape) for one in (labels, pixels)]
    for target, one in zip(mapped, (labels, pixels), strict=True):
        target[:] = one
    released = []

    def spy(array: np.ndarray) -> None:
        released.append(array)
        release(array)

    monkeypatch.setattr(intensities, "STRIP_PX", 5000)
    monkeypatch.setattr(intensities, "release", spy)
    assert brightness_of(mapped[0], mapped[1], found) == expected
    assert len(released) > 2 * 340 // 13


def test_the_background_is_the_same_however_many_are_looked_at_together() -> None:
    labels = np.zeros((300, 300), np.int32)
    for number in range(1, 101):
        row, column = divmod(number - 1, 10)
        labels[30 * row + 3 : 30 * row + 20, 30 * column : 30 * column + 10 + number % 9] = number
    pixels = np.random.default_rng(1).integers(0, 5000, labels.shape).astype(np.uint16)
    found = spheroids_of(labels)
    together = brightness_of(labels, pixels, found)
    assert together == [brightness_of(labels, pixels, [one])[0] for one in found]


def test_a_thread_across_the_image_is_measured_like_any_other() -> None:
    """Few pixels in a wide box: neither copied whole nor left out."""
    labels = np.zeros((700, 700), np.int32)
    diagonal = np.arange(40, 660)
    labels[diagonal, diagonal] = 1
    labels[10:20, 600:612] = 2
    pixels = np.random.default_rng(1).integers(0, 5000, labels.shape).astype(np.uint16)
    for one in brightness_of(labels, pixels, spheroids_of(labels)):
        assert one.brightness is not None
        assert (
            one.brightness.intensity_local_background == plain(labels, pixels, one.number)["intensity_local_background"]
        )
