"""What is wanted of a table of measures to a question, and its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spheroseg.domain.statistics import Answer
from spheroseg.domain.statistics_question import Level, Question, Unit, Wanted
from spheroseg.errors import NotTellableError
from spheroseg.statistics.answering import answer
from spheroseg.statistics.observing import factor_of, observations_of
from spheroseg.statistics.sampling import TIME
from spheroseg.statistics.tables import Table
from spheroseg.statistics.units import Observations


@dataclass(frozen=True)
class Answered:
    """The answer with what it is about."""

    table: Table
    observations: Observations
    question: Question
    answer: Answer
    notes: Sequence[str]


def answered(table: Table, wanted: Wanted) -> Answered:
    """What is wanted of a table.

    Raises:
        InvalidInputError: the table does not tell what is asked for, or the question contradicts itself.
    """
    groups = tuple(factor_of(name) for name in wanted.groups)
    compared = None if wanted.compare is None else factor_of(wanted.compare)
    if compared is not None and compared not in groups:
        groups = (*groups, compared)
    if wanted.control is not None and compared is None:
        raise NotTellableError("A control is about what is compared; give both", "contradiction")
    dose_column = None if wanted.dose_column is None else factor_of(wanted.dose_column)
    if wanted.doses and dose_column:
        raise NotTellableError("Doses are told by condition or by a column; give one of them", "contradiction")
    factors = [*groups, *([TIME] if wanted.growth else []), *([dose_column] if dose_column else [])]
    if wanted.doses or wanted.positive or wanted.negative:
        factors.append("condition")
    if wanted.positive or wanted.negative or wanted.unit is Unit.WELL:
        factors.append("well")
    observed = observations_of(table, tuple(dict.fromkeys(factors)))
    notes: list[str] = []
    if (wanted.positive or wanted.negative) and "plate" not in observed.factors:
        observed = Observations(
            observed.values, {**observed.factors, "plate": [None] * len(observed.names)}, observed.names
        )
        notes.append("no plate is told: all wells are taken for those of one plate")
    control = (
        None if wanted.control is None or compared is None else _level_named(observed.factors[compared], wanted.control)
    )
    question = Question(
        groups=groups,
        unit=wanted.unit,
        compare=compared,
        control=control,
        growth=wanted.growth,
        doses=_doses(wanted.doses, dose_column, observed),
        dose_of=dose_column or "condition",
        positive=wanted.positive,
        negative=wanted.negative,
        outliers=wanted.outliers,
    )
    return Answered(table, observed, question, answer(observed, question), (*table.notes, *notes))


def _level_named(levels: Sequence[Level], text: str) -> Level:
    """The level that is written so."""
    for level in levels:
        if level is not None and str(level) == text:
            return level
    raise NotTellableError(f"No object has the level {text!r}, the control", "no-such-level")


def _doses(doses: Mapping[str, float], column: str | None, observed: Observations) -> Mapping[str, float] | None:
    if column is None:
        return doses or None
    levels = set(observed.factors[column]) - {None}
    words = sorted(level for level in levels if isinstance(level, str))
    if words:
        raise NotTellableError(f"The column {column} holds {words[0]!r}, which is no dose", "no-numbers")
    return {str(level): float(level) for level in levels if isinstance(level, int | float)}
