"""The command group ``spheroseg projects``."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from spheroseg_client import display
from spheroseg_client.client import Client
from spheroseg_client.commands import ProjectArgument, command, facts, project_id_of, table
from spheroseg_client.models import Job, Project, ProjectStatistics

projects = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Make, list, change and archive projects.")


JobArgument = Annotated[UUID, typer.Argument(help="Id of the job.")]
TagsOption = Annotated[list[str] | None, typer.Option("--tag", help="A tag; give it several times for several.")]
PixelSizeOption = Annotated[
    float | None,
    typer.Option("--pixel-size", min=0.001, max=1000, help="Edge of one pixel in µm where a file does not tell."),
]
DescriptionOption = Annotated[str | None, typer.Option(help="What it is about, up to 1,000 characters.")]


def _project_table(found: Sequence[Project]) -> Table:
    return table(
        ("id", "name", "role", "tags", ""),
        [(it.id, it.name, it.role, ", ".join(it.tags), "archived" if it.archived_at else "") for it in found],
    )


@command(projects, "list", "spheroseg projects list --tag control", _project_table)
def list_projects(
    client: Client,
    *,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    archived: Annotated[
        bool | None, typer.Option("--archived/--active", help="Only archived ones, or only others.")
    ] = None,
) -> list[Project]:
    """List the projects that you own and those that were shared with you."""
    return list(client.projects(archived=archived, tag=tag))


@command(projects, "create", "spheroseg projects create 'Day 7' --pixel-size 0.65 --tag control", facts)
def create_project(
    client: Client,
    *,
    name: Annotated[str, typer.Argument(help="1 to 100 characters.")],
    pixel_size: PixelSizeOption = None,
    description: DescriptionOption = None,
    tag: TagsOption = None,
) -> Project:
    """Make an empty project."""
    return client.create_project(name, pixel_size, description=description or "", tags=tag or ())


@command(projects, "show", "spheroseg projects show 'Day 7'", facts)
def show_project(client: Client, *, project: ProjectArgument) -> Project:
    """See what is said of a project, and your role in it."""
    return client.project(project_id_of(client, project))


@command(projects, "stats", "spheroseg projects stats 'Day 7' --json", facts)
def count_project(client: Client, *, project: ProjectArgument) -> ProjectStatistics:
    """Count a project's images by where they are, its bytes and spheroids."""
    return client.project_statistics(project_id_of(client, project))


@command(projects, "change", "spheroseg projects change 'Day 7' --name 'Day 8' --tag control --tag HT-29", facts)
def change_project(
    client: Client,
    *,
    project: ProjectArgument,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    description: DescriptionOption = None,
    tag: TagsOption = None,
    no_tags: Annotated[bool, typer.Option("--no-tags", help="Take all tags away.")] = False,
    pixel_size: PixelSizeOption = None,
) -> Project:
    """Rename a project, describe it, give it other tags; what you do not name stays."""
    changes: dict[str, object] = {"name": name, "description": description, "pixel_size_um": pixel_size, "tags": tag}
    sent = {key: value for key, value in changes.items() if value is not None}
    if no_tags:
        sent["tags"] = []
    return client.change_project(project_id_of(client, project), sent)


@command(projects, "archive", "spheroseg projects archive 'Day 7'", facts)
def archive_project(client: Client, *, project: ProjectArgument) -> Project:
    """Let a project only be read from now on."""
    return client.archive_project(project_id_of(client, project))


@command(projects, "unarchive", "spheroseg projects unarchive 'Day 7'", facts)
def unarchive_project(client: Client, *, project: ProjectArgument) -> Project:
    """Let a project be written to again."""
    return client.unarchive_project(project_id_of(client, project))


@command(projects, "delete", "spheroseg projects delete 'Day 7' --yes", facts)
def delete_project(
    client: Client,
    *,
    project: ProjectArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> Job:
    """Remove a project for everybody at once, its images and results in the background. It cannot be undone."""
    found = client.project(project_id_of(client, project))
    if not yes:
        typer.confirm(f"Delete {found.name} with all its images and results?", abort=True, err=True)
    return client.delete_project(found.id)


@command(projects, "duplicate", "spheroseg projects duplicate 'Day 7' --name 'Day 7, second try' --wait", facts)
def duplicate_project(
    client: Client,
    *,
    project: ProjectArgument,
    name: Annotated[str | None, typer.Option(help="Of the new project; else the old one's with «(copy)».")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return when it is done, and tell how far it is.")] = False,
) -> Job:
    """Make a project of your own out of one that you may read, with its images and results, in the background."""
    return _followed(client, client.duplicate_project(project_id_of(client, project), name), wait=wait)


@command(projects, "job", "spheroseg projects job 5f0c2f5e-… --wait", facts)
def show_job(
    client: Client,
    *,
    job: JobArgument,
    wait: Annotated[bool, typer.Option("--wait", help="Return when it has ended.")] = False,
) -> Job:
    """See how far the deletion or duplication of a project is."""
    return _followed(client, client.job(job), wait=wait)


@command(projects, "cancel-job", "spheroseg projects cancel-job 5f0c2f5e-…", facts)
def cancel_job(client: Client, *, job: JobArgument) -> Job:
    """Stop a duplication; what it has copied is removed."""
    return client.cancel_job(job)


def _followed(client: Client, job: Job, *, wait: bool) -> Job:
    if wait and not job.is_final:
        messages = display.message_console()
        for further in client.follow_job(job.id):
            messages.print(f"{further.status}: {further.done} of {display.counted(further.total, 'image')}")
            job = further
    return job
