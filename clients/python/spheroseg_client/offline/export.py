"""``spheroseg export`` and ``spheroseg import``: to other programs and back, on files of this machine."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.table import Table
from rich.text import Text

from spheroseg_client import display
from spheroseg_client.access import Access
from spheroseg_client.client import Client
from spheroseg_client.commands import project_id_of
from spheroseg_client.errors import LocalFileError
from spheroseg_client.import_commands import imported, shown
from spheroseg_client.options import ApiOption, DataDirOption, EmailOption, PasswordOption, TokenOption
from spheroseg_client.reporting import libraries_needed, print_json, print_whole, reported

if TYPE_CHECKING:
    from spheroseg_client.offline.exchanged import How
    from spheroseg_client.offline.exporting import Counted


def _finite(value: float | None) -> float | None:
    """Ranges let «nan» pass."""
    if value is not None and not isfinite(value):
        raise typer.BadParameter("must be a number")
    return value


Sources = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Results of [bold]segment[/], label images, COCO, GeoJSON, ImageJ ROIs, YOLO datasets, folders of them.",
        metavar="SOURCES...",
        show_default=False,
    ),
]
From = Annotated[
    str | None, typer.Option("--from", help="What the sources are: coco, geojson, roi, labels, yolo; their names tell.")
]
Images = Annotated[
    Path | None,
    typer.Option("--image", help="The image, or the folder of the images, that the outlines belong to."),
]
PixelSize = Annotated[
    float | None,
    typer.Option(
        "--pixel-size",
        min=0.001,
        max=1000,
        callback=_finite,
        help="Edge of one pixel in µm; goes before what files say.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, for programs.")]


def export(
    sources: Sources = None,
    to: Annotated[
        str | None, typer.Option("--format", "-f", help="What is written; [bold]--list[/] tells what there is.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File or folder; a name that ends in .zip is an archive.")
    ] = None,
    *,
    source_format: From = None,
    image: Images = None,
    pixel_size: PixelSize = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            metavar="NAME=VALUE",
            help="With --format bundle: threshold, min_diameter_px, holes, out_of_focus of the run, if not the usual.",
        ),
    ] = None,
    project: Annotated[
        str | None, typer.Option(help="Instead of files a project of the service, by its id or name.")
    ] = None,
    accepted_only: Annotated[
        bool,
        typer.Option("--accepted-only", help="With --project: only results that somebody accepted, see review accept."),
    ] = False,
    api: ApiOption = None,
    email: EmailOption = None,
    password: PasswordOption = None,
    token: TokenOption = None,
    data_dir: DataDirOption = None,
    list_formats: Annotated[bool, typer.Option("--list", help="List the formats and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write results for other programs: tables, COCO, YOLO, ImageJ ROIs, GeoJSON for QuPath, label images and more.

    Of a project: of each page of each image the newest run that succeeded, with its newest, perhaps corrected outlines.

    Example: [bold]spheroseg export results/ --format coco --out annotations.json[/]

    Example: [bold]spheroseg export --project 'Day 7' --format xlsx --out day7.xlsx[/]
    """
    with reported(as_json=as_json):
        with libraries_needed():
            from spheroseg_client.offline import exchanged, exporting  # noqa: PLC0415 - they take their time
        if list_formats:
            _print_formats(as_json=as_json)
            return
        if bool(sources) == (project is not None) or to is None or out is None:
            raise LocalFileError(
                "What, as what and where to: SOURCES or --project, --format and --out belong together", "too-little"
            )
        _known(to, exporting.WRITTEN, "--format")
        _known(source_format, exporting.READABLE, "--from")
        settings = _parameters(parameter or [])
        if project is None:
            if accepted_only:
                raise LocalFileError(
                    "--accepted-only goes with --project: files do not say who accepted them", "no-review"
                )
            how = exchanged.How(source_format, image, pixel_size)
            counted = exporting.export(
                exchanged.results_of(sources or [], how), to, out, settings, _read(sources, image)
            )
            _tell(counted, out, how.notes, as_json=as_json)
            return
        with libraries_needed():
            from spheroseg_client.offline import of_project  # noqa: PLC0415
        with Access(api, email, password, token, data_dir).present() as client:
            found = of_project.Project(
                client, project_id_of(client, project), image, pixel_size, accepted_only=accepted_only
            )
            counted = exporting.export(found, to, out, settings)
            missing = "Without an accepted result: " if accepted_only else "Without a result: "
            _tell(counted, out, found.notes, as_json=as_json, without=found.without, missing=missing)


