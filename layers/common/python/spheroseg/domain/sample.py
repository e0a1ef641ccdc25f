"""Sample: what an image shows, as its owner says it, and how that is read from text."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite

from spheroseg.errors import InvalidSampleError

TEXT_MAX_LENGTH = 100
MAX_TAGS = 10
TAG_MAX_LENGTH = 50
MAX_TIME_H = 100_000.0
"""Eleven years; a larger number is no time of an experiment but a mistake."""
MAX_REPLICATE = 100_000
PLATE_ROWS, PLATE_COLUMNS = 32, 48
"""Of a plate of 1,536 wells, the largest of ANSI/SLAS 4-2004."""


@dataclass(frozen=True)
class Sample:
    """Where a sample came from; None: nobody said.

    Args:
        plate: Name of the plate.
        well: Its place there, such as ``B03``: row as letters, column with two digits.
        condition: What was done to it.
        time_point_h: When the image was taken, in hours from the experiment's own zero.
        replicate: Which repetition, from 1.
    """

    plate: str | None = None
    well: str | None = None
    condition: str | None = None
    time_point_h: float | None = None
    replicate: int | None = None


def one_line(text: str, max_length: int = TEXT_MAX_LENGTH) -> str:
    """The text without blanks around it, if it is one visible line that is not too long.

    Raises:
        InvalidSampleError: it is empty, longer, or holds control characters.
    """
    stripped = text.strip()
    if not 1 <= len(stripped) <= max_length:
        raise InvalidSampleError(f"1 to {max_length} characters are needed, not {len(stripped)}")
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in stripped):
        raise InvalidSampleError("Line breaks and other control characters are not allowed")
    return stripped


def well_name(text: str) -> str:
    """The well that ``b3``, ``B03`` or ``AF48`` names, as ``B03``.

    Raises:
        InvalidSampleError: no plate has such a well.
    """
    letters = text.strip().rstrip("0123456789").upper()
    digits = text.strip()[len(letters) :]
    if not letters.isascii() or not letters.isalpha() or not digits.isdecimal() or len(letters) > 2 or len(digits) > 3:
        raise InvalidSampleError(f"{text!r} is no well such as B03")
    return well_at(letters, digits)


def well_at(row: str, column: str) -> str:
    """The well in a row, by letters or number from 1, and a column, by number from 1.

    Raises:
        InvalidSampleError: no plate has such a well.
    """
    number = 0
    if row.isdecimal():
        number = int(row)
    elif row.isascii() and row.isalpha():
        for letter in row.upper():
            number = 26 * number + ord(letter) - 64
    if not 1 <= number <= PLATE_ROWS or not column.isdecimal() or not 1 <= int(column) <= PLATE_COLUMNS:
        raise InvalidSampleError(f"No plate has a well in row {row!r} and column {column!r}")
    letters = chr(64 + number) if number <= 26 else "A" + chr(64 + number - 26)
    return f"{letters}{int(column):02d}"


def time_of(text: str) -> float:
    """A number of hours, or raise ``InvalidSampleError``."""
    try:
        hours = float(text)
    except ValueError as error:
        raise InvalidSampleError(f"{text!r} is no number of hours") from error
    if not isfinite(hours) or abs(hours) > MAX_TIME_H:
        raise InvalidSampleError(f"{text!r} is not within {MAX_TIME_H:g} hours")
    return hours


def replicate_of(text: str) -> int:
    """The number of a repetition, from 1, or raise ``InvalidSampleError``."""
    if not text.strip().isdecimal() or not 1 <= int(text) <= MAX_REPLICATE:
        raise InvalidSampleError(f"{text!r} is no whole number from 1 to {MAX_REPLICATE}")
    return int(text)


READERS: Mapping[str, Callable[[str], str | float | int]] = {
    "plate": one_line,
    "well": well_name,
    "condition": one_line,
    "time_point_h": time_of,
    "replicate": replicate_of,
}
"""Field of ``Sample`` -> what reads it from text."""


def tags_of(tags: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Tags, each once, in their order.

    Raises:
        InvalidSampleError: more than ten, or one that is no visible line of up to 50 characters.
    """
    found = tuple(dict.fromkeys(one_line(tag, TAG_MAX_LENGTH) for tag in tags))
    if len(found) > MAX_TAGS:
        raise InvalidSampleError(f"{len(found)} tags are given; an image has {MAX_TAGS} at most")
    return found
