"""``spheroseg evaluate``: how well models find objects that somebody drew."""

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from spheroseg_client import display
from spheroseg_client.offline.files import check_place
from spheroseg_client.reporting import FAILED, libraries_needed, print_json, reported

if TYPE_CHECKING:
    from training.evaluation.report import Table as Figures

UNATTENDED_WIDTH = 170
"""Columns when the output goes to a file or a pipe: the widest table fits."""


def evaluate(
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            help="Folder with [bold]images[/] and [bold]masks[/] of the same names, or a folder of such sources.",
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(help="Registered model, NAME or NAME@VERSION; may be given more than once."),
    ] = None,
    onnx: Annotated[Path | None, typer.Option(help="Model file that need not be registered; with --card.")] = None,
    card: Annotated[Path | None, typer.Option(help="Its model card.")] = None,
    baseline: Annotated[
        list[str] | None, typer.Option(help="[bold]otsu[/]: Otsu's threshold with morphology, in the same run.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the report, figures and overlays of the worst images."),
    ] = None,
    fold: Annotated[
        str | None, typer.Option(help="Name of a fold, such as the source left out; a column of the figures.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=256, help="Images at a time; without it one for each core.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, for programs.")] = False,
) -> None:
    """Judge models on images with masks, source by source, as the worker runs them.

    Masks are label images, 0 is background. Without --model, --onnx and --baseline the default model is judged. With
    several, the differences to the first one are told. Exit code 1: some image could not be judged by all of them.

    Example: [bold]spheroseg evaluate --data drawn/ --model first --baseline otsu --out report[/]
    """
    with reported(as_json=as_json):
        with libraries_needed():
            from spheroseg_client.offline import evaluation  # noqa: PLC0415 - scientific packages take their time
            from training.evaluation import report, trust_report  # noqa: PLC0415
        check_place(None if out is None else out / evaluation.REPORT)
        messages = display.message_console()
        wanted = evaluation.Wanted(
            data=data,
            models=model or [],
            onnx=onnx,
            card=card,
            baselines=baseline or [],
            fold=fold,
            command=shlex.join(["spheroseg", *sys.argv[1:]]),
        )
        cases, failures, methods = evaluation.prepare(wanted)
        with _counting(messages, len(cases)) as on_done:
            result = evaluation.run(wanted, cases, failures, methods, jobs or os.cpu_count() or 1, on_done)
        if out is not None:
            evaluation.write(result, out)
        if as_json:
            print_json(result.document() | {"out": None if out is None else str(out)})
        else:
            console = _wide_console()
            for table in (*report.tables_of(result.groups, short=True), *trust_report.tables_of(result.judged)):
                console.print(_rich(table), Text())
            if out is not None:
                messages.print(Text(f"Report in {out / evaluation.REPORT}"))
        for failure in result.failures:
            messages.print(Text.assemble((f"{failure.source}/{failure.name}", "bold"), ": ", failure.reason))
        if result.failures:
            raise typer.Exit(FAILED)


@contextmanager
def _counting(console: Console, images: int) -> Iterator[Callable[[], None]]:
    """A bar while images are judged; a plain line where nobody watches."""
    if not console.is_terminal:
        console.print(f"Judging {display.counted(images, 'image')}")
        yield lambda: None
        return
    columns = (SpinnerColumn(), TextColumn("Judge"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=images)
        yield lambda: progress.advance(task)


def _wide_console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=UNATTENDED_WIDTH)


def _rich(table: "Figures") -> Table:
    shown = Table(title=table.title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for place, words in enumerate(table.header):
        shown.add_column(words, justify="left" if place < 2 else "right", overflow="fold")
    for row in table.rows:
        shown.add_row(*(Text(cell) for cell in row))
    return shown
