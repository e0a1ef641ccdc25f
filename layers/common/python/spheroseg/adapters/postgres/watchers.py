"""Open connections of the socket, and the tickets that let them in, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from spheroseg.adapters.postgres.database import Cursor, Database
from spheroseg.errors import UnknownTicketError

ADD_TICKET = """
INSERT INTO tickets (ticket_hash, owner_id, expires_at) VALUES (%(ticket_hash)s, %(owner_id)s, %(expires_at)s)
"""

# Whoever deletes the row has the ticket: two at once cannot both redeem it.
REDEEM_TICKET = "DELETE FROM tickets WHERE ticket_hash = %(ticket_hash)s RETURNING owner_id, expires_at"

ADD = """
INSERT INTO watchers (connection_id, owner_id, connected_at) VALUES (%(connection_id)s, %(owner_id)s, %(connected_at)s)
ON CONFLICT (connection_id) DO UPDATE SET owner_id = excluded.owner_id, connected_at = excluded.connected_at
"""

REMOVE = "DELETE FROM watchers WHERE connection_id = %(connection_id)s"

OF_PROJECT = """
SELECT connection_id FROM watchers WHERE owner_id IN (
    SELECT owner_id FROM projects WHERE id = %(project_id)s AND deleted_at IS NULL
    UNION ALL
    SELECT user_id FROM project_members JOIN projects ON projects.id = project_id
    WHERE project_id = %(project_id)s AND deleted_at IS NULL
)
ORDER BY connection_id
"""

OF_PERSON = f"""
SELECT connection_id FROM watchers
WHERE owner_id = %(user_id)s AND connection_id IN ({OF_PROJECT.strip().removesuffix("ORDER BY connection_id")})
ORDER BY connection_id
"""

REMOVE_OLD_TICKETS = "DELETE FROM tickets WHERE expires_at < %(at)s"

REMOVE_OLD = "DELETE FROM watchers WHERE connected_at < %(at)s"


class PostgresWatchers:
    """Connections in the table ``watchers``, hashes of tickets in ``tickets``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_ticket(self, ticket_hash: str, owner_id: str, expires_at: datetime) -> None:
        """Store a ticket's hash."""
        self._database.run(ADD_TICKET, {"ticket_hash": ticket_hash, "owner_id": owner_id, "expires_at": expires_at})

    def redeem_ticket(self, ticket_hash: str, at: datetime) -> str:
        """The owner of a ticket, which is used up by this, or raise ``UnknownTicketError``."""
        values = {"ticket_hash": ticket_hash}
        row = self._database.write(lambda cursor: cursor.execute(REDEEM_TICKET, values).fetchone())
        if row is None or row["expires_at"] <= at:
            raise UnknownTicketError("The ticket was never issued, was used before, or is too old")
        return str(row["owner_id"])

    def add(self, connection_id: str, owner_id: str, at: datetime) -> None:
        """Note an open connection."""
        self._database.run(ADD, {"connection_id": connection_id, "owner_id": owner_id, "connected_at": at})

    def remove(self, connection_id: str) -> None:
        """Forget a connection; nothing happens when it is unknown."""
        self._database.run(REMOVE, {"connection_id": connection_id})

    def of_project(self, project_id: UUID) -> Sequence[str]:
        """The open connections of all who have a role in the project now."""
        return [row["connection_id"] for row in self._database.latest(OF_PROJECT, {"project_id": project_id})]

    def of_person(self, project_id: UUID, user_id: str) -> Sequence[str]:
        """The open connections of one of those; none where that person has no role in the project now."""
        values = {"project_id": project_id, "user_id": user_id}
        return [row["connection_id"] for row in self._database.latest(OF_PERSON, values)]

    def remove_older_than(self, at: datetime) -> int:
        """Forget connections and tickets from before that time; how many connections were forgotten."""

        def work(cursor: Cursor) -> int:
            cursor.execute(REMOVE_OLD_TICKETS, {"at": at})
            return cursor.execute(REMOVE_OLD, {"at": at}).rowcount

        return self._database.write(work)
