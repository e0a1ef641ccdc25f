"""An answer of the statistics as tables: CSV files and one JSON document."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from spheroseg.domain.statistics import Answer, Interval, Summary
from spheroseg.domain.statistics_terms import TERMS
from spheroseg.statistics.asking import Answered

Row = dict[str, Any]


def document_of(answered: Answered) -> dict[str, Any]:
    """Everything, as JSON takes it."""
    return {
        "version": 1,
        "measure": answered.table.measure,
        "measure_unit": answered.table.unit or "1",
        **asdict(answered.answer),
        "notes": [*answered.notes, *answered.answer.notes],
    }


def files_of(answered: Answered, document: Mapping[str, Any]) -> dict[str, str]:
    """Name -> content of what ``--out`` writes; a table that has no rows is not written."""
    said = answered.answer
    tables = {
        "groups.csv": list(group_rows(said)),
        "outliers.csv": list(outlier_rows(said)),
        "comparisons.csv": list(overall_rows(said)),
        "pairs.csv": list(pair_rows(said)),
        "growth.csv": list(growth_rows(said)),
        "dose_response.csv": list(dose_rows(said)),
        "plates.csv": list(plate_rows(said)),
        "definitions.csv": [{"figure": name, **term._asdict()} for name, term in TERMS.items()],
    }
    return {
        **{name: csv_of(rows) for name, rows in tables.items() if rows},
        "statistics.json": json.dumps(document, indent=2, ensure_ascii=False) + "\n",
    }


def csv_of(rows: Sequence[Row]) -> str:
    """Rows with the same keys as CSV; nothing is rounded, and what is missing is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: "" if value is None else value for name, value in row.items()} for row in rows)
    return text.getvalue()


def group_rows(said: Answer) -> Iterator[Row]:
    """Two rows for each group: its units, and its objects."""
    for group in said.groups:
        for counted, summary, flagged in (
            (said.units.unit.value, group.units, group.unit_outliers),
            ("object", group.objects, group.outliers),
        ):
            yield {
                **group.levels,
                "counted": counted,
                **_summary(summary),
                "outliers": None if flagged.not_given else flagged.count,
                "not_given": _reasons(dict(summary.not_given)),
            }


def outlier_rows(said: Answer) -> Iterator[Row]:
    """A row for each value that is flagged, as far as they are named."""
    for group in said.groups:
        for counted, flagged in ((said.units.unit.value, group.unit_outliers), ("object", group.outliers)):
            for one in flagged.first:
                yield {**group.levels, "counted": counted, "name": one.name, "value": one.value, "limit": one.limit}


def overall_rows(said: Answer) -> Iterator[Row]:
    """A row for each test of three levels or more."""
    for one in said.comparisons:
        for test in (one.anova, one.welch_anova, one.kruskal_wallis):
            if test is not None:
                yield {
                    "compared": one.factor,
                    **one.within,
                    "levels": len(one.n),
                    "test": test.name,
                    "statistic": test.statistic,
                    "df": test.df,
                    "df_within": test.df_within,
                    "p": test.p,
                    "p_holm": test.p_holm,
                    "eta_squared": one.eta_squared,
                    "epsilon_squared": one.epsilon_squared,
                    "rank_epsilon_squared": one.rank_epsilon_squared,
                }


def pair_rows(said: Answer) -> Iterator[Row]:
    """A row for each two levels."""
    for one in said.comparisons:
        for pair in one.pairs:
            yield {
                "compared": one.factor,
                **one.within,
                "first": pair.first,
                "second": pair.second,
                "n_first": pair.n_first,
                "n_second": pair.n_second,
                "difference": pair.difference,
                **_ends("difference", pair.interval),
                "welch_t": pair.welch and pair.welch.statistic,
                "welch_df": pair.welch and pair.welch.df,
                "welch_p": pair.welch and pair.welch.p,
                "welch_p_holm": pair.welch and pair.welch.p_holm,
                "mann_whitney_u": pair.mann_whitney and pair.mann_whitney.statistic,
                "mann_whitney_p": pair.mann_whitney and pair.mann_whitney.p,
                "mann_whitney_p_holm": pair.mann_whitney and pair.mann_whitney.p_holm,
                "hedges_g": pair.hedges_g,
                "cliffs_delta": pair.cliffs_delta,
                "not_given": _reasons(dict(pair.not_given)),
            }


def growth_rows(said: Answer) -> Iterator[Row]:
    """A row for each growth curve."""
    for one in said.growth:
        yield {
            **one.levels,
            "times": len(one.points),
            "n": one.n,
            "per_replicate": one.per_replicate,
            "rate_per_h": one.rate_per_h,
            **_ends("rate_per_h", one.rate_interval),
            "r_squared": one.r_squared,
            "doubling_time_h": one.doubling_time_h,
            **_ends("doubling_time_h", one.doubling_interval),
            "not_given": _reasons(dict(one.not_given)),
        }


def dose_rows(said: Answer) -> Iterator[Row]:
    """A row for each parameter of the curve, or one that says why there is none."""
    found = said.dose_response
    if found is None:
        return
    for name in ("ec50", "slope", "lower", "upper"):
        parameter = getattr(found, name)
        yield {
            "parameter": name,
            "value": parameter and parameter.value,
            "se": parameter and parameter.se,
            **_ends("", parameter and parameter.interval),
            "n": found.n,
            "residual_sd": found.residual_sd,
            "no_effect_p": found.no_effect_p,
            "lack_of_fit_p": found.lack_of_fit_p,
            "refused": found.refused,
        }


def plate_rows(said: Answer) -> Iterator[Row]:
    """A row for each plate."""
    for one in said.plates:
        yield {
            "plate": one.plate,
            "z_prime": one.z_prime,
            "positive_wells": one.positive.n,
            "positive_mean": one.positive.mean,
            "positive_sd": one.positive.sd,
            "negative_wells": one.negative.n,
            "negative_mean": one.negative.mean,
            "negative_sd": one.negative.sd,
            "not_given": _reasons(dict(one.not_given)),
        }


def _summary(summary: Summary) -> Row:
    return {
        "n": summary.n,
        "missing": summary.missing,
        "mean": summary.mean,
        "sd": summary.sd,
        "sem": summary.sem,
        **_ends("t", summary.t_interval),
        **_ends("bootstrap", summary.bootstrap_interval),
        "min": summary.minimum,
        "q1": summary.q1,
        "median": summary.median,
        "q3": summary.q3,
        "max": summary.maximum,
    }


def _ends(name: str, interval: Interval | None) -> Row:
    stem = f"{name}_" if name else ""
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return {f"{stem}low": low, f"{stem}high": high}


def _reasons(reasons: Mapping[str, str]) -> str | None:
    """Each reason once, with the figures that it is about."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        by_reason.setdefault(reason, []).append(name)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items()) or None
