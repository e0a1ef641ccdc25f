"""Statements that exports and imports share: both are rows that one person asked for and a worker keeps alive.

Tables have the columns ``id``, ``project_id``, ``requested_by``, ``created_at``, ``status``, ``sent_at`` and
``alive_at``. What a statement takes stands in it.
"""

from spheroseg.adapters.postgres.access import access_to


def lock_of_person(table: str) -> str:
    """Let one transaction at a time add what a person asks for."""
    return f"SELECT pg_advisory_xact_lock(hashtextextended('{table} of ' || %(requested_by)s, 0))"


def any_one(table: str, columns: str) -> str:
    """A row, whoever asked for it."""
    return f"SELECT {columns} FROM {table} WHERE id = %(id)s"


def own_one(table: str, columns: str) -> str:
    """A row that the viewer asked for, while they have a role in its project."""
    return f"""
SELECT found.* FROM (
    SELECT {columns} FROM {table} WHERE id = %(id)s AND requested_by = %(viewer_id)s
) AS found
{access_to("found.project_id")}
"""


def own_page(table: str, columns: str) -> str:
    """Those of a project that the viewer asked for, the newest first."""
    return f"""
SELECT found.* FROM (
    SELECT {columns} FROM {table}
    WHERE project_id = %(project_id)s AND requested_by = %(viewer_id)s
        AND (created_at, id) < (%(after_created_at)s::timestamptz, %(after_id)s::uuid)
    ORDER BY created_at DESC, id DESC LIMIT %(limit)s
) AS found
{access_to("found.project_id")}
ORDER BY found.created_at DESC, found.id DESC
"""


def stalled(table: str, columns: str) -> str:
    """Those that were sent and not heard of since, and have not ended; marked as sent now."""
    return f"""
UPDATE {table} SET sent_at = %(at)s
WHERE id IN (
    SELECT id FROM {table}
    WHERE status IN ('queued', 'running') AND alive_at < %(before)s AND sent_at < %(before)s
    ORDER BY alive_at, id LIMIT %(limit)s
)
RETURNING {columns}
"""
