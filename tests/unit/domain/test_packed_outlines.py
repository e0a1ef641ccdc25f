"""Outlines in few bytes: exact, one form only, and small."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spheroseg.domain.packed_outlines import HEADER, file_of, packed, unpacked
from spheroseg.domain.spheroid import Polygon

PLACE = st.integers(0, 4 * 70_000).map(lambda steps: steps / 4)
RING = st.lists(st.tuples(PLACE, PLACE), min_size=1, max_size=9).map(tuple)
POLYGONS = st.lists(st.builds(Polygon, RING, st.lists(RING, max_size=2).map(tuple)), max_size=3).map(tuple)


@given(POLYGONS)
def test_what_is_packed_comes_back_in_the_same_bytes(polygons: tuple[Polygon, ...]) -> None:
    content = packed(polygons)
    assert unpacked(content) == polygons
    assert packed(unpacked(content)) == content


def test_the_bytes_are_those_of_the_format() -> None:
    """A triangle by hand: one polygon, one ring, 3 corners in one byte a step, (1.25, 300), then two steps."""
    ring = ((1.25, 300.0), (2.0, 300.0), (1.25, 299.0))
    head = bytes([1, 1, 3 << 2, 5, 1200 & 127 | 128, 1200 >> 7])
    assert packed((Polygon(ring),)) == head + bytes([3, 256 - 3, 0, 256 - 4])
    far = ((0.0, 0.0), (32.0, 0.0), (0.0, 40_000.0))
    assert packed((Polygon(far),))[:5] == bytes([1, 1, 3 << 2 | 2, 0, 0])


@pytest.mark.parametrize("corner", [(0.1, 1.0), (-0.25, 1.0), (1.0, 0.3)])
def test_what_the_format_cannot_hold_is_refused(corner: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="quarter pixel"):
        packed((Polygon((corner, (2.0, 2.0), (3.0, 1.0))),))


def test_a_file_takes_a_fifth_of_its_json() -> None:
    ring = tuple((1000.0 + 4 * step, 700.0 + (step * step) % 9) for step in range(40))
    content = file_of([(number, packed((Polygon(ring),))) for number in range(1, 101)], 3, (2048, 1024), None)
    assert HEADER.unpack(content[: HEADER.size]) == (b"SPHO", 1, 4, 0, 3, 2048, 1024, 100, 0)
    assert len(content) < 0.2 * len(orjson.dumps([[ring]] * 100))
