"""An answer of the statistics at the terminal."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from spheroseg.domain.statistics import Answer
from spheroseg.domain.statistics_question import Level
from spheroseg.statistics.documents import dose_rows, group_rows, growth_rows, overall_rows, pair_rows, plate_rows
from spheroseg.statistics.tables import label_of

SHOWN_ROWS = 60
"""Of a table at the terminal; files and JSON have all."""


def shown(said: Answer, measure: str) -> Iterator[RenderableType]:
    """What is printed at the terminal.

    Args:
        measure: Column that it is about.
    """
    unit = said.units.unit.value
    yield Text(f"{label_of(measure)}; counted once: {unit} ({said.units.reason})")
    yield Text()
    groups = [row for row in group_rows(said) if row["counted"] == unit]
    objects = [group.objects for group in said.groups]
    factors = list(said.groups[0].levels)
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
