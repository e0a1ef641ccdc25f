"""Outlines in few bytes: steps between corners in quarter pixels.

The format stands in docs/api.md. Coordinates are whole quarter pixels, so that what runs along pixel edges and what a
person draws are both exact in it; nothing finer is stored anywhere. Each ring is the place of its first corner and the
steps from each corner to the next, in as many bytes as its longest step takes, x before y: that is read as fast as it
is written, by one call for a ring, in any language. The same outline has one form only.
"""

import struct
import sys
from array import array
from collections.abc import Sequence
from itertools import accumulate
from operator import sub

from spheroseg.domain.spheroid import Polygon, Ring

MEDIA_TYPE = "application/vnd.spheroseg.outlines"
VERSION = 1
UNITS_PER_PX = 4
HEADER = struct.Struct("<4sBBHIIIII")
"""``SPHO``, version, units per px, 0, revision, width and height in px, entries, number to go on after or 0."""
MAGIC = b"SPHO"

_STEPS = ("b", "h", "i")
"""Signed integers of one, two and four bytes."""
_LARGEST = (2**7 - 1, 2**15 - 1, 2**31 - 1)


def packed(polygons: Sequence[Polygon]) -> bytes:
    """One spheroid's outline.

    Raises:
        ValueError: a coordinate is no multiple of a quarter pixel, or below 0.
    """
    parts = [_varint(len(polygons))]
    for polygon in polygons:
        parts.append(_varint(1 + len(polygon.holes)))
        parts += map(_packed_ring, (polygon.exterior, *polygon.holes))
    return b"".join(parts)


def unpacked(content: bytes) -> tuple[Polygon, ...]:
    """The outline that ``packed`` made so."""
    count, at = _read_varint(content, 0)
    polygons = []
    for _ in range(count):
        ring_count, at = _read_varint(content, at)
        rings: list[Ring] = []
        for _ in range(ring_count):
            ring, at = _unpacked_ring(content, at)
            rings.append(ring)
        polygons.append(Polygon(rings[0], tuple(rings[1:])))
    return tuple(polygons)


def file_of(
    entries: Sequence[tuple[int, bytes]], revision: int, size_px: tuple[int, int], next_after: int | None
) -> bytes:
    """Outlines of one revision.

    Args:
        entries: Number and packed outline of each spheroid, in order of number.
        size_px: Width and height of the image.
        next_after: The number after which the next file begins; None: this is the last.
    """
    parts = [HEADER.pack(MAGIC, VERSION, UNITS_PER_PX, 0, revision, *size_px, len(entries), next_after or 0)]
    for number, outline in entries:
        parts += (_varint(number), _varint(len(outline)), outline)
    return b"".join(parts)


def _packed_ring(ring: Ring) -> bytes:
    scaled = [[coordinate * UNITS_PER_PX for coordinate in axis] for axis in zip(*ring, strict=True)]
    xs, ys = ([int(coordinate) for coordinate in axis] for axis in scaled)
    if [xs, ys] != scaled or min(xs[0], ys[0]) < 0:
        raise ValueError("An outline has a coordinate that is no multiple of a quarter pixel, or below 0")
    steps_x, steps_y = list(map(sub, xs[1:], xs)), list(map(sub, ys[1:], ys))
    longest = max(map(abs, (*steps_x, *steps_y)), default=0)
    code = next(code for code, largest in enumerate(_LARGEST) if longest <= largest)
    steps = array(_STEPS[code], (*steps_x, *steps_y))
    if sys.byteorder == "big":
        steps.byteswap()
    return _varint(len(ring) << 2 | code) + _varint(xs[0]) + _varint(ys[0]) + steps.tobytes()


def _unpacked_ring(content: bytes, at: int) -> tuple[Ring, int]:
    head, at = _read_varint(content, at)
    x, at = _read_varint(content, at)
    y, at = _read_varint(content, at)
    steps = array(_STEPS[head & 3])
    count = (head >> 2) - 1
    end = at + 2 * count * steps.itemsize
    steps.frombytes(content[at:end])
    if sys.byteorder == "big":
        steps.byteswap()
    px = (1 / UNITS_PER_PX).__mul__
    xs = map(px, accumulate(steps[:count], initial=x))
    ys = map(px, accumulate(steps[count:], initial=y))
    return tuple(zip(xs, ys, strict=True)), end


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow (LEB128)."""
    content = bytearray()
    while value > 127:
        content.append(value & 127 | 128)
        value >>= 7
    content.append(value)
    return bytes(content)


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while content[at] > 127:
        value |= (content[at] & 127) << shift
        shift += 7
        at += 1
    return value | content[at] << shift, at + 1
