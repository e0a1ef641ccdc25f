"""Which images are shown, and how their sheet is put together."""

import numpy as np

from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.windowing import Grey
from training.evaluation.methods import Method
from training.failures import COLUMNS, GAP_PX, WIDTH_PX, picture_of, worst


def half_of_every_object(pixels: Grey) -> Labels:
    """Objects from a column on; each lies in 64 columns."""
    return np.where(np.arange(pixels.shape[1]) % 64 >= pixels[0, 0], pixels // 200, 0).astype(np.int32)


def image(missed_columns: int) -> tuple[str, str, Grey, Labels]:
    """One object of 64 px, of which so many columns will not be found."""
    pixels = np.full((64, 64), 200, np.uint8)
    pixels[0, 0] = missed_columns
    return "a source", f"{missed_columns} missed", pixels, np.ones((64, 64), np.int32)


def test_the_worst_of_each_group_come_first_and_empty_images_are_left_out() -> None:
    method = Method("half", half_of_every_object, "")
    empty = ("a source", "empty", np.full((64, 64), 200, np.uint8), np.zeros((64, 64), np.int32))
    other = ("another", *image(5)[1:])
    shown = worst(method, iter([image(4), image(20), empty, image(30), other]), 2)
    assert [(one.group, one.figures.image) for one in shown] == [
        ("a source", "30 missed"),
        ("a source", "20 missed"),
        ("another", "5 missed"),
    ]
    sheet = picture_of(method, shown)
    assert sheet.shape[1] == COLUMNS * WIDTH_PX + GAP_PX
    assert sheet.dtype == np.uint8
    assert (sheet[-1, -1] == 255).all()  # three pictures: the fourth place is empty
