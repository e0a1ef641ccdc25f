import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from spheroseg.drawing import MANY, draw_overlay
from spheroseg_client.outlines import Outline

SQUARE = [(40.0, 40.0), (160.0, 40.0), (160.0, 160.0), (40.0, 160.0)]
HOLE = [(80.0, 60.0), (80.0, 90.0), (120.0, 90.0), (120.0, 60.0)]
PLACES = [(20.0, 20.0), (100.0, 20.0), (150.0, 20.0), (100.0, 100.0), (150.0, 100.0), (36.0, 40.0)]


def changed(grey: int, outline: Outline, size: tuple[int, int] = (200, 200)) -> NDArray[np.int64]:
    """How far each pixel moved from the plain image, in levels of the channel that moved most."""
    picture = draw_overlay(Image.new("L", (200, 200), grey), [outline], size)
    assert picture.size == (200, 200)
    assert picture.mode == "RGB"
    moved: NDArray[np.int64] = np.abs(np.asarray(picture).astype(np.int64) - grey).max(axis=2)
    return moved


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_an_outline_stands_out_on_dark_and_on_bright(grey: int) -> None:
    moved = changed(grey, Outline(1, [[SQUARE]]))
    for x, y in ((100, 40), (160, 100), (100, 160), (40, 100)):
        assert moved[y - 2 : y + 3, x - 2 : x + 3].max() > 90
    assert moved[70, 60] == 0, "inside, away from line and number, the image stays as it is"
    assert moved[10, 10] == 0


def test_holes_are_drawn() -> None:
    with_hole = changed(128, Outline(1, [[SQUARE, HOLE]]))
    without = changed(128, Outline(1, [[SQUARE]]))
    assert with_hole[60, 100] > 60
    assert without[60, 100] == 0


def test_outlines_are_scaled_to_a_smaller_preview() -> None:
    large = [(x * 10, y * 10) for x, y in SQUARE]
    scaled, plain = changed(128, Outline(1, [[large]]), (2000, 2000)), changed(128, Outline(1, [[SQUARE]]))
    rows, columns = np.nonzero(scaled)
    assert 35 <= rows.min() < 41
    assert 159 < columns.max() <= 165
    assert np.mean(np.abs(scaled - plain)) < 1.0


def test_lines_are_smoothed() -> None:
    diagonal = [(20.0, 20.0), (180.0, 100.0), (20.0, 180.0)]
    picture = np.asarray(draw_overlay(Image.new("L", (200, 200), 0), [Outline(1, [[diagonal]])], (200, 200)))
    levels = picture[:, 60:140, 1]
    assert len(np.unique(levels)) > 8


def test_the_number_is_written_in_the_middle() -> None:
    assert changed(128, Outline(7, [[SQUARE]]))[90:110, 90:110].max() > 100


def test_neighbours_have_different_colours() -> None:
    """Objects 1 and 6 touch and would have the same of the five colours, were they coloured by number alone."""
    squares = [[(x, y), (x + 20.0, y), (x + 20.0, y + 20.0), (x, y + 20.0)] for x, y in PLACES]
    outlines = [Outline(number, [[square]]) for number, square in enumerate(squares, start=1)]
    picture = np.asarray(draw_overlay(Image.new("L", (200, 200), 0), outlines, (200, 200)))
    first, sixth = picture[20, 30], picture[40, 30 + 20 - 4]
    assert first.max() > 90
    assert sixth.max() > 90
    assert np.abs(first.astype(int) - sixth.astype(int)).max() > 60


def test_objects_at_and_beyond_the_edge_are_drawn_as_far_as_they_are_visible() -> None:
    shifted = [(x - 100, y - 100) for x, y in SQUARE]
    assert changed(128, Outline(1, [[shifted]]))[50:62, 10].max() > 60
    far = [(x + 1000, y) for x, y in SQUARE]
    assert changed(128, Outline(1, [[far]])).max() == 0


def test_thousands_of_objects_are_drawn_too() -> None:
    outlines = [
        Outline(number, [[[(x, y), (x + 2.0, y), (x + 2.0, y + 2.0), (x, y + 2.0)]]])
        for number, (x, y) in enumerate(((float(n % 60 * 3), float(n // 60 * 3)) for n in range(MANY + 1)), start=1)
    ]
    picture = np.asarray(draw_overlay(Image.new("L", (200, 200), 128), outlines, (200, 200)))
    assert (picture != 128).any(axis=2).sum() > MANY
