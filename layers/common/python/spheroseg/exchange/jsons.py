"""JSON documents written front to back: lists of any length, an element at a time."""

from collections.abc import Iterable
from typing import BinaryIO

import orjson


def write_list(stream: BinaryIO, elements: Iterable[object]) -> None:
    """A JSON list, an element a line."""
    stream.write(b"[")
    for index, element in enumerate(elements):
        stream.write(b",\n" if index else b"\n")
        stream.write(orjson.dumps(element, option=orjson.OPT_SERIALIZE_NUMPY))
    stream.write(b"]")
