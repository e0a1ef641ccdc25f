"""The command group ``spheroseg admin``; for administrators, to others the service answers ``no-such-route``."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from spheroseg_client.administration import AdminAction, AdminQueue, DeadLetter, User
from spheroseg_client.client import Client
from spheroseg_client.commands import command, facts, table
from spheroseg_client.errors import ClientError

admin = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="For administrators: users, quotas, queues, dead letters."
)


class QueueChoice(StrEnum):
    """The queues of the service."""

    UPLOADS = "uploads"
    HIGH = "segmentations-high"
    NORMAL = "segmentations-normal"
    LOW = "segmentations-low"
    UPDATES = "updates"
    PROJECT_WORK = "project-work"
    EXPORTS = "exports"


QueueArgument = Annotated[QueueChoice, typer.Argument(help="Which queue.")]
LetterArgument = Annotated[str, typer.Argument(help="Id of the letter, see [bold]spheroseg admin dead-letters[/].")]
UserArgument = Annotated[str, typer.Argument(help="Id of the user, or the e-mail address.")]


class UnknownUserError(ClientError):
    """Nobody has the e-mail address that was given."""

    default_code = "user-not-found"


def _user_table(found: Sequence[User]) -> Table:
    rows = [
        (
            it.user_id,
            it.email,
            "admin" if it.is_admin else "user",
            it.usage.stored_images,
            f"{it.usage.stored_bytes / 2**30:.2f} of {it.usage.quota_bytes / 2**30:.2f} GiB",
            "" if it.is_enabled else "disabled",
        )
        for it in found
    ]
    return table(("id", "e-mail", "role", "images", "stored", ""), rows)


def _queue_table(found: Sequence[AdminQueue]) -> Table:
    rows = [
        (
            it.name,
            it.messages.waiting,
            it.messages.lent,
            None if it.oldest_age_s is None else f"{it.oldest_age_s:.0f} s",
            it.dead_letters.waiting,
            it.dead_letters.lent,
        )
        for it in found
    ]
    return table(("queue", "waiting", "worked on", "oldest", "dead letters", "of them lent"), rows)


def _letter_table(found: Sequence[DeadLetter]) -> Table:
    return table(("id", "sent", "received", "body"), [(it.id, it.sent_at, it.receive_count, it.body) for it in found])


def _action_table(found: Sequence[AdminAction]) -> Table:
    rows = [(it.at, it.admin_id, it.action, it.subject, dict(it.details)) for it in found]
    return table(("at", "who", "what", "of", "details"), rows)


@command(admin, "users", "spheroseg admin users --search ada@", _user_table)
def list_users(
    client: Client,
    *,
    search: Annotated[str | None, typer.Option(help="Only those whose e-mail address begins so.")] = None,
) -> list[User]:
    """List users with what they keep."""
    return list(client.users(search))


@command(admin, "user", "spheroseg admin user ada@example.com", facts)
def show_user(client: Client, *, user: UserArgument) -> User:
    """See somebody, and what they keep."""
    return client.user(_id_of(client, user))


@command(admin, "quota", "spheroseg admin quota ada@example.com --gib 20 --images 200000", facts)
def change_quota(
    client: Client,
    *,
    user: UserArgument,
    gib: Annotated[float | None, typer.Option(min=0, help="GiB of original files.")] = None,
    images: Annotated[int | None, typer.Option(min=0, help="Number of images.")] = None,
    default: Annotated[bool, typer.Option("--default", help="Take what you do not name back to the default.")] = False,
) -> User:
    """Change what somebody may keep; what you do not name stays. It is noted who did so."""
    numbers = {"quota_bytes": None if gib is None else round(gib * 2**30), "quota_images": images}
    changes = {name: number for name, number in numbers.items() if number is not None or default}
    if not changes:
        raise typer.BadParameter("Name --gib, --images or --default")
    seen = client.user(_id_of(client, user))
    return client.change_quota(seen.user_id, changes, seen=seen)


@command(admin, "actions", "spheroseg admin actions --json", _action_table)
def list_actions(client: Client) -> Sequence[AdminAction]:
    """See what administrators did, the latest first."""
    return client.admin_actions()


@command(admin, "queues", "spheroseg admin queues", _queue_table)
def list_queues(client: Client) -> Sequence[AdminQueue]:
    """See how much waits, is worked on, and was given up."""
    return client.queues()


@command(admin, "dead-letters", "spheroseg admin dead-letters project-work", _letter_table)
def list_dead_letters(client: Client, *, queue: QueueArgument) -> Sequence[DeadLetter]:
    """See what a queue has given up; looking takes nothing away."""
    return client.dead_letters(queue.value)


@command(admin, "retry", "spheroseg admin retry project-work 2d4f9b0e-…", facts)
def retry_dead_letter(client: Client, *, queue: QueueArgument, letter: LetterArgument) -> DeadLetter:
    """Send a dead letter to its queue once more."""
    return client.retry_dead_letter(queue.value, letter)


@command(admin, "discard", "spheroseg admin discard project-work 2d4f9b0e-… --yes", facts)
def discard_dead_letter(
    client: Client,
    *,
    queue: QueueArgument,
    letter: LetterArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> DeadLetter:
    """Remove a dead letter for good."""
    if not yes:
        typer.confirm(f"Remove {letter} from the dead letters of {queue.value}?", abort=True, err=True)
    return client.discard_dead_letter(queue.value, letter)


def _id_of(client: Client, text: str) -> str:
    """The id of the user that a person means by it, or by the e-mail address.

    Raises:
        UnknownUserError: nobody has that address.
    """
    if "@" not in text:
        return text
    for user in client.users(text):
        if user.email is not None and user.email.lower() == text.lower():
            return user.user_id
    raise UnknownUserError(f"Nobody has the e-mail address {text!r}")
