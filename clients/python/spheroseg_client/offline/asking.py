"""Options of ``stats`` and ``plot`` to a question about a table of measures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from spheroseg.domain.statistics import Answer, Level, OutlierRule, Question, Unit
from spheroseg.errors import InvalidInputError
from spheroseg.statistics.answering import answer
from spheroseg.statistics.units import Observations
from spheroseg_client.client import Client
from spheroseg_client.errors import LocalFileError
from spheroseg_client.offline.measures_table import Table, read_table, table_of
from spheroseg_client.offline.observing import factor_of, observations_of
from spheroseg_client.offline.project_rows import rows_of_project
from spheroseg_client.offline.sampling import TIME


@dataclass(frozen=True)
class Wanted:
    """What was asked for at the terminal; see the options of the same names."""

    measure: str
    groups: Sequence[str] = ()
    unit: Unit | None = None
    compare: str | None = None
    control: str | None = None
    growth: bool = False
    doses: Sequence[str] = ()
    dose_column: str | None = None
    positive: str | None = None
    negative: str | None = None
    outliers: OutlierRule = OutlierRule.TUKEY
    samples: Path | None = None
    inside_only: bool = False


@dataclass(frozen=True)
class Answered:
    """The answer with what it is about."""

    table: Table
    observations: Observations
    question: Question
    answer: Answer
    notes: Sequence[str]


def ask(path: Path, wanted: Wanted) -> Answered:
    """Read a table of measures and answer what is wanted of it.

    Raises:
        LocalFileError: it cannot be read, or does not tell what is asked for.
    """
    table = read_table(path, wanted.measure, None, inside_only=wanted.inside_only, samples=wanted.samples)
    return answered(table, wanted)


def ask_project(client: Client, project_id: UUID, wanted: Wanted) -> Answered:
    """The same of a project of the service.

    Raises:
        LocalFileError: its images do not tell what is asked for, or none of them was segmented.
    """
    rows = rows_of_project(client, project_id, wanted.measure)
    table = table_of(rows, "The project", wanted.measure, None, inside_only=wanted.inside_only, samples=wanted.samples)
    return answered(table, wanted)


def answered(table: Table, wanted: Wanted) -> Answered:
    """What is wanted of a table."""
    groups = tuple(factor_of(name) for name in wanted.groups)
    compared = None if wanted.compare is None else factor_of(wanted.compare)
    if compared is not None and compared not in groups:
        groups = (*groups, compared)
    if wanted.doses and wanted.dose_column:
        raise LocalFileError("--dose and --dose-column both tell doses; give one of them", "contradiction")
    factors = [*groups, *([TIME] if wanted.growth else []), *([wanted.dose_column] if wanted.dose_column else [])]
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
    if wanted.control is not None and compared is None:
        raise LocalFileError("--control is about --compare; give both", "contradiction")
    question = Question(
        groups=groups,
        unit=wanted.unit,
        compare=compared,
        control=control,
        growth=wanted.growth,
        doses=_doses(wanted, observed),
        dose_of=wanted.dose_column or "condition",
        positive=wanted.positive,
        negative=wanted.negative,
        outliers=wanted.outliers,
    )
    try:
        return Answered(table, observed, question, answer(observed, question), (*table.notes, *notes))
    except InvalidInputError as error:
        raise LocalFileError(str(error), error.code) from error


def _level_named(levels: Sequence[Level], text: str) -> Level:
    """The level that is written so."""
    for level in levels:
        if level is not None and str(level) == text:
            return level
    raise LocalFileError(f"No object has the level {text!r}, the control", "no-such-level")


def _doses(wanted: Wanted, observed: Observations) -> dict[str, float] | None:
    if wanted.dose_column is not None:
        levels = set(observed.factors[wanted.dose_column]) - {None}
        words = sorted(level for level in levels if isinstance(level, str))
        if words:
            raise LocalFileError(f"The column {wanted.dose_column} holds {words[0]!r}, which is no dose", "no-numbers")
        return {str(level): float(level) for level in levels if isinstance(level, int | float)}
    if not wanted.doses:
        return None
    found: dict[str, float] = {}
    for text in wanted.doses:
        name, _, number = text.rpartition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError as error:
            raise LocalFileError(f"--dose takes CONDITION=NUMBER, not {text!r}", "no-numbers") from error
        if not name.strip():
            raise LocalFileError(f"--dose takes CONDITION=NUMBER, not {text!r}", "no-numbers")
    return found
