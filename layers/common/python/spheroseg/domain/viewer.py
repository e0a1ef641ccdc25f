"""Who asks, and what they have already seen written."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Viewer:
    """A signed-in person.

    Args:
        user_id: The user pool's ``sub``: stable, never an e-mail address.
        read_after: The database position of a write that this viewer must see (PostgreSQL LSN text such as
            ``0/3000148``), or None when a read may be as old as the reader's lag.
    """

    user_id: str
    read_after: str | None = None
