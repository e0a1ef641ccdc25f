"""Numbered overlays as a format of the exchange: the numbers are those of the tables' rows."""

import io
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from spheroseg.domain.spheroid import Spheroid
from spheroseg.exchange.files import Files
from spheroseg.exchange.results import Result
from spheroseg.imaging.decode import decode
from spheroseg.imaging.windowing import preview_jpeg
from spheroseg_client.offline.exchanged import LIMITS
from spheroseg_client.outlines import Outline
from spheroseg_client.overlays import draw_overlay


def write_overlays(results: Iterable[Result], files: Files) -> None:
    """A PNG for each image: its picture with outlines and numbers; a large image is shown smaller.

    Raises:
        ValueError: an image is not at hand.
    """
    for result in results:
        if result.original is None:
            raise ValueError(f"The image {result.file} is not at hand, and an overlay is drawn on it")
        with tempfile.TemporaryDirectory(prefix="spheroseg-") as folder:
            path = Path(folder) / "image"
            with result.original.open() as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, 2**20)
            pixels = decode(path, result.page, LIMITS).pixels
        if pixels.shape != (result.height_px, result.width_px):
            raise ValueError(
                f"{result.file} is {pixels.shape[1]} × {pixels.shape[0]} px, its result {result.width_px} × "
                f"{result.height_px}"
            )
        picture = Image.open(io.BytesIO(preview_jpeg(pixels)))
        drawn = draw_overlay(picture, [_outline(one) for one in result.spheroids], (result.width_px, result.height_px))
        with files.open(f"{result.name}.png") as stream:
            drawn.save(stream, format="PNG")


def _outline(spheroid: Spheroid) -> Outline:
    return Outline(
        number=spheroid.number,
        polygons=[[polygon.exterior, *polygon.holes] for polygon in spheroid.polygons],
    )