def import_(
    sources: Sources = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the results.")] = None,
    source_format: From = None,
    image: Images = None,
    pixel_size: PixelSize = None,
    *,
    project: Annotated[
        str | None,
        typer.Option(help="Instead of a folder a project of the service, by its id or name: as new revisions."),
    ] = None,
    annotate: Annotated[
        bool,
        typer.Option("--annotate", help="With --project: the service makes new results of it, which you drew."),
    ] = False,
    onto: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RUN@REVISION",
            help="With --project: the service makes a new revision of this result; several times for several.",
        ),
    ] = None,
    image_id: Annotated[
        UUID | None,
        typer.Option("--image-id", help="With --annotate: the image that the file is about; left away: names tell."),
    ] = None,
    page: Annotated[int, typer.Option(min=1, help="With --annotate: the page of the images.")] = 1,
    note: Annotated[str | None, typer.Option(help="With --project: what there is to say about the revisions.")] = None,
    api: ApiOption = None,
    email: EmailOption = None,
    password: PasswordOption = None,
    token: TokenOption = None,
    data_dir: DataDirOption = None,
    as_json: AsJson = False,
) -> None:
    """Take outlines of other programs as results: measures, outlines and label images in a folder, as of segment.

    Every object is measured anew by its pixels. With --project the outlines become the newest of the image of the same
    name, as a revision that can be taken back (spheroseg edit). With --onto or --annotate it is the service that reads
    the file: all of it is stored, or nothing.

    Example: [bold]spheroseg import corrected.geojson --image well_A1.tif --out corrected/[/]

    Example: [bold]spheroseg import well_A1.geojson --project 'Day 7' --note 'corrected in QuPath'[/]

    Example: [bold]spheroseg import annotations.json --project 'Day 7' --annotate[/]
    """
    with reported(as_json=as_json):
        if annotate or onto:
            if not sources or project is None or out is not None or image is not None or (annotate and onto):
                raise LocalFileError(
                    "A source, --project, and one of --annotate and --onto belong together; --out and --image do not",
                    "too-little",
                )
            with Access(api, email, password, token, data_dir).present() as client:
                done = imported(
                    client,
                    project,
                    sources,
                    source_format,
                    onto=onto or (),
                    image_id=image_id,
                    page=page,
                    note=note,
                )
            print_json(done.model_dump(mode="json")) if as_json else print_whole(shown(done))
            return
        with libraries_needed():
            from spheroseg_client.offline import exchanged, exporting  # noqa: PLC0415 - they take their time
        if not sources or (out is None) == (project is None):
            raise LocalFileError("What and where to: SOURCES, and --out or --project, belong together", "too-little")
        _known(source_format, exporting.READABLE, "--from")
        how = exchanged.How(source_format, image, pixel_size)
        if project is not None:
            with Access(api, email, password, token, data_dir).present() as client:
                _import_into(client, project_id_of(client, project), sources, how, note, as_json=as_json)
            return
        assert out is not None  # noqa: S101 - one of the two is there
        counted = exporting.import_results(exchanged.results_of(sources, how), out, _read(sources, image))
        _tell(counted, out, how.notes, as_json=as_json)


def _import_into(
    client: Client, project_id: UUID, sources: Sequence[Path], how: "How", note: str | None, *, as_json: bool
) -> None:
    from spheroseg_client.offline.into_project import save_as_revisions  # noqa: PLC0415

    saved = save_as_revisions(client, project_id, sources, how, note)
    if as_json:
        images = [{**vars(one), "segmentation_id": str(one.segmentation_id)} for one in saved]
        print_json({"version": 1, "images": images})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("image", "revision", "added", "changed", "removed"):
        table.add_column(heading, justify="left" if heading == "image" else "right", overflow="fold")
    for one in saved:
        revision = "the same" if one.revision is None else str(one.revision)
        table.add_row(Text(one.file), revision, str(one.added), str(one.changed), str(one.removed))
    print_whole(table)


def _read(sources: list[Path] | None, image: Path | None) -> list[Path]:
    """What a command reads."""
    return [*(sources or []), *([] if image is None else [image])]


def _parameters(given: list[str]) -> dict[str, float | bool]:
    found: dict[str, float | bool] = {}
    for one in given:
        name, _, value = one.partition("=")
        if value in {"true", "false"}:
            found[name] = value == "true"
            continue
        try:
            found[name] = float(value)
        except ValueError as error:
            raise LocalFileError(f"--parameter {one} is not NAME=VALUE", "no-parameter") from error
    return found


def _known(name: str | None, formats: Mapping[str, object], option: str) -> None:
    if name is not None and name not in formats:
        raise LocalFileError(f"{option} {name} is not known; there is {', '.join(formats)}", "unknown-format")


def _tell(
    counted: "Counted",
    out: Path,
    notes: Sequence[tuple[str, str]],
    *,
    as_json: bool,
    without: Sequence[str] = (),
    missing: str = "Without a result: ",
) -> None:
    if as_json:
        told = {"version": 1, "out": str(out), "images": counted.images, "spheroids": counted.spheroids}
        print_json(
            {**told, "without_result": list(without), "notes": [{"file": file, "note": note} for file, note in notes]}
        )
        return
    for line in display.note_lines(notes):
        display.message_console().print(line)
    if without:
        others = f" and {len(without) - 1:,} more" if len(without) > 1 else ""
        display.message_console().print(Text.assemble((missing, "bold"), without[0], others))
    done = f"{display.counted(counted.spheroids, 'spheroid')} of {display.counted(counted.images, 'image')} in {out}"
    display.message_console().print(Text(done))


def _print_formats(*, as_json: bool) -> None:
    from spheroseg_client.offline.exporting import READABLE, WRITTEN  # noqa: PLC0415

    if as_json:
        print_json(
            {
                "version": 1,
                "formats": [
                    {"name": name, "title": one.title, "read": name in READABLE, "needs_images": one.needs_originals}
                    for name, one in WRITTEN.items()
                ],
            }
        )
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("--format", "what it is", "--from too"):
        table.add_column(heading)
    for name, one in WRITTEN.items():
        table.add_row(name, one.title + (" (needs --image)" if one.needs_originals else ""), "yes" * (name in READABLE))
    print_whole(table)
