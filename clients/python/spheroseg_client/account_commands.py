"""The command group ``spheroseg account``: who you are, what you keep, and how you go."""

from typing import Annotated

import typer

from spheroseg_client.client import Client
from spheroseg_client.commands import command, facts
from spheroseg_client.models import Closing, Profile, Usage

account = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Your account: profile, usage, deletion.")


@command(account, "show", "spheroseg account show --json", facts)
def show_account(client: Client) -> Profile:
    """See who you are, as far as you said."""
    return client.profile()


@command(account, "profile", "spheroseg account profile --name Ada --pixel-size 0.65", facts)
def change_profile(
    client: Client,
    *,
    name: Annotated[str | None, typer.Option(help="How to call you; empty takes it back.")] = None,
    organisation: Annotated[str | None, typer.Option(help="Where you work; empty takes it back.")] = None,
    language: Annotated[str | None, typer.Option(help="The language you read, such as cs-CZ; empty: none.")] = None,
    pixel_size: Annotated[
        float | None, typer.Option(min=0, max=1000, help="Edge of one pixel in µm of your new projects; 0: none.")
    ] = None,
) -> Profile:
    """Change your profile; what you do not name stays."""
    sent = {"name": name, "organisation": organisation, "language": language, "pixel_size_um": pixel_size}
    changes = {key: value or None for key, value in sent.items() if value is not None}
    if not changes:
        raise typer.BadParameter("Name --name, --organisation, --language or --pixel-size")
    return client.change_profile(**changes)


@command(account, "usage", "spheroseg account usage", facts)
def show_usage(client: Client) -> Usage:
    """See how much you may keep, and what you keep."""
    return client.usage()


@command(account, "delete", "spheroseg account delete --yes", facts)
def close_account(
    client: Client, *, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> Closing:
    """Close your account and delete all your data: projects, images, results, user. It cannot be undone."""
    profile = client.profile()
    if not yes:
        typer.confirm("Delete your account with all your projects, images and results?", abort=True, err=True)
    return client.close_account(profile.user_id)
