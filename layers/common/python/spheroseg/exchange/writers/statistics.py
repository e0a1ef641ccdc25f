"""Statistics of results: tables, one JSON document, and plots as SVG, as PNG and as data."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from spheroseg.domain.asked_statistics import measure_meant
from spheroseg.domain.sample import Sample
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.statistics_question import Wanted
from spheroseg.errors import NotTellableError
from spheroseg.exchange.files import Files
from spheroseg.exchange.results import Result
from spheroseg.statistics import plotting, plotting_answers
from spheroseg.statistics.asking import Answered, answered
from spheroseg.statistics.documents import csv_of, document_of, files_of
from spheroseg.statistics.tables import DUE, plate_rows, table_of, value_rows

PLOTS, PLOTTED = "plots", "plots.json"
PICTURES = ("svg", "png")

_OF_IMAGES: dict[str, Any] = {
    "file": pl.String,
    "name": pl.String,
    "page": pl.Int64,
    "image_id": pl.String,
    "plate": pl.String,
    "well": pl.String,
    "condition": pl.String,
    "time_point_h": pl.Float64,
    "replicate": pl.Int64,
    "pixel_size_um": pl.Float64,
}


def write_statistics(results: Iterable[Result], files: Files, wanted: Wanted | None = None) -> None:
    """What ``spheroseg stats --out`` writes of the results' table of measures, and in ``plots/`` what shows it.

    Args:
        wanted: What is asked; None: the usual.

    Raises:
        InvalidInputError: the images and their results do not tell what is asked for.
    """
    asked = wanted or Wanted()
    table = table_of(rows_of(results, asked.measure), "The project", asked.measure, None, inside_only=asked.inside_only)
    found = answered(table, asked)
    for name, content in files_of(found, document_of(found)).items():
        with files.open(name) as stream:
            stream.write(content.encode())
    plotted = [_plotted(plot, files) for plot in _plots(found, asked)]
    with files.open(PLOTTED) as stream:
        stream.write(json.dumps(plotted, indent=2, ensure_ascii=False).encode() + b"\n")


def rows_of(results: Iterable[Result], measure: str) -> pl.DataFrame:
    """A row for each spheroid as in ``measures.csv``, with the one measure and what its image shows.

    Raises:
        NotTellableError: there is no spheroid.
    """
    meant = measure_meant(measure)
    images: dict[str, list[object]] = {name: [] for name in _OF_IMAGES}
    counts: list[int] = []
    numbers: list[int] = []
    edges: list[bool] = []
    stored: list[float | None] = []
    due: list[int | None] = []
    for result in results:
        before = len(numbers)
        for spheroid in result.spheroids:
            numbers.append(spheroid.number)
            edges.append(spheroid.touches_edge)
            stored.append(_stored(spheroid, meant.stored))
            due.append(spheroid.brightness_due_since)
        counts.append(len(numbers) - before)
        sample = result.sample
        for name, value in _told(result, sample).items():
            images[name].append(value)
    if not numbers:
        raise NotTellableError("The results have no spheroids", "no-values")
    place = pl.Series([at for at, count in enumerate(counts) for _ in range(count)], dtype=pl.UInt32)
    rows = pl.DataFrame({name: pl.Series(values, dtype=_OF_IMAGES[name]) for name, values in images.items()})[place]
    rows = rows.with_columns(
        pl.Series("spheroid", numbers, dtype=pl.Int64),
        pl.Series("touches_edge", edges, dtype=pl.Boolean),
        pl.Series(meant.stored, stored, dtype=pl.Float64),
        pl.Series(DUE, due, dtype=pl.Int64),
    )
    if meant.power:
        # As the tables multiply, number by number: powers of columns are rounded another way.
        in_um = [meant.of(value, size) for value, size in zip(stored, rows["pixel_size_um"].to_list(), strict=True)]
        rows = rows.with_columns(pl.Series(meant.name, in_um, dtype=pl.Float64))
    # Columns that nobody told are no factors.
    return rows[[name for name in rows.columns if name == meant.stored or rows[name].null_count() < rows.height]]


def _told(result: Result, sample: Sample) -> dict[str, object]:
    return {
        "file": result.file,
        "name": result.name,
        "page": result.page,
        "image_id": result.origin.image_id or None,
        **vars(sample),
        "pixel_size_um": result.pixel_size_um,
    }


def _stored(spheroid: Spheroid, name: str) -> float | None:
    if hasattr(spheroid.measures, name):
        value: float = getattr(spheroid.measures, name)
        return float(value)
    return (spheroid.intensities or {}).get(name)


@dataclass(frozen=True)
class _Plot:
    """A picture that belongs to an answer, with what it shows as rows."""

    kind: str
    figure: Callable[[], Figure]
    rows: Callable[[], Sequence[dict[str, object]]]


def _plots(found: Answered, wanted: Wanted) -> Iterator[_Plot]:
    yield _Plot("histogram", lambda: plotting.histogram(found.table), lambda: value_rows(found.table))
    if found.question.groups:
        yield _Plot(
            "compare",
            lambda: plotting_answers.comparison(found),
            lambda: plotting_answers.drawn_rows(found, "compare"),
        )
    if wanted.growth:
        yield _Plot(
            "growth", lambda: plotting_answers.growth(found), lambda: plotting_answers.drawn_rows(found, "growth")
        )
    if found.question.doses is not None:
        yield _Plot(
            "dose", lambda: plotting_answers.dose_response(found), lambda: plotting_answers.drawn_rows(found, "dose")
        )
    rows = found.table.rows
    if "well" in rows.columns and rows["well"].null_count() == 0:
        by_plate = found.table.grouped("plate") if "plate" in rows.columns else found.table
        yield _Plot("plate", lambda: plotting.plate(by_plate), lambda: plate_rows(by_plate))


def _plotted(plot: _Plot, files: Files) -> dict[str, object]:
    """Draw it; where it cannot be drawn, tell why instead."""
    try:
        figure, rows = plot.figure(), plot.rows()
    except NotTellableError as error:
        return {"kind": plot.kind, "files": [], "not_drawn": str(error)}
    names = []
    for kind in PICTURES:
        names.append(f"{PLOTS}/{plot.kind}.{kind}")
        with files.open(names[-1]) as stream:
            stream.write(plotting.drawn(figure, kind))
    names.append(f"{PLOTS}/{plot.kind}.csv")
    with files.open(names[-1]) as stream:
        stream.write(csv_of(rows).encode())
    return {"kind": plot.kind, "files": names, "not_drawn": None}
