"""``spheroseg plot``: pictures of a table of measures."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.table import Table
from rich.text import Text

from spheroseg_client import display
from spheroseg_client.access import Access
from spheroseg_client.commands import project_id_of
from spheroseg_client.errors import LocalFileError
from spheroseg_client.offline.asking import doses_of, told_here
from spheroseg_client.offline.files import check_place, keep_what_is_read, write_whole
from spheroseg_client.offline.stats import CountedOnce, listed
from spheroseg_client.options import ApiOption, DataDirOption, EmailOption, PasswordOption, TokenOption
from spheroseg_client.reporting import libraries_needed, print_json, print_whole, reported

if TYPE_CHECKING:
    import polars as pl

    from spheroseg.statistics import tables

SUFFIXES = (".png", ".svg")
DATA_SUFFIXES = (".csv", ".json")


class Kind(StrEnum):
    """What the picture shows."""

    HISTOGRAM = "histogram"
    PLATE = "plate"
    TIME = "time"
    GROWTH = "growth"
    DOSE = "dose"
    COMPARE = "compare"


def _picture(path: Path) -> Path:
    if path.suffix.lower() not in SUFFIXES:
        raise typer.BadParameter(f"must end with {' or '.join(SUFFIXES)}")
    return path


ANSWERED = (Kind.GROWTH, Kind.DOSE, Kind.COMPARE)
"""Kinds that show what ``stats`` answers."""


def _data(path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() not in DATA_SUFFIXES:
        raise typer.BadParameter(f"must end with {' or '.join(DATA_SUFFIXES)}")
    return path


def plot(
    table: Annotated[
        Path | None, typer.Argument(help="measures.csv of segment or measure.", metavar="MEASURES.CSV")
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", callback=_picture, help="Picture to write: .png or .svg.")],
    measure: Annotated[
        str, typer.Option(help="Column; without its unit the one in µm where every row has it, else in px.")
    ] = "equivalent_diameter",
    kind: Annotated[
        Kind,
        typer.Option(
            help="Histogram, map of a plate, course over time; growth curves with doubling times, dose response, or "
            "groups compared."
        ),
    ] = Kind.HISTOGRAM,
    by: Annotated[
        str | None,
        typer.Option(
            help="Column to group by; or well, well_row, well_column, from the files' names. Growth and compare take "
            "several, separated by commas; the first is compared."
        ),
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option(help="CSV with a row for each image: name, condition, time_point_h, replicate, plate, well."),
    ] = None,
    data: Annotated[Path | None, typer.Option(callback=_data, help="The figures drawn, as .csv or .json.")] = None,
    time_column: Annotated[
        str | None,
        typer.Option("--time-column", help="Column of numbers for --kind time, instead of the files' names."),
    ] = None,
    unit: Annotated[
        CountedOnce | None,
        typer.Option(help="What counts once in growth, dose and compare; else replicates where given, or images."),
    ] = None,
    control: Annotated[str | None, typer.Option(help="Level that --kind compare compares the others with.")] = None,
    dose: Annotated[
        list[str] | None, typer.Option(help="Dose of a condition, as CONDITION=NUMBER; once for each.")
    ] = None,
    dose_column: Annotated[
        str | None, typer.Option("--dose-column", help="Column of doses, instead of --dose.")
    ] = None,
    inside_only: Annotated[
        bool, typer.Option("--inside-only", help="Leave objects out that reach the image's border.")
    ] = False,
    project: Annotated[
        str | None,
        typer.Option(help="Instead of a file: id or name of a project, by the newest run and outlines of each image."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON document on stdout.")] = False,
    api: ApiOption = None,
    email: EmailOption = None,
    password: PasswordOption = None,
    token: TokenOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Draw a table of measures: histogram, plate, time, growth, dose response, groups compared.

    Well and time are columns, or found in the column name: B03 or r02c03; 24h, day3 or t012.

    Example: [bold]spheroseg plot measures.csv --kind plate --measure circularity --out plate.svg[/]

    Example: [bold]spheroseg plot --project 'Day 7' --kind growth --by condition --out growth.svg[/]
    """
    with reported(as_json=as_json):
        if time_column is not None and kind is not Kind.TIME:
            raise LocalFileError("--time-column is about --kind time", "contradiction")
        about = {"--unit": unit, "--control": control, "--dose": dose, "--dose-column": dose_column}
        allowed = {Kind.GROWTH: ("--unit",), Kind.DOSE: ("--unit", "--dose", "--dose-column")}
        allowed[Kind.COMPARE] = ("--unit", "--control")
        for name, given in about.items():
            if given is not None and name not in allowed.get(kind, ()):
                raise LocalFileError(f"{name} is not about --kind {kind.value}", "contradiction")
        if (table is None) == (project is None):
            raise LocalFileError("Give a table of measures, or --project; one of them", "contradiction")
        check_place(out)
        keep_what_is_read(data, [table, samples])
        if project is None:
            source = _Source(table, None)
        else:
            with libraries_needed():
                from spheroseg_client.offline.project_rows import rows_of_project  # noqa: PLC0415 - polars takes its time
            with Access(api, email, password, token, data_dir).present() as client:
                source = _Source(None, rows_of_project(client, project_id_of(client, project), measure))
        with told_here():
            if kind in ANSWERED:
                wanted = _Wanted(measure, by, samples, unit, control, dose or (), dose_column, inside_only)
                _plot_answer(source, out, data, kind, wanted, as_json=as_json)
            else:
                _plot_table(source, out, data, kind, (measure, by, samples, time_column, inside_only), as_json=as_json)


