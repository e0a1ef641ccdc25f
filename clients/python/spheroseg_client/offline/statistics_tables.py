"""An answer of the statistics as tables: at the terminal, as CSV files and as one JSON document."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from spheroseg.domain.statistics import Answer, Interval, Level, Summary
from spheroseg.domain.statistics_terms import TERMS
from spheroseg_client.offline.asking import Answered

SHOWN_ROWS = 60
"""Of a table at the terminal; files and JSON have all."""

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


def shown(answered: Answered) -> Iterator[RenderableType]:
    """What is printed at the terminal."""
    said = answered.answer
    unit = said.units.unit.value
    yield Text(f"{answered.table.label}; counted once: {unit} ({said.units.reason})")
    yield Text()
    groups = [row for row in group_rows(said) if row["counted"] == unit]
    objects = [group.objects for group in said.groups]
    factors = answered.question.groups
    yield _table(
        [
            *factors,
            unit + "s",
            "objects",
            "missing",
            "mean",
            "SD",
            "SEM",
            "95 % (t)",
            "95 % (BCa)",
            "median",
            "quartiles",
            "flagged",
        ],
        [
            [
                *(_level(row[name]) for name in factors),
                f"{row['n']:,}",
                f"{of_objects.n:,}",
                f"{of_objects.missing:,}",
                *(_short(row[name]) for name in ("mean", "sd", "sem")),
                _between(row["t_low"], row["t_high"]),
                _between(row["bootstrap_low"], row["bootstrap_high"]),
                _short(row["median"]),
                _between(row["q1"], row["q3"]),
                "" if row["outliers"] is None else str(row["outliers"]),
            ]
            for row, of_objects in zip(groups, objects, strict=True)
        ],
        len(factors),
    )
    yield from _shown_comparisons(said)
    yield from _shown_fits(said)


def _shown_comparisons(said: Answer) -> Iterator[RenderableType]:
    overall = list(overall_rows(said))
    if overall:
        within = list(said.comparisons[0].within)
        yield Text()
        yield _table(
            [*within, "test", "statistic", "df", "p", "p (Holm)", "η²", "ε²"],
            [
                [
                    *(_level(row[name]) for name in within),
                    row["test"],
                    _short(row["statistic"]),
                    " ".join(_short(row[name]) for name in ("df", "df_within") if row[name] is not None),
                    _p(row["p"]),
                    _p(row["p_holm"]),
                    "" if row["test"] == "kruskal-wallis" else _short(row["eta_squared"]),
                    _short(row["rank_epsilon_squared" if row["test"] == "kruskal-wallis" else "epsilon_squared"]),
                ]
                for row in overall
            ],
            len(within) + 1,
        )
    pairs = list(pair_rows(said))
    if pairs:
        within = list(said.comparisons[0].within)
        yield Text()
        yield _table(
            [
                *within,
                "pair",
                "n",
                "difference",
                "95 %",
                "Welch p (Holm)",
                "Mann-Whitney p (Holm)",
                "Hedges' g",
                "Cliff's δ",
            ],
            [
                [
                    *(_level(row[name]) for name in within),
                    f"{_level(row['second'])} − {_level(row['first'])}",
                    f"{row['n_second']}, {row['n_first']}",
                    _short(row["difference"]),
                    _between(row["difference_low"], row["difference_high"]),
                    _with(_p(row["welch_p"]), _p(row["welch_p_holm"])),
                    _with(_p(row["mann_whitney_p"]), _p(row["mann_whitney_p_holm"])),
                    _short(row["hedges_g"]),
                    _short(row["cliffs_delta"]),
                ]
                for row in pairs
            ],
            len(within) + 1,
        )


def _shown_fits(said: Answer) -> Iterator[RenderableType]:
    growth = list(growth_rows(said))
    if growth:
        factors = list(said.growth[0].levels)
        yield Text()
        yield _table(
            [*factors, "times", "n", "rate (1/h)", "95 %", "doubling time (h)", "95 %", "R²", ""],
            [
                [
                    *(_level(row[name]) for name in factors),
                    str(row["times"]),
                    f"{row['n']} {'replicates' if row['per_replicate'] else 'points'}",
                    _short(row["rate_per_h"]),
                    _between(row["rate_per_h_low"], row["rate_per_h_high"]),
                    _short(row["doubling_time_h"]),
                    _between(row["doubling_time_h_low"], row["doubling_time_h_high"]),
                    _short(row["r_squared"]),
                    (row["not_given"] or "").partition(": ")[2],
                ]
                for row in growth
            ],
            len(factors),
        )
    doses = list(dose_rows(said))
    if doses:
        yield Text()
        if doses[0]["refused"]:
            yield Text(f"No dose response: {doses[0]['refused']}")
        else:
            yield _table(
                ["dose response", "value", "SE", "95 %"],
                [
                    [row["parameter"], _short(row["value"]), _short(row["se"]), _between(row["low"], row["high"])]
                    for row in doses
                ],
                1,
            )
            yield Text(f"lack of fit: p = {_p(doses[0]['lack_of_fit_p']) or 'not tested'}, n = {doses[0]['n']}")
    plates = list(plate_rows(said))
    if plates:
        yield Text()
        yield _table(
            ["plate", "Z′", "positive wells", "mean", "SD", "negative wells", "mean", "SD", ""],
            [
                [
                    _level(row["plate"]),
                    _short(row["z_prime"]),
                    str(row["positive_wells"]),
                    _short(row["positive_mean"]),
                    _short(row["positive_sd"]),
                    str(row["negative_wells"]),
                    _short(row["negative_mean"]),
                    _short(row["negative_sd"]),
                    row["not_given"] or "",
                ]
                for row in plates
            ],
            1,
        )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], words: int) -> RenderableType:
    """A table; the first ``words`` columns and one without heading stand at the left."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        left = place < words or not heading
        is_interval = "95 %" in heading or heading == "quartiles"
        table.add_column(Text(heading), justify="left" if left else "right", overflow="fold", no_wrap=is_interval)
    for row in rows[:SHOWN_ROWS]:
        table.add_row(*map(Text, row))
    if len(rows) > SHOWN_ROWS:
        table.add_row(Text(f"… and {len(rows) - SHOWN_ROWS:,} more"))
    return table


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


def _level(level: Level) -> str:
    return "(not told)" if level is None else f"{level:g}" if isinstance(level, float) else str(level)


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}" if abs(value) < 1e6 else f"{value:.4g}"


def _between(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"[{_short(low)}, {_short(high)}]"


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}" if value >= 1e-4 else "<0.0001"


def _with(value: str, other: str) -> str:
    return f"{value} ({other})" if value else ""
