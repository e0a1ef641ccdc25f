"""The command group ``spheroseg share``."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from spheroseg_client.client import Client
from spheroseg_client.commands import ProjectArgument, command, facts, project_id_of, table, told
from spheroseg_client.models import Invitation, Member, Offer, Project

share = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Share projects: people, invitations, links.")


class RoleChoice(StrEnum):
    """What can be offered."""

    EDITOR = "editor"
    VIEWER = "viewer"


UserArgument = Annotated[str, typer.Argument(help="Id of the person, see [bold]spheroseg share members[/].")]
RoleOption = Annotated[RoleChoice, typer.Option(help="A viewer reads, an editor also writes.")]
HoursOption = Annotated[int | None, typer.Option(min=1, max=720, help="For how long it can be accepted; else 48.")]


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


@command(share, "withdraw", "spheroseg share withdraw 'Day 7' 0198c0de-…", told("Withdrawn"))
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


@command(share, "decline", "spheroseg share decline 0198c0de-…", told("Declined"))
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


@command(share, "remove", "spheroseg share remove 'Day 7' 6f1c1d1e-…", told("Removed"))
def remove(client: Client, *, project: ProjectArgument, user: UserArgument) -> None:
    """End somebody's role at once."""
    client.remove_member(project_id_of(client, project), user)


@command(share, "leave", "spheroseg share leave 'Day 7'", told("You left the project"))
def leave(client: Client, *, project: ProjectArgument) -> None:
    """End your own role in a project."""
    client.leave_project(project_id_of(client, project))


@command(share, "transfer", "spheroseg share transfer 'Day 7' 6f1c1d1e-…", facts)
def transfer(client: Client, *, project: ProjectArgument, user: UserArgument) -> Project:
    """Make a member the owner; you become an editor."""
    return client.transfer_project(project_id_of(client, project), user)
