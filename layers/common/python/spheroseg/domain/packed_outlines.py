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
from itertools import accumulate, islice
from operator import sub
from typing import NamedTuple, cast

from spheroseg.domain.spheroid import Polygon, Ring

MEDIA_TYPE = "application/vnd.spheroseg.outlines"
VERSION = 1
UNITS_PER_PX = 4
HEADER = struct.Struct("<4sBBHIIIII")
"""``SPHO``, version, units per px, 0, revision, width and height in px, entries, number to go on after or 0."""
MAGIC = b"SPHO"

STEP_BYTES = (1, 2, 4)
"""Widths of a ring's steps, signed integers, by the code in its head."""
LONGEST_STEPS = (2**7 - 1, 2**15 - 1, 2**31 - 1)
_STEPS = ("b", "h", "i")

OFF_GRID = "An outline has a coordinate that is no multiple of a quarter pixel, or below 0"


class RingHead(NamedTuple):
    """What there is of a ring before its steps.

    Args:
        code: Place in ``STEP_BYTES`` of the width of its steps.
        corners: How many it has.
        x, y: The first of them, in quarter pixels.
        steps_at: Where its steps begin.
    """

    code: int
    corners: int
    x: int
    y: int
    steps_at: int


def packed(polygons: Sequence[Polygon]) -> bytes:
    """One spheroid's outline.

    Raises:
        ValueError: a coordinate is no multiple of a quarter pixel, or below 0.
    """
    return packed_rings(
        [one.packed_rings() or [_packed_ring(ring) for ring in (one.exterior, *one.holes)] for one in polygons]
    )


def packed_rings(polygons: Sequence[Sequence[bytes]]) -> bytes:
    """One spheroid's outline of rings that are packed already, the outer one of each polygon first."""
    parts = [_varint(len(polygons))]
    for rings in polygons:
        parts += (_varint(len(rings)), *rings)
    return b"".join(parts)


def code_of(longest: int) -> int:
    """The place in ``STEP_BYTES`` of the width that a ring's steps have.

    Args:
        longest: Size of the longest of them, in quarter pixels.
    """
    return next(code for code, largest in enumerate(LONGEST_STEPS) if longest <= largest)


def packed_ring(corners: int, x: int, y: int, code: int, steps: bytes) -> bytes:
    """A ring.

    Args:
        x, y: Its first corner, in quarter pixels.
        code: Place in ``STEP_BYTES`` of the width of its steps.
        steps: Those in x, then those in y, little-endian.
    """
    return _varint(corners << 2 | code) + _varint(x) + _varint(y) + steps


def unpacked(content: bytes) -> tuple[Polygon, ...]:
    """The outline that ``packed`` made so."""
    shape, heads = ring_heads(content)
    rings = iter([_unpacked_ring(content, head) for head in heads])
    return tuple(Polygon(next(rings), tuple(islice(rings, count - 1))) for count in shape)


def ring_heads(content: bytes, at: int = 0) -> tuple[list[int], list[RingHead]]:
    """How many rings each polygon of an outline has, and what there is of each ring before its steps.

    Args:
        at: Where the outline begins.
    """
    count, at = _read_varint(content, at)
    shape, heads = [], []
    for _ in range(count):
        ring_count, at = _read_varint(content, at)
        shape.append(ring_count)
        for _ in range(ring_count):
            head, at = _read_varint(content, at)
            x, at = _read_varint(content, at)
            y, at = _read_varint(content, at)
            heads.append(RingHead(head & 3, head >> 2, x, y, at))
            at += 2 * ((head >> 2) - 1) * STEP_BYTES[head & 3]
    return shape, heads


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
    xs, ys = (_quarters(axis) for axis in zip(*ring, strict=True))
    if min(xs[0], ys[0]) < 0:
        raise ValueError(OFF_GRID)
    steps = [*map(sub, islice(xs, 1, None), xs), *map(sub, islice(ys, 1, None), ys)]
    longest = max(max(steps, default=0), -min(steps, default=0))
    code = code_of(longest)
    content = array(_STEPS[code], steps)
    if sys.byteorder == "big":
        content.byteswap()
    return packed_ring(len(ring), xs[0], ys[0], code, content.tobytes())


def _quarters(axis: Sequence[float]) -> list[int]:
    if {*map(type, axis)} == {int}:  # as traced along pixel edges: there is nothing to round
        return [coordinate * UNITS_PER_PX for coordinate in cast("Sequence[int]", axis)]
    scaled = [coordinate * UNITS_PER_PX for coordinate in axis]
    whole = list(map(int, scaled))
    if whole != scaled:
        raise ValueError(OFF_GRID)
    return whole


def _unpacked_ring(content: bytes, head: RingHead) -> Ring:
    steps = array(_STEPS[head.code])
    count = head.corners - 1
    steps.frombytes(content[head.steps_at : head.steps_at + 2 * count * steps.itemsize])
    if sys.byteorder == "big":
        steps.byteswap()
    px = (1 / UNITS_PER_PX).__mul__
    xs = map(px, accumulate(steps[:count], initial=head.x))
    ys = map(px, accumulate(steps[count:], initial=head.y))
    return tuple(zip(xs, ys, strict=True))


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