class _Source(NamedTuple):
    """A file, or the rows of a project."""

    path: Path | None
    rows: "pl.DataFrame | None"

    def table(self, measure: str, by: str | None, *, inside_only: bool, samples: Path | None) -> "tables.Table":
        """The table that is drawn."""
        from spheroseg.statistics import tables  # noqa: PLC0415 - polars takes its time

        if self.rows is not None:
            return tables.table_of(self.rows, "The project", measure, by, inside_only=inside_only, samples=samples)
        assert self.path is not None  # noqa: S101 - one of the two is there
        return tables.read_table(self.path, measure, by, inside_only=inside_only, samples=samples)


class _Wanted(NamedTuple):
    measure: str
    by: str | None
    samples: Path | None
    unit: CountedOnce | None
    control: str | None
    dose: Sequence[str]
    dose_column: str | None
    inside_only: bool


def _plot_table(
    source: _Source,
    out: Path,
    data: Path | None,
    kind: Kind,
    wanted: tuple[str, str | None, Path | None, str | None, bool],
    *,
    as_json: bool,
) -> None:
    """What shows the values as they stand in the table."""
    with libraries_needed():
        from spheroseg.statistics import plotting, tables  # noqa: PLC0415 - matplotlib takes its time
    measure, by, samples, time_column, inside_only = wanted
    read = source.table(measure, by, inside_only=inside_only, samples=samples)
    match kind:
        case Kind.PLATE:
            figure, drawn = plotting.plate(read), tables.plate_rows(read)
        case Kind.TIME:
            figure, drawn = plotting.over_time(read, time_column), tables.time_rows(read, time_column)
        case _:
            figure, drawn = plotting.histogram(read), tables.value_rows(read)
    write_whole(out, plotting.drawn(figure, out.suffix.lower()[1:]))
    groups = read.groups()
    document = {
        "version": 1,
        "picture": str(out),
        "kind": kind.value,
        "measure": read.measure,
        "by": by,
        "groups": [group.as_json() for group in groups],
        "notes": list(read.notes),
    }
    _write_data(data, document | {"drawn": drawn}, drawn)
    if as_json:
        print_json(document)
        return
    figures = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (by or "", "n", f"{read.label}: median", "25 %", "75 %"):
        figures.add_column(heading, justify="left" if heading == (by or "") else "right")
    for group in groups:
        low, middle, high = group.quartiles
        figures.add_row(Text(group.name), f"{group.values.size:,}", *(f"{one:,.4g}" for one in (middle, low, high)))
    print_whole(figures)
    _say(read.notes, out)


def _plot_answer(source: _Source, out: Path, data: Path | None, kind: Kind, wanted: _Wanted, *, as_json: bool) -> None:
    """What shows an answer of the statistics."""
    with libraries_needed():
        from spheroseg.domain.statistics_question import Unit, Wanted  # noqa: PLC0415
        from spheroseg.statistics import documents, plotting, plotting_answers  # noqa: PLC0415 - matplotlib, too
        from spheroseg.statistics.asking import answered  # noqa: PLC0415 - scipy takes its time
        from spheroseg_client.offline import statistics_tables  # noqa: PLC0415
    groups = listed(wanted.by)
    if kind is Kind.COMPARE and not groups:
        raise LocalFileError("--kind compare needs --by, whose levels are compared", "no-groups")
    table = source.table(wanted.measure, None, inside_only=wanted.inside_only, samples=wanted.samples)
    found = answered(
        table,
        Wanted(
            measure=wanted.measure,
            groups=tuple(groups),
            unit=None if wanted.unit is None else Unit(wanted.unit.value),
            compare=groups[0] if kind is Kind.COMPARE else None,
            control=wanted.control,
            growth=kind is Kind.GROWTH,
            doses=doses_of(wanted.dose),
            dose_column=wanted.dose_column,
            inside_only=wanted.inside_only,
        ),
    )
    draw = {
        Kind.GROWTH: plotting_answers.growth,
        Kind.DOSE: plotting_answers.dose_response,
        Kind.COMPARE: plotting_answers.comparison,
    }
    write_whole(out, plotting.drawn(draw[kind](found), out.suffix.lower()[1:]))
    document = {"picture": str(out), "kind": kind.value, **documents.document_of(found)}
    _write_data(data, document, plotting_answers.drawn_rows(found, kind.value))
    if as_json:
        print_json(document)
        return
    for shown in statistics_tables.shown(found.answer, found.table.measure):
        print_whole(shown)
    _say((*found.notes, *found.answer.notes, *found.answer.units.cautions), out)


def _write_data(path: Path | None, document: Mapping[str, object], rows: Sequence[Mapping[str, object]]) -> None:
    """What was drawn: as rows, or with everything that is said about it."""
    if path is None:
        return
    if path.suffix.lower() == ".json":
        write_whole(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue())


def _say(notes: Sequence[str], out: Path) -> None:
    messages = display.message_console()
    for note in notes:
        messages.print(Text.assemble(("Note: ", "bold"), note))
    messages.print(Text(f"Drawn in {out}"))
