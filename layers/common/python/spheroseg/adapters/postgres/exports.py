"""Exports in PostgreSQL, and what goes into them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from spheroseg.adapters.postgres import requested_jobs, segmentation_rows, spheroids
from spheroseg.adapters.postgres.access import access_to
from spheroseg.adapters.postgres.database import Cursor, Database, Row
from spheroseg.adapters.postgres.keyset import key_values
from spheroseg.adapters.postgres.orders import failure_of, failure_values, utc
from spheroseg.domain.export import (
    MAX_ACTIVE,
    Export,
    ExportedRun,
    ExportFile,
    ExportFormat,
    ExportOptions,
    ExportStatus,
)
from spheroseg.domain.paging import PageKey
from spheroseg.domain.sample import Sample
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.statistics_question import Wanted
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    ExportNotFoundError,
    ImageNotFoundError,
    StaleStateError,
    TooManyExportsError,
)

_WANTED = TypeAdapter(Wanted)

COLUMNS = """id, project_id, requested_by, format, name, image_ids, pixel_size_um, status, correlation_id, created_at,
    attempt, done, total, spheroids, sent_at, started_at, alive_at, finished_at, expires_at, file_name, size_bytes,
    sha256, media_type, failure_code, failure_detail, accepted_only, with_images,
    statistics"""

LOCK_PERSON = requested_jobs.lock_of_person("exports")

COUNT_ACTIVE = """
SELECT count(*) AS active FROM exports WHERE requested_by = %(requested_by)s AND status IN ('queued', 'running')
"""

ADD = f"""
INSERT INTO exports ({COLUMNS}) VALUES (
    %(id)s, %(project_id)s, %(requested_by)s, %(format)s, %(name)s, %(image_ids)s, %(pixel_size_um)s, %(status)s,
    %(correlation_id)s, %(created_at)s, %(attempt)s, %(done)s, %(total)s, %(spheroids)s, %(sent_at)s, %(started_at)s,
    %(alive_at)s, %(finished_at)s, %(expires_at)s, %(file_name)s, %(size_bytes)s, %(sha256)s, %(media_type)s,
    %(failure_code)s, %(failure_detail)s, %(accepted_only)s, %(with_images)s,
    %(statistics)s
)
"""

FOREIGN_IMAGE = """
SELECT wanted.id FROM unnest(%(image_ids)s::uuid[]) AS wanted (id)
WHERE NOT EXISTS (SELECT 1 FROM images WHERE images.id = wanted.id AND images.project_id = %(project_id)s)
LIMIT 1
"""

GET = requested_jobs.any_one("exports", COLUMNS)
ONE = requested_jobs.own_one("exports", COLUMNS)
PAGE = requested_jobs.own_page("exports", COLUMNS)

MAY_BE_MADE = f"""
SELECT 1 AS one FROM (SELECT %(project_id)s::uuid AS project_id) AS found
{access_to("found.project_id")}
"""

REPLACE = """
UPDATE exports SET status = %(status)s, attempt = %(attempt)s, done = %(done)s, total = %(total)s,
    spheroids = %(spheroids)s, sent_at = coalesce(%(sent_at)s, sent_at), started_at = %(started_at)s,
    alive_at = %(alive_at)s, finished_at = %(finished_at)s, expires_at = %(expires_at)s, file_name = %(file_name)s,
    size_bytes = %(size_bytes)s, sha256 = %(sha256)s, media_type = %(media_type)s, failure_code = %(failure_code)s,
    failure_detail = %(failure_detail)s
WHERE id = %(id)s AND status = %(status_before)s AND attempt = %(attempt_before)s
"""

RELEASE = f"""
UPDATE exports SET sent_at = %(at)s, alive_at = %(at)s
WHERE sent_at IS NULL AND status = 'queued' AND id IN (
    SELECT DISTINCT ON (waiting.requested_by) waiting.id FROM exports AS waiting
    WHERE waiting.status = 'queued' AND waiting.sent_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM exports AS ahead
        WHERE ahead.requested_by = waiting.requested_by AND ahead.status IN ('queued', 'running')
            AND ahead.sent_at IS NOT NULL
    )
    ORDER BY waiting.requested_by, waiting.created_at, waiting.id
)
RETURNING {COLUMNS}
"""

STALLED = requested_jobs.stalled("exports", COLUMNS)

PAST = f"""
SELECT {COLUMNS} FROM exports WHERE status = 'succeeded' AND expires_at <= %(at)s
ORDER BY expires_at, id LIMIT %(limit)s
"""

FORGET = """
DELETE FROM exports WHERE id IN (
    SELECT id FROM exports WHERE status IN ('failed', 'cancelled', 'expired') AND finished_at < %(before)s
    ORDER BY finished_at LIMIT %(limit)s
)
"""

COUNT = """
SELECT count(*) AS images FROM images
WHERE project_id = %(project_id)s AND (%(image_ids)s::uuid[] IS NULL OR id = ANY(%(image_ids)s::uuid[]))
"""

_RUN = ", ".join(f"run.{name}" for name in segmentation_rows.NAMES)

RUNS = f"""
SELECT listed.id AS listed_id, listed.name AS listed_name, listed.created_at AS listed_at, listed.page_count,
    listed.plate, listed.well, listed.condition, listed.time_point_h, listed.replicate, {_RUN}
