"""Imports in PostgreSQL, and what they change."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from spheroseg.adapters.postgres import requested_jobs
from spheroseg.adapters.postgres import segmentations as segmentation_rows
from spheroseg.adapters.postgres import spheroids as spheroid_rows
from spheroseg.adapters.postgres.database import Cursor, Database, Row
from spheroseg.adapters.postgres.keyset import key_values
from spheroseg.adapters.postgres.orders import failure_of, failure_values, utc
from spheroseg.adapters.postgres.revision_storage import store_revision
from spheroseg.domain.outline_import import (
    MAX_ACTIVE,
    Base,
    Import,
    Imported,
    ImportFormat,
    ImportOptions,
    ImportStatus,
)
from spheroseg.domain.paging import PageKey
from spheroseg.domain.revision import Revision
from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    ImageNotFoundError,
    ImportNotFoundError,
    SegmentationNotFoundError,
    StaleStateError,
    TooManyImportsError,
)

COLUMNS = """id, project_id, requested_by, format, file_name, size_bytes, bases, image_id, page, note, status,
    correlation_id, created_at, upload_until, attempt, done, total, spheroids, sent_at, started_at, alive_at,
    finished_at, images, unmatched, failure_code, failure_detail"""

LOCK_PERSON = requested_jobs.lock_of_person("imports")

COUNT_ACTIVE = """
SELECT count(*) AS active FROM imports WHERE requested_by = %(requested_by)s
    AND (status IN ('queued', 'running') OR status = 'awaiting_upload' AND upload_until > %(created_at)s)
"""

ADD = f"""
INSERT INTO imports ({COLUMNS}) VALUES (
    %(id)s, %(project_id)s, %(requested_by)s, %(format)s, %(file_name)s, %(size_bytes)s, %(bases)s, %(image_id)s,
    %(page)s, %(note)s, %(status)s, %(correlation_id)s, %(created_at)s, %(upload_until)s, %(attempt)s, %(done)s,
    %(total)s, %(spheroids)s, %(sent_at)s, %(started_at)s, %(alive_at)s, %(finished_at)s, %(images)s, %(unmatched)s,
    %(failure_code)s, %(failure_detail)s
)
"""

FOREIGN_IMAGE = """
SELECT 1 AS one WHERE NOT EXISTS (SELECT 1 FROM images WHERE id = %(image_id)s AND project_id = %(project_id)s)
"""

FOREIGN_RUN = """
SELECT wanted.id FROM unnest(%(runs)s::uuid[]) AS wanted (id)
WHERE NOT EXISTS (SELECT 1 FROM segmentations WHERE segmentations.id = wanted.id AND project_id = %(project_id)s)
LIMIT 1
"""

GET = requested_jobs.any_one("imports", COLUMNS)
ONE = requested_jobs.own_one("imports", COLUMNS)
PAGE = requested_jobs.own_page("imports", COLUMNS)

REPLACE = """
UPDATE imports SET status = %(status)s, attempt = %(attempt)s, done = %(done)s, total = %(total)s,
    spheroids = %(spheroids)s, sent_at = coalesce(%(sent_at)s, sent_at), started_at = %(started_at)s,
    alive_at = %(alive_at)s, finished_at = %(finished_at)s, images = %(images)s, unmatched = %(unmatched)s,
    failure_code = %(failure_code)s, failure_detail = %(failure_detail)s
WHERE id = %(id)s AND status = %(status_before)s AND attempt = %(attempt_before)s
"""

STALLED = requested_jobs.stalled("imports", COLUMNS)

PAST = f"""
SELECT {COLUMNS} FROM imports WHERE status = 'awaiting_upload' AND upload_until <= %(at)s
ORDER BY upload_until, id LIMIT %(limit)s
"""

FORGET = """
DELETE FROM imports WHERE id IN (
    SELECT id FROM imports WHERE status IN ('succeeded', 'failed', 'cancelled', 'expired') AND created_at < %(before)s
    ORDER BY created_at LIMIT %(limit)s
)
"""

NAMES = """
SELECT id, name, created_at FROM images
WHERE project_id = %(project_id)s AND (created_at, id) < (%(after_created_at)s::timestamptz, %(after_id)s::uuid)
    AND status = 'stored'
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""

