"""Outlines as the service packs them: steps between corners in quarter pixels. docs/api.md describes the format."""

import struct
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from spheroseg_client.errors import UnexpectedAnswerError
from spheroseg_client.models import Polygon

HEADER = struct.Struct("<4sBBHIIIII")
STEPS = ("b", "h", "i")


@dataclass(frozen=True)
class PackedOutlines:
    """Outlines of one revision, or some of them.

    Args:
        revision: Which one.
        width_px, height_px: Size of the image.
        spheroids: Polygons by number.
        next_after: The number after which the rest begins; None: this is all.
    """

    revision: int
    width_px: int
    height_px: int
    spheroids: Mapping[int, Sequence[Polygon]]
    next_after: int | None = None


def read_packed(content: bytes) -> PackedOutlines:
    """Outlines from their bytes.

    Raises:
        UnexpectedAnswerError: they are not in the format that this version understands.
    """
    if len(content) < HEADER.size or content[:5] != b"SPHO\x01":
        raise UnexpectedAnswerError("These are no packed outlines of version 1")
    _, _, units, _, revision, width, height, count, next_after = HEADER.unpack_from(content)
    spheroids: dict[int, Sequence[Polygon]] = {}
    at = HEADER.size
    try:
        for _ in range(count):
            number, at = _varint(content, at)
            length, at = _varint(content, at)
            spheroids[number] = _polygons(content[at : at + length], 1 / units)
            at += length
    except (IndexError, ValueError) as error:
        raise UnexpectedAnswerError("The packed outlines end too early, or are damaged") from error
    if at != len(content):
        raise UnexpectedAnswerError(f"The packed outlines have {len(content)} bytes, their entries {at}")
    return PackedOutlines(revision, width, height, spheroids, next_after or None)


def _polygons(content: bytes, px: float) -> list[Polygon]:
    count, at = _varint(content, 0)
    polygons = []
    for _ in range(count):
        ring_count, at = _varint(content, at)
        rings = []
        for _ in range(ring_count):
            ring, at = _ring(content, at, px)
            rings.append(ring)
        polygons.append(Polygon.model_construct(exterior=rings[0], holes=rings[1:]))
    if at != len(content):
        raise ValueError("an entry is longer than its outline")
    return polygons


def _ring(content: bytes, at: int, px: float) -> tuple[list[tuple[float, float]], int]:
    head, at = _varint(content, at)
    x, at = _varint(content, at)
    y, at = _varint(content, at)
    steps = array(STEPS[head & 3])
    count = (head >> 2) - 1
    end = at + 2 * count * steps.itemsize
    if end > len(content):
        raise ValueError("a ring is cut off")
    steps.frombytes(content[at:end])
    if sys.byteorder == "big":
        steps.byteswap()
    xs = map(px.__mul__, accumulate(steps[:count], initial=x))
    ys = map(px.__mul__, accumulate(steps[count:], initial=y))
    return list(zip(xs, ys, strict=True)), end


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while content[at] > 127:
        value |= (content[at] & 127) << shift
        shift += 7
        at += 1
    return value | content[at] << shift, at + 1
