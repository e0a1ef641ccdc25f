"""Tickets and connections, in dicts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    UnknownTicketError,
)
from tests.fakes.projects import InMemoryProjects


@dataclass
class InMemoryWatchers:
    """Connections and tickets in dicts."""

    projects: InMemoryProjects = field(default_factory=InMemoryProjects)
    tickets: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    connections: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def add_ticket(self, ticket_hash: str, owner_id: str, expires_at: datetime) -> None:
        self.tickets[ticket_hash] = (owner_id, expires_at)

    def redeem_ticket(self, ticket_hash: str, at: datetime) -> str:
        owner_id, expires_at = self.tickets.pop(ticket_hash, ("", at))
        if expires_at <= at:
            raise UnknownTicketError("The ticket was never issued, was used before, or is too old")
        return owner_id

    def add(self, connection_id: str, owner_id: str, at: datetime) -> None:
        self.connections[connection_id] = (owner_id, at)

    def remove(self, connection_id: str) -> None:
        self.connections.pop(connection_id, None)

    def forget(self, owner_id: str) -> None:
        """What closing an account does to the rows of one person."""
        self.tickets = {hash_: it for hash_, it in self.tickets.items() if it[0] != owner_id}
        self.connections = {id_: it for id_, it in self.connections.items() if it[0] != owner_id}

    def of_owner(self, owner_id: str) -> Sequence[str]:
        """For tests to look at: the open connections of one person."""
        return sorted(id_ for id_, (owner, _) in self.connections.items() if owner == owner_id)

    def of_project(self, project_id: UUID) -> Sequence[str]:
        return sorted(
            id_
            for id_, (owner, _) in self.connections.items()
            if project_id in self.projects.rows and self.projects.access(Viewer(owner), project_id)
        )

    def of_person(self, project_id: UUID, user_id: str) -> Sequence[str]:
        return [id_ for id_ in self.of_project(project_id) if self.connections[id_][0] == user_id]

    def remove_older_than(self, at: datetime) -> int:
        old = [id_ for id_, (_, since) in self.connections.items() if since < at]
        for id_ in old:
            del self.connections[id_]
        self.tickets = {hash_: ticket for hash_, ticket in self.tickets.items() if ticket[1] >= at}
        return len(old)
