"""Work on parts of large images: the same outcome on one core and on many, in order, with the first error raised."""

import numpy as np
import pytest

from spheroseg.imaging import side_by_side
from spheroseg.imaging.measures import spheroids_of
from spheroseg.imaging.side_by_side import FEW, each_of


def test_outcomes_come_in_order_of_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "_usable_cores", lambda: 3)
    assert each_of(lambda part: part**2, range(5 * FEW)) == [part**2 for part in range(5 * FEW)]


def test_an_error_in_one_part_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "_usable_cores", lambda: 3)
    with pytest.raises(ZeroDivisionError):
        each_of(lambda part: 1 // (part - FEW), range(5 * FEW))


def test_objects_are_the_same_on_one_core_and_on_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spheroseg.imaging.runs.PIXELS_AT_A_TIME", 4000)
    monkeypatch.setattr("spheroseg.imaging.boundaries.RUNS_AT_A_TIME", 300)
    monkeypatch.setattr("spheroseg.imaging.measures.CORNERS_AT_A_TIME", 600)
    y, x = np.mgrid[:400, :400]
    labels = (((x % 40 - 20) ** 2 + (y % 40 - 20) ** 2 < 250) * (1 + x // 40 + 10 * (y // 40))).astype(np.int32)
    found = []
    for cores in (1, 4):
        monkeypatch.setattr(side_by_side, "_usable_cores", lambda cores=cores: cores)
        found.append(spheroids_of(labels))
    assert len(found[0]) == 100
    assert found[0] == found[1]
