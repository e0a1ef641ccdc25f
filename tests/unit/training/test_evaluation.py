import numpy as np
import pytest

from tests.unit.imaging.shapes import Labels, a_disk, drawn
from training.evaluation import judge, summary
from training.evaluation.boundaries import boundary_f1, boundary_of
from training.evaluation.judging import ImageFigures


def judged(expected: Labels, found: Labels) -> ImageFigures:
    (image,) = judge([("one", expected, found)]).images
    return image


def test_the_same_objects_under_other_numbers_are_a_full_score() -> None:
    full = judged(drawn("11.2 11.2 .... 3333"), drawn("77.1 77.1 .... 2222"))
    assert (full.foreground_iou, full.foreground_dice, full.object_iou, full.ap50, full.ap75) == (1, 1, 1, 1, 1)
    assert (full.boundary_f1_2px, full.boundary_f1_diagonal, full.panoptic_quality) == (1, 1, 1)
    assert (full.drawn_count, full.found_count, full.count_error) == (3, 3, 0)


def test_missed_and_invented_objects_both_cost_precision() -> None:
    found = judged(drawn("11.22 11.22 ....."), drawn("11... 11... ....3"))
    assert found.ap50 == pytest.approx(1 / 3)
    assert found.object_iou == pytest.approx(0.5)
    assert found.foreground_iou == pytest.approx(4 / 9)


def test_two_drawn_objects_found_as_one_are_no_hit() -> None:
    joined = judged(drawn("1122 1122"), drawn("1111 1111"))
    assert (joined.ap50, joined.ap75, joined.count_error, joined.count_error_absolute) == (0, 0, -1, 1)
    assert (joined.object_iou, joined.foreground_iou) == (0.5, 1)
    assert joined.boundary_f1_2px == 0  # the line between the two is a boundary that was not found


def test_empty_images() -> None:
    nothing, something = np.zeros((4, 4), np.int32), drawn("1... .... .... ....")
    right = judged(nothing, nothing)
    assert (right.foreground_iou, right.foreground_dice, right.ap50, right.boundary_f1_2px) == (1, 1, 1, 1)
    assert right.object_iou is None
    for wrong in (judged(nothing, something), judged(something, nothing)):
        assert (wrong.foreground_iou, wrong.foreground_dice, wrong.ap50, wrong.boundary_f1_2px) == (0, 0, 0, 0)
    assert judged(something, nothing).object_iou == 0


def test_an_image_is_named_when_its_sizes_differ() -> None:
    with pytest.raises(ValueError, match="one: Label images of different size"):
        judged(np.zeros((4, 4), np.int32), np.zeros((4, 5), np.int32))


def test_boundaries_are_of_objects_and_not_of_the_frame() -> None:
    assert boundary_of(drawn("1112. 1112. .....")).astype(int).tolist() == [[0, 0, 1, 1, 0], [1, 1, 1, 1, 0], [0] * 5]
    assert not boundary_of(np.ones((3, 3), np.int32)).any()


def test_boundary_f1_counts_what_is_near() -> None:
    disk = a_disk(40)
    shifted = np.roll(disk, 3, axis=1)
    loose, near, close = boundary_f1(disk, shifted, (3.0, 2.0, 0.5))
    assert loose == 1
    # At an angle t the outlines are 3·|cos t| apart, which is 2 px or less for 1 - 2/π·arccos(2/3) of all angles.
    assert near == pytest.approx(1 - 2 / np.pi * np.arccos(2 / 3), abs=0.06)
    assert close < 0.2


def test_boundary_f1_is_the_harmonic_mean_of_both_ways() -> None:
    both, one = np.zeros((2, 40, 80), np.int32)
    both[5:15, 5:15] = one[5:15, 5:15] = 1
    both[5:15, 60:70] = 2
    # All found pixels are right, half of the drawn ones are found: 2 · 1 · ½ / 1½.
    assert list(boundary_f1(both, one, (2.0,))) == pytest.approx([2 / 3])
    assert list(boundary_f1(one, both, (2.0,))) == pytest.approx([2 / 3])


