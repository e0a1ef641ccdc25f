"""Brightness of outlines: to the last digit that of the whole image, however small the parts are that are drawn."""

import numpy as np
import pytest

from spheroseg.domain.spheroid import Brightness
from spheroseg.imaging import outline_brightness
from spheroseg.imaging.intensities import brightness_of
from spheroseg.imaging.measures import spheroids_of
from spheroseg.imaging.outline_brightness import brightness_on, canvases


@pytest.mark.parametrize("canvas_px", [1, 20_000, 2**24])
def test_parts_give_what_the_whole_image_gives(monkeypatch: pytest.MonkeyPatch, canvas_px: int) -> None:
    """Small and sampled ones, at the image's border and close to each other."""
    monkeypatch.setattr(outline_brightness, "CANVAS_PX", canvas_px)
    chance = np.random.default_rng(3)
    labels = np.zeros((260, 320), np.int32)
    y, x = np.mgrid[:260, :320]
    for number, (row, column, radius) in enumerate(
        [(60, 70, 52), (60, 140, 12), (5, 200, 15), (200, 310, 30), (255, 20, 9), (180, 120, 44), (215, 195, 20)], 1
    ):
        labels[np.hypot(y - row, x - column) < radius] = number
    pixels = chance.integers(0, 60_000, labels.shape).astype(np.uint16)
    whole = brightness_of(labels, pixels, spheroids_of(labels))
    outlines = {one.number: one.polygons for one in whole}
    found: dict[int, Brightness] = {}
    parts = list(canvases(whole, (320, 260)))
    for canvas, some in parts:
        found |= brightness_on(canvas, pixels, outlines, some)
    assert len(parts) == (7 if canvas_px == 1 else 1 if canvas_px == 2**24 else len(parts))
    assert found == {one.number: one.brightness for one in whole}