SIZES = """
SELECT DISTINCT ON (image_id) image_id, width_px, height_px FROM segmentations
WHERE image_id = ANY(%(image_ids)s) AND project_id = %(project_id)s AND status = 'succeeded'
    AND (parameters ->> 'page')::integer = %(page)s
ORDER BY image_id, queued_at DESC, id DESC
"""


class PostgresImports:
    """Imports in ``imports``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, import_: Import) -> None:
        """Store a new one; see the port for what it raises."""
        options = import_.options
        values = {**_values(import_), "runs": [base.segmentation_id for base in options.bases]}

        def work(cursor: Cursor) -> None:
            cursor.execute(LOCK_PERSON, values)
            active = cursor.execute(COUNT_ACTIVE, values).fetchone()
            if active is not None and active["active"] >= MAX_ACTIVE:
                raise TooManyImportsError(
                    f"You have {active['active']} imports that are not finished; wait for one, or cancel one"
                )
            if options.image_id is not None and cursor.execute(FOREIGN_IMAGE, values).fetchone() is not None:
                raise ImageNotFoundError(f"The project has no image {options.image_id}")
            foreign = cursor.execute(FOREIGN_RUN, values).fetchone()
            if foreign is not None:
                raise SegmentationNotFoundError(f"The project has no segmentation {foreign['id']}")
            cursor.execute(ADD, values)

        self._database.write(work)

    def one(self, viewer: Viewer, import_id: UUID) -> Import:
        """One that the viewer asked for, or raise ``ImportNotFoundError``."""
        row = self._database.find(ONE, {"id": import_id, "viewer_id": viewer.user_id}, after=viewer.read_after)
        if row is None:
            raise _no_import(import_id)
        return _import(row)

    def page(self, viewer: Viewer, project_id: UUID, after: PageKey | None, limit: int) -> Sequence[Import]:
        """Up to ``limit`` of those that the viewer asked for in a project, the newest first, older than ``after``."""
        values = {"project_id": project_id, "viewer_id": viewer.user_id, "limit": limit, **key_values(after)}
        return [_import(row) for row in self._database.read(PAGE, values, after=viewer.read_after)]

    def get(self, import_id: UUID) -> Import:
        """One as last written, whoever asked for it, or raise ``ImportNotFoundError``."""
        rows = self._database.latest(GET, {"id": import_id})
        if not rows:
            raise _no_import(import_id)
        return _import(rows[0])

    def replace(self, before: Import, after: Import) -> None:
        """Store ``after`` where status and attempt are still those of ``before``, or raise ``StaleStateError``."""
        self._database.write(lambda cursor: _replace(cursor, before, after))

    def finish(
        self,
        before: Import,
        after: Import,
        revisions: Sequence[tuple[Revision, Sequence[Spheroid]]],
        runs: Sequence[tuple[Segmentation, Sequence[Spheroid]]],
    ) -> None:
        """Store ``after``, new revisions and new results together, all or nothing; see the port."""

        def work(cursor: Cursor) -> None:
            _replace(cursor, before, after)
            # In one order, so that imports into the same results wait for each other and not both.
            for revision, changed in sorted(revisions, key=lambda one: one[0].segmentation_id):
                store_revision(cursor, revision, changed, revision.changes.removed)
            for run, _ in runs:
                if not segmentation_rows.add(cursor, run):
                    raise StaleStateError(f"Segmentation {run.id} is there already")
            with cursor.copy(spheroid_rows.COPY) as copy:
                for run, found in runs:
                    for spheroid in found:
                        copy.write_row(spheroid_rows.row_of(run.id, spheroid))

        self._database.write(work)

    def stalled(self, before: datetime, at: datetime, limit: int) -> Sequence[Import]:
        """Up to ``limit`` that were sent and not heard of since ``before``, and have not ended; marked as sent now."""
        values = {"before": before, "at": at, "limit": limit}
        rows: list[Row] = self._database.write(lambda cursor: cursor.execute(STALLED, values).fetchall())
        return [_import(row) for row in rows]

    def past(self, at: datetime, limit: int) -> Sequence[Import]:
        """Up to ``limit`` whose file should have come by that time, the oldest first."""
        return [_import(row) for row in self._database.latest(PAST, {"at": at, "limit": limit})]

    def forget(self, created_before: datetime, limit: int) -> int:
        """Remove up to ``limit`` rows of what was asked for before that time and has ended; how many."""
        return self._database.run(FORGET, {"before": created_before, "limit": limit})

    def names(self, project_id: UUID, after: PageKey | None, limit: int) -> Sequence[tuple[UUID, str, PageKey]]:
        """Ids and names of up to ``limit`` images of a project whose file is there, the newest first."""
        rows = self._database.latest(NAMES, {"project_id": project_id, "limit": limit, **key_values(after)})
        return [(row["id"], row["name"], PageKey(row["created_at"], row["id"])) for row in rows]

    def sizes(self, project_id: UUID, page: int, image_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
        """Width and height in px of a page of those images that have a result of it."""
        rows = self._database.latest(SIZES, {"project_id": project_id, "page": page, "image_ids": list(image_ids)})
        return {row["image_id"]: (row["width_px"], row["height_px"]) for row in rows}


def _replace(cursor: Cursor, before: Import, after: Import) -> None:
    values = {**_values(after), "status_before": before.status.value, "attempt_before": before.attempt}
    if cursor.execute(REPLACE, values).rowcount != 1:
        raise StaleStateError(f"Import {before.id} is no longer {before.status}")


def _no_import(import_id: UUID) -> ImportNotFoundError:
    return ImportNotFoundError(f"Import {import_id} does not exist")


def _values(import_: Import) -> dict[str, Any]:
    options = import_.options
    return {
        "id": import_.id,
        "project_id": import_.project_id,
        "requested_by": import_.requested_by,
        "format": options.format.value,
        "file_name": options.file_name,
        "size_bytes": options.size_bytes,
        "bases": Jsonb([[str(base.segmentation_id), base.revision] for base in options.bases]),
        "image_id": options.image_id,
        "page": options.page,
        "note": options.note,
        "status": import_.status.value,
        "correlation_id": import_.correlation_id,
        "created_at": import_.created_at,
        "upload_until": import_.upload_until,
        "attempt": import_.attempt,
        "done": import_.done,
        "total": import_.total,
        "spheroids": import_.spheroids,
        "sent_at": import_.sent_at,
        "started_at": import_.started_at,
        "alive_at": import_.alive_at,
        "finished_at": import_.finished_at,
        "images": Jsonb([_as_data(one) for one in import_.images]),
        "unmatched": list(import_.unmatched),
        **failure_values(import_.failure),
    }


def _as_data(imported: Imported) -> Mapping[str, Any]:
    return {**vars(imported), "image_id": str(imported.image_id), "segmentation_id": str(imported.segmentation_id)}


def _import(row: Row) -> Import:
    return Import(
        id=row["id"],
        project_id=row["project_id"],
        requested_by=row["requested_by"],
        options=ImportOptions(
            format=ImportFormat(row["format"]),
            file_name=row["file_name"],
            size_bytes=row["size_bytes"],
            bases=tuple(Base(UUID(id_), revision) for id_, revision in row["bases"]),
            image_id=row["image_id"],
            page=row["page"],
            note=row["note"],
        ),
        status=ImportStatus(row["status"]),
        correlation_id=row["correlation_id"],
        created_at=row["created_at"].astimezone(UTC),
        upload_until=row["upload_until"].astimezone(UTC),
        attempt=row["attempt"],
        done=row["done"],
        total=row["total"],
        spheroids=row["spheroids"],
        sent_at=utc(row["sent_at"]),
        started_at=utc(row["started_at"]),
        alive_at=utc(row["alive_at"]),
        finished_at=utc(row["finished_at"]),
        images=tuple(
            Imported(**{**one, "image_id": UUID(one["image_id"]), "segmentation_id": UUID(one["segmentation_id"])})
            for one in row["images"]
        ),
        unmatched=tuple(row["unmatched"]),
        failure=failure_of(row),
    )