def test_an_object_that_fills_the_frame_has_no_boundary() -> None:
    full, nothing = np.ones((3, 3), np.int32), np.zeros((3, 3), np.int32)
    assert boundary_f1(full, full, (2.0,)) == (1,)
    assert boundary_f1(full, nothing, (2.0,)) == (0,)
    assert boundary_f1(full, drawn("1.. ... ..."), (2.0,)) == (0,)


def test_the_diagonal_sets_the_second_tolerance() -> None:
    disk = np.pad(a_disk(40), 500)
    shifted = np.roll(disk, 4, axis=1)  # 0.5 % of a diagonal of 1,539 px is 7.7 px
    image = judged(disk, shifted)
    assert image.boundary_f1_diagonal == 1
    assert image.boundary_f1_2px < 0.5


def test_single_round_spheroids_are_told_from_others() -> None:
    disk, square_pair = a_disk(20), drawn("11.22 11.22")
    bar = np.zeros((60, 60), np.int32)
    bar[28:32, 5:55] = 1
    pieces = np.roll(disk, 30, axis=0) | disk
    pairs = [("disk", disk, disk), ("bar", bar, bar), ("two", square_pair, square_pair), ("torn", pieces, pieces)]
    assert [image.image for image in judge(pairs).single_round().images] == ["disk"]


def test_a_summary_gives_means_medians_tails_and_intervals() -> None:
    disk, nothing = a_disk(10), np.zeros_like(a_disk(10))
    told = summary(judge([(str(place), disk, disk if place < 8 else nothing) for place in range(10)]))
    iou = told.spreads["foreground_iou"]
    assert (iou.count, iou.mean, iou.median, iou.tail) == (10, 0.8, 1, 0)
    assert iou.low is not None
    assert iou.high is not None
    # Binomial with p = 0.8 and n = 10: 2.5 % lie at or below 5, and 97.5 % at or below 10.
    assert [iou.low, iou.high] == pytest.approx([0.5, 1.0])
    assert told.spreads["count_error"].mean == pytest.approx(-0.2)
    assert (told.images, told.drawn, told.found) == (10, 10, 8)
    figures = told.figures("here_")
    assert figures["here_foreground_iou_mean"] == 0.8
    assert figures["here_count_error_absolute_p90"] == 1
    assert figures["here_diameter_percent_error_bias"] == 0


def test_sizes_agree_by_bland_and_altman() -> None:
    def squares(*sides: int) -> Labels:
        labels = np.zeros((40, 40 * len(sides)), np.int32)
        for number, side in enumerate(sides, 1):
            labels[:side, 40 * number - 40 : 40 * number - 40 + side] = number
        return labels

    told = summary(judge([("one", squares(20, 20), squares(22, 18)), ("two", squares(20), squares(24))]))
    assert told.diameter_percent is not None
    assert told.diameter_px is not None
    assert told.diameter_percent.count == 3
    assert told.diameter_percent.bias == pytest.approx(20 / 3)  # +10 %, -10 %, +20 %
    reach = 1.96 * np.std([10, -10, 20], ddof=1)
    assert told.diameter_percent.low == pytest.approx(20 / 3 - reach)
    assert told.diameter_percent.high == pytest.approx(20 / 3 + reach)
    assert told.diameter_px.bias == pytest.approx(np.mean([2, -2, 4]) * 2 / np.sqrt(np.pi))


def test_what_has_no_value_is_left_out() -> None:
    nothing = np.zeros((5, 5), np.int32)
    told = summary(judge([("empty", nothing, nothing)]))
    assert "object_iou" not in told.spreads
    assert told.area_percent is None
    assert told.spreads["foreground_iou"].low is None
    assert not any("low" in key or "object_iou" in key or "error_pairs" in key for key in told.figures())
    assert summary(judge([("empty", nothing, nothing)] * 4)).spreads["foreground_iou"].high is None
    assert summary(judge([("empty", nothing, nothing)] * 5)).spreads["foreground_iou"].high == 1
    with pytest.raises(ValueError, match="at least one image"):
        summary(judge([]))
