"""The command group ``spheroseg imports``, and what ``spheroseg import`` does with the service."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Group, RenderableType

from spheroseg_client import display
from spheroseg_client.client import Client
from spheroseg_client.commands import ProjectArgument, command, project_id_of, table
from spheroseg_client.errors import LocalFileError
from spheroseg_client.imports import Import, succeeded

imports = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="See how far imports are that the service does in the background; [bold]spheroseg import[/] begins one.",
)

ImportArgument = Annotated[UUID, typer.Argument(help="Id of the import, as [bold]import[/] prints it.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Return when it has ended, and tell how far it is.")]


def shown(found: Import) -> RenderableType:
    """An import for a person."""
    lines: dict[str, object] = {
        "import": found.id,
        "file": found.file_name,
        "status": found.status,
        "images": f"{found.done} of {found.total}",
        "spheroids": found.spheroids,
    }
    if found.unmatched:
        lines["no image is called"] = ", ".join(found.unmatched)
    if found.failure is not None:
        lines["why"] = found.failure.detail
    if not found.images:
        return display.facts(lines)
    rows = [
        (
            one.name,
            {None: "the same", 0: "new"}.get(one.revision, one.revision),
            one.added,
            one.changed,
            one.removed,
            one.segmentation_id,
        )
        for one in found.images
    ]
    return Group(
        display.facts(lines), table(("image", "revision", "added", "changed", "removed", "segmentation"), rows)
    )


def _table(found: Sequence[Import]) -> RenderableType:
    return table(
        ("import", "file", "status", "images", "asked for", "why"),
        [
            (
                one.id,
                one.file_name,
                one.status,
                f"{one.done} of {one.total}",
                f"{one.created_at:%Y-%m-%d %H:%M} UTC",
                one.failure.detail if one.failure else None,
            )
            for one in found
        ],
    )


@command(imports, "list", "spheroseg imports list 'Day 7'", _table)
def _list(client: Client, *, project: ProjectArgument) -> list[Import]:
    """List your imports into a project, the newest first."""
    return list(client.imports(project_id_of(client, project)))


@command(imports, "show", "spheroseg imports show 5f0c2f5e-… --wait", shown)
def _show(client: Client, *, import_id: ImportArgument, wait: WaitOption = False) -> Import:
    """See how far an import is, what it changed, or why it changed nothing."""
    found = client.import_(import_id)
    return followed(client, found) if wait else found


@command(imports, "cancel", "spheroseg imports cancel 5f0c2f5e-…", shown)
def _cancel(client: Client, *, import_id: ImportArgument) -> Import:
    """Stop an import; nothing of it is left."""
    return client.cancel_import(import_id)


def followed(client: Client, found: Import) -> Import:
    """The import after its end; told about meanwhile."""
    messages = display.message_console()
    for further in client.follow_import(found.id):
        if not further.is_final:
            messages.print(f"{further.status}: {further.done} of {display.counted(further.total, 'image')}")
        found = further
    return found


def imported(
    client: Client,
    project: str,
    sources: Sequence[Path],
    format_name: str | None,
    *,
    onto: Sequence[str] = (),
    image_id: UUID | None = None,
    page: int = 1,
    note: str | None = None,
) -> Import:
    """Let the service read a file, and wait until everything of it is stored.

    Args:
        onto: Results that get a new revision, each as ``ID@REVISION``; none: images get new results.

    Raises:
        LocalFileError: there is more than one source, or one of ``onto`` is no such text.
        WorkFailedError: nothing was changed, and why.
    """
    if len(sources) != 1:
        raise LocalFileError("The service imports one file, folder or archive at a time", "too-many-sources")
    begun = client.import_outlines(
        project_id_of(client, project),
        sources[0],
        format_name=format_name,
        revisions=_revisions(onto) if onto else None,
        image_id=image_id,
        page=page,
        note=note,
    )
    return succeeded(followed(client, begun))


def _revisions(onto: Sequence[str]) -> Mapping[UUID, int]:
    found: dict[UUID, int] = {}
    for one in onto:
        id_, _, revision = one.partition("@")
        try:
            found[UUID(id_)] = int(revision)
        except ValueError as error:
            raise LocalFileError(f"--onto {one} is not ID@REVISION, such as …@0", "no-revision") from error
    return found
