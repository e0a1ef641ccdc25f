"""Brightness of outlines instead of labels, without drawing more of the image than lies around them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from spheroseg.domain.revision import Box
from spheroseg.domain.spheroid import Brightness, Polygon, Spheroid
from spheroseg.imaging.intensities import measured_brightness
from spheroseg.imaging.rasterising import drawn, stretches_of
from spheroseg.imaging.rings import Reach
from spheroseg.imaging.windowing import Grey

CANVAS_PX = 2**24
"""Pixels that are drawn at once, unless one spheroid takes more: 64 MB of labels."""


def canvases(spheroids: Sequence[Spheroid], size_px: tuple[int, int]) -> Iterator[tuple[Box, list[Spheroid]]]:
    """Parts of an image that hold spheroids with all that their brightness depends on; together all spheroids.

    Args:
        size_px: Width and height of the image.
    """
    whole: Box | None = None
    some: list[Spheroid] = []
    for one in sorted(spheroids, key=lambda one: (one.measures.bbox_y_px, one.measures.bbox_x_px)):
        box = _around(one, size_px)
        both = box if whole is None else _together(whole, box)
        if whole is not None and (both.right - both.left) * (both.bottom - both.top) > CANVAS_PX:
            yield whole, some
            both, some = box, []
        whole = both
        some.append(one)
    if whole is not None:
        yield whole, some


def brightness_on(
    canvas: Box, pixels: Grey, outlines: Mapping[int, Sequence[Polygon]], spheroids: Sequence[Spheroid]
) -> dict[int, Brightness]:
    """The brightness of some spheroids, to the last digit what the whole image's label image gives.

    Args:
        canvas: One of ``canvases``, with its spheroids.
        pixels: (h, w) uint8, uint16 or float32: the whole image.
        outlines: Of all spheroids that meet the canvas, the measured ones among them.
    """
    left, top, right, bottom = (int(side) for side in (canvas.left, canvas.top, canvas.right, canvas.bottom))
    stretches = stretches_of(list(outlines.values()))
    stretches = replace(
        stretches,
        row=stretches.row - top,
        begin=(stretches.begin - left).clip(0, right - left),
        end=(stretches.end - left).clip(0, right - left),
    )
    stretches = stretches.part(
        (stretches.row >= 0) & (stretches.row < bottom - top) & (stretches.begin < stretches.end)
    )
    labels = drawn(stretches, np.array(list(outlines), np.int64), (bottom - top, right - left))
    boxes, areas = [], []
    for one in spheroids:
        found = one.measures
        y, x = int(found.bbox_y_px) - top, int(found.bbox_x_px) - left
        boxes.append((y, x, y + int(found.bbox_height_px), x + int(found.bbox_width_px)))
        areas.append(int(found.area_px2))
    numbers = [one.number for one in spheroids]
    found_there = measured_brightness(labels, pixels[top:bottom, left:right], numbers, boxes, areas)
    return dict(zip(numbers, found_there, strict=True))


def _around(spheroid: Spheroid, size_px: tuple[int, int]) -> Box:
    found = spheroid.measures
    margin = Reach.of(int(found.area_px2)).margin_px
    return Box(
        max(found.bbox_x_px - margin, 0),
        max(found.bbox_y_px - margin, 0),
        min(found.bbox_x_px + found.bbox_width_px + margin, size_px[0]),
        min(found.bbox_y_px + found.bbox_height_px + margin, size_px[1]),
    )


def _together(one: Box, other: Box) -> Box:
    return Box(
        min(one.left, other.left),
        min(one.top, other.top),
        max(one.right, other.right),
        max(one.bottom, other.bottom),
    )
