"""``spheroseg measure``: measures of label images, whichever program they are from."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from spheroseg_client import display
from spheroseg_client.errors import LocalFileError
from spheroseg_client.inputs import UnusableInput, find_inputs
from spheroseg_client.offline.files import keep_what_is_read, write_whole
from spheroseg_client.reporting import FAILED, libraries_needed, print_json, print_whole, reported

if TYPE_CHECKING:
    from spheroseg_client.offline.measuring import MeasuredFile

SHOWN_OBJECTS = 60
"""Rows of objects at the terminal, where there is one file; the file and JSON have all."""


def _finite(value: float | None) -> float | None:
    """Ranges let «nan» pass."""
    if value is not None and not isfinite(value):
        raise typer.BadParameter("must be a number")
    return value


def measure(
    paths: Annotated[
        list[str],
        typer.Argument(help="Label images (TIFF, PNG or NPY), folders of them, and patterns.", metavar="LABELS..."),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="CSV file with a row for each object, as measures.csv of segment."),
    ] = None,
    outlines: Annotated[Path | None, typer.Option(help="Folder for outlines, one GeoJSON file each.")] = None,
    image: Annotated[
        Path | None,
        typer.Option(help="The image, or a folder of images of the same names: adds columns of brightness."),
    ] = None,
    pixel_size: Annotated[
        float | None,
        typer.Option(
            "--pixel-size",
            min=0.001,
            max=1000,
            callback=_finite,
            help="Edge of one pixel in µm; without it the files' own value is taken, if they have one.",
        ),
    ] = None,
    page: Annotated[int | None, typer.Option(min=1, help="Page of label files with several, the first is 1.")] = None,
    image_page: Annotated[int | None, typer.Option(min=1, help="Page of images with several.")] = None,
    core_opening_px: Annotated[
        float | None,
        typer.Option(
            "--core-opening-px",
            min=0.5,
            max=100_000,
            callback=_finite,
            help="With --invasion: what is thinner than twice this is not core; without it, half the radius of the "
            "largest disk in the object.",
        ),
    ] = None,
    simplify_px: Annotated[
        float | None,
        typer.Option(
            "--simplify-px",
            min=0.01,
            max=1000,
            callback=_finite,
            help="Outlines with fewer corners, no farther than this from the exact ones.",
        ),
    ] = None,
    *,
    binary: Annotated[
        bool, typer.Option("--binary", help="The files are masks of inside and outside: each piece is an object.")
    ] = False,
    together: Annotated[bool, typer.Option("--together", help="All numbers of a file are one object.")] = False,
    invasion: Annotated[
        bool, typer.Option("--invasion", help="Measure core, whole and reach of each object as well.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, for programs.")] = False,
) -> None:
    """Measure the objects of label images, from Fiji, cellpose, napari or any other program.

    A number is an object, also when it is in several pieces (column pieces). Exit code 1:
    some file could not be measured.

    Example: [bold]spheroseg measure masks/ --image raw/ --pixel-size 0.65 --out measures.csv[/]
    """
    with reported(as_json=as_json):
        if binary and together:
            raise LocalFileError("--binary and --together say opposite things; give one of them", "contradiction")
        if simplify_px is not None and outlines is None:
            raise LocalFileError(
                "--simplify-px is about the outlines that --outlines writes; give both", "contradiction"
            )
        if core_opening_px is not None and not invasion:
            raise LocalFileError("--core-opening-px is about --invasion; give both", "contradiction")
        with libraries_needed():
            from spheroseg_client.offline import measuring  # noqa: PLC0415 - scientific packages take their time
        inputs = find_inputs(paths, outlines)
        if image is not None and not image.exists():
            raise LocalFileError(f"{image}: no such file or folder", "file-not-found")
        if image is not None and not image.is_dir() and len(inputs.files) > 1:
            raise LocalFileError("--image is one file, but there are several label images: give a folder", "one-image")
        keep_what_is_read(out, [*(file.path for file in inputs.files), image])
        how = measuring.How(page, image_page, binary, together, pixel_size, invasion, core_opening_px, simplify_px)
        measured: list[MeasuredFile] = []
        written: list[Path | None] = []
        failures = list(inputs.unusable)
        names = measuring.names_of([file.path for file in inputs.files])
        for file, name in zip(inputs.files, names, strict=True):
            try:
                of_image = None if image is None else measuring.image_for(file.path, image)
                one = measuring.measure_file(file.path, file.shown, name, of_image, how)
                measured.append(one)
                written.append(None if outlines is None else outlines / f"{name}.geojson")
            except LocalFileError as error:
                failures.append(UnusableInput(file.shown, error.code, error.detail))
                continue
            if written[-1] is not None:
                write_whole(written[-1], one.geojson(simplify_px))
        if out is not None and measured:
            write_whole(out, measuring.csv_of(measured, how, with_image=image is not None))
        if as_json:
            print_json(_document(measured, written, failures, out))
        else:
            _print(measured, failures, out)
        if failures:
            raise typer.Exit(FAILED)


def _document(
    measured: "Sequence[MeasuredFile]",
    outlines: Sequence[Path | None],
    failures: Sequence[UnusableInput],
    out: Path | None,
) -> dict[str, object]:
    return {
        "version": 1,
        "measures": str(out) if out is not None and measured else None,
        "images": [
            *(
                one.as_json() | {"outlines": None if path is None else str(path)}
                for one, path in zip(measured, outlines, strict=True)
            ),
            *(
                {"file": one.shown, "status": "failed", "failure": {"code": one.code, "detail": one.detail}}
                for one in failures
            ),
        ],
        "succeeded": len(measured),
        "failed": len(failures),
    }


def _print(measured: "Sequence[MeasuredFile]", failures: Sequence[UnusableInput], out: Path | None) -> None:
    if len(measured) == 1 and measured[0].spheroids:
        print_whole(_objects_table(measured[0]))
        if (more := len(measured[0].spheroids) - SHOWN_OBJECTS) > 0:
            print_whole(Text(f"… and {more:,} more; --out writes all of them"))
    elif measured:
        print_whole(_files_table(measured))
    messages = display.message_console()
    for line in display.note_lines((one.file, note) for one in measured for note in one.notes):
        messages.print(line)
    for failure in failures:
        messages.print(Text.assemble((failure.shown, "bold"), ": ", failure.detail, (f" [{failure.code}]", "dim")))
    spheroids = sum(len(one.spheroids) for one in measured)
    done = f"{display.counted(spheroids, 'object')} in {display.counted(len(measured), 'file')}"
    where = f", measures in {out}" if out is not None and measured else ""
    messages.print(Text(done + where))


def _objects_table(one: "MeasuredFile") -> Table:
    unit = "px" if one.pixel_size_um is None else "um"
    shown = unit.replace("um", "µm")
    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = {
        f"area_{unit}2": (f"area ({shown}²)", ",.1f"),
        f"equivalent_diameter_{unit}": (f"diameter ({shown})", ",.2f"),
        "circularity": ("circularity", ".3f"),
        "solidity": ("solidity", ".3f"),
        "aspect_ratio": ("aspect ratio", ".3f"),
        "pieces": ("pieces", "d"),
        "intensity_mean": ("brightness", ",.1f"),
        f"core_equivalent_diameter_{unit}": (f"core ({shown})", ",.1f"),
        f"invasive_area_{unit}2": (f"invasive ({shown}²)", ",.0f"),
        f"reach_q95_{unit}": (f"reach ({shown})", ",.1f"),
        "fragment_count": ("fragments", "d"),
    }
    rows = [one.measures(spheroid) | one.extras[spheroid.number] for spheroid in one.spheroids[:SHOWN_OBJECTS]]
    present = {name: heading for name, heading in columns.items() if name in rows[0]}
    if "fragment_count" in present:  # room for them
        del present["solidity"], present["aspect_ratio"]
    table.add_column("object", justify="right")
    for heading, _ in present.values():
        table.add_column(heading, justify="right")
    table.add_column("")
    for spheroid, row in zip(one.spheroids, rows, strict=False):
        cells = ["" if row[name] is None else format(row[name], form) for name, (_, form) in present.items()]
        table.add_row(str(spheroid.number), *cells, "at the border" if spheroid.touches_edge else "")
    return table


def _files_table(measured: "Sequence[MeasuredFile]") -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("file", overflow="fold")
    for heading in ("objects", "diameter, median", "area, median", "circularity, median"):
        table.add_column(heading, justify="right")
    for one in measured:
        unit = "px" if one.pixel_size_um is None else "um"
        shown = unit.replace("um", "µm")
        found = [one.measures(spheroid) for spheroid in one.spheroids]
        table.add_row(
            Text(one.file),
            f"{len(found):,}",
            *(
                [
                    f"{median(row[f'equivalent_diameter_{unit}'] for row in found):,.2f} {shown}",
                    f"{median(row[f'area_{unit}2'] for row in found):,.1f} {shown}²",
                    f"{median(row['circularity'] for row in found):.3f}",
                ]
                if found
                else ["", "", ""]
            ),
        )
    return table
