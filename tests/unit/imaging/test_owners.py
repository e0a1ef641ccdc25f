"""Which piece of an object each hole belongs to, against SciPy's numbering of pieces."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from spheroseg.domain.spheroid import Ring
from spheroseg.imaging.labels import outlines_of
from tests.unit.imaging.shapes import Labels, drawn


def noise(side: int, density: float, seed: int = 0) -> Labels:
    """One object of scattered pixels."""
    return (np.random.default_rng(seed).random((side, side)) < density).astype(np.int32)


def numbered(labels: Labels) -> Labels:
    """Pieces as objects, corners counting as contact: objects are then in pieces that meet in corners."""
    pieces: Labels = ndimage.label(labels, np.ones((3, 3)))[0].astype(np.int32)
    return pieces


def nested(depth: int, gap: int = 1) -> Labels:
    """Square rings in one another, ``gap`` px apart, around a pixel."""
    side = 2 * depth * (1 + gap) + 1
    y, x = np.mgrid[:side, :side]
    from_centre = np.maximum(abs(y - side // 2), abs(x - side // 2))
    labels: Labels = (from_centre % (1 + gap) == 0).astype(np.int32)
    return labels


def pixel_beside(ring: Ring) -> tuple[int, int]:
    """Row and column of the object's pixel beside a ring's first edge, which is horizontal."""
    (x0, y), (x1, _) = ring[:2]
    return int(y if x1 > x0 else y - 1), int(min(x0, x1))


def assert_holes_lie_in_their_pieces(labels: Labels) -> int:
    holes = 0
    for number, polygons in outlines_of(labels).items():
        pieces, count = ndimage.label(labels == number)  # by pixel edges
        own = [pieces[pixel_beside(polygon.exterior)] for polygon in polygons]
        assert sorted(own) == list(range(1, count + 1))
        for piece, polygon in zip(own, polygons, strict=True):
            assert {int(pieces[pixel_beside(hole)]) for hole in polygon.holes} <= {int(piece)}
            filled = ndimage.label(np.pad(pieces != piece, 1, constant_values=True))[1]
            assert len(polygon.holes) == filled - 1
            holes += len(polygon.holes)
    return holes


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 26), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_each_hole_of_noise_lies_in_the_piece_around_it(side: int, density: float, seed: int) -> None:
    one = noise(side, density, seed)
    assert_holes_lie_in_their_pieces(one)
    assert_holes_lie_in_their_pieces(numbered(one))
    assert_holes_lie_in_their_pieces(one * np.random.default_rng(seed).integers(1, 4, one.shape).astype(np.int32))


@pytest.mark.parametrize("gap", [1, 2])
def test_rings_in_rings_to_any_depth_have_one_hole_each(gap: int) -> None:
    labels = nested(20, gap)
    assert assert_holes_lie_in_their_pieces(labels) == 20
    assert [len(polygon.holes) for polygon in outlines_of(labels)[1]] == [1] * 20 + [0]


def test_a_hole_whose_run_begins_at_another_hole_lies_in_the_same_piece() -> None:
    labels = drawn("""
        1111111111.11
        1.111111.1.1.
        111.1.1111.11
        11.11111.1..1
        1111.1.1111.1
        ...........11
        1.11111111111
    """)
    assert assert_holes_lie_in_their_pieces(labels) > 5


def test_a_sponge_in_pieces_among_other_objects() -> None:
    rough = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(90, 90)), 1)
    labels = np.digitize(rough, [-0.1, 0.05]).astype(np.int32)
    assert assert_holes_lie_in_their_pieces(labels) > 15


def test_thousands_of_holes_among_thousands_of_pieces_take_no_time_for_each_pair() -> None:
    labels = noise(192, 0.55)
    begun = time.process_time()
    outlines = outlines_of(labels)
    assert time.process_time() - begun < 5  # 10 ms; looking for each hole through each piece took 27 s
    assert sum(len(polygon.holes) for polygon in outlines[1]) > 1000