FROM (
    SELECT id, name, created_at, page_count, plate, well, condition, time_point_h, replicate FROM images
    WHERE project_id = %(project_id)s AND (%(image_ids)s::uuid[] IS NULL OR id = ANY(%(image_ids)s::uuid[]))
        AND (created_at, id) < (%(after_created_at)s::timestamptz, %(after_id)s::uuid)
    ORDER BY created_at DESC, id DESC LIMIT %(limit)s
) AS listed
LEFT JOIN LATERAL (
    SELECT DISTINCT ON ((parameters ->> 'page')::integer) {segmentation_rows.SELECTED} FROM segmentations
    WHERE image_id = listed.id AND status = 'succeeded'
    ORDER BY (parameters ->> 'page')::integer, queued_at DESC, id DESC
) AS run ON true
ORDER BY listed.created_at DESC, listed.id DESC, (run.parameters ->> 'page')::integer
"""

SPHEROIDS = spheroids.at_revision(
    spheroids.FOUND_PACKED, spheroids.REVISED, "%(segmentation_id)s", "%(revision)s", "number > %(after_number)s"
)


class PostgresExports:
    """Exports in ``exports``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, export: Export) -> None:
        """Store a new one; see the port for what it raises."""
        values = _values(export)

        def work(cursor: Cursor) -> None:
            cursor.execute(LOCK_PERSON, values)
            active = cursor.execute(COUNT_ACTIVE, values).fetchone()
            if active is not None and active["active"] >= MAX_ACTIVE:
                raise TooManyExportsError(
                    f"You have {active['active']} exports that are not finished; wait for one, or cancel one"
                )
            if export.options.image_ids is not None:
                foreign = cursor.execute(FOREIGN_IMAGE, values).fetchone()
                if foreign is not None:
                    raise ImageNotFoundError(f"The project has no image {foreign['id']}")
            cursor.execute(ADD, values)

        self._database.write(work)

    def one(self, viewer: Viewer, export_id: UUID) -> Export:
        """One that the viewer asked for, or raise ``ExportNotFoundError``."""
        values = {"id": export_id, "viewer_id": viewer.user_id}
        row = self._database.find(ONE, values, after=viewer.read_after)
        if row is None:
            raise _no_export(export_id)
        return _export(row)

    def page(self, viewer: Viewer, project_id: UUID, after: PageKey | None, limit: int) -> Sequence[Export]:
        """Up to ``limit`` of those that the viewer asked for in a project, the newest first, older than ``after``."""
        values = {"project_id": project_id, "viewer_id": viewer.user_id, "limit": limit, **key_values(after)}
        return [_export(row) for row in self._database.read(PAGE, values, after=viewer.read_after)]

    def get(self, export_id: UUID) -> Export:
        """One as last written, whoever asked for it, or raise ``ExportNotFoundError``."""
        rows = self._database.latest(GET, {"id": export_id})
        if not rows:
            raise _no_export(export_id)
        return _export(rows[0])

    def may_be_made(self, export: Export) -> bool:
        """Whether who asked for it still has a role in its project, and that is not being deleted."""
        values = {"project_id": export.project_id, "viewer_id": export.requested_by}
        return bool(self._database.latest(MAY_BE_MADE, values))

    def replace(self, before: Export, after: Export) -> None:
        """Store ``after`` where status and attempt are still those of ``before``, or raise ``StaleStateError``."""
        values = {**_values(after), "status_before": before.status.value, "attempt_before": before.attempt}
        if self._database.run(REPLACE, values) != 1:
            raise StaleStateError(f"Export {before.id} is no longer {before.status}")

    def release(self, at: datetime) -> Sequence[Export]:
        """Those whose turn has come, marked as sent: of each person with none in the queue or at work, the oldest."""
        return self._written(RELEASE, {"at": at})

    def stalled(self, before: datetime, at: datetime, limit: int) -> Sequence[Export]:
        """Up to ``limit`` that were sent and not heard of since ``before``, and have not ended; marked as sent now."""
        return self._written(STALLED, {"before": before, "at": at, "limit": limit})

    def past(self, at: datetime, limit: int) -> Sequence[Export]:
        """Up to ``limit`` that succeeded and whose file is to go by that time, the oldest first."""
        return [_export(row) for row in self._database.latest(PAST, {"at": at, "limit": limit})]

    def forget(self, finished_before: datetime, limit: int) -> int:
        """Remove up to ``limit`` rows of what ended before that time and has no file; how many."""
        return self._database.run(FORGET, {"before": finished_before, "limit": limit})

    def _written(self, statement: str, values: dict[str, Any]) -> Sequence[Export]:
        rows: list[Row] = self._database.write(lambda cursor: cursor.execute(statement, values).fetchall())
        return [_export(row) for row in rows]


