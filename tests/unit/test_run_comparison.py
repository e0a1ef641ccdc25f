"""Two runs compared by outlines: the same as by their label images, wherever people moved the corners to."""

import numpy as np
import pytest
from scipy import ndimage

from spheroseg.domain.run_comparison import Pair, RunComparison, paired
from spheroseg.domain.spheroid import Polygon
from spheroseg.imaging.editing import Outline, ShapelyEditor
from spheroseg.imaging.labels import outlines_of
from spheroseg.imaging.matching import match, overlaps_of
from spheroseg.imaging.rasterising import labels_of


def some_labels(seed: int, size: int = 160) -> "np.ndarray[tuple[int, int], np.dtype[np.int32]]":
    """Ragged bodies with holes, islands and touching neighbours."""
    chance = np.random.default_rng(seed)
    bodies, _ = ndimage.label(ndimage.gaussian_filter(chance.normal(size=(size, size)), 4) > 0.01)
    pepper = chance.random((size, size)) < 0.01
    labels = np.where(pepper, 0, bodies).astype(np.int32)
    labels[: size // 2][labels[: size // 2] == 1] = labels.max() + 1  # one is cut by a straight line: the halves touch
    return labels


def compared(first: dict[int, Outline], second: dict[int, Outline], threshold: float = 0.5) -> RunComparison:
    return ShapelyEditor().paired(first, second, 160, threshold)


@pytest.mark.parametrize("seed", range(3))
def test_outlines_give_what_the_label_images_give(seed: int) -> None:
    first = some_labels(seed)
    second = np.roll(first, (2, 1), axis=(0, 1))
    second[second == 3] = 0
    second[5:9, 5:9] = second.max() + 1
    by_labels = match(overlaps_of(first, second))
    by_outlines = compared(dict(outlines_of(first)), dict(outlines_of(second)))
    assert [(pair.first, pair.second) for pair in by_outlines.pairs] == list(
        zip(by_labels.first.tolist(), by_labels.second.tolist(), strict=True)
    )
    assert [pair.iou for pair in by_outlines.pairs] == pytest.approx(by_labels.iou.tolist(), abs=1e-12)
    assert list(by_outlines.lost) == by_labels.missed.tolist()
    assert list(by_outlines.added) == by_labels.added.tolist()
    assert by_outlines.pairs
    assert by_outlines.lost
    assert by_outlines.added
    assert by_outlines.mean_iou == pytest.approx(by_labels.iou.mean())


def square(left: float, top: float, side: float) -> Outline:
    corners = ((left, top), (left + side, top), (left + side, top + side), (left, top + side))
    return (Polygon(corners),)


def test_partners_are_those_above_the_threshold() -> None:
    first, second = {1: square(0, 0, 10), 2: square(30, 0, 10)}, {7: square(0, 2, 10), 9: square(60, 0, 4)}
    found = compared(first, second)
    assert found.pairs == [Pair(1, 7, 80 / 120)]
    assert (found.lost, found.added, found.mean_iou) == ([2], [9], 80 / 120)
    strict = compared(first, second, threshold=0.7)
    assert (strict.pairs, strict.lost, strict.added, strict.mean_iou) == ([], [1, 2], [7, 9], None)
    nothing = compared({}, {})
    assert (nothing.pairs, nothing.lost, nothing.added, nothing.mean_iou) == ([], [], [], None)


def test_corrected_outlines_are_compared_by_their_pixels() -> None:
    first = {1: square(0, 0, 10), 2: (Polygon(((20.25, 3.5), (41.0, 9.75), (28.5, 30.0))),)}
    second = {4: square(0.25, 0.25, 10), 5: (Polygon(((21.0, 4.0), (41.0, 9.75), (28.5, 29.25))),)}
    found = compared(first, second)
    by_labels = match(overlaps_of(labels_of(first, (40, 160)), labels_of(second, (40, 160))))
    assert [(pair.first, pair.second) for pair in found.pairs] == [(1, 4), (2, 5)]
    assert [pair.iou for pair in found.pairs] == pytest.approx(by_labels.iou.tolist(), abs=1e-12)


def test_a_threshold_that_lets_one_have_two_partners_is_refused() -> None:
    with pytest.raises(ValueError, match="threshold"):
        paired({}, {}, {}, threshold=0.4)
