"""What administrators need from outside: the user pool, the queues, and a record of what they did."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from spheroseg.domain.administration import DeadLetter, Deed, Depth, Person, QueueName


class UserDirectory(Protocol):
    """The people of the user pool. All may raise ``SignInUnavailableError``."""

    def page(self, search: str | None, token: str | None, limit: int) -> tuple[Sequence[Person], str | None]:
        """Up to ``limit`` people, and where the next page begins.

        Args:
            search: Only those whose e-mail address begins so.
            token: Where the page begins; None: at the first.
            limit: 60 at most.

        Raises:
            InvalidCursorError: the token is none.
        """

    def get(self, user_id: str) -> Person:
        """Somebody by their id, or raise ``UserNotFoundError``."""

    def disable(self, user_id: str) -> None:
        """Let somebody sign in no more, and end their sessions; nothing happens when they are gone."""

    def remove(self, user_id: str) -> None:
        """Remove somebody from the pool; nothing happens when they are gone."""


class QueueOverview(Protocol):
    """How full the queues are."""

    def depths(self) -> Mapping[QueueName, tuple[Depth, Depth]]:
        """Each queue's depth and that of its dead letters, or raise ``QueueUnavailableError``."""


class DeadLetters(Protocol):
    """Messages that were given up. All may raise ``QueueUnavailableError``."""

    def letters(self, queue: QueueName, limit: int) -> Sequence[DeadLetter]:
        """Up to ``limit`` letters that nobody else is at; they are lent for the moment, then given back."""

    def retry(self, queue: QueueName, letter_id: str) -> DeadLetter:
        """Send a letter to the queue that gave it up, then remove it, or raise ``DeadLetterNotFoundError``.

        It is sent twice when its removal fails; whoever receives it takes the same message twice.
        """

    def discard(self, queue: QueueName, letter_id: str) -> DeadLetter:
        """Remove a letter for good, or raise ``DeadLetterNotFoundError``."""


class DeedRepository(Protocol):
    """What administrators did."""

    def add(self, deed: Deed) -> None:
        """Store a deed."""

    def latest(self, limit: int) -> Sequence[Deed]:
        """Up to ``limit`` deeds, the latest first."""

    def oldest_waiting(self) -> Mapping[QueueName, datetime]:
        """Since when the oldest message of a queue waits, where rows tell it: segmentations and work on projects."""
