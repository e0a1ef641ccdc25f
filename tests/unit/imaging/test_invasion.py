from dataclasses import fields

import numpy as np
import pytest
from numpy.typing import NDArray

from spheroseg.imaging.invasion import INVASION_DEFINITIONS, Invasion, core_of, invasion_of

SIZE = 400
CENTRE = 200.0
CORE_RADIUS = 60.0
Mask = NDArray[np.bool_]


def grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5 - CENTRE
    return x, y


def disk(radius: float, x0: float = 0.0, y0: float = 0.0) -> Mask:
    x, y = grid()
    inside: Mask = (x - x0) ** 2 + (y - y0) ** 2 <= radius**2
    return inside


def arms(width: float, length: float, count: int) -> Mask:
    """Straight arms from the middle outwards."""
    x, y = grid()
    found = np.zeros((SIZE, SIZE), bool)
    for turn in np.arange(count) * 2 * np.pi / count + 0.2:
        along, aside = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        found |= (along >= 0) & (along <= CORE_RADIUS + length) & (abs(aside) <= width / 2)
    return found


def test_a_compact_spheroid_is_nearly_all_core() -> None:
    whole = disk(CORE_RADIUS)
    measured = invasion_of(whole)
    assert measured.invasive_area_px2 < 0.005 * np.count_nonzero(whole)  # single pixels of the rim
    assert (measured.dispersed_area_px2, measured.fragment_count) == (0, 0)
    assert measured.core_equivalent_diameter_px == pytest.approx(2 * CORE_RADIUS, rel=0.005)
    assert measured.invasion_index == pytest.approx(1, abs=0.005)


def test_loose_cells_are_counted_and_their_distance_is_known() -> None:
    cells = [(130.0, 0.0), (0.0, 120.0), (-110.0, 10.0), (-80.0, -80.0)]
    whole = disk(CORE_RADIUS)
    for x0, y0 in cells:
        whole |= disk(5, x0, y0)
    measured = invasion_of(whole)
    assert measured.fragment_count == len(cells)
    assert measured.dispersed_area_px2 == pytest.approx(len(cells) * np.pi * 25, rel=0.03)
    assert measured.invasive_area_px2 == pytest.approx(measured.dispersed_area_px2, rel=0.1)
    assert measured.reach_max_px == pytest.approx(130 + 5 - CORE_RADIUS, abs=1)
    assert measured.core_equivalent_diameter_px == pytest.approx(2 * CORE_RADIUS, rel=0.005)


def test_reach_is_the_percentile_of_all_pixels_outside_of_the_core() -> None:
    ring = disk(160) & ~disk(100)
    measured = invasion_of(disk(CORE_RADIUS) | ring, core=disk(CORE_RADIUS))
    # 95 % of a ring's area lie within √(r² + 0.95·(R² - r²)) of the centre.
    expected = np.sqrt(100**2 + 0.95 * (160**2 - 100**2))
    assert measured.reach_centre_q95_px == pytest.approx(expected, abs=0.3)
    assert measured.reach_q95_px == pytest.approx(expected - CORE_RADIUS, abs=0.6)
    assert measured.reach_max_px == pytest.approx(160 - CORE_RADIUS, abs=0.8)
    assert measured.fragment_count == 1
    assert measured.invasion_index == pytest.approx(1 + (160**2 - 100**2) / CORE_RADIUS**2, rel=0.005)


@pytest.mark.parametrize(("width", "count"), [(8, 8), (14, 12), (24, 6)])
def test_arms_do_not_belong_to_the_core(width: float, count: int) -> None:
    whole = disk(CORE_RADIUS) | arms(width, 70, count)
    measured = invasion_of(whole)
    assert measured.core_area_px2 == pytest.approx(np.pi * CORE_RADIUS**2, rel=0.02)
    assert measured.fragment_count == 0
    assert measured.reach_max_px == pytest.approx(70, abs=2)
    assert measured.invasive_area_px2 == pytest.approx(np.count_nonzero(whole) - measured.core_area_px2)


def test_an_oval_core_stays_whole() -> None:
    x, y = grid()
    whole = (x / 90) ** 2 + (y / 60) ** 2 <= 1
    assert invasion_of(whole).core_area_px2 == pytest.approx(np.count_nonzero(whole), rel=0.01)


def test_the_same_spheroid_at_another_magnification_has_the_same_core() -> None:
    whole = disk(CORE_RADIUS) | arms(10, 60, 7) | disk(6, 140, 30)
    small, large = invasion_of(whole), invasion_of(np.kron(whole, np.ones((2, 2), bool)))
    assert large.core_equivalent_diameter_px == pytest.approx(2 * small.core_equivalent_diameter_px, rel=0.01)
    assert large.reach_q95_px == pytest.approx(2 * (small.reach_q95_px or 0), rel=0.03)
    assert large.fragment_count == small.fragment_count == 1


def test_a_spheroid_at_the_images_border_has_a_core() -> None:
    whole = disk(CORE_RADIUS)[150:, 150:]
    assert invasion_of(whole).core_area_px2 == pytest.approx(np.count_nonzero(whole), rel=0.06)


def test_one_pixel_is_its_own_core() -> None:
    measured = invasion_of(np.pad(np.ones((1, 1), bool), 2))
    assert (measured.core_area_px2, measured.invasive_area_px2, measured.reach_q95_px) == (1, 0, None)


def test_without_a_core_there_is_no_measure() -> None:
    with pytest.raises(ValueError, match="no spheroid"):
        invasion_of(np.zeros((5, 5), bool))
    with pytest.raises(ValueError, match="thicker than 40 px"):
        core_of(disk(10), opening_radius_px=20)
    with pytest.raises(ValueError, match="not a part"):
        invasion_of(disk(10), core=disk(10, 30))


def test_every_measure_of_invasion_has_a_definition() -> None:
    assert list(INVASION_DEFINITIONS) == [field.name for field in fields(Invasion)]
