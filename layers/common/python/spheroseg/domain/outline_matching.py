"""Which outlines of a file are those that are there: by their corners first, then by number and place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spheroseg.domain.spheroid import Polygon

Rings = frozenset[tuple[tuple[float, float], ...]]
Outline = tuple[Polygon, ...]


@dataclass(frozen=True)
class Matched:
    """What becomes of outlines when others take their place.

    Args:
        unchanged: Numbers of those that are the same.
        changed: Numbers that get another outline: that one's place among the wanted.
        added: Places among the wanted of outlines that are new.
        removed: Numbers that are no more, ascending.
    """

    unchanged: frozenset[int]
    changed: Mapping[int, int]
    added: Sequence[int]
    removed: Sequence[int]


def matched(now: Mapping[int, Outline], wanted: Sequence[tuple[int, Outline]]) -> Matched:
    """Match outlines, both at the same precision, with those that are there.

    A spheroid keeps its number where its outline is the same, wherever its rings begin; or where the file gives the
    number to an outline whose box meets that of the one that has it.

    Args:
        now: Outlines by number.
        wanted: The number that each has in the file, and its outline.
    """
    numbers = {_rings(outline): number for number, outline in now.items()}
    left = dict(now)
    others: list[int] = []
    for place, (_, outline) in enumerate(wanted):
        same = numbers.get(_rings(outline))
        if same is None or left.pop(same, None) is None:
            others.append(place)
    unchanged = frozenset(now) - frozenset(left)
    changed: dict[int, int] = {}
    added: list[int] = []
    for place in others:
        number, outline = wanted[place]
        before = left.get(number)
        if before is not None and _meet(before, outline):
            del left[number]
            changed[number] = place
        else:
            added.append(place)
    return Matched(unchanged, changed, added, sorted(left))


def _rings(outline: Iterable[Polygon]) -> Rings:
    """Rings from their smallest corner: the same however they are ordered."""
    rings = [ring for polygon in outline for ring in (polygon.exterior, *polygon.holes)]
    starts = [ring.index(min(ring)) for ring in rings]
    return frozenset((*ring[start:], *ring[:start]) for ring, start in zip(rings, starts, strict=True))


def _meet(one: Outline, other: Outline) -> bool:
    left, top, right, bottom = _box(one)
    other_left, other_top, other_right, other_bottom = _box(other)
    return left < other_right and other_left < right and top < other_bottom and other_top < bottom


def _box(outline: Outline) -> tuple[float, float, float, float]:
    corners = [corner for polygon in outline for corner in polygon.exterior]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs), min(ys), max(xs), max(ys)
