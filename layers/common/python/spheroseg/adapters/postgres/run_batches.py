"""Run batches in PostgreSQL: thousands of runs started, cancelled, counted by one statement each."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg.types.json import Json, Jsonb

from spheroseg.adapters.postgres import dispatch, reuse
from spheroseg.adapters.postgres.access import access_to
from spheroseg.adapters.postgres.database import Cursor, Database, Row
from spheroseg.adapters.postgres.orders import order_values
from spheroseg.adapters.postgres.segmentation_rows import SELECTED, segmentation_of
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.run_batch import MAX_SELECTED, Candidate, Outcome, RunBatch, Selection, Told, without
from spheroseg.domain.run_progress import Progress, sent_before
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import RunBatchNotFoundError

CANDIDATES = """
SELECT id, owner_id, status = 'stored' AS is_stored FROM images
WHERE project_id = %(project_id)s
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""

CHOSEN_CANDIDATES = """
SELECT images.id, images.owner_id, images.status = 'stored' AS is_stored
FROM unnest(%(image_ids)s::uuid[]) WITH ORDINALITY AS wanted (id, place) JOIN images USING (id)
WHERE images.project_id = %(project_id)s
ORDER BY wanted.place
"""

BATCH = "id, project_id, requested_by, fingerprint, created_at, counts, told"

ADD_BATCH = f"""
INSERT INTO run_batches ({BATCH}) VALUES (
    %(id)s, %(project_id)s, %(requested_by)s, %(fingerprint)s, %(created_at)s, %(counts)s, %(told)s)
ON CONFLICT (id) DO NOTHING
"""

MEND_BATCH = "UPDATE run_batches SET counts = %(counts)s, told = %(told)s WHERE id = %(id)s"

GET_BATCH = f"SELECT {BATCH} FROM run_batches WHERE id = %(id)s"

ONE_BATCH = f"""
SELECT {BATCH} FROM run_batches
{access_to("run_batches.project_id")}
WHERE run_batches.id = %(id)s
"""

# One statement for thousands of rows: what they share is told once, what differs column by column.
ADD_RUNS = """
INSERT INTO segmentations (id, image_id, owner_id, repeat_of, repeat, model, model_version, parameters, priority,
    urgency, project_id, requested_by, correlation_id, queued_at, batch_id, status, attempt)
SELECT added.*, %(project_id)s::uuid, nullif(%(share)s::text, added.owner_id), %(correlation_id)s,
    %(queued_at)s::timestamptz, %(batch_id)s::uuid, 'queued', 0
FROM unnest(%(id)s::uuid[], %(image_id)s::uuid[], %(owner_id)s::text[], %(repeat_of)s::uuid[], %(repeat)s::integer[],
    %(model)s::text[], %(model_version)s::text[], %(parameters)s::jsonb[], %(priority)s::text[],
    %(urgency)s::smallint[]) AS added (id, image_id, owner_id, repeat_of, repeat, model, model_version, parameters,
    priority, urgency)
ON CONFLICT DO NOTHING RETURNING id
"""

_MEANT = """
    segmentations.project_id = %(project_id)s
    AND (%(image_ids)s::uuid[] IS NULL OR segmentations.image_id = ANY(%(image_ids)s))
    AND (%(segmentation_ids)s::uuid[] IS NULL OR segmentations.id = ANY(%(segmentation_ids)s))
    AND (%(batch_id)s::uuid IS NULL OR segmentations.batch_id = %(batch_id)s)
"""

CANCEL = f"""
WITH chosen AS (
    SELECT id FROM segmentations WHERE {_MEANT} AND status IN ('queued', 'running')
    ORDER BY id LIMIT %(limit)s FOR NO KEY UPDATE
)
UPDATE segmentations SET status = 'cancelled', finished_at = %(at)s
FROM chosen WHERE segmentations.id = chosen.id
RETURNING {SELECTED}
"""

FAILED = f"""
SELECT {SELECTED} FROM segmentations
WHERE {_MEANT} AND status = 'failed' AND NOT EXISTS (
    SELECT FROM segmentations AS later
    WHERE coalesce(later.repeat_of, later.id) = coalesce(segmentations.repeat_of, segmentations.id)
        AND later.repeat > segmentations.repeat)
ORDER BY queued_at, id LIMIT %(limit)s
"""

COUNT_ACTIVE = f"SELECT count(*) AS active FROM segmentations WHERE {_MEANT} AND status IN ('queued', 'running')"

# By indexes that begin with the project and with the batch: nothing is read but their entries.
COUNTS_OF_PROJECT = "SELECT status, count(*) AS runs FROM segmentations WHERE project_id = %(id)s GROUP BY status"
COUNTS_OF_BATCH = "SELECT status, count(*) AS runs FROM segmentations WHERE batch_id = %(id)s GROUP BY status"


