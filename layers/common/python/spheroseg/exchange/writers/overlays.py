"""Numbered overlays as a format of the exchange: the numbers are those of the tables' rows."""

import io
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from spheroseg.domain.spheroid import Ring, Spheroid
from spheroseg.drawing import draw_overlay
from spheroseg.exchange.files import Files
from spheroseg.exchange.results import Result
from spheroseg.exchange.writers.pictures import LIMITS
from spheroseg.imaging.decode import decode
from spheroseg.imaging.windowing import preview_jpeg

PNG_LEVEL = 3
"""zlib's: six tenths of the time of the usual 6 for 4 megapixels (measured), and hardly larger."""


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
            drawn.save(stream, format="PNG", compress_level=PNG_LEVEL)


@dataclass(frozen=True)
class _Outline:
    """A spheroid as it is drawn."""

    number: int
    parts: tuple[Ring, ...]

    @property
    def rings(self) -> Iterator[Ring]:
        return iter(self.parts)


def _outline(spheroid: Spheroid) -> _Outline:
    return _Outline(
        spheroid.number, tuple(ring for polygon in spheroid.polygons for ring in (polygon.exterior, *polygon.holes))
    )
