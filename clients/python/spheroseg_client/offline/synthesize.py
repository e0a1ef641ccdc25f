"""``spheroseg synthesize``: a set of images that never were, with exact masks."""

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from spheroseg_client import display
from spheroseg_client.reporting import libraries_needed, print_json, print_whole, reported

SIDES_PX = 32, 8192
"""Smallest and largest: what the generator can draw, and what its working memory (about 70 B a pixel) should be."""


class KindChoice(StrEnum):
    """What the images show."""

    ROUND = "round"
    MANY = "many"
    TOUCHING = "touching"
    ROUGH = "rough"
    INVASIVE = "invasive"
    LOOSE = "loose"
    CYSTIC = "cystic"
    ELONGATED = "elongated"
    DARK = "dark"
    FRAGMENTS = "fragments"
    MIXED = "mixed"
    EMPTY = "empty"


def _sides(size: str) -> str:
    """Both sides are whole numbers in range."""
    sides = re.fullmatch(r"(\d{1,6})[xX×](\d{1,6})", size)
    if sides is None:
        raise typer.BadParameter("must be WIDTHxHEIGHT in pixels, for example 1024x768")
    if not all(SIDES_PX[0] <= int(side) <= SIDES_PX[1] for side in sides.groups()):
        raise typer.BadParameter(f"both sides must be from {SIDES_PX[0]} to {SIDES_PX[1]} px")
    return "x".join(sides.groups())


def _progress() -> Progress:
    """A bar on stderr, where somebody watches."""
    console = display.message_console()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def synthesize(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the set; new, or empty.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=10_000_000, help="Images to draw.")] = 100,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same files.")] = 0,
    size: Annotated[
        str, typer.Option(callback=_sides, metavar="WIDTHxHEIGHT", help="Of every image, in pixels.")
    ] = "512x512",
    kind: Annotated[KindChoice | None, typer.Option(help="Draw this kind alone; else a mixture of all.")] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, max=256, help="Processes at work; one for each core.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, for programs.")] = False,
) -> None:
    """Draw a set of spheroid images with exact masks: to test a program, to train a model.

    Writes images/ (PNG, or TIFF for 16 bits), masks/ (label images, 0 is background) and
    manifest.csv, which says what each image shows and how it was taken.

    Example: [bold]spheroseg synthesize --out synthetic --count 1000 --seed 7 --size 1024x768[/]
    """
    with reported(as_json=as_json):
        with libraries_needed():
            from spheroseg_client.offline import synthetic_set  # noqa: PLC0415 - scientific packages take their time
        width, height = map(int, size.split("x"))
        order = synthetic_set.Order(out, count, seed, height, width, None if kind is None else kind.value)
        with _progress() as progress:
            drawing = progress.add_task(f"Draw {display.counted(count, 'image')}", total=count)
            drawn = synthetic_set.write(order, jobs or os.cpu_count() or 1, lambda: progress.advance(drawing))
        if as_json:
            print_json(
                {
                    "version": 1,
                    "images": count,
                    "objects": drawn.objects,
                    "without_objects": drawn.without_objects,
                    "manifest": str(drawn.manifest),
                }
            )
        else:
            objects = f"{drawn.objects:,} objects in {display.counted(count, 'image')}"
            print_whole(Text(f"{objects}, {drawn.without_objects:,} of them without any; see {drawn.manifest}"))
