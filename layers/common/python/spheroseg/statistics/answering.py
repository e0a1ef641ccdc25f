"""A question about a table of measures, answered."""

import numpy as np

from spheroseg.domain.statistics import Answer, Comparison, DoseResponse, Group, Growth, PlateQuality, UnitsUsed
from spheroseg.domain.statistics_question import Level, OutlierRule, Question, Unit
from spheroseg.errors import InvalidQuestionError
from spheroseg.statistics.comparing import compare, corrected
from spheroseg.statistics.describing import Floats, summary_of
from spheroseg.statistics.dosing import dose_response_of
from spheroseg.statistics.flagging import flagged
from spheroseg.statistics.growing import growth_of
from spheroseg.statistics.plates import quality_of
from spheroseg.statistics.units import Observations, Parts, UnitValues, level_order, parts_of, unit_values, units_used

TIME = "time_point_h"
SMALLEST, LARGEST = 1e-60, 1e60
"""Of a value that is not 0: third powers of differences must neither vanish nor overflow in 64-bit numbers."""

MOST_GROUPS = 2000
MOST_LEVELS = 50
"""Compared with one another: 1,225 pairs."""


def answer(table: Observations, question: Question) -> Answer:
    """Answer a question; every row counts, in the objects' figures once, in the units' as part of its unit.

    Raises:
        InvalidQuestionError: it asks for what the table does not have, or contradicts itself.
        UnclearUnitsError: units are told for some rows only.
    """
    _require_possible(table, question)
    sizes = np.abs(table.values[~np.isnan(table.values) & (table.values != 0)])
    if sizes.size and not SMALLEST <= float(sizes.min()) <= float(sizes.max()) <= LARGEST:
        raise InvalidQuestionError(f"Values must be 0, or from {SMALLEST:g} to {LARGEST:g} apart from their sign")
    used = units_used(table, question.unit)
    parts = parts_of(table.factors, question.groups, table.values.size)
    if len(parts.levels) > MOST_GROUPS:
        raise InvalidQuestionError(f"{len(parts.levels):,} groups; {MOST_GROUPS:,} can be told at most")
    units = unit_values(table, parts.number, used.unit)
    notes = [*_missing_levels(table, question)]
    return Answer(
        rows=int(table.values.size),
        missing=int(np.isnan(table.values).sum()),
        units=used,
        overall=summary_of(table.values),
        groups=_groups(table, question, parts, units, question.outliers),
        comparisons=_comparisons(question, parts, units),
        growth=_growth(table, question, used, notes),
        dose_response=_dose_response(table, question, used, notes),
        plates=_plates(table, question, notes),
        notes=tuple(notes),
    )


def _require_possible(table: Observations, question: Question) -> None:
    controls = [name for name in (question.positive, question.negative) if name is not None]
    needed = {
        *question.groups,
        *([TIME] if question.growth else []),
        *(["condition", "plate", "well"] if controls else []),
    }
    if question.doses is not None:
        needed.add(question.dose_of)
    unknown = sorted(needed - set(table.factors))
    if unknown:
        raise InvalidQuestionError(f"The table does not tell {', '.join(unknown)}")
    if len(set(question.groups)) < len(question.groups):
        raise InvalidQuestionError("A factor is named twice")
    _require_comparable(table, question)
    if len(controls) == 1 or len(controls) > len(set(controls)):
        raise InvalidQuestionError("Z′ needs a positive and a negative control, two conditions")
    for name in controls:
        if name not in set(table.factors["condition"]):
            raise InvalidQuestionError(f"No row has condition {name!r}")
    for name, dose in (question.doses or {}).items():
        if not np.isfinite(dose) or dose < 0:
            raise InvalidQuestionError(f"The dose of {name!r} is {dose:g}; it must be 0 or above")


def _require_comparable(table: Observations, question: Question) -> None:
    if question.compare is None:
        if question.control is not None:
            raise InvalidQuestionError("A control is named, but no factor to compare")
        return
    if question.compare not in question.groups:
        raise InvalidQuestionError(f"{question.compare} is compared, so it must be one of the groups")
    if question.control is not None and question.control not in set(table.factors[question.compare]):
        raise InvalidQuestionError(f"No row has {question.compare} {question.control!r}, the control")


def _missing_levels(table: Observations, question: Question) -> list[str]:
    notes = []
    for name in question.groups:
        count = sum(level is None for level in table.factors[name])
        if count:
            notes.append(
                f"{name} is not told for {count:,} of {table.values.size:,} objects; they are a group of their own"
            )
    return notes


def _groups(
    table: Observations, question: Question, parts: Parts, units: UnitValues, rule: OutlierRule
) -> tuple[Group, ...]:
    order = np.argsort(parts.number, kind="stable")
    bounds = np.searchsorted(parts.number[order], np.arange(len(parts.levels) + 1))
    found = []
    for place, levels in enumerate(parts.levels):
        rows = order[bounds[place] : bounds[place + 1]]
        of_objects = table.values[rows]
        there = rows[~np.isnan(of_objects)]
        of_units = units.group == place
        values = units.values[of_units]
        found.append(
            Group(
                levels=dict(zip(question.groups, levels, strict=True)),
                objects=summary_of(of_objects),
                units=summary_of(values),
                outliers=flagged(table.values[there], [table.names[row] for row in there.tolist()], rule),
                unit_outliers=flagged(values, [units.names[one] for one in np.flatnonzero(of_units).tolist()], rule),
            )
        )
    return tuple(found)


