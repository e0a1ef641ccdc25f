"""Jobs on projects in PostgreSQL, and the rows that they work on."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from spheroseg.adapters.postgres import reuse
from spheroseg.adapters.postgres.database import Cursor, Database, Row
from spheroseg.adapters.postgres.orders import failure_of, failure_values, utc
from spheroseg.domain.project import Project
from spheroseg.domain.project_job import DoomedImage, JobKind, JobStatus, ProjectJob
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import JobNotFoundError, StaleStateError

COLUMNS = """id, kind, project_id, requested_by, status, done, total, correlation_id, created_at, alive_at, finished_at,
    target_id, failure_code, failure_detail"""

MARK = """
UPDATE projects SET deleted_at = %(created_at)s, version = version + 1
WHERE id = %(project_id)s AND version = %(version_before)s AND deleted_at IS NULL
"""

ADD = f"""
INSERT INTO project_jobs ({COLUMNS})
SELECT %(id)s, %(kind)s, %(project_id)s, %(requested_by)s, %(status)s, %(done)s, count(*), %(correlation_id)s,
    %(created_at)s, %(alive_at)s, %(finished_at)s, %(target_id)s, %(failure_code)s, %(failure_detail)s
FROM images WHERE project_id = %(project_id)s
RETURNING {COLUMNS}
"""

GET = f"SELECT {COLUMNS} FROM project_jobs WHERE id = %(id)s"

ONE = f"SELECT {COLUMNS} FROM project_jobs WHERE id = %(id)s AND requested_by = %(viewer_id)s"

# A deletion counts what it has removed; what is taken back of a copy is not counted.
ADVANCE = f"""
UPDATE project_jobs SET alive_at = %(at)s,
    status = CASE WHEN kind = 'delete' THEN 'running' ELSE status END,
    done = CASE WHEN kind = 'delete' THEN done + %(images)s ELSE done END,
    total = CASE WHEN kind = 'delete' THEN greatest(total, done + %(images)s) ELSE total END
WHERE id = %(id)s AND (kind = 'delete' AND status IN ('queued', 'running') OR status = 'undoing') RETURNING {COLUMNS}
"""

END = f"""
UPDATE project_jobs SET alive_at = %(at)s, finished_at = %(at)s,
    status = CASE WHEN kind = 'delete' THEN 'succeeded' WHEN failure_code IS NULL THEN 'cancelled' ELSE 'failed' END
WHERE id = %(id)s AND (kind = 'delete' AND status IN ('queued', 'running') OR status = 'undoing') RETURNING {COLUMNS}
"""

IS_REMOVING = """
SELECT 1 AS one FROM project_jobs
WHERE id = %(id)s AND (kind = 'delete' OR status NOT IN ('queued', 'running', 'succeeded'))
"""

# Only of a project that is marked, by its deletion or because it is an unfinished copy: whatever a message says,
# nothing else is ever removed.
DOOMED = """
SELECT images.id, upload_id
FROM images JOIN projects ON projects.id = images.project_id AND projects.deleted_at IS NOT NULL
WHERE project_id = %(project_id)s ORDER BY images.created_at, images.id LIMIT %(limit)s
"""

REMOVE_IMAGES = """
DELETE FROM images USING projects
WHERE images.id = ANY (%(image_ids)s::uuid[]) AND projects.id = images.project_id
    AND projects.id = %(project_id)s AND projects.deleted_at IS NOT NULL