class PostgresExportSource:
    """What goes into exports, read on the writer: a reader would cancel statements that are in its way."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, project_id: UUID, image_ids: Sequence[UUID] | None) -> int:
        """How many images are gone through."""
        values = {"project_id": project_id, "image_ids": _listed(image_ids)}
        count: int = self._database.latest(COUNT, values)[0]["images"]
        return count

    def runs(
        self, project_id: UUID, image_ids: Sequence[UUID] | None, after: PageKey | None, limit: int
    ) -> tuple[Sequence[ExportedRun], int, PageKey | None]:
        """Of up to ``limit`` images, the newest first, the newest run with a result of each page."""
        values = {"project_id": project_id, "image_ids": _listed(image_ids), "limit": limit, **key_values(after)}
        rows = self._database.latest(RUNS, values)
        images = len({row["listed_id"] for row in rows})
        last = rows[-1] if images == limit else None
        runs = [
            ExportedRun(
                row["listed_name"],
                (row["page_count"] or 1) > 1,
                segmentation_rows.segmentation_of(row),
                Sample(row["plate"], row["well"], row["condition"], row["time_point_h"], row["replicate"]),
            )
            for row in rows
            if row["id"] is not None
        ]
        return runs, images, PageKey(last["listed_at"], last["listed_id"]) if last else None

    def spheroids(self, segmentation_id: UUID, revision: int, after_number: int, limit: int) -> Sequence[Spheroid]:
        """Up to ``limit`` spheroids of a revision, in order of number, from after that one."""
        values = {
            "segmentation_id": segmentation_id,
            "revision": revision,
            "after_number": after_number,
            "limit": limit,
        }
        return [spheroids.spheroid_of(row) for row in self._database.latest(SPHEROIDS, values)]


def _no_export(export_id: UUID) -> ExportNotFoundError:
    return ExportNotFoundError(f"Export {export_id} does not exist")


def _listed(image_ids: Sequence[UUID] | None) -> list[UUID] | None:
    return None if image_ids is None else list(image_ids)


def _values(export: Export) -> dict[str, Any]:
    file, asked = export.file, export.options.statistics
    return {
        "id": export.id,
        "project_id": export.project_id,
        "requested_by": export.requested_by,
        "format": export.format.value,
        "name": export.name,
        "image_ids": _listed(export.options.image_ids),
        "pixel_size_um": export.options.pixel_size_um,
        "accepted_only": export.options.accepted_only,
        "with_images": export.options.with_images,
        "statistics": asked and Jsonb(_WANTED.dump_python(asked, mode="json")),
        "status": export.status.value,
        "correlation_id": export.correlation_id,
        "created_at": export.created_at,
        "attempt": export.attempt,
        "done": export.done,
        "total": export.total,
        "spheroids": export.spheroids,
        "sent_at": export.sent_at,
        "started_at": export.started_at,
        "alive_at": export.alive_at,
        "finished_at": export.finished_at,
        "expires_at": export.expires_at,
        "file_name": file and file.name,
        "size_bytes": file and file.size_bytes,
        "sha256": file and file.sha256,
        "media_type": file and file.media_type,
        **failure_values(export.failure),
    }


def _export(row: Row) -> Export:
    return Export(
        id=row["id"],
        project_id=row["project_id"],
        requested_by=row["requested_by"],
        format=ExportFormat(row["format"]),
        name=row["name"],
        options=ExportOptions(
            image_ids=None if row["image_ids"] is None else tuple(row["image_ids"]),
            pixel_size_um=row["pixel_size_um"],
            accepted_only=row["accepted_only"],
            with_images=row["with_images"],
            statistics=None if row["statistics"] is None else _WANTED.validate_python(row["statistics"]),
        ),
        status=ExportStatus(row["status"]),
        correlation_id=row["correlation_id"],
        created_at=row["created_at"].astimezone(UTC),
        attempt=row["attempt"],
        done=row["done"],
        total=row["total"],
        spheroids=row["spheroids"],
        sent_at=utc(row["sent_at"]),
        started_at=utc(row["started_at"]),
        alive_at=utc(row["alive_at"]),
        finished_at=utc(row["finished_at"]),
        expires_at=utc(row["expires_at"]),
        file=None
        if row["file_name"] is None
        else ExportFile(row["file_name"], row["size_bytes"], row["sha256"], row["media_type"]),
        failure=failure_of(row),
    )
