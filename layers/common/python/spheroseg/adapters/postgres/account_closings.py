"""Closed accounts in PostgreSQL, and what is removed or blanked out with them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from spheroseg.adapters.postgres import project_copies, project_jobs
from spheroseg.adapters.postgres.database import Cursor, Database, Row
from spheroseg.adapters.postgres.orders import utc
from spheroseg.domain.account_closing import AccountClosing, user_hash
from spheroseg.domain.project_job import ProjectJob
from spheroseg.errors import DatabaseUnavailableError, JobNotFoundError

COLUMNS = "id, user_id, projects, correlation_id, requested_at, alive_at, finished_at"

NOBODY = "deleted account"
"""What stands where a column needs somebody."""

ADD = """
INSERT INTO account_closings (id, user_hash, user_id, correlation_id, requested_at, alive_at)
VALUES (%(id)s, %(user_hash)s, %(user_id)s, %(correlation_id)s, %(at)s, %(at)s) ON CONFLICT (user_hash) DO NOTHING
"""

OF_USER = f"SELECT {COLUMNS} FROM account_closings WHERE user_hash = %(user_hash)s FOR UPDATE"

GET = f"SELECT {COLUMNS} FROM account_closings WHERE id = %(id)s"

IS_CLOSED = "SELECT 1 AS one FROM account_closings WHERE user_hash = %(user_hash)s"

COPIES_UNDER_WAY = """
SELECT id FROM project_jobs
WHERE requested_by = %(user_id)s AND kind = 'duplicate' AND status IN ('queued', 'running') ORDER BY id
"""

OWN_PROJECTS = """
UPDATE projects SET deleted_at = %(at)s, version = version + 1
WHERE owner_id = %(user_id)s AND deleted_at IS NULL RETURNING id
"""

COUNT_PROJECTS = "UPDATE account_closings SET projects = projects + %(projects)s WHERE id = %(id)s"

END_PRESENCE = (
    "DELETE FROM project_members WHERE user_id = %(user_id)s",
    "DELETE FROM watchers WHERE owner_id = %(user_id)s",
    "DELETE FROM tickets WHERE owner_id = %(user_id)s",
)

LEFT = "SELECT count(*) AS projects FROM projects WHERE owner_id = %(user_id)s"

TOUCH = "UPDATE account_closings SET alive_at = %(at)s WHERE id = %(id)s"

# Rows of other people's projects keep what was done there, not by whom.
FORGET = (
    *END_PRESENCE,
    "DELETE FROM accounts WHERE user_id = %(user_id)s",
    "DELETE FROM project_removals WHERE user_id = %(user_id)s",
    "DELETE FROM project_offers WHERE accepted_by = %(user_id)s OR email = %(email)s::text",
    "UPDATE project_offers SET created_by = %(nobody)s WHERE created_by = %(user_id)s",
    "DELETE FROM project_jobs WHERE requested_by = %(user_id)s",
    "DELETE FROM exports WHERE requested_by = %(user_id)s",
    "DELETE FROM imports WHERE requested_by = %(user_id)s",
    "UPDATE segmentations SET requested_by = NULL WHERE requested_by = %(user_id)s",
    "UPDATE run_batches SET requested_by = %(nobody)s WHERE requested_by = %(user_id)s",
    "UPDATE revisions SET author_id = %(nobody)s WHERE author_id = %(user_id)s",
    "UPDATE review_decisions SET reviewer_id = %(nobody)s WHERE reviewer_id = %(user_id)s",
    "UPDATE admin_actions SET admin_id = NULL WHERE admin_id = %(user_id)s",
    "UPDATE admin_actions SET subject = NULL WHERE subject = %(user_id)s",
)

END = f"""
UPDATE account_closings SET user_id = NULL, correlation_id = '', alive_at = %(at)s, finished_at = %(at)s
WHERE id = %(id)s RETURNING {COLUMNS}
"""

STALLED = f"""
SELECT {COLUMNS} FROM account_closings WHERE finished_at IS NULL AND alive_at < %(before)s
ORDER BY alive_at, id LIMIT %(limit)s
"""


class PostgresAccountClosings:
    """Closings in ``account_closings``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self, user_id: str, closing_id: UUID, correlation_id: str, at: datetime
    ) -> tuple[AccountClosing, Sequence[ProjectJob]]:
        """Close the account, hide what is its own, end what it has elsewhere; the closing, and the jobs for it."""
        values: dict[str, Any] = {
            "id": closing_id,
            "user_id": user_id,
            "user_hash": user_hash(user_id),
            "correlation_id": correlation_id,
            "at": at,
        }

        def work(cursor: Cursor) -> tuple[AccountClosing, Sequence[ProjectJob]]:
            cursor.execute(ADD, values)
            row = cursor.execute(OF_USER, values).fetchone()
            if row is None:
                raise AssertionError("a closing that was just stored is there")
            copies = cursor.execute(COPIES_UNDER_WAY, values).fetchall()
            jobs = [project_copies.stop(cursor, copy["id"], None, at) for copy in copies]
            marked = [it["id"] for it in cursor.execute(OWN_PROJECTS, values).fetchall()]
            for project_id in marked:
                job = ProjectJob.deletion(project_id, user_id, correlation_id, at)
                cursor.execute(project_jobs.ADD, project_jobs.job_values(job))
                jobs.append(job)
            cursor.execute(COUNT_PROJECTS, {"id": row["id"], "projects": len(marked)})
            for statement in END_PRESENCE:
                cursor.execute(statement, values)
            after = cursor.execute(GET, {"id": row["id"]}).fetchone()
            return _closing(after or row), jobs

        return self._database.write(work)

    def is_closed(self, user_id: str) -> bool:
        """Whether somebody's account was closed, as last written; while the writer is gone, as the reader knows."""
        values = {"user_hash": user_hash(user_id)}
        try:
            return bool(self._database.latest(IS_CLOSED, values))
        except DatabaseUnavailableError:
            # Otherwise nobody could read anything while the writer is gone; nothing can be written then anyway.
            return bool(self._database.read(IS_CLOSED, values, after=None))

    def get(self, closing_id: UUID) -> AccountClosing:
        """A closing, or raise ``JobNotFoundError``."""
        rows = self._database.latest(GET, {"id": closing_id})
        if not rows:
            raise JobNotFoundError(f"Closing {closing_id} does not exist")
        return _closing(rows[0])

    def projects_left(self, user_id: str) -> int:
        """How many own projects are not removed yet."""
        left: int = self._database.latest(LEFT, {"user_id": user_id})[0]["projects"]
        return left

    def touch(self, closing: AccountClosing, at: datetime) -> None:
        """Note that it is worked on."""
        self._database.run(TOUCH, {"id": closing.id, "at": at})

    def forget(self, user_id: str, email: str | None) -> None:
        """Remove or blank out everything that names somebody, together."""

        def work(cursor: Cursor) -> None:
            for statement in FORGET:
                cursor.execute(statement, {"user_id": user_id, "email": email, "nobody": NOBODY})

        self._database.write(work)

    def end(self, closing: AccountClosing, at: datetime) -> AccountClosing:
        """The closing, which says no more whose it was."""

        def work(cursor: Cursor) -> Row | None:
            return cursor.execute(END, {"id": closing.id, "at": at}).fetchone()

        row = self._database.write(work)
        return _closing(row) if row else self.get(closing.id)

    def stalled(self, before: datetime, limit: int) -> Sequence[AccountClosing]:
        """Up to ``limit`` unfinished closings that were last worked on before that time."""
        return [_closing(row) for row in self._database.latest(STALLED, {"before": before, "limit": limit})]


def _closing(row: Row) -> AccountClosing:
    return AccountClosing(
        id=row["id"],
        user_id=row["user_id"],
        projects=row["projects"],
        correlation_id=row["correlation_id"],
        requested_at=row["requested_at"].astimezone(UTC),
        alive_at=row["alive_at"].astimezone(UTC),
        finished_at=utc(row["finished_at"]),
    )
