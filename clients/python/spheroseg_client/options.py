"""Options that several commands share."""

from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from spheroseg_client.stacks import is_choice


class PriorityChoice(StrEnum):
    """Which queue the work waits in."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


def _finite(value: float | None) -> float | None:
    """Ranges let «nan» pass."""
    if value is not None and not isfinite(value):
        raise typer.BadParameter("must be a number")
    return value


def _choice_of_pages(value: str | None) -> str | None:
    if value is not None and not is_choice(value):
        raise typer.BadParameter("give all, or numbers and ranges such as 1-20,25")
    return value


OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder for the results; made if it is not there.")]
ModelOption = Annotated[
    str | None,
    typer.Option(
        help="Model to run, see [bold]spheroseg models[/]; NAME or NAME@VERSION; [bold]auto[/]: what each image needs."
    ),
]
ThresholdOption = Annotated[
    float,
    typer.Option(min=0.1, max=0.9, callback=_finite, help="Probability from which a pixel belongs to a spheroid."),
]
DiameterOption = Annotated[
    float | None,
    typer.Option(
        "--min-diameter-px",
        min=0.001,
        max=100_000,
        callback=_finite,
        help="Drop objects below this diameter, in pixels.",
    ),
]
HolesOption = Annotated[bool, typer.Option("--holes/--no-holes", help="Keep holes, or fill them.")]
FocusOption = Annotated[
    bool,
    typer.Option(
        "--out-of-focus/--in-focus", help="Keep objects out of focus, or leave them out where the model tells them."
    ),
]
PageOption = Annotated[int, typer.Option(min=1, max=100_000, help="Page of multi-page files, the first is 1.")]
PagesOption = Annotated[
    str | None,
    typer.Option(
        callback=_choice_of_pages,
        help="Pages of stacks: [bold]all[/], or numbers and ranges such as 1-20,25; each is a result of its own.",
    ),
]
ChannelOption = Annotated[
    int | None, typer.Option(min=1, max=100_000, help="With --pages: only those of this channel, the first is 1.")
]
PixelSizeOption = Annotated[
    float | None,
    typer.Option(
        "--pixel-size",
        min=0.001,
        max=1000,
        callback=_finite,
        help="Edge of one pixel in µm, for all files; without it the file's own value is taken, if it has one.",
    ),
]
SimplifyOption = Annotated[
    float | None,
    typer.Option(
        "--simplify-px",
        min=0.01,
        max=1000,
        callback=_finite,
        help="Outlines with fewer corners, no farther than this from the exact ones; label images, measures and "
        "overlays stay those of the exact outlines.",
    ),
]
PriorityOption = Annotated[PriorityChoice, typer.Option(help="Which queue the work waits in.")]
ProjectOption = Annotated[
    str | None, typer.Option(help="Project to put the images in: yours of that name, made if there is none.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, for programs.")]
ApiOption = Annotated[
    str | None,
    typer.Option("--api", envvar="SPHEROSEG_API", help="Address of a service; without it the local cloud is used."),
]
EmailOption = Annotated[str | None, typer.Option(envvar="SPHEROSEG_EMAIL", help="Sign-in at --api.")]
PasswordOption = Annotated[
    str | None, typer.Option(envvar="SPHEROSEG_PASSWORD", help="Sign-in at --api; better given by the environment.")
]
TokenOption = Annotated[
    str | None, typer.Option(envvar="SPHEROSEG_TOKEN", help="Access token for --api, instead of e-mail and password.")
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", envvar="SPHEROSEG_DATA_DIR", help="Data of the local cloud; one cloud runs for each folder."
    ),
]
PortOption = Annotated[
    int | None, typer.Option(min=1, max=65535, help="Port of the local cloud on 127.0.0.1, if it has to be started.")
]
