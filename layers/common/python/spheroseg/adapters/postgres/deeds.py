"""What administrators did, in PostgreSQL; and how long messages wait, as far as rows tell it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from psycopg.types.json import Jsonb

from spheroseg.adapters.postgres.database import Cursor, Database
from spheroseg.domain.administration import AdminAction, Deed, QueueName

ADD = """
INSERT INTO admin_actions (id, at, admin_id, action, subject, details)
VALUES (%(id)s, %(at)s, %(admin_id)s, %(action)s, %(subject)s, %(details)s)
"""

LATEST = """
SELECT id, at, admin_id, action, subject, details FROM admin_actions ORDER BY at DESC, id DESC LIMIT %(limit)s
"""

OLDEST = """
SELECT 'segmentations-' || priority AS queue, min(sent_at) AS since FROM segmentations
WHERE status = 'queued' AND sent_at IS NOT NULL GROUP BY priority
UNION ALL
SELECT 'project-work', min(alive_at) FROM project_jobs WHERE status IN ('queued', 'running', 'undoing')
UNION ALL
SELECT 'exports', min(sent_at) FROM (
    SELECT sent_at FROM exports WHERE status = 'queued' AND sent_at IS NOT NULL
    UNION ALL SELECT sent_at FROM imports WHERE status = 'queued'
) AS waiting
"""


class PostgresDeeds:
    """Deeds in ``admin_actions``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, deed: Deed) -> None:
        """Store a deed."""
        self._database.write(lambda cursor: add(cursor, deed))

    def latest(self, limit: int) -> Sequence[Deed]:
        """Up to ``limit`` deeds, the latest first."""
        return [
            Deed(
                id=row["id"],
                at=row["at"].astimezone(UTC),
                admin_id=row["admin_id"],
                action=AdminAction(row["action"]),
                subject=row["subject"],
                details=row["details"],
            )
            for row in self._database.latest(LATEST, {"limit": limit})
        ]

    def oldest_waiting(self) -> Mapping[QueueName, datetime]:
        """Since when the oldest message of a queue waits, where rows tell it: of segmentations, projects, exports."""
        rows = self._database.latest(OLDEST)
        return {QueueName(row["queue"]): row["since"].astimezone(UTC) for row in rows if row["since"]}


def add(cursor: Cursor, deed: Deed) -> None:
    """Store a deed within the transaction of what was done."""
    values = {
        "id": deed.id,
        "at": deed.at,
        "admin_id": deed.admin_id,
        "action": deed.action.value,
        "subject": deed.subject,
        "details": Jsonb(dict(deed.details)),
    }
    cursor.execute(ADD, values)
