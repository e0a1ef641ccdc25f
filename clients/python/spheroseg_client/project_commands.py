"""The command groups ``spheroseg projects`` and ``spheroseg share``."""

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer
from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from spheroseg_client import display
from spheroseg_client.access import Access
from spheroseg_client.client import Client
from spheroseg_client.errors import ClientError
from spheroseg_client.models import Invitation, Job, Member, Offer, Project, ProjectStatistics
from spheroseg_client.options import (
    ApiOption,
    DataDirOption,
    EmailOption,
    JsonOption,
    PasswordOption,
    TokenOption,
)
from spheroseg_client.reporting import print_json, print_whole, reported

Answered = TypeVar("Answered")

projects = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Make, list, change and archive projects.")
share = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Share projects: people, invitations, links.")


class RoleChoice(StrEnum):
    """What can be offered."""

    EDITOR = "editor"
    VIEWER = "viewer"


ProjectArgument = Annotated[str, typer.Argument(help="Id of the project, or its name if only one has it.")]
JobArgument = Annotated[UUID, typer.Argument(help="Id of the job.")]
UserArgument = Annotated[str, typer.Argument(help="Id of the person, see [bold]spheroseg share members[/].")]
RoleOption = Annotated[RoleChoice, typer.Option(help="A viewer reads, an editor also writes.")]
HoursOption = Annotated[int | None, typer.Option(min=1, max=720, help="For how long it can be accepted; else 48.")]
TagsOption = Annotated[list[str] | None, typer.Option("--tag", help="A tag; give it several times for several.")]
PixelSizeOption = Annotated[
    float | None,
    typer.Option("--pixel-size", min=0.001, max=1000, help="Edge of one pixel in µm where a file does not tell."),
]
DescriptionOption = Annotated[str | None, typer.Option(help="What it is about, up to 1,000 characters.")]


class AmbiguousProjectError(ClientError):
    """Several projects have the name that was given, or none has."""

    default_code = "project-not-found"


ACCESS = {
    "as_json": (JsonOption, False),
    "api": (ApiOption, None),
    "email": (EmailOption, None),
    "password": (PasswordOption, None),
    "token": (TokenOption, None),
    "data_dir": (DataDirOption, None),
}
"""Options of every command that talks to a service."""


def command(
    group: typer.Typer, name: str, example: str, shown: Callable[[Any], RenderableType]
) -> Callable[[Callable[..., Answered]], Callable[..., Answered]]:
    """Make a call of the client a command: with the options of access, errors told, the answer printed.

    Args:
        example: What its help shows.
        shown: The answer for a person; with ``--json`` it is printed as it is.
    """

    def decorate(call: Callable[..., Answered]) -> Callable[..., Answered]:
        @functools.wraps(call)
        def run(**given: Any) -> None:  # noqa: ANN401 - whatever the options are
            as_json = given.pop("as_json")
            access = Access(*(given.pop(option) for option in ("api", "email", "password", "token", "data_dir")))
            with reported(as_json=as_json), access.present() as client:
                answer = call(client, **given)
                if as_json:
                    print_json(to_jsonable_python(answer))
                else:
                    print_whole(shown(answer))

        own = [it for it in inspect.signature(call).parameters.values() if it.name != "client"]
        given = [it.replace(kind=inspect.Parameter.KEYWORD_ONLY) for it in own]
        extra = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default) in ACCESS.items()
        ]
        signature = inspect.Signature([*given, *extra])
        run.__signature__ = signature  # type: ignore[attr-defined]
        run.__annotations__ = {it.name: it.annotation for it in signature.parameters.values()}
        group.command(name, epilog=f"Example: [bold]{example}[/]")(run)
        return call

    return decorate


def project_id_of(client: Client, text: str) -> UUID:
    """The project that a person means by its id or its name.

    Raises:
        AmbiguousProjectError: none has that name, or several have.
    """
    try:
        return UUID(text)
    except ValueError:
        found = [project.id for project in client.projects() if project.name == text]
    if len(found) != 1:
        raise AmbiguousProjectError(
            f"{display.counted(len(found), 'project')} named {text!r}; give the id, see `spheroseg projects list`"
        )
    return found[0]


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Rows for a person; what is None stays empty."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text("" if value is None else str(value)) for value in row))
    return made


def _project_table(found: Sequence[Project]) -> Table:
    return table(
        ("id", "name", "role", "tags", ""),
        [(it.id, it.name, it.role, ", ".join(it.tags), "archived" if it.archived_at else "") for it in found],
    )


def facts(answer: BaseModel) -> Text:
    """The fields of an answer for a person, a line each."""
    return display.facts({key.replace("_", " "): _words(value) for key, value in answer.model_dump().items()})


def _words(value: object) -> object:
    if isinstance(value, Mapping):
        return ", ".join(f"{count} {place.replace('_', ' ')}" for place, count in value.items() if count) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else value


def _told(text: str) -> Callable[[object], Text]:
    return lambda _: Text(text)


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


