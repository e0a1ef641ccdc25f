"""What was read, as spheroids with measures of their pixels."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from spheroseg.domain.spheroid import Spheroid
from spheroseg.errors import NotExpressibleError
from spheroseg.exchange.pixels import patch_of
from spheroseg.exchange.results import ReadImage
from spheroseg.imaging.boundaries import trace
from spheroseg.imaging.measures import measures_of


def spheroids_from(image: ReadImage, width_px: int, height_px: int) -> Iterator[Spheroid]:
    """The objects with their outlines as they are, measured by the pixels whose centres they cover.

    Numbers stay where every object has one of its own; else they count from 1 in the file's order.

    Raises:
        NotExpressibleError: an object reaches out of the image, or covers no pixel's centre, so it has no measures.
    """
    numbers = [one.number for one in image.objects]
    if None in numbers or len(set(numbers)) < len(numbers):
        numbers = list(range(1, len(numbers) + 1))
    for number, one in zip(numbers, image.objects, strict=True):
        assert number is not None  # noqa: S101 - replaced above where one was missing
        for polygon in one.polygons:
            for x, y in polygon.exterior:
                if not (0 <= x <= width_px and 0 <= y <= height_px):
                    raise NotExpressibleError(
                        f"Object {number} of {image.name} reaches out of the image: a corner at ({x:g}, {y:g}), the "
                        f"image has {width_px} × {height_px} px"
                    )
        patch = patch_of(one.polygons, width_px, height_px)
        if not patch.mask.any():
            raise NotExpressibleError(
                f"Object {number} of {image.name} covers no pixel's centre, so it cannot be measured"
            )
        measures = measures_of(trace(patch.mask.astype(np.int32)))[1]
        measures = replace(
            measures,
            centroid_x_px=measures.centroid_x_px + patch.left,
            centroid_y_px=measures.centroid_y_px + patch.top,
            bbox_x_px=measures.bbox_x_px + patch.left,
            bbox_y_px=measures.bbox_y_px + patch.top,
        )
        right, bottom = measures.bbox_x_px + measures.bbox_width_px, measures.bbox_y_px + measures.bbox_height_px
        yield Spheroid(
            number=number,
            polygons=one.polygons,
            measures=measures,
            confidence=one.confidence,
            touches_edge=measures.bbox_x_px == 0 or measures.bbox_y_px == 0 or right == width_px or bottom == height_px,
        )