def _comparisons(question: Question, parts: Parts, units: UnitValues) -> tuple[Comparison, ...]:
    if question.compare is None:
        return ()
    place = question.groups.index(question.compare)
    others = [name for name in question.groups if name != question.compare]
    strata: dict[tuple[Level, ...], dict[Level, Floats]] = {}
    for number, levels in enumerate(parts.levels):
        values = units.values[units.group == number]
        if levels[place] is not None and values.size:
            rest = tuple(level for at, level in enumerate(levels) if at != place)
            strata.setdefault(rest, {})[levels[place]] = values
    found = []
    for rest, groups in strata.items():
        if len(groups) > MOST_LEVELS:
            raise InvalidQuestionError(
                f"{len(groups)} levels of {question.compare} are compared; {MOST_LEVELS} can be at most"
            )
        ordered = {level: groups[level] for level in sorted(groups, key=level_order)}
        found.append(compare(question.compare, dict(zip(others, rest, strict=True)), ordered, question.control))
    return corrected(found)


def _growth(table: Observations, question: Question, used: UnitsUsed, notes: list[str]) -> tuple[Growth, ...]:
    if not question.growth:
        return ()
    timeless = sum(level is None for level in table.factors[TIME])
    if timeless:
        notes.append(
            f"{TIME} is not told for {timeless:,} of {table.values.size:,} objects; they are not in the growth"
        )
    names = tuple(name for name in question.groups if name not in {TIME, "replicate"})
    parts = parts_of(table.factors, (*names, TIME), table.values.size)
    units = unit_values(table, parts.number, used.unit)
    curves: dict[tuple[Level, ...], list[int]] = {}
    for one, number in enumerate(units.group.tolist()):
        if parts.levels[number][-1] is not None:
            curves.setdefault(parts.levels[number][:-1], []).append(one)
    found = []
    for levels, members in curves.items():
        times = np.array([float(_number(parts.levels[units.group[one]][-1])) for one in members])
        replicates = [units.keys[one][0] for one in members] if used.unit is Unit.REPLICATE else None
        found.append(growth_of(dict(zip(names, levels, strict=True)), times, units.values[members], replicates))
    return tuple(found)


def _number(level: Level) -> float | int:
    if isinstance(level, str) or level is None:
        raise InvalidQuestionError(f"{TIME} holds {level!r}, which is no number of hours")
    return level


def _dose_response(table: Observations, question: Question, used: UnitsUsed, notes: list[str]) -> DoseResponse | None:
    if question.doses is None:
        return None
    doses = question.doses
    levels = table.factors[question.dose_of]
    of_rows = [None if level is None else doses.get(str(level)) for level in levels]
    without = sum(dose is None for dose in of_rows)
    if without:
        named = sorted({"(nothing)" if level is None else str(level) for level in levels} - set(doses))
        notes.append(f"{without:,} objects have no dose and are not in the dose response: {', '.join(named[:10])}")
    absent = sorted(set(doses) - {str(level) for level in levels})
    if absent:
        raise InvalidQuestionError(f"No row has {question.dose_of} {absent[0]!r}, which a dose is given for")
    parts = parts_of({"dose": of_rows}, ("dose",), table.values.size)
    units = unit_values(table, parts.number, used.unit)
    of_units = [parts.levels[number][0] for number in units.group.tolist()]
    members = [place for place, dose in enumerate(of_units) if dose is not None]
    if not members:
        raise InvalidQuestionError("No object with a value has a dose")
    at = np.array([float(_dose(of_units[place])) for place in members])
    return dose_response_of(at, units.values[members])


def _dose(level: Level) -> float | int:
    if isinstance(level, str) or level is None:
        raise TypeError("doses are numbers")
    return level


def _plates(table: Observations, question: Question, notes: list[str]) -> tuple[PlateQuality, ...]:
    if question.positive is None or question.negative is None:
        return ()
    factors = ("plate", "condition")
    wells = [level is not None for level in table.factors["well"]]
    if not all(wells):
        notes.append(f"the well is not told for {wells.count(False):,} objects; they are not in Z′")
    values = np.where(wells, table.values, np.nan)
    told = Observations(values, table.factors, table.names)
    parts = parts_of(table.factors, factors, values.size)
    units = unit_values(told, parts.number, Unit.WELL)
    of = {levels: units.values[units.group == number] for number, levels in enumerate(parts.levels)}
    nothing = np.empty(0)
    plates = dict.fromkeys(levels[0] for levels in parts.levels)
    return tuple(
        quality_of(plate, of.get((plate, question.positive), nothing), of.get((plate, question.negative), nothing))
        for plate in plates
    )
