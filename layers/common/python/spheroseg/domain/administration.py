"""What administrators see and do: people, quotas, queues, dead letters, and what was done by whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from spheroseg.domain.account import Account

ADMINISTRATORS = "admin"
"""The user pool's group whose members are administrators."""
MAX_LETTERS = 100
"""Dead letters that are shown at once; more of them are one fault, not a hundred."""


class QueueName(StrEnum):
    """The queues of the service."""

    UPLOADS = "uploads"
    HIGH = "segmentations-high"
    NORMAL = "segmentations-normal"
    LOW = "segmentations-low"
    UPDATES = "updates"
    PROJECT_WORK = "project-work"
    EXPORTS = "exports"


class AdminAction(StrEnum):
    """What an administrator has done."""

    CHANGE_QUOTA = "change_quota"
    RETRY_DEAD_LETTER = "retry_dead_letter"
    DISCARD_DEAD_LETTER = "discard_dead_letter"


@dataclass(frozen=True)
class Person:
    """Somebody in the user pool.

    Args:
        email: As they signed up; None: the pool does not tell.
        status: The pool's word for how far their registration is, such as ``CONFIRMED``.
    """

    user_id: str
    email: str | None
    is_enabled: bool
    status: str
    is_admin: bool
    created_at: datetime


@dataclass(frozen=True)
class User:
    """Somebody in the user pool, with what they keep."""

    person: Person
    account: Account


@dataclass(frozen=True)
class Users:
    """Some users, and where the next ones begin; None: these are the last ones."""

    users: Sequence[User]
    next_token: str | None


@dataclass(frozen=True)
class Deed:
    """What an administrator did, to whom or what, and when.

    Args:
        subject: The user's id, or the queue and the letter's id; None: of somebody who has deleted their account.
        details: Numbers and names of what was changed.
    """

    id: UUID
    at: datetime
    admin_id: str | None
    action: AdminAction
    subject: str | None
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Depth:
    """How many messages a queue holds, roughly: queues count approximately.

    Args:
        waiting, lent: Those that can be received, and those that somebody is at.
    """

    waiting: int
    lent: int


@dataclass(frozen=True)
class QueueState:
    """One queue and its dead letters.

    Args:
        oldest_age_s: Since when the oldest message waits, by the service's own rows; None: they do not tell, or none
            waits.
    """

    name: QueueName
    depth: Depth
    dead_letters: Depth
    oldest_age_s: float | None


@dataclass(frozen=True)
class DeadLetter:
    """A message that was given up.

    Args:
        id: The queue's name for it.
        body: What was sent: ids and a status, no more.
        sent_at: When it was sent first.
        receive_count: How often it was lent out, looks of administrators included.
    """

    id: str
    queue: QueueName
    body: str
    sent_at: datetime
    receive_count: int
    correlation_id: str | None
