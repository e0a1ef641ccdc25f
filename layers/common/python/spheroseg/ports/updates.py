"""What tells watchers that something changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from spheroseg.messages import JobChanged, SegmentationChanged


class UpdatePublisher(Protocol):
    """Where changes are announced."""

    def publish(self, update: SegmentationChanged) -> None:
        """Announce a change; it may be heard more than once, and late."""

    def publish_many(self, updates: Sequence[SegmentationChanged]) -> None:
        """Announce changes in as few calls as possible; after an error some of them may have been announced."""


class JobAnnouncer(Protocol):
    """Where is announced how far exports and imports are."""

    def announce(self, update: JobChanged) -> None:
        """Announce where one is, or raise ``QueueUnavailableError``; it may be heard more than once, and late."""


class WatcherRepository(Protocol):
    """Who listens on the socket, and the one-time tickets that let them in."""

    def add_ticket(self, ticket_hash: str, owner_id: str, expires_at: datetime) -> None:
        """Store a ticket's hash."""

    def redeem_ticket(self, ticket_hash: str, at: datetime) -> str:
        """The owner of a ticket, which is used up by this, or raise ``UnknownTicketError``."""

    def add(self, connection_id: str, owner_id: str, at: datetime) -> None:
        """Note an open connection."""

    def remove(self, connection_id: str) -> None:
        """Forget a connection; nothing happens when it is unknown."""

    def of_project(self, project_id: UUID) -> Sequence[str]:
        """The open connections of all who have a role in the project now."""

    def of_person(self, project_id: UUID, user_id: str) -> Sequence[str]:
        """The open connections of one of those; none where that person has no role in the project now."""

    def remove_older_than(self, at: datetime) -> int:
        """Forget connections and tickets from before that time; how many connections were forgotten."""


class WatcherSockets(Protocol):
    """The sending side of the socket."""

    def send(self, connection_id: str, content: str) -> None:
        """Push text to one connection, or raise ``ConnectionGoneError``."""
