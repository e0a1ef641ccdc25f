"""Two runs compared by outlines: the same as by their label images."""

import numpy as np
import pytest
from scipy import ndimage

from spheroseg.domain.run_comparison import Pair, compared
from spheroseg.domain.spheroid import Polygon, Spheroid
from spheroseg.errors import NotComparableError
from spheroseg.imaging.labels import outlines_of
from spheroseg.imaging.matching import match, overlaps_of
from tests.builders import a_spheroid


def some_labels(seed: int, size: int = 160) -> "np.ndarray[tuple[int, int], np.dtype[np.int32]]":
    """Ragged bodies with holes, islands and touching neighbours."""
    chance = np.random.default_rng(seed)
    bodies, _ = ndimage.label(ndimage.gaussian_filter(chance.normal(size=(size, size)), 4) > 0.01)
    pepper = chance.random((size, size)) < 0.01
    labels = np.where(pepper, 0, bodies).astype(np.int32)
    labels[: size // 2][labels[: size // 2] == 1] = labels.max() + 1  # one is cut by a straight line: the halves touch
    return labels


def spheroids_of(labels: "np.ndarray[tuple[int, int], np.dtype[np.int32]]") -> list[Spheroid]:
    return [a_spheroid(number, polygons=polygons) for number, polygons in outlines_of(labels).items()]


@pytest.mark.parametrize("seed", range(3))
def test_outlines_give_what_the_label_images_give(seed: int) -> None:
    first = some_labels(seed)
    second = np.roll(first, (2, 1), axis=(0, 1))
    second[second == 3] = 0
    second[5:9, 5:9] = second.max() + 1
    by_labels = match(overlaps_of(first, second))
    by_outlines = compared(spheroids_of(first), spheroids_of(second))
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


def square(number: int, left: float, top: float, side: float) -> Spheroid:
    corners = ((left, top), (left + side, top), (left + side, top + side), (left, top + side))
    return a_spheroid(number, polygons=(Polygon(corners),))


def test_partners_are_those_above_the_threshold() -> None:
    first, second = [square(1, 0, 0, 10), square(2, 30, 0, 10)], [square(7, 0, 2, 10), square(9, 60, 0, 4)]
    found = compared(first, second)
    assert found.pairs == [Pair(1, 7, 80 / 120)]
    assert (found.lost, found.added, found.mean_iou) == ([2], [9], 80 / 120)
    strict = compared(first, second, threshold=0.7)
    assert (strict.pairs, strict.lost, strict.added, strict.mean_iou) == ([], [1, 2], [7, 9], None)
    nothing = compared([], [])
    assert (nothing.pairs, nothing.lost, nothing.added, nothing.mean_iou) == ([], [], [], None)


def test_outlines_off_the_pixel_edges_are_refused() -> None:
    for odd in (square(1, 0.5, 0, 10), a_spheroid(1, polygons=(Polygon(((0.0, 0.0), (5.0, 5.0), (0.0, 5.0))),))):
        with pytest.raises(NotComparableError):
            compared([odd], [])
    with pytest.raises(ValueError, match="threshold"):
        compared([], [], threshold=0.4)
