"""Account closing: somebody goes, and with them all that is theirs."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

IN_FLIGHT = timedelta(seconds=35)
"""Longer than a request may take (29 s): what was let in before the account was closed has ended by then."""
LOOK_AGAIN_S = 5
"""Seconds until a closing is worked on again that waits for its projects to be removed."""


@dataclass(frozen=True)
class AccountClosing:
    """One closing of an account.

    Args:
        user_id: Whose; None once all is done: what is kept then says of nobody that they were here.
        projects: Own projects that are removed with it.
        alive_at: When it was last worked on, or asked for.
        finished_at: When nothing was left; None before.
    """

    id: UUID
    user_id: str | None
    projects: int
    correlation_id: str
    requested_at: datetime
    alive_at: datetime
    finished_at: datetime | None = None


def user_hash(user_id: str) -> str:
    """What is kept of a closed account, so that its tokens stay worthless until they end: an id of 122 random bits
    cannot be found by trying."""
    return hashlib.sha256(user_id.encode()).hexdigest()
