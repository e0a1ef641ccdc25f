"""Administration as Python calls; a part of ``Client``. To others than administrators none of it is there."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from spheroseg_client.answers import items
from spheroseg_client.calls import Calls
from spheroseg_client.models import Answer, Usage

QueueName = Literal[
    "uploads", "segmentations-high", "segmentations-normal", "segmentations-low", "updates", "project-work", "exports"
]
PAGE_USERS = 60


class User(Answer):
    """Somebody in the user pool, with what they keep; None: not told.

    ``status`` is the user pool's word for their registration, ``quota_version`` counts the changes of the quota.
    """

    user_id: str
    email: str | None
    is_enabled: bool
    status: str
    is_admin: bool
    created_at: datetime
    name: str | None
    organisation: str | None
    usage: Usage
    quota_version: int


class Depth(Answer):
    """How many messages wait, and how many somebody is at; queues count approximately."""

    waiting: int
    lent: int


class AdminQueue(Answer):
    """A queue and what it has given up; ``oldest_age_s`` is None where none waits or nothing tells."""

    name: str
    messages: Depth
    dead_letters: Depth
    oldest_age_s: float | None


class DeadLetter(Answer):
    """A message that was given up; ``body`` holds ids and a status."""

    id: str
    queue: str
    body: str
    sent_at: datetime
    receive_count: int
    correlation_id: str | None


class AdminAction(Answer):
    """What an administrator did; None: of somebody who has deleted their account since."""

    id: UUID
    at: datetime
    admin_id: str | None
    action: str
    subject: str | None
    details: Mapping[str, object]


class AdminCalls(Calls):
    """What administrators see and do."""

    def users(self, search: str | None = None) -> Iterator[User]:
        """The people of the user pool, read page by page.

        Args:
            search: Only those whose e-mail address begins so.
        """
        params: dict[str, str | int] = {"limit": PAGE_USERS}
        if search is not None:
            params["search"] = search
        while True:
            answer = self._ask("GET", "/v1/admin/users", params=params, repeatable=True)
            yield from items(User, answer, "/v1/admin/users")
            cursor = answer.get("next_cursor") if isinstance(answer, dict) else None
            if cursor is None:
                return
            params["cursor"] = cursor

    def user(self, user_id: str) -> User:
        """Somebody by their id."""
        return self._call("GET", f"/v1/admin/users/{user_id}", User, repeatable=True)

    def change_quota(self, user_id: str, changes: Mapping[str, int | None], *, seen: User | None = None) -> User:
        """The user after it.

        Args:
            changes: ``quota_bytes`` and ``quota_images``, or one of them; None takes the release's own number.
            seen: What you have read: when the quota was changed since, ``ApiError`` with the code
                ``version-mismatch``.
        """
        headers = {"If-Match": f'"{seen.quota_version}"'} if seen else None
        path = f"/v1/admin/users/{user_id}/quota"
        return self._call("PATCH", path, User, dict(changes), headers=headers)

    def admin_actions(self) -> Sequence[AdminAction]:
        """What administrators did, the latest first."""
        return items(AdminAction, self._ask("GET", "/v1/admin/actions", repeatable=True), "/v1/admin/actions")

    def queues(self) -> Sequence[AdminQueue]:
        """All queues."""
        return items(AdminQueue, self._ask("GET", "/v1/admin/queues", repeatable=True), "/v1/admin/queues")

    def dead_letters(self, queue: QueueName) -> Sequence[DeadLetter]:
        """Up to 100 messages that a queue has given up and that nobody is at just now."""
        path = f"/v1/admin/queues/{queue}/dead-letters"
        return items(DeadLetter, self._ask("GET", path, repeatable=True), path)

    def retry_dead_letter(self, queue: QueueName, letter_id: str) -> DeadLetter:
        """Send a letter to its queue once more."""
        return self._call("POST", f"/v1/admin/queues/{queue}/dead-letters/{letter_id}/retry", DeadLetter)

    def discard_dead_letter(self, queue: QueueName, letter_id: str) -> DeadLetter:
        """Remove a letter for good."""
        return self._call("DELETE", f"/v1/admin/queues/{queue}/dead-letters/{letter_id}", DeadLetter)