class PostgresRunBatches:
    """Batches in the table ``run_batches``, their runs in ``segmentations``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def candidates(self, project_id: UUID, image_ids: Sequence[UUID] | None, limit: int) -> Sequence[Candidate]:
        """Up to ``limit`` images of a project, the newest first, or those of the named ones that are there."""
        values = {"project_id": project_id, "image_ids": image_ids and list(image_ids), "limit": limit}
        rows = self._database.latest(CANDIDATES if image_ids is None else CHOSEN_CANDIDATES, values)
        return [Candidate(row["id"], row["owner_id"], row["is_stored"]) for row in rows]

    def find(self, batch_id: UUID) -> RunBatch | None:
        """The batch as last written, whoever started it."""
        rows = self._database.latest(GET_BATCH, {"id": batch_id})
        return _batch(rows[0]) if rows else None

    def one(self, viewer: Viewer, batch_id: UUID) -> RunBatch:
        """A batch of a project that the viewer may read, or raise ``RunBatchNotFoundError``."""
        row = self._database.find(ONE_BATCH, {"id": batch_id, "viewer_id": viewer.user_id}, after=viewer.read_after)
        if row is None:
            raise RunBatchNotFoundError(f"Batch {batch_id} does not exist")
        return _batch(row)

    def start(self, batch: RunBatch, runs: Sequence[Segmentation]) -> RunBatch:
        """Store the batch with its runs, less those that another call started meanwhile; the one that is there."""

        def work(cursor: Cursor) -> RunBatch:
            if cursor.execute(ADD_BATCH, _batch_values(batch)).rowcount != 1:
                row = cursor.execute(GET_BATCH, {"id": batch.id}).fetchone()
                if row is None:
                    raise AssertionError("a batch whose id is taken is there")
                return _batch(row)
            added: set[UUID] = set()
            for begin in range(0, len(runs), MAX_SELECTED):
                values = _run_values(runs[begin : begin + MAX_SELECTED])
                fresh = [row["id"] for row in cursor.execute(ADD_RUNS, values)]
                reuse.flag(cursor, fresh)
                added.update(fresh)
            if len(added) == len(runs):
                return batch
            stored = without(batch, [run for run in runs if run.id not in added])
            cursor.execute(MEND_BATCH, _batch_values(stored))
            return stored

        return self._database.write(work)

    def cancel(self, project_id: UUID, selection: Selection, at: datetime, limit: int) -> Sequence[Segmentation]:
        """Cancel up to ``limit`` of the meant runs that have not ended, in one statement, and give them."""
        values = {**_meant(project_id, selection), "at": at, "limit": limit}
        return self._database.write(lambda cursor: list(map(segmentation_of, cursor.execute(CANCEL, values))))

    def active(self, project_id: UUID, selection: Selection) -> int:
        """How many of the meant runs have not ended."""
        count: int = self._database.latest(COUNT_ACTIVE, _meant(project_id, selection))[0]["active"]
        return count

    def failed(self, project_id: UUID, selection: Selection, limit: int) -> Sequence[Segmentation]:
        """Up to ``limit`` of the meant runs that failed and were not repeated since, as last written, oldest first."""
        values = {**_meant(project_id, selection), "limit": limit}
        return [segmentation_of(row) for row in self._database.latest(FAILED, values)]

    def progress(self, project_id: UUID, batch_id: UUID | None, now: datetime) -> Progress:
        """How far the runs of a project or of one of its batches are, as last written."""
        query, id_ = (COUNTS_OF_PROJECT, project_id) if batch_id is None else (COUNTS_OF_BATCH, batch_id)
        counts = {SegmentationStatus(row["status"]): row["runs"] for row in self._database.latest(query, {"id": id_})}
        backlog = PostgresSegmentations(self._database).backlog(now)
        places: dict[str, int] = {}
        held_here = 0
        if counts.get(SegmentationStatus.QUEUED):
            rows = self._database.latest(dispatch.PLACES, {"project_id": project_id, "batch_id": batch_id})
            places = {row["share"]: row["place"] for row in rows}
            held_here = sum(row["held"] for row in rows)
        held = {row["share"]: row["runs"] for row in self._database.latest(dispatch.HELD_BY_SHARE)} if places else {}
        before = sent_before(backlog.queued - backlog.held, held, places)
        return Progress(counts=counts, held=held_here, before=before, backlog=backlog)


def _meant(project_id: UUID, selection: Selection) -> dict[str, Any]:
    return {
        "project_id": project_id,
        "image_ids": None if selection.image_ids is None else list(selection.image_ids),
        "segmentation_ids": None if selection.segmentation_ids is None else list(selection.segmentation_ids),
        "batch_id": selection.batch_id,
    }


def _run_values(runs: Sequence[Segmentation]) -> dict[str, Any]:
    """The values of ``ADD_RUNS``: runs of one call share all that stands outside the arrays."""
    one = runs[0]
    orders = [order_values(run.order) for run in runs]
    return {
        "id": [run.id for run in runs],
        "image_id": [run.image_id for run in runs],
        "owner_id": [run.owner_id for run in runs],
        "repeat_of": [run.repeat_of for run in runs],
        "repeat": [run.repeat for run in runs],
        "urgency": [run.urgency for run in runs],
        **{name: [order[name] for order in orders] for name in ("model", "model_version", "parameters", "priority")},
        "project_id": one.project_id,
        "share": one.share,
        "correlation_id": one.correlation_id,
        "queued_at": one.queued_at,
        "batch_id": one.batch_id,
    }


def _batch_values(batch: RunBatch) -> dict[str, Any]:
    told: list[Mapping[str, Any]] = [
        {"image_id": str(one.image_id), "outcome": one.outcome, "segmentation_id": one.segmentation_id}
        for one in batch.told
    ]
    return {
        "id": batch.id,
        "project_id": batch.project_id,
        "requested_by": batch.requested_by,
        "fingerprint": batch.fingerprint,
        "created_at": batch.created_at,
        "counts": Jsonb({outcome.value: count for outcome, count in batch.counts.items()}),
        "told": Json(told, dumps=orjson.dumps),
    }


def _batch(row: Row) -> RunBatch:
    return RunBatch(
        id=row["id"],
        project_id=row["project_id"],
        requested_by=row["requested_by"],
        fingerprint=row["fingerprint"],
        created_at=row["created_at"].astimezone(UTC),
        counts={outcome: row["counts"][outcome] for outcome in Outcome if outcome in row["counts"]},
        told=tuple(_told(one) for one in row["told"]),
    )


def _told(one: Mapping[str, Any]) -> Told:
    run = one["segmentation_id"]
    return Told(UUID(one["image_id"]), Outcome(one["outcome"]), None if run is None else UUID(run))
