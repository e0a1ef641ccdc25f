"""Who asks, and what they have already seen written."""

from dataclasses import dataclass

from spheroseg.errors import NoSuchRouteError


@dataclass(frozen=True)
class Viewer:
    """A signed-in person.

    Args:
        user_id: The user pool's ``sub``: stable, never an e-mail address.
        read_after: The database position of a write that this viewer must see (PostgreSQL LSN text such as
            ``0/3000148``), or None when a read may be as old as the reader's lag.
        is_admin: True for a member of the user pool's group of administrators, as the token says.
    """

    user_id: str
    read_after: str | None = None
    is_admin: bool = False

    def require_admin(self) -> None:
        """Return for an administrator; to others the administration does not exist: ``NoSuchRouteError``."""
        if not self.is_admin:
            raise NoSuchRouteError("There is nothing here")
