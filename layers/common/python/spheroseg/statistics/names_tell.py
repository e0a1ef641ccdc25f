"""What the names of files tell: the well of a plate, and when an image was taken.

Nothing is guessed: a name that tells none, or two that differ, is refused by name.
"""

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TypeVar

from spheroseg.errors import NotTellableError

PLATES = ((8, 12), (16, 24), (32, 48))
"""Rows and columns of plates of 96, 384 and 1,536 wells (ANSI/SLAS 4-2004)."""

_LETTERS = re.compile(r"(?<![A-Za-z0-9])(?:[Ww]ell[ _-]?)?([A-P]|A[A-F])(0?[1-9]|[1-3][0-9]|4[0-8])(?![A-Za-z0-9])")
_NUMBERS = re.compile(r"(?<![A-Za-z0-9])r(\d{2})c(\d{2})(?=f\d|[^A-Za-z0-9]|$)")
"""As the Opera and Operetta of Revvity name their images: ``r02c03f01…``."""

_NUMBER = r"(\d+(?:\.\d+)?)"
_TIMES = (
    (re.compile(rf"(?<![A-Za-z0-9.])[tT]?{_NUMBER}[ _-]?(?:h|hr|hrs|hour|hours)(?![A-Za-z0-9])"), 1.0),
    (re.compile(rf"(?<![A-Za-z0-9.])[tT]?{_NUMBER}[ _-]?(?:min|mins|minutes)(?![A-Za-z0-9])"), 1 / 60),
    (re.compile(rf"(?<![A-Za-z0-9.])[tT]?{_NUMBER}[ _-]?(?:day|days)(?![A-Za-z0-9])"), 24.0),
    (re.compile(rf"(?<![A-Za-z0-9])(?:[Dd]ay|d)[ _-]?{_NUMBER}(?![A-Za-z0-9])"), 24.0),
)
_FRAME = re.compile(r"(?<![A-Za-z0-9])(?:[tT]|[tT]ime|[fF]rame)[ _-]?(\d+)(?![A-Za-z0-9.])")


def stem_of(path: PurePath) -> str:
    """A file's name without its suffix, and without ``.ome`` before it."""
    return path.stem.removesuffix(".ome")


@dataclass(frozen=True, order=True)
class Well:
    """A place on a plate; both count from 1."""

    row: int
    column: int

    def __str__(self) -> str:
        return f"{row_name(self.row)}{self.column:02d}"


@dataclass(frozen=True)
class Moment:
    """When an image was taken.

    Args:
        value: Hours, or the number of a frame.
        unit: ``h`` or ``frame``.
    """

    value: float
    unit: str


Found = TypeVar("Found", Well, Moment)


def row_name(row: int) -> str:
    """A to Z, then AA to AF."""
    return chr(64 + row) if row <= 26 else "A" + chr(64 + row - 26)


def well_of(name: str) -> Well:
    """The well in a name: ``B03``, ``B3``, ``well B03`` or ``r02c03``, apart from other letters and digits.

    Raises:
        NotTellableError: there is none, or there are two.
    """
    found = {Well(_row(letters), int(column)) for letters, column in _LETTERS.findall(name)}
    found |= {Well(int(row), int(column)) for row, column in _NUMBERS.findall(name)}
    return _only(found, name, "well", "such as B03 or r02c03", "no-well")


def moment_of(name: str) -> Moment:
    """The time in a name: ``24h``, ``90min``, ``3days``, ``day3``, ``d3``; else a frame: ``t012``, ``frame12``.

    Raises:
        NotTellableError: there is none, or there are two.
    """
    times = {
        Moment(round(float(number) * hours, 9), "h") for pattern, hours in _TIMES for number in pattern.findall(name)
    }
    frames = {Moment(float(number), "frame") for number in _FRAME.findall(name)}
    return _only(times or frames, name, "time", "such as 24h, day3 or t012", "no-time")


def _row(letters: str) -> int:
    return ord(letters) - 64 if len(letters) == 1 else 26 + ord(letters[1]) - 64


def _only(found: set[Found], name: str, what: str, such_as: str, code: str) -> Found:
    if len(found) == 1:
        return found.pop()
    if found:
        shown = " and ".join(
            sorted(str(one) if isinstance(one, Well) else f"{one.value:g} {one.unit}" for one in found)
        )
        raise NotTellableError(f"The name {name} tells more than one {what}: {shown}", f"ambiguous-{what}")
    raise NotTellableError(f"The name {name} tells no {what}, {such_as}", code)
