"""JPEG files."""

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from spheroseg.errors import UndecodableImageError, UnsupportedImageError
from spheroseg.imaging.header import DecodeLimits, Format, ImageHeader
from spheroseg.imaging.windowing import Grey

WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
READ_FRAMES = {0xC0, 0xC1, 0xC2}
"""Baseline, extended and progressive; the others are lossless, hierarchical or arithmetic (ITU-T T.81, table B.1)."""

ROWS_AT_A_TIME = 2048


class _Frame(NamedTuple):
    process: int
    precision: int
    height: int
    width: int
    components: int


def read_jpeg_header(path: Path) -> ImageHeader:
    """The header of a JPEG file. The resolution that it may state is one for printing, so it is no pixel size."""
    frame = _frame(path)
    return ImageHeader(
        format=Format.JPEG,
        width_px=frame.width,
        height_px=frame.height,
        pages=1,
        pixel_type="uint8" if frame.precision == 8 else f"uint{frame.precision}",
        channels=frame.components,
        pixel_size_um=None,
    )


def decode_jpeg(path: Path, limits: DecodeLimits) -> tuple[Grey, str]:
    """Luminance as the decoder gives it, and the samples' type in the file.

    The orientation that a camera noted is not applied: pixels as stored.
    """
    frame = _frame(path)
    limits.check(frame.width, frame.height, 1)  # colours are left out below
    if frame.process not in READ_FRAMES or frame.precision != 8:
        raise UnsupportedImageError("The JPEG is of a rare kind: lossless, arithmetic, or not 8 bit")
    if frame.components not in {1, 3}:
        raise UnsupportedImageError("The JPEG has four colours, which is for printing; save it as a grey or RGB image")
    Image.MAX_IMAGE_PIXELS = limits.max_pixels  # Pillow's own limit is lower
    with Image.open(path, formats=["JPEG"]) as image:
        image.draft("L", None)  # the decoder leaves colours out, which gives the luminance itself and is faster
        return _array(image if image.mode == "L" else image.convert("L")), "uint8"


def _array(image: Image.Image) -> Grey:
    """The pixels, copied some rows at a time: at once there would be three of each for a while."""
    pixels = np.empty((image.height, image.width), np.uint8)
    for top in range(0, image.height, ROWS_AT_A_TIME):
        bottom = min(top + ROWS_AT_A_TIME, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return pixels


def _frame(path: Path) -> _Frame:
    """The frame header, found by walking along the segments before the first scan."""
    with path.open("rb") as file:
        file.seek(2)
        while True:
            lead = file.read(2)
            while lead[1:] == b"\xff":  # any number of fill bytes may precede a marker
                lead = lead[1:] + file.read(1)
            if len(lead) < 2:
                raise UndecodableImageError("The JPEG is cut off before its pixels")
            if lead[0] != 0xFF or lead[1] in {0x00, 0xD9, 0xDA}:
                raise UndecodableImageError("The JPEG has no frame before its pixels")
            if lead[1] in WITHOUT_LENGTH:
                continue
            rest = file.read(2)
            length = struct.unpack(">H", rest)[0] if len(rest) == 2 else 0
            if length < 2:
                raise UndecodableImageError("The JPEG has a damaged segment")
            if lead[1] not in FRAMES:
                file.seek(length - 2, 1)
                continue
            fields = file.read(6)
            if len(fields) < 6:
                raise UndecodableImageError("The JPEG is cut off before its pixels")
            return _Frame(lead[1], *struct.unpack(">BHHB", fields))
