"""Rows to groups and to the units that count as one observation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spheroseg.domain.statistics import UnitsUsed
from spheroseg.domain.statistics_question import Level, Unit
from spheroseg.errors import UnclearUnitsError
from spheroseg.statistics.describing import Floats

Indices = NDArray[np.int64]

KEYS: Mapping[Unit, tuple[str, ...]] = {
    Unit.REPLICATE: ("replicate",),
    Unit.WELL: ("plate", "well"),
    Unit.IMAGE: ("image",),
    Unit.OBJECT: (),
}
"""Factors that tell units of a group apart."""

MOST_SHOWN = 3


@dataclass(frozen=True)
class Observations:
    """A table of measures by columns of the same length.

    Args:
        values: (n,) of the measure, NaN where it is missing.
        factors: Name -> (n,) levels; at least those that are asked for. ``image`` tells the image of each object.
        names: (n,) which object each row is, for people.
    """

    values: Floats
    factors: Mapping[str, Sequence[Level]]
    names: Sequence[str]


@dataclass(frozen=True)
class Parts:
    """Rows by what they agree in.

    Args:
        number: (n,) int64, the part of each row, from 0.
        levels: The factors' levels in each part, in order of number.
    """

    number: Indices
    levels: Sequence[tuple[Level, ...]]


def parts_of(factors: Mapping[str, Sequence[Level]], names: Sequence[str], rows: int) -> Parts:
    """Number the combinations of levels; in order of levels: numbers by size, then words, then nothing."""
    number = np.zeros(rows, np.int64)
    levels: list[tuple[Level, ...]] = [()] if rows else []
    for name in names:
        codes, found = _coded(factors[name])
        combined = number * len(found) + codes
        present, number = np.unique(combined, return_inverse=True)
        levels = [(*levels[one // len(found)], found[one % len(found)]) for one in present.tolist()]
        number = number.astype(np.int64)
    return Parts(number, levels)


def _coded(values: Sequence[Level]) -> tuple[Indices, list[Level]]:
    levels = sorted(set(values), key=level_order)
    places = {level: place for place, level in enumerate(levels)}
    return np.fromiter((places[value] for value in values), np.int64, len(values)), levels


def level_order(level: Level) -> tuple[int, float, str]:
    """What levels are sorted by: numbers by size, then words, then nothing."""
    if level is None:
        return 2, 0.0, ""
    return (1, 0.0, level) if isinstance(level, str) else (0, float(level), "")


def units_used(table: Observations, asked: Unit | None) -> UnitsUsed:
    """Which unit counts as one observation.

    Raises:
        UnclearUnitsError: replicates, or what was asked for, are given for some rows with a value only.
    """
    there = ~np.isnan(table.values)
    if asked is None:
        if _given(table, Unit.REPLICATE, there).any():
            _require_all(table, Unit.REPLICATE, there)
            return UnitsUsed(
                Unit.REPLICATE,
                "given for all; its objects are no independent repeats, so that their mean counts",
            )
        if "image" in table.factors and _given(table, Unit.IMAGE, there).all():
            return UnitsUsed(
                Unit.IMAGE,
                "no replicate is given; objects of one image are no independent repeats, so that their mean counts",
                (_IMAGES_MAY_BELONG_TOGETHER,),
            )
        return UnitsUsed(Unit.OBJECT, "neither replicates nor images are given", (_EACH_OBJECT,))
    _require_all(table, asked, there)
    cautions: tuple[str, ...] = ()
    if asked is Unit.OBJECT:
        cautions = (_EACH_OBJECT,)
    if asked is not Unit.REPLICATE and _given(table, Unit.REPLICATE, there).any():
        cautions = (*cautions, "replicates are given, but were not asked for as the unit: repeats within them count")
    return UnitsUsed(asked, "it was asked for", cautions)


_IMAGES_MAY_BELONG_TOGETHER = (
    "p-values and intervals hold where images are independent repeats; several images of one well, animal or day are "
    "not: give their replicate"
)
_EACH_OBJECT = (
    "p-values and intervals take each object for an independent repeat; objects of one well or day are not "
    "(pseudo-replication: Hurlbert, S. H. (1984), Ecological Monographs 54(2), 187-211)"
)


def _given(table: Observations, unit: Unit, there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of each row with a value, whether the unit is told; a well needs no plate."""
    name = {Unit.REPLICATE: "replicate", Unit.WELL: "well", Unit.IMAGE: "image"}.get(unit)
    if name is None:
        return np.ones(int(there.sum()), bool)
    if name not in table.factors:
        return np.zeros(int(there.sum()), bool)
    column = table.factors[name]
    return np.array([column[row] is not None for row in np.flatnonzero(there).tolist()], bool)


def _require_all(table: Observations, unit: Unit, there: NDArray[np.bool_]) -> None:
    given = _given(table, unit, there)
    if given.all():
        return
    rows = np.flatnonzero(there)[~given]
    shown = ", ".join(table.names[row] for row in rows[:MOST_SHOWN].tolist())
    raise UnclearUnitsError(
        f"{unit.value} is not given for {rows.size:,} of {given.size:,} objects, first of {shown}; give it, or say "
        "what is to count as one observation (unit)"
    )


@dataclass(frozen=True)
class UnitValues:
    """One value for each unit of each group.

    Args:
        group: (m,) int64, which group.
        values: (m,) means of the units' objects.
        keys: (m,) what tells the unit from others of its group.
        names: (m,) for people.
    """

    group: Indices
    values: Floats
    keys: Sequence[tuple[Level, ...]]
    names: Sequence[str]


def unit_values(table: Observations, group: Indices, unit: Unit) -> UnitValues:
    """The mean of each unit's objects that have a value, in order of groups and units.

    Args:
        group: (n,) int64, the group of each row.
    """
    rows = np.flatnonzero(~np.isnan(table.values))
    if unit is Unit.OBJECT:
        order = rows[np.argsort(group[rows], kind="stable")]
        names = [table.names[row] for row in order.tolist()]
        return UnitValues(group[order], table.values[order], [(name,) for name in names], names)
    factors = [name for name in KEYS[unit] if name in table.factors]
    parts = parts_of(table.factors, factors, table.values.size)
    combined = group[rows] * max(len(parts.levels), 1) + parts.number[rows]
    present, number = np.unique(combined, return_inverse=True)
    sums = np.bincount(number, table.values[rows], present.size)
    keys = [parts.levels[one] for one in (present % max(len(parts.levels), 1)).tolist()]
    return UnitValues(
        group=present // max(len(parts.levels), 1),
        values=sums / np.bincount(number, minlength=present.size),
        keys=keys,
        names=[f"{unit.value} {' '.join(str(level) for level in key if level is not None)}" for key in keys],
    )