def _member_table(found: Sequence[Member]) -> Table:
    return table(
        ("id", "role", "e-mail", "name", "since"),
        [(it.user_id, it.role, it.email, it.name, f"{it.joined_at:%Y-%m-%d}") for it in found],
    )


def _offer_table(found: Sequence[Offer]) -> Table:
    return table(
        ("id", "role", "for", "until"),
        [(it.id, it.role, it.email or "whoever has the link", f"{it.expires_at:%Y-%m-%d %H:%M} UTC") for it in found],
    )


def _invitation_table(found: Sequence[Invitation]) -> Table:
    return table(
        ("id", "project", "role", "by", "until"),
        [(it.id, it.project_name, it.role, it.invited_by, f"{it.expires_at:%Y-%m-%d %H:%M} UTC") for it in found],
    )


@command(share, "members", "spheroseg share members 'Day 7'", _member_table)
def list_members(client: Client, *, project: ProjectArgument) -> Sequence[Member]:
    """List who has which role in a project."""
    return client.members(project_id_of(client, project))


@command(share, "invite", "spheroseg share invite 'Day 7' ada@example.com --role editor", facts)
def invite(
    client: Client,
    *,
    project: ProjectArgument,
    address: Annotated[str, typer.Argument(help="E-mail address of the person.")],
    role: RoleOption = RoleChoice.VIEWER,
    hours: HoursOption = None,
) -> Offer:
    """Offer a role to whoever has verified an e-mail address; no mail is sent."""
    return client.invite(project_id_of(client, project), address, role.value, hours=hours)


@command(share, "link", "spheroseg share link 'Day 7' --role viewer --hours 24", facts)
def make_link(
    client: Client, *, project: ProjectArgument, role: RoleOption = RoleChoice.VIEWER, hours: HoursOption = None
) -> Offer:
    """Offer a role to whoever holds the token that is printed, this once."""
    return client.make_link(project_id_of(client, project), role.value, hours=hours)


@command(share, "offers", "spheroseg share offers 'Day 7'", _offer_table)
def list_offers(client: Client, *, project: ProjectArgument) -> Sequence[Offer]:
    """List invitations that nobody has accepted, and links."""
    return client.offers(project_id_of(client, project))


@command(share, "withdraw", "spheroseg share withdraw 'Day 7' 0198c0de-…", _told("Withdrawn"))
def withdraw(
    client: Client, *, project: ProjectArgument, offer: Annotated[UUID, typer.Argument(help="Id of the offer.")]
) -> None:
    """End an invitation or a link; who accepted it before keeps the role."""
    client.withdraw_offer(project_id_of(client, project), offer)


@command(share, "invitations", "spheroseg share invitations", _invitation_table)
def list_invitations(client: Client) -> Sequence[Invitation]:
    """List what you are invited to."""
    return client.invitations()


@command(share, "accept", "spheroseg share accept 0198c0de-…", facts)
def accept(client: Client, *, invitation: Annotated[UUID, typer.Argument(help="Id of the invitation.")]) -> Project:
    """Take the role that you are invited to."""
    return client.accept_invitation(invitation)


@command(share, "decline", "spheroseg share decline 0198c0de-…", _told("Declined"))
def decline(client: Client, *, invitation: Annotated[UUID, typer.Argument(help="Id of the invitation.")]) -> None:
    """Say no to an invitation."""
    client.decline_invitation(invitation)


@command(share, "accept-link", "echo $LINK_TOKEN | spheroseg share accept-link -", facts)
def accept_link(
    client: Client,
    *,
    text: Annotated[
        str, typer.Argument(metavar="TOKEN", help="What came with the link; [bold]-[/]: read it from stdin.")
    ],
) -> Project:
    """Take the role that a link offers."""
    return client.accept_link(sys.stdin.readline().strip() if text == "-" else text)


@command(share, "role", "spheroseg share role 'Day 7' 6f1c1d1e-… viewer", facts)
def change_role(
    client: Client,
    *,
    project: ProjectArgument,
    user: UserArgument,
    role: Annotated[RoleChoice, typer.Argument(help="The role from now on.")],
) -> Member:
    """Give somebody another role."""
    return client.change_role(project_id_of(client, project), user, role.value)


@command(share, "remove", "spheroseg share remove 'Day 7' 6f1c1d1e-…", _told("Removed"))
def remove(client: Client, *, project: ProjectArgument, user: UserArgument) -> None:
    """End somebody's role at once."""
    client.remove_member(project_id_of(client, project), user)


@command(share, "leave", "spheroseg share leave 'Day 7'", _told("You left the project"))
def leave(client: Client, *, project: ProjectArgument) -> None:
    """End your own role in a project."""
    client.leave_project(project_id_of(client, project))


@command(share, "transfer", "spheroseg share transfer 'Day 7' 6f1c1d1e-…", facts)
def transfer(client: Client, *, project: ProjectArgument, user: UserArgument) -> Project:
    """Make a member the owner; you become an editor."""
    return client.transfer_project(project_id_of(client, project), user)
