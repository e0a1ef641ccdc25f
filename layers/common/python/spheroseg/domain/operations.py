"""Operations on outlines, as data: what somebody does to the spheroids of a revision.

Coordinates are in pixels of the image, x to the right, y down, and are rounded to quarter pixels before anything is
checked: that is the precision in which outlines are stored. Rings are closed by themselves.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, TypeAlias

from spheroseg.domain.spheroid import Polygon, Ring

Point: TypeAlias = tuple[float, float]

MAX_OPERATIONS = 1_000
"""Of one save."""
MAX_TOUCHED = 2_000
"""Spheroids that one save may change; a function has half a core and 29 s."""
MAX_CORNERS = 100_000
"""Of all outlines that one save brings along or changes."""


@dataclass(frozen=True)
class Add:
    """A new spheroid; it gets the number after the highest that the run ever had."""

    kind: ClassVar[str] = "add"
    polygons: tuple[Polygon, ...]


@dataclass(frozen=True)
class Delete:
    """Spheroids that are none."""

    kind: ClassVar[str] = "delete"
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Replace:
    """Another outline for a spheroid."""

    kind: ClassVar[str] = "replace"
    number: int
    polygons: tuple[Polygon, ...]


@dataclass(frozen=True)
class Split:
    """A spheroid cut along a line that leads through it from side to side.

    The largest part keeps the number, and pieces that the line misses stay with it; the other parts get new numbers,
    the larger first.
    """

    kind: ClassVar[str] = "split"
    number: int
    line: Ring


@dataclass(frozen=True)
class Merge:
    """Several spheroids that are one; it keeps the first number.

    Args:
        allow_pieces: Whether they may be apart; otherwise they must share a part of their outlines.
    """

    kind: ClassVar[str] = "merge"
    numbers: tuple[int, ...]
    allow_pieces: bool = False


@dataclass(frozen=True)
class AddHole:
    """A hole in a spheroid, which must lie inside of it."""

    kind: ClassVar[str] = "add_hole"
    number: int
    ring: Ring


@dataclass(frozen=True)
class FillHole:
    """No hole where there is one.

    Args:
        at: A place in the hole; None: all holes of the spheroid.
    """

    kind: ClassVar[str] = "fill_hole"
    number: int
    at: Point | None = None


@dataclass(frozen=True)
class Simplify:
    """Fewer corners, none of which was farther than the tolerance from the new outline."""

    kind: ClassVar[str] = "simplify"
    numbers: tuple[int, ...]
    tolerance_px: float


@dataclass(frozen=True)
class Smooth:
    """Without bumps and bays into which a disk of that radius does not fit (opening, then closing)."""

    kind: ClassVar[str] = "smooth"
    numbers: tuple[int, ...]
    radius_px: float


@dataclass(frozen=True)
class Relabel:
    """Another number, which must be free."""

    kind: ClassVar[str] = "relabel"
    number: int
    to: int


Operation: TypeAlias = Add | Delete | Replace | Split | Merge | AddHole | FillHole | Simplify | Smooth | Relabel
KINDS: dict[str, type[Operation]] = {
    one.kind: one for one in (Add, Delete, Replace, Split, Merge, AddHole, FillHole, Simplify, Smooth, Relabel)
}


def touched(operation: Operation) -> frozenset[int]:
    """Numbers that the operation names; whether they exist shows when it is done."""
    numbers: set[int] = set()
    for field in fields(operation):
        if field.name in {"number", "to"}:
            numbers.add(getattr(operation, field.name))
        elif field.name == "numbers":
            numbers |= set(getattr(operation, field.name))
    return frozenset(numbers)


def as_data(operation: Operation) -> dict[str, Any]:
    """The operation for JSON, its kind with it."""
    return {"kind": operation.kind, **asdict(operation)}


def corners_in(operation: Operation) -> int:
    """Corners that it brings along."""
    if isinstance(operation, Add | Replace):
        return sum(len(ring) for polygon in operation.polygons for ring in (polygon.exterior, *polygon.holes))
    return (
        len(operation.line)
        if isinstance(operation, Split)
        else 0
        if not isinstance(operation, AddHole)
        else len(operation.ring)
    )
