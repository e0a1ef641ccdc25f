"""The command group ``spheroseg images``."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from spheroseg_client import display
from spheroseg_client.client import Client
from spheroseg_client.commands import ProjectArgument, command, facts, project_id_of, table
from spheroseg_client.errors import LocalFileError
from spheroseg_client.models import DeletedImage, Image, NamesRead

images = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Find, describe, upload and delete images.")

ImageArgument = Annotated[UUID, typer.Argument(help="Id of the image, see [bold]spheroseg images list[/].")]
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


class StateChoice(StrEnum):
    """How far an image is."""

    AWAITING_UPLOAD = "awaiting_upload"
    REFUSED = "refused"
    WITHOUT_SEGMENTATION = "without_segmentation"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SortChoice(StrEnum):
    """What images are sorted by."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    NAME = "name"
    NAME_BACKWARDS = "-name"
    SMALLEST = "size_bytes"
    LARGEST = "-size_bytes"
    WELL = "well"
    WELL_BACKWARDS = "-well"


def _state(image: Image) -> str:
    if image.status != "stored":
        return image.status
    return image.segmentation.status if image.segmentation else "without_segmentation"


def _image_table(found: Sequence[Image]) -> Table:
    return table(
        ("id", "name", "status", "bytes", "plate", "well", "condition", "tags"),
        [
            (it.id, it.name, _state(it), it.size_bytes, it.plate, it.well, it.condition, ", ".join(it.tags))
            for it in found
        ],
    )


def _counted(changed: int) -> Text:
    return Text(f"{display.counted(changed, 'image')} changed")


def _names(read: NamesRead) -> RenderableType:
    return table(
        (f"{read.matched} of {read.matched + read.unmatched} match", ""),
        [
            (it.name, "-" if it.fields is None else ", ".join(f"{key} {value}" for key, value in it.fields.items()))
            for it in read.items
        ],
    )


def _deleted(told: Sequence[DeletedImage]) -> RenderableType:
    return table(
        ("id", ""), [(it.id, "deleted" if it.is_deleted or not it.failure else it.failure.detail) for it in told]
    )


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


@command(images, "list", "spheroseg images list 'Day 7' --status failed --name A1 --sort=-size_bytes", _image_table)
def list_images(
    client: Client,
    *,
    project: ProjectArgument,
    status: Annotated[StateChoice | None, typer.Option(help="How far it is.")] = None,
    name: Annotated[str | None, typer.Option(help="A part of its name, in whichever case.")] = None,
    tag: Annotated[str | None, typer.Option(help="One of its tags.")] = None,
    plate: Annotated[str | None, typer.Option(help="Its plate.")] = None,
    well: Annotated[str | None, typer.Option(help="Its well.")] = None,
    condition: Annotated[str | None, typer.Option(help="Its condition.")] = None,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=TIMES, help="Announced then or later, in UTC.")
    ] = None,
    before: Annotated[datetime | None, typer.Option(formats=TIMES, help="Announced earlier, in UTC.")] = None,
    size_from: Annotated[int | None, typer.Option(min=0, help="Bytes at least.")] = None,
    size_to: Annotated[int | None, typer.Option(min=0, help="Bytes at most.")] = None,
    sort: Annotated[SortChoice, typer.Option(help="A minus turns the order round.")] = SortChoice.NEWEST,
) -> list[Image]:
    """List the images of a project that pass all filters."""
    return list(
        client.find_images(
            project_id_of(client, project),
            status=status.value if status else None,
            name=name,
            tag=tag,
            plate=plate,
            well=well,
            condition=condition,
            created_from=_utc(since),
            created_before=_utc(before),
            size_from=size_from,
            size_to=size_to,
            sort=sort.value,
        )
    )


@command(images, "show", "spheroseg images show 0198c0de-0000-7000-8000-000000000002", facts)
def show_image(client: Client, *, image: ImageArgument) -> Image:
    """See all that is known of an image."""
    return client.image(image)


@command(images, "upload", "spheroseg images upload 'Day 7' 'well A1.tif' 'well A2.tif'", _image_table)
def upload_images(
    client: Client,
    *,
    project: ProjectArgument,
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Image files.")],
) -> list[Image]:
    """Upload files into a project; large ones in parts. Their segmentation starts at once."""
    project_id = project_id_of(client, project)
    return [client.upload(project_id, file) for file in files]


@command(images, "change", "spheroseg images change 0198c0de-… --tag control --well B03 --clear plate", facts)
def change_image(
    client: Client,
    *,
    image: ImageArgument,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    move_to: Annotated[str | None, typer.Option("--move-to", help="Id or name of the project it goes to.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="A tag, several times for several: all it has.")
    ] = None,
    plate: Annotated[str | None, typer.Option(help="Its plate.")] = None,
    well: Annotated[str | None, typer.Option(help="Its well, such as B03.")] = None,
    condition: Annotated[str | None, typer.Option(help="What was done to the sample.")] = None,
    time_point_h: Annotated[float | None, typer.Option("--time-point", help="When it was taken, in hours.")] = None,
    replicate: Annotated[int | None, typer.Option(min=1, help="Which repetition.")] = None,
    pixel_size: Annotated[float | None, typer.Option("--pixel-size", min=0.001, max=1000, help="µm per pixel.")] = None,
    clear: Annotated[
        list[str] | None, typer.Option("--clear", help="A field to take back, such as plate, tags or pixel_size_um.")
    ] = None,
) -> Image:
    """Rename an image, move it, say what it shows; what you do not name stays."""
    given: dict[str, object] = {
        "name": name,
        "project_id": project_id_of(client, move_to) if move_to else None,
        "tags": tag,
        "plate": plate,
        "well": well,
        "condition": condition,
        "time_point_h": time_point_h,
        "replicate": replicate,
        "pixel_size_um": pixel_size,
    }
    changes = {key: value for key, value in given.items() if value is not None}
    changes |= {key: [] if key == "tags" else None for key in clear or ()}
    return client.change_image(image, changes)


@command(images, "describe", "spheroseg images describe 'Day 7' samples.csv", _counted)
def describe_images(
    client: Client,
    *,
    project: ProjectArgument,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV with a heading, in UTF-8.")],
) -> int:
    """Say what images show by a table; wrong cells are told by row and column, and nothing is changed."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LocalFileError(f"{file.name} cannot be read as UTF-8 text: {error}", "unreadable-file") from error
    return client.describe_images(project_id_of(client, project), text)


@command(
    images,
    "read-names",
    "spheroseg images read-names 'Day 7' '(?P<well>[A-P][0-9]{2})_(?P<time_point_h>[0-9]+)h' --dry-run",
    _names,
)
def read_names(
    client: Client,
    *,
    project: ProjectArgument,
    pattern: Annotated[str, typer.Argument(help="Pattern with groups named plate, well, row, column, …")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be changed.")] = False,
) -> NamesRead:
    """Read plate, well, condition, time point and replicate from the names of a project's images."""
    return client.read_names(project_id_of(client, project), pattern, dry_run=dry_run)


@command(images, "delete", "spheroseg images delete 0198c0de-0000-7000-8000-000000000002", _deleted)
def delete_images(
    client: Client, *, image: Annotated[list[UUID], typer.Argument(help="Ids of the images.")]
) -> list[DeletedImage]:
    """Delete images with all that was made of them. It cannot be undone."""
    return client.delete_images(image)
