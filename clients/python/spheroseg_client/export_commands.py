"""The command group ``spheroseg exports``: files that the service writes in the background."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import RenderableType

from spheroseg_client import display
from spheroseg_client.client import Client
from spheroseg_client.commands import ProjectArgument, command, project_id_of, table
from spheroseg_client.exports import Export

exports = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Let the service write a project's results for other programs, in the background; files are kept for a day.",
)


class FormatChoice(StrEnum):
    """What the service writes."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    JSON = "json"
    GEOJSON = "geojson"
    ROI = "roi"
    COCO = "coco"
    YOLO = "yolo"
    DATUMARO = "datumaro"
    CVAT = "cvat"
    LABELS = "labels"
    MASKS = "masks"
    OME_ZARR = "ome-zarr"
    ORIGINALS = "originals"
    OVERLAYS = "overlays"
    BUNDLE = "bundle"
    STATISTICS = "statistics"


ExportArgument = Annotated[UUID, typer.Argument(help="Id of the export, as [bold]exports start[/] prints it.")]
FormatOption = Annotated[
    FormatChoice, typer.Option("--format", "-f", help="What is written; [bold]export --list[/] explains each.")
]
ImagesOption = Annotated[
    list[UUID] | None, typer.Option("--image", help="Id of an image; several times for several; left away: all.")
]
PixelSizeOption = Annotated[
    float | None,
    typer.Option("--pixel-size", min=0.001, max=1000, help="Edge of one pixel in µm; goes before what results say."),
]
AcceptedOption = Annotated[bool, typer.Option("--accepted-only", help="Only results that somebody accepted.")]
WithImagesOption = Annotated[
    bool, typer.Option("--with-images", help="The images themselves, too, in yolo and ome-zarr.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="Wait until it is made, and bring it to this file or folder.")
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Return when it has ended, and tell how far it is.")]


def _facts(export: Export) -> RenderableType:
    lines: dict[str, object] = {
        "export": export.id,
        "format": export.format,
        "status": export.status,
        "images": f"{export.done} of {export.total}",
        "spheroids": export.spheroids,
    }
    if export.failure is not None:
        lines["why"] = export.failure.detail
    if export.file is not None:
        lines |= {
            "file": export.file.name,
            "size": f"{export.file.size_bytes:,} bytes",
            "SHA-256": export.file.sha256,
            "until": f"{export.file.expires_at:%Y-%m-%d %H:%M} UTC",
        }
    return display.facts(lines)


def _table(found: Sequence[Export]) -> RenderableType:
    return table(
        ("export", "format", "status", "images", "asked for", "size", "why"),
        [
            (
                one.id,
                one.format,
                one.status,
                f"{one.done} of {one.total}",
                f"{one.created_at:%Y-%m-%d %H:%M} UTC",
                f"{one.file.size_bytes:,}" if one.file else None,
                one.failure.detail if one.failure else None,
            )
            for one in found
        ],
    )


@command(exports, "start", "spheroseg exports start 'Day 7' --format xlsx --out day7.xlsx", _facts)
def _start(
    client: Client,
    *,
    project: ProjectArgument,
    format_name: FormatOption,
    image: ImagesOption = None,
    pixel_size: PixelSizeOption = None,
    accepted_only: AcceptedOption = False,
    with_images: WithImagesOption = False,
    wait: WaitOption = False,
    out: OutOption = None,
) -> Export:
    """Ask for a file with a project's results; without --wait and --out it goes on while you are away."""
    export = client.request_export(
        project_id_of(client, project),
        format_name.value,
        image_ids=image,
        pixel_size_um=pixel_size,
        accepted_only=accepted_only,
        with_images=with_images,
    )
    return _followed(client, export, out, wait=wait)


@command(exports, "list", "spheroseg exports list 'Day 7'", _table)
def _list(client: Client, *, project: ProjectArgument) -> list[Export]:
    """List your exports of a project, the newest first."""
    return list(client.exports(project_id_of(client, project)))


@command(exports, "show", "spheroseg exports show 5f0c2f5e-… --wait", _facts)
def _show(client: Client, *, export: ExportArgument, wait: WaitOption = False) -> Export:
    """See how far an export is."""
    return _followed(client, client.export(export), None, wait=wait)


@command(exports, "download", "spheroseg exports download 5f0c2f5e-… --out day7.xlsx", _facts)
def _download(
    client: Client,
    *,
    export: ExportArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="File, or folder that it is put into.")] = Path(),
) -> Export:
    """Bring an export's file here, once it is made."""
    return _followed(client, client.export(export), out, wait=True)


@command(exports, "cancel", "spheroseg exports cancel 5f0c2f5e-…", _facts)
def _cancel(client: Client, *, export: ExportArgument) -> Export:
    """Stop an export; nothing of it is left."""
    return client.cancel_export(export)


def _followed(client: Client, export: Export, out: Path | None, *, wait: bool) -> Export:
    if not export.is_final and (wait or out is not None):
        messages = display.message_console()
        for further in client.follow_export(export.id):
            messages.print(f"{further.status}: {further.done} of {display.counted(further.total, 'image')}")
            export = further
    if out is not None:
        path = out / export.file.name if out.is_dir() and export.file is not None else out
        path.parent.mkdir(parents=True, exist_ok=True)
        export = client.download_export(export.id, path)
    return export
