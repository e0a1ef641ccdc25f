"""``spheroseg plot``: pictures of a table of measures."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from spheroseg_client import display
from spheroseg_client.errors import LocalFileError
from spheroseg_client.reporting import libraries_needed, print_json, print_whole, reported

SUFFIXES = (".png", ".svg")


class Kind(StrEnum):
    """What the picture shows."""

    HISTOGRAM = "histogram"
    PLATE = "plate"
    TIME = "time"


def _picture(path: Path) -> Path:
    if path.suffix.lower() not in SUFFIXES:
        raise typer.BadParameter(f"must end with {' or '.join(SUFFIXES)}")
    return path


def plot(
    table: Annotated[Path, typer.Argument(help="measures.csv of segment or measure.", metavar="MEASURES.CSV")],
    out: Annotated[Path, typer.Option("--out", "-o", callback=_picture, help="Picture to write: .png or .svg.")],
    measure: Annotated[
        str, typer.Option(help="Column; without its unit the one in µm where every row has it, else in px.")
    ] = "equivalent_diameter",
    kind: Annotated[Kind, typer.Option(help="Histogram, map of a plate, or course over time.")] = Kind.HISTOGRAM,
    by: Annotated[
        str | None, typer.Option(help="Column to group by; or well, well_row, well_column, from the files' names.")
    ] = None,
    time_column: Annotated[
        str | None,
        typer.Option("--time-column", help="Column of numbers for --kind time, instead of the files' names."),
    ] = None,
    *,
    inside_only: Annotated[
        bool, typer.Option("--inside-only", help="Leave objects out that reach the image's border.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON document on stdout.")] = False,
) -> None:
    """Draw a table of measures as a histogram, a map of a plate, or over time.

    Well and time are found in the column name: B03 or r02c03; 24h, day3 or t012.

    Example: [bold]spheroseg plot measures.csv --kind plate --measure circularity --out plate.svg[/]
    """
    with reported(as_json=as_json):
        with libraries_needed():
            from spheroseg_client.offline import measures_table, plotting  # noqa: PLC0415 - matplotlib takes its time
        if time_column is not None and kind is not Kind.TIME:
            raise LocalFileError("--time-column is about --kind time", "contradiction")
        read = measures_table.read_table(table, measure, by, inside_only=inside_only)
        match kind:
            case Kind.HISTOGRAM:
                figure = plotting.histogram(read)
            case Kind.PLATE:
                figure = plotting.plate(read)
            case Kind.TIME:
                figure = plotting.over_time(read, time_column)
        plotting.save(figure, out)
        groups = read.groups()
        if as_json:
            print_json(
                {
                    "version": 1,
                    "picture": str(out),
                    "kind": kind.value,
                    "measure": read.measure,
                    "by": by,
                    "groups": [group.as_json() for group in groups],
                    "notes": list(read.notes),
                }
            )
            return
        figures = Table(box=None, pad_edge=False, header_style="bold")
        for heading in (by or "", "n", f"{read.label}: median", "25 %", "75 %"):
            figures.add_column(heading, justify="left" if heading == (by or "") else "right")
        for group in groups:
            low, middle, high = group.quartiles
            figures.add_row(Text(group.name), f"{group.values.size:,}", *(f"{one:,.4g}" for one in (middle, low, high)))
        print_whole(figures)
        messages = display.message_console()
        for note in read.notes:
            messages.print(Text.assemble(("Note: ", "bold"), note))
        messages.print(Text(f"Drawn in {out}"))
