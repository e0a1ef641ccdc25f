"""The command group ``spheroseg edit``: corrected outlines, their history, what differs, and their files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from rich.console import RenderableType

from spheroseg_client import display
from spheroseg_client.client import Client
from spheroseg_client.commands import command, table
from spheroseg_client.errors import ApiError, InvalidEditFileError, UnexpectedAnswerError
from spheroseg_client.reporting import libraries_needed
from spheroseg_client.revisions import Difference, Revision, RevisionDifference, listed_numbers, with_later_changes

if TYPE_CHECKING:  # its libraries are those of the extra ``offline``
    from spheroseg_client.offline.revision_files import RevisionFiles

edit = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Correct outlines: do operations, see who changed what, bring earlier outlines back, compare, write files.",
)

RunArgument = Annotated[UUID, typer.Argument(help="Id of the run.")]
OperationsArgument = Annotated[
    Path,
    typer.Argument(
        exists=True,
        dir_okay=False,
        help="JSON file: a list of operations, or an object with base, operations and note; docs/use.md has examples.",
    ),
]
BaseOption = Annotated[
    int | None,
    typer.Option("--base", min=0, help="The revision that the edit starts from; 0: the segmenter's own."),
]
KnownOption = Annotated[int, typer.Option("--base", min=0, help="The newest revision that you know.")]
NoteOption = Annotated[str | None, typer.Option("--note", help="What there is to say about it.")]
NumberArgument = Annotated[int, typer.Argument(min=0, help="Number of the revision; 0: the segmenter's own.")]
RevisionOption = Annotated[int | None, typer.Option("--revision", min=0, help="Which revision; left away: the newest.")]
SinceOption = Annotated[int, typer.Option("--since", min=0, help="The first revision; 0: the segmenter's own.")]
FolderOption = Annotated[Path, typer.Option("--out", "-o", file_okay=False, help="Where the files go.")]


def _revision(found: Revision) -> RenderableType:
    lines: dict[str, object] = {
        "revision": found.number,
        "by": found.author_id,
        "at": found.created_at.isoformat(timespec="seconds"),
        "added": listed_numbers(found.added),
        "changed": listed_numbers(found.changed),
        "removed": listed_numbers(found.removed),
        "spheroids": found.spheroid_count,
    }
    if found.restored_from is not None:
        lines["restored from"] = found.restored_from
    if found.note:
        lines["note"] = found.note
    if found.operations is not None:
        lines["operations"] = json.dumps(list(found.operations))
    return display.facts(lines)


def _history(found: Sequence[Revision]) -> RenderableType:
    columns = ("revision", "at", "by", "added", "changed", "removed", "spheroids", "restored from", "note")
    return table(
        columns,
        [
            (
                one.number,
                one.created_at.isoformat(timespec="seconds"),
                one.author_id,
                len(one.added),
                len(one.changed),
                len(one.removed),
                one.spheroid_count,
                one.restored_from,
                one.note,
            )
            for one in found
        ],
    )


def _difference(found: RevisionDifference) -> RenderableType:
    columns = ("spheroid", "before px", "after px", "moved px", "IoU")

    def row(name: object, one: Difference) -> tuple[object, ...]:
        return name, one.before_px, one.after_px, one.moved_px, None if one.iou is None else f"{one.iou:.4f}"

    return table(columns, [*(row(one.number, one) for one in found.spheroids), row("all", found.whole)])


def _files(found: "RevisionFiles") -> RenderableType:
    return display.facts({"revision": found.revision, "spheroids": found.spheroids, **found.files})


@command(edit, "apply", "spheroseg edit apply RUN corrections.json --base 0 --note 'touching ones parted'", _revision)
def _apply(
    client: Client, run: RunArgument, operations: OperationsArgument, base: BaseOption = None, note: NoteOption = None
) -> Revision:
    """Do operations on the newest outlines, all or none; the measures of what changed are computed anew."""
    wanted, first = started_from(operations, base)
    try:
        return client.edit(run, first, wanted["operations"], note or wanted.get("note"))
    except ApiError as error:
        raise with_later_changes(error) from error


@command(edit, "history", "spheroseg edit history RUN", _history)
def _show_history(client: Client, run: RunArgument) -> list[Revision]:
    """Who changed how many spheroids when, the newest first."""
    return list(client.revisions(run))


@command(edit, "show", "spheroseg edit show RUN 2", _revision)
def _show(client: Client, run: RunArgument, number: NumberArgument) -> Revision:
    """One revision with the operations that led to it."""
    return client.revision(run, number)


@command(edit, "restore", "spheroseg edit restore RUN 0 --base 3", _revision)
def _restore(
    client: Client, run: RunArgument, number: NumberArgument, base: KnownOption, note: NoteOption = None
) -> Revision:
    """Make a new revision with the outlines of an earlier one; the history stays."""
    try:
        return client.restore(run, number, base, note)
    except ApiError as error:
        raise with_later_changes(error) from error


@command(edit, "diff", "spheroseg edit diff RUN 3 --since 0", _difference)
def _diff(client: Client, run: RunArgument, number: NumberArgument, since: SinceOption = 0) -> RevisionDifference:
    """What became of each spheroid between two revisions: pixels, moved pixels, IoU; from 0: model against human."""
    return client.difference(run, number, since)


@command(edit, "get", "spheroseg edit get RUN --out corrected", _files)
def _get(client: Client, run: RunArgument, out: FolderOption, revision: RevisionOption = None) -> "RevisionFiles":
    """Write measures.csv, outlines.geojson and labels.tif of one revision; each says which one it is of."""
    with libraries_needed():
        from spheroseg_client.offline.revision_files import write_revision  # noqa: PLC0415 - takes its time
    result = client.segmentation(run).result
    if result is None:
        raise UnexpectedAnswerError("The segmentation has no result")
    return write_revision(client.revised(run, revision), (result.width_px, result.height_px), out)


def started_from(path: Path, base: int | None) -> tuple[dict[str, Any], int]:
    """What a file of operations says, and the revision that the edit starts from.

    Args:
        base: Goes before what the file says.
    """
    wanted = read_edit(path)
    first = wanted.get("base") if base is None else base
    if not isinstance(first, int):
        raise InvalidEditFileError("Name the revision that the edit starts from: --base, or base in the file")
    return wanted, first


def read_edit(path: Path) -> dict[str, Any]:
    """What a file of operations says.

    Raises:
        InvalidEditFileError: it is not such a file.
    """
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise InvalidEditFileError(f"{path} is not JSON: {error}") from error
    wanted = {"operations": content} if isinstance(content, list) else content
    if not isinstance(wanted, dict) or not isinstance(wanted.get("operations"), list):
        raise InvalidEditFileError(f"{path} holds neither a list of operations nor an object with operations")
    if unknown := wanted.keys() - {"base", "operations", "note"}:
        raise InvalidEditFileError(f"{path} says {', '.join(sorted(unknown))}; known are base, operations and note")
    return wanted
