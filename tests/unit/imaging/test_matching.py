import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from spheroseg.imaging.matching import Matching, match, overlaps_of
from tests.unit.imaging.shapes import drawn


def matched(first: str, second: str, threshold: float = 0.5) -> Matching:
    return match(overlaps_of(drawn(first), drawn(second)), threshold)


def test_numbers_need_not_agree() -> None:
    found = matched("11.22 11.22", "77.55 77.55")
    assert (found.first.tolist(), found.second.tolist(), found.iou.tolist()) == ([1, 2], [7, 5], [1, 1])
    assert (found.missed.size, found.added.size) == (0, 0)
    assert (found.first_areas.tolist(), found.second_areas.tolist()) == ([4, 4], [4, 4])


def test_missed_and_added_objects_are_named() -> None:
    found = matched("11..22 11..22 ......", "77.... 77.... 3333..")
    assert (found.first.tolist(), found.missed.tolist(), found.added.tolist()) == ([1], [2], [3])
    assert found.average_precision == pytest.approx(1 / 3)
    assert (found.precision, found.recall, found.f1, found.panoptic_quality) == (0.5, 0.5, 0.5, 0.5)


def test_an_iou_of_the_threshold_itself_is_no_match() -> None:
    assert matched("1122", "1111").iou.size == 0
    assert matched("1122", "1111", threshold=0.49).iou.tolist() == [0.5]
    assert matched("112", "111").iou.tolist() == pytest.approx([2 / 3])


def test_panoptic_quality_is_the_pairs_iou_over_half_the_objects() -> None:
    found = matched("1112 1112", "7772 ..74")
    # 1-7 share 4 of 6 pixels, 2-2 share 1 of 2 (no match); 2 is missed, 2 and 4 are added.
    assert found.iou.tolist() == pytest.approx([4 / 6])
    assert found.panoptic_quality == pytest.approx((4 / 6) / (1 + (1 + 2) / 2))


def test_below_a_half_as_many_pairs_as_possible_are_made() -> None:
    # 1 overlaps 5 best, but then 2 would stay alone, for which there is only 5.
    first, second = "11111111.222", "444555555555"
    greedy = overlaps_of(drawn(first), drawn(second))
    shares = dict(zip(zip(greedy.first_at.tolist(), greedy.second_at.tolist(), strict=True), greedy.iou, strict=True))
    assert shares[0, 1] > shares[0, 0]  # 1 shares more with 5 than with 4
    found = match(greedy, 0.1)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(1, 4), (2, 5)]


def test_nothing_against_nothing_is_right_and_ratios_without_objects_are_undefined() -> None:
    nothing = np.zeros((3, 4), np.uint8)
    overlaps = overlaps_of(nothing, nothing)
    found = match(overlaps)
    assert (found.average_precision, found.f1, found.panoptic_quality) == (1, 1, 1)
    assert (found.precision, found.recall) == (None, None)
    assert (overlaps.foreground_iou, overlaps.foreground_dice) == (1, 1)
    something = match(overlaps_of(nothing, nothing + 1))
    assert (something.average_precision, something.precision, something.recall) == (0, 0, None)


def test_foreground_ratios_do_not_care_for_objects() -> None:
    overlaps = overlaps_of(drawn("1122 ...."), drawn("1111 2..."))
    assert overlaps.foreground_iou == pytest.approx(4 / 5)
    assert overlaps.foreground_dice == pytest.approx(8 / 9)
    assert overlaps.best_iou.tolist() == [0.5, 0.5]


def test_images_of_different_size_and_of_other_content_are_refused() -> None:
    with pytest.raises(ValueError, match="different size: 3 × 2 and 2 × 2"):
        overlaps_of(np.zeros((2, 3), np.int32), np.zeros((2, 2), np.int32))
    for wrong in (np.zeros((2, 2)), np.zeros((2, 2, 3), np.int32), np.full((2, 2), -1), np.full((2, 2), 2**31)):
        with pytest.raises(ValueError, match=r"label image|Numbers of objects"):
            overlaps_of(wrong, wrong)
    with pytest.raises(ValueError, match="threshold"):
        matched("1", "1", threshold=1)


def test_large_numbers_and_mixed_types_keep_apart() -> None:
    first = np.array([[2**31 - 1, 2**31 - 2, 0]], np.uint32)
    found = match(overlaps_of(first, np.array([[1, 2, 3]], np.uint8)))
    assert (found.first.tolist(), found.second.tolist()) == ([2**31 - 2, 2**31 - 1], [2, 1])
    assert found.added.tolist() == [3]


def test_an_image_larger_than_one_portion_is_counted_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 9, (2, 40, 30)).astype(np.int32)
    whole = overlaps_of(first, second)
    monkeypatch.setattr("spheroseg.imaging.matching.PIXELS_AT_A_TIME", 64)
    portions = overlaps_of(first, second)
    assert portions.shared.tolist() == whole.shared.tolist()
    assert portions.first_areas.tolist() == [np.count_nonzero(first == number) for number in range(1, 9)]


SMALL = arrays(np.int32, (5, 6), elements=st.integers(0, 6))


@given(SMALL, SMALL, st.sampled_from([0.0, 0.05, 0.2, 0.5, 0.75]))
@settings(max_examples=150, deadline=None)
def test_it_agrees_with_counting_every_pair(
    first: NDArray[np.int32], second: NDArray[np.int32], threshold: float
) -> None:
    firsts, seconds = np.unique(first[first > 0]), np.unique(second[second > 0])
    iou = np.array(
        [
            [
                np.mean((second == b)[(first == a) | (second == b)] & (first == a)[(first == a) | (second == b)])
                for b in seconds
            ]
            for a in firsts
        ]
    ).reshape(firsts.size, seconds.size)
    rows, columns = linear_sum_assignment(np.where(iou > threshold, 1 + iou / 100, 0), maximize=True)
    expected = iou[rows, columns][iou[rows, columns] > threshold]
    found = match(overlaps_of(first, second), threshold)
    assert found.iou.size == expected.size
    assert found.iou.sum() == pytest.approx(expected.sum())
    assert all(
        iou[firsts == a, seconds == b] == pytest.approx(value)
        for a, b, value in zip(found.first, found.second, found.iou, strict=True)
    )
    assert sorted([*found.first, *found.missed]) == firsts.tolist()
    assert sorted([*found.second, *found.added]) == seconds.tolist()
    assert overlaps_of(first, second).best_iou == pytest.approx(iou.max(axis=1, initial=0))
