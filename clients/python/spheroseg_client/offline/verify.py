"""``spheroseg verify``: whether a reproducibility bundle holds what it says."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from spheroseg_client import display
from spheroseg_client.reporting import FAILED, libraries_needed, print_json, reported


def verify(
    bundle: Annotated[
        Path, typer.Argument(help="A bundle of [bold]spheroseg export --format bundle[/]: ZIP or folder.")
    ],
    sample: Annotated[
        int, typer.Option("--sample", min=1, max=1_000_000, help="Images that are made again, always the same ones.")
    ] = 3,
    *,
    every: Annotated[bool, typer.Option("--all", help="Make all images again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, for programs.")] = False,
) -> None:
    """Check a bundle's files, measure a sample of its images again, and let its model find them again.

    Exit code 1: something is not as the bundle says.

    Example: [bold]spheroseg verify study.zip --all[/]
    """
    with reported(as_json=as_json):
        with libraries_needed():
            from spheroseg_client.offline import bundles  # noqa: PLC0415 - scientific packages take their time
        verdict = bundles.verify(bundle, None if every else sample)
        if as_json:
            print_json({"version": 1, "sound": not verdict.faults, **vars(verdict)})
        else:
            console = display.message_console()
            for fault in verdict.faults:
                console.print(Text.assemble(("Not as it says: ", "bold red"), fault))
            for note in verdict.notes:
                console.print(Text.assemble(("Note: ", "bold"), note))
            lowest = min(verdict.overlaps.values(), default=None)
            found = "" if lowest is None else f", {len(verdict.overlaps)} found again (overlap at least {lowest:.4f})"
            done = f"{display.counted(verdict.checked, 'file')} checked, {len(verdict.measured)} measured again{found}"
            console.print(Text(done))
        if verdict.faults:
            raise typer.Exit(FAILED)
