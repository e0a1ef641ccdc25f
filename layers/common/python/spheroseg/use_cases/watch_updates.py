"""Who may listen for updates."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from spheroseg.domain.viewer import Viewer
from spheroseg.ports import Clock, WatcherRepository

TICKET_LIFETIME = timedelta(minutes=1)
CONNECTION_LIFETIME = timedelta(hours=2)
"""API Gateway closes every socket after that long (quotas of WebSocket APIs)."""


@dataclass(frozen=True)
class Ticket:
    """What opens one socket, once; it stands in an address, where a token must not."""

    text: str
    expires_at: datetime


@dataclass(frozen=True)
class WatchUpdates:
    """Let a signed-in viewer's socket in, by a ticket that is used up by it."""

    watchers: WatcherRepository
    clock: Clock

    def issue_ticket(self, viewer: Viewer) -> Ticket:
        """A ticket for the viewer; only its hash is kept."""
        ticket = Ticket(secrets.token_urlsafe(32), self.clock.now() + TICKET_LIFETIME)
        self.watchers.add_ticket(_hash(ticket.text), viewer.user_id, ticket.expires_at)
        return ticket

    def connect(self, connection_id: str, ticket: str) -> None:
        """Note the connection as its viewer's, or raise ``UnknownTicketError``."""
        now = self.clock.now()
        self.watchers.add(connection_id, self.watchers.redeem_ticket(_hash(ticket), now), now)

    def disconnect(self, connection_id: str) -> None:
        """Forget the connection."""
        self.watchers.remove(connection_id)

    def forget_closed(self) -> int:
        """Forget connections that must be closed by now though nobody said so; how many there were."""
        return self.watchers.remove_older_than(self.clock.now() - CONNECTION_LIFETIME)


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
