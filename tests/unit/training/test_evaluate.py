import numpy as np
import pytest

from tests.unit.imaging.shapes import drawn
from training.evaluate import score


def test_the_same_objects_under_other_numbers_are_a_full_score() -> None:
    full = score(drawn("11.2 11.2 .... 3333"), drawn("77.1 77.1 .... 2222"))
    assert (full.foreground_iou, full.object_iou, full.ap50, full.ap75) == (1, 1, 1, 1)


def test_missed_and_invented_objects_both_cost_precision() -> None:
    found = score(drawn("11.22 11.22 .....".replace(" ", "\n")), drawn("11... 11... ....3".replace(" ", "\n")))
    assert found.ap50 == pytest.approx(1 / 3)
    assert found.object_iou == pytest.approx(0.5)
    assert found.foreground_iou == pytest.approx(4 / 9)


def test_two_drawn_objects_found_as_one_are_no_hit() -> None:
    joined = score(drawn("1122 1122"), drawn("1111 1111"))
    assert (joined.ap50, joined.ap75) == (0, 0)
    assert (joined.object_iou, joined.foreground_iou) == (0.5, 1)


def test_nothing_drawn_and_nothing_found_is_right() -> None:
    nothing = np.zeros((4, 4), np.int32)
    assert score(nothing, nothing).ap50 == 1
    assert score(nothing, nothing).object_iou is None
    assert score(nothing, drawn("1... .... .... ....")).ap50 == 0