"""

REMOVE_PROJECT = """
DELETE FROM projects WHERE id = %(project_id)s AND deleted_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM images WHERE project_id = %(project_id)s)
"""

IS_THERE = "SELECT 1 AS one FROM projects WHERE id = %(project_id)s"

STALLED = f"""
SELECT {COLUMNS} FROM project_jobs WHERE status IN ('queued', 'running', 'undoing') AND alive_at < %(before)s
ORDER BY alive_at, id LIMIT %(limit)s
"""


class PostgresProjectJobs:
    """Jobs in ``project_jobs``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin_deletion(self, project: Project, job: ProjectJob) -> ProjectJob:
        """Mark the project as it was read, so that nobody finds it, and store the job, together."""
        values = {**_values(job), "version_before": project.version}

        def work(cursor: Cursor) -> ProjectJob:
            if cursor.execute(MARK, values).rowcount != 1:
                raise StaleStateError("The project was changed just now")
            row = cursor.execute(ADD, values).fetchone()
            if row is None:
                raise AssertionError("a job that was just stored is there")
            return _job(row)

        return self._database.write(work)

    def get(self, job_id: UUID) -> ProjectJob:
        """The job whoever asked for it, or raise ``JobNotFoundError``."""
        rows = self._database.latest(GET, {"id": job_id})
        if not rows:
            raise _no_job(job_id)
        return _job(rows[0])

    def one(self, viewer: Viewer, job_id: UUID) -> ProjectJob:
        """A job that the viewer asked for, or raise ``JobNotFoundError``."""
        row = self._database.find(ONE, {"id": job_id, "viewer_id": viewer.user_id}, after=viewer.read_after)
        if row is None:
            raise _no_job(job_id)
        return _job(row)

    def doomed(self, project_id: UUID, limit: int) -> Sequence[DoomedImage]:
        """Up to ``limit`` images of a project that nobody finds, the oldest first."""

        def work(cursor: Cursor) -> Sequence[DoomedImage]:
            rows = cursor.execute(DOOMED, {"project_id": project_id, "limit": limit}).fetchall()
            files = reuse.leave(cursor, [row["id"] for row in rows]) if rows else {}
            return [DoomedImage(row["id"], row["upload_id"], tuple(files.get(row["id"], ()))) for row in rows]

        return self._database.write(work)

    def remove_images(self, job: ProjectJob, image_ids: Sequence[UUID], at: datetime) -> ProjectJob:
        """Remove images of the doomed project, and count those that a deletion removed, together."""
        values = {"project_id": job.doomed_id, "image_ids": list(image_ids), "id": job.id, "at": at}

        def work(cursor: Cursor) -> Row | None:
            if not cursor.execute(IS_REMOVING, values).fetchone():
                return None
            images = cursor.execute(REMOVE_IMAGES, values).rowcount
            return cursor.execute(ADVANCE, {**values, "images": images}).fetchone()

        row = self._database.write(work)
        return _job(row) if row else self.get(job.id)

    def end_removal(self, job: ProjectJob, at: datetime) -> ProjectJob:
        """Remove the doomed project's row and end the job; when images are left, nothing happens and it goes on."""
        values = {"project_id": job.doomed_id, "id": job.id, "at": at}

        def work(cursor: Cursor) -> Row | None:
            if not cursor.execute(IS_REMOVING, values).fetchone():
                return None
            cursor.execute(REMOVE_PROJECT, values)
            if cursor.execute(IS_THERE, values).fetchone():
                return None
            return cursor.execute(END, values).fetchone()

        row = self._database.write(work)
        return _job(row) if row else self.get(job.id)

    def stalled(self, before: datetime, limit: int) -> Sequence[ProjectJob]:
        """Up to ``limit`` unfinished jobs that were last worked on before that time, the most silent first."""
        return [_job(row) for row in self._database.latest(STALLED, {"before": before, "limit": limit})]


def _no_job(job_id: UUID) -> JobNotFoundError:
    return JobNotFoundError(f"Job {job_id} does not exist")


def _values(job: ProjectJob) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind.value,
        "project_id": job.project_id,
        "requested_by": job.requested_by,
        "status": job.status.value,
        "done": job.done,
        "correlation_id": job.correlation_id,
        "created_at": job.created_at,
        "alive_at": job.alive_at,
        "finished_at": job.finished_at,
        "target_id": job.target_id,
        **failure_values(job.failure),
    }


def _job(row: Row) -> ProjectJob:
    return ProjectJob(
        id=row["id"],
        kind=JobKind(row["kind"]),
        project_id=row["project_id"],
        requested_by=row["requested_by"],
        status=JobStatus(row["status"]),
        done=row["done"],
        total=row["total"],
        correlation_id=row["correlation_id"],
        created_at=row["created_at"].astimezone(UTC),
        alive_at=row["alive_at"].astimezone(UTC),
        finished_at=utc(row["finished_at"]),
        target_id=row["target_id"],
        failure=failure_of(row),
    )


job_values, job_of = _values, _job
"""The columns of a job, and the job in a row, for statements that stand elsewhere."""
