"""PNG files."""

import mmap
import struct
from pathlib import Path
from typing import NamedTuple

import imagecodecs

from spheroseg.errors import UndecodableImageError, UnsupportedImageError
from spheroseg.imaging.grey import grey_of
from spheroseg.imaging.header import DecodeLimits, Format, ImageHeader
from spheroseg.imaging.windowing import Grey

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
PALETTE = 3
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bits of a sample by colour type (ISO/IEC 15948:2004, 11.2.2)."""


class _Chunks(NamedTuple):
    """A file's header fields, and the chunks that its pixels depend on."""

    width: int
    height: int
    depth: int
    colour: int
    is_transparent: bool
    needed: bytes


def read_png_header(path: Path) -> ImageHeader:
    """The header of a PNG file whose chunks are complete.

    The resolution that a PNG may state is one for printing, so it is no pixel size.
    """
    chunks = _chunks(path)
    return ImageHeader(
        format=Format.PNG,
        width_px=chunks.width,
        height_px=chunks.height,
        pages=1,
        pixel_type=_pixel_type(chunks),
        channels=CHANNELS[chunks.colour],
        pixel_size_um=None,
    )


def decode_png(path: Path, limits: DecodeLimits) -> tuple[Grey, str]:
    """Grey pixels and their type in the file. 1, 2 and 4 bits are stretched to 8, palettes looked up.

    Only the chunks that pixels depend on reach the decoder: texts, profiles and gamma are left out. Checksums are
    verified there.
    """
    chunks = _chunks(path)
    channels = 4 if chunks.colour == PALETTE else CHANNELS[chunks.colour] + chunks.is_transparent
    limits.check(chunks.width, chunks.height, channels * max(8, chunks.depth) / 8)
    samples = imagecodecs.png_decode(chunks.needed)
    if samples.shape[:2] != (chunks.height, chunks.width):
        raise UndecodableImageError("The PNG's pixels do not have the size that its header says")
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    return grey_of(samples, alpha=channels in {2, 4}), _pixel_type(chunks)


def _pixel_type(chunks: _Chunks) -> str:
    if chunks.depth == 16:
        return "uint16"
    return "bool" if (chunks.depth, chunks.colour) == (1, 0) else "uint8"


def _chunks(path: Path) -> _Chunks:
    """Walk along the chunks without reading their content."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[8:16] != b"\x00\x00\x00\x0dIHDR" or len(content) < 33:
            raise UndecodableImageError("The PNG does not begin with its header")
        width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", content[16:29])
        if depth not in DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
            raise UndecodableImageError("The PNG's header names a kind of pixels that does not exist")
        needed = [SIGNATURE]
        kinds: list[bytes] = []
        place = len(SIGNATURE)
        while b"IEND" not in kinds:
            if place + 12 > len(content):
                raise UndecodableImageError("The PNG is cut off")
            length, kind = struct.unpack(">I4s", content[place : place + 8])
            end = place + 12 + length
            if end > len(content):
                raise UndecodableImageError("The PNG is cut off")
            if kind == b"acTL":
                raise UnsupportedImageError("The PNG is an animation")
            if kind in {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}:
                needed.append(content[place:end])
            elif not kind.isalpha() or kind[:1].isupper():
                raise UndecodableImageError("The PNG has a chunk that no PNG has")
            kinds.append(kind)
            place = end
    if b"IDAT" not in kinds:
        raise UndecodableImageError("The PNG has no pixels")
    return _Chunks(width, height, depth, colour, b"tRNS" in kinds, b"".join(needed))
