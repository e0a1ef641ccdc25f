"""``spheroseg compare``: which objects of two label images agree."""

from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from spheroseg_client import display
from spheroseg_client.errors import LocalFileError
from spheroseg_client.offline.files import keep_what_is_read, write_whole
from spheroseg_client.reporting import FAILED, libraries_needed, print_json, print_whole, reported

if TYPE_CHECKING:
    from spheroseg_client.offline.comparison import ImageComparison

SHOWN_OBJECTS = 200
"""Rows of objects at the terminal; the file and JSON have all."""


def _a_number(value: float) -> float:
    """Ranges let «nan» pass."""
    if isnan(value):
        raise typer.BadParameter("must be a number")
    return value


def compare(
    a: Annotated[
        Path, typer.Argument(help="Label image (TIFF, PNG or NPY), or a folder of them: what is compared with.")
    ],
    b: Annotated[Path, typer.Argument(help="The other one; in folders files of the same name belong together.")],
    threshold: Annotated[
        float, typer.Option(min=0, max=0.99, callback=_a_number, help="IoU above which two objects are partners.")
    ] = 0.5,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV file for all pairs, missed and added objects.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, for programs.")] = False,
) -> None:
    """Compare two label images of any program, or two folders of them: partners and their IoU, missed, added.

    Missed objects are in A alone, added ones in B alone. Exit code 1: some pair of two
    folders could not be compared.

    Example: [bold]spheroseg compare drawn/ results/labels/ --out pairs.csv[/]
    """
    with reported(as_json=as_json):
        with libraries_needed():
            from spheroseg_client.offline import comparison  # noqa: PLC0415 - scientific packages take their time
        pairs, failures = comparison.pairs_of(a, b)
        keep_what_is_read(out, [a, b])
        comparisons = []
        for pair in pairs:
            try:
                comparisons.append(comparison.compare_pair(pair, threshold))
            except LocalFileError as error:
                if not a.is_dir():
                    raise
                failures.append(comparison.Failure(pair.name, error.code, error.detail))
        if out is not None:
            write_whole(out, comparison.csv_of(comparisons))
        total = comparison.totals(comparisons)
        if as_json:
            print_json(
                {
                    "version": 1,
                    "threshold": threshold,
                    "images": [one.as_json() for one in comparisons],
                    "failures": [{"image": one.name, "code": one.code, "detail": one.detail} for one in failures],
                    "total": total,
                    "pairs": None if out is None else str(out),
                }
            )
        else:
            if not a.is_dir():
                _print_objects(comparisons[0])
            print_whole(_image_table(comparisons, total))
        messages = display.message_console()
        for one in comparisons:
            for note in one.notes:
                messages.print(Text.assemble(("Note: ", "bold"), note))
        for failure in failures:
            messages.print(Text.assemble((failure.name, "bold"), ": ", failure.detail, (f" [{failure.code}]", "dim")))
        if failures:
            raise typer.Exit(FAILED)


def _print_objects(comparison: "ImageComparison") -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "A", "B", "IoU", "area A (px²)", "area B (px²)", "difference", "(%)"):
        table.add_column(column, justify="left" if not column else "right")
    rows = list(comparison.rows())
    for row in rows[:SHOWN_OBJECTS]:
        table.add_row(
            row.status,
            _number(row.a),
            _number(row.b),
            _number(row.iou, ".3f"),
            _number(row.a_area_px2, ","),
            _number(row.b_area_px2, ","),
            _number(row.area_difference_px2, "+,"),
            _number(row.area_difference_percent, "+.1f"),
        )
    print_whole(table)
    if len(rows) > SHOWN_OBJECTS:
        print_whole(Text(f"… and {len(rows) - SHOWN_OBJECTS:,} more; --out writes all of them"))
    print_whole(Text())


def _image_table(comparisons: "Sequence[ImageComparison]", total: dict[str, object]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("image", overflow="fold")
    for column in ("in A", "in B", "matched", "missed", "added", "IoU, mean", "AP", "F1", "PQ", "foreground IoU"):
        table.add_column(column, justify="right")
    for one in comparisons:
        table.add_row(
            Text(one.name),
            *(_number(size, ",") for size in (one.overlaps.first.size, one.overlaps.second.size)),
            *(_number(part.size, ",") for part in (one.matching.iou, one.matching.missed, one.matching.added)),
            _number(one.mean_iou, ".3f"),
            _number(one.matching.average_precision, ".3f"),
            _number(one.matching.f1, ".3f"),
            _number(one.matching.panoptic_quality, ".3f"),
            _number(one.overlaps.foreground_iou, ".3f"),
        )
    if len(comparisons) > 1:
        counts = (_number(total[key], ",") for key in ("matched", "missed", "added"))
        ratios = (_number(total[key], ".3f") for key in ("mean_iou", "average_precision"))
        table.add_row("all", "", "", *counts, *ratios, style="bold")
    return table


def _number(value: object, form: str = "") -> str:
    return "" if value is None else format(value, form)
