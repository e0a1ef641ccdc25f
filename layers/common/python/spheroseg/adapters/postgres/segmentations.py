"""Segmentations and their spheroids in PostgreSQL."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from spheroseg.adapters.postgres import dispatch, reuse
from spheroseg.adapters.postgres import spheroids as spheroid_rows
from spheroseg.adapters.postgres.access import access_of, access_to
from spheroseg.adapters.postgres.database import Cursor, Database, Row
from spheroseg.adapters.postgres.keyset import key_values
from spheroseg.adapters.postgres.segmentation_rows import COLUMNS, SELECTED, segmentation_of, values_of
from spheroseg.domain.access import Accessible
from spheroseg.domain.backlog import RATE_WINDOW, Backlog
from spheroseg.domain.paging import PageKey
from spheroseg.domain.run_progress import sent_before
from spheroseg.domain.segmentation import Priority, Segmentation, SegmentationStatus, Standing
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import SegmentationNotFoundError, StaleStateError

ADD = f"""
INSERT INTO segmentations ({COLUMNS}) VALUES (
    %(id)s, %(image_id)s, %(project_id)s, %(owner_id)s, %(model)s, %(model_version)s, %(parameters)s, %(priority)s,
    %(status)s, %(attempt)s, %(correlation_id)s, %(queued_at)s, %(started_at)s, %(alive_at)s, %(finished_at)s,
    %(width_px)s, %(height_px)s, %(pixel_type)s, %(pixel_size_um)s, %(pixel_size_source)s, %(file_pixel_size_um)s,
    %(written_pixel_size_um)s, %(spheroid_count)s,
    %(stages_s)s, %(ran_model)s, %(ran_model_version)s, %(ran_precision)s, %(ran_sha256)s, %(ran_reason)s,
    %(ran_runtime)s, %(ran_provider)s, %(review)s, %(failure_code)s, %(failure_detail)s, %(repeat)s, %(repeat_of)s,
    %(urgency)s, %(requested_by)s, %(batch_id)s,
    %(sent_at)s, %(revision)s, %(is_reused)s, %(reused_from)s, %(files_of)s, %(files_attempt)s)
ON CONFLICT (id) DO NOTHING
"""

GET = f"SELECT {SELECTED} FROM segmentations WHERE id = %(id)s"

ONE = f"""
SELECT {SELECTED}, access.* FROM segmentations
{access_to("segmentations.project_id")}
WHERE segmentations.id = %(id)s
"""

OF_IMAGE = f"""
SELECT {SELECTED} FROM segmentations
{access_to("segmentations.project_id")}
WHERE image_id = %(image_id)s
ORDER BY queued_at DESC, id DESC
"""

STANDING = "SELECT status, attempt FROM segmentations WHERE id = %(id)s"

GET_MANY = f"SELECT {SELECTED} FROM segmentations WHERE id = ANY(%(ids)s)"

PAGE_OF_IMAGE = f"""
SELECT {SELECTED} FROM segmentations
{access_to("segmentations.project_id")}
WHERE image_id = %(image_id)s
    AND (queued_at, id) < (%(after_created_at)s::timestamptz, %(after_id)s::uuid)
    AND (%(page)s::integer IS NULL OR (parameters ->> 'page')::integer = %(page)s)
ORDER BY queued_at DESC, id DESC LIMIT %(limit)s
"""

LATEST_REPEATS = f"""
SELECT latest.* FROM unnest(%(first_ids)s::uuid[]) AS wanted (first_id)
CROSS JOIN LATERAL (
    SELECT {SELECTED} FROM segmentations
    WHERE coalesce(repeat_of, id) = wanted.first_id
    ORDER BY coalesce(repeat_of, id) DESC, repeat DESC LIMIT 1
) AS latest
"""

LATEST_OF_IMAGES = f"""
SELECT latest.* FROM unnest(%(image_ids)s::uuid[]) AS wanted (image_id)
CROSS JOIN LATERAL (
    SELECT {SELECTED} FROM segmentations
    WHERE segmentations.image_id = wanted.image_id
    ORDER BY queued_at DESC, id DESC LIMIT 1
) AS latest
{access_to("latest.project_id")}
"""

UPDATE_WHERE_UNCHANGED = """
UPDATE segmentations SET priority = %(priority)s, status = %(status)s, attempt = %(attempt)s, queued_at = %(queued_at)s,
    started_at = %(started_at)s, alive_at = %(alive_at)s, finished_at = %(finished_at)s, width_px = %(width_px)s,
    height_px = %(height_px)s, pixel_type = %(pixel_type)s, pixel_size_um = %(pixel_size_um)s,
    pixel_size_source = %(pixel_size_source)s, file_pixel_size_um = %(file_pixel_size_um)s,
    written_pixel_size_um = %(written_pixel_size_um)s, spheroid_count = %(spheroid_count)s, stages_s = %(stages_s)s,
    ran_model = %(ran_model)s, ran_model_version = %(ran_model_version)s, ran_precision = %(ran_precision)s,
    ran_sha256 = %(ran_sha256)s, ran_reason = %(ran_reason)s, ran_runtime = %(ran_runtime)s,
    ran_provider = %(ran_provider)s, review = %(review)s, failure_code = %(failure_code)s,
    failure_detail = %(failure_detail)s
WHERE id = %(id)s AND status = %(status_before)s AND attempt = %(attempt_before)s
"""

KEEP_ALIVE = """
UPDATE segmentations SET alive_at = %(at)s WHERE id = %(id)s AND status = %(status)s AND attempt = %(attempt)s
"""

# Each half in the order of its own partial index, so that neither reads more than ``limit`` rows.
STALLED = f"""
(SELECT {SELECTED}, sent_at AS since FROM segmentations
 WHERE status = 'queued' AND sent_at < %(queued_before)s AND queued_at < %(queued_before)s
 ORDER BY sent_at, id LIMIT %(limit)s)
UNION ALL
(SELECT {SELECTED}, alive_at AS since FROM segmentations
 WHERE status = 'running' AND alive_at < %(alive_before)s ORDER BY alive_at, id LIMIT %(limit)s)
ORDER BY since, id LIMIT %(limit)s
"""

WAITING = """
SELECT priority, count(*) AS queued, count(*) FILTER (WHERE sent_at < %(sent_at)s::timestamptz) AS earlier,
    count(*) FILTER (WHERE sent_at IS NULL) AS held
FROM segmentations WHERE status = 'queued' GROUP BY priority
"""

OWN_RUNS = """
SELECT status, count(*) AS runs FROM segmentations
WHERE coalesce(requested_by, owner_id) = %(viewer_id)s
    AND (status IN ('queued', 'running') OR status IN ('succeeded', 'failed', 'cancelled') AND finished_at > %(since)s)
GROUP BY status
"""

RATE = """
SELECT (SELECT count(*) FROM segmentations WHERE status = 'running') AS running, count(*) AS finished,
    coalesce(sum(extract(epoch FROM finished_at - started_at)), 0)::float8 AS busy_s
FROM segmentations
WHERE status IN ('succeeded', 'failed') AND finished_at > %(since)s AND started_at IS NOT NULL
"""


class PostgresSegmentations:
    """Segmentations and spheroids in the tables of those names."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, segmentation: Segmentation) -> bool:
        """Store a queued run; False, and nothing changed, when one of that id exists."""
        return self._database.write(lambda cursor: add(cursor, segmentation))

    def add_many(self, segmentations: Sequence[Segmentation]) -> None:
        """Store queued runs whose ids do not exist, all or none; the others stay as they are."""
        rows = [values_of(segmentation) for segmentation in segmentations]

        def work(cursor: Cursor) -> None:
            cursor.executemany(ADD, rows)
            reuse.flag(cursor, [segmentation.id for segmentation in segmentations])

        self._database.write(work)

    def get_many(self, segmentation_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        """Those of the runs that exist, as last written, whoever owns them, in one statement."""
        rows = self._database.latest(GET_MANY, {"ids": list(segmentation_ids)})
        return {row["id"]: segmentation_of(row) for row in rows}

    def get(self, segmentation_id: UUID) -> Segmentation:
        """The run whoever owns it, or raise ``SegmentationNotFoundError``."""
        rows = self._database.latest(GET, {"id": segmentation_id})
        if not rows:
            raise SegmentationNotFoundError(f"Segmentation {segmentation_id} does not exist")
        return segmentation_of(rows[0])

    def standing(self, segmentation_id: UUID) -> Standing:
        """Where the run stands, as last written, or raise ``SegmentationNotFoundError``; less to read than ``get``."""
        rows = self._database.latest(STANDING, {"id": segmentation_id})
        if not rows:
            raise SegmentationNotFoundError(f"Segmentation {segmentation_id} does not exist")
        return Standing(SegmentationStatus(rows[0]["status"]), rows[0]["attempt"])

    def one(self, viewer: Viewer, segmentation_id: UUID) -> Segmentation:
        """A run that the viewer may read, or raise ``SegmentationNotFoundError``."""
        row = self._database.find(ONE, {"id": segmentation_id, "viewer_id": viewer.user_id}, after=viewer.read_after)
        if row is None:
            raise SegmentationNotFoundError(f"Segmentation {segmentation_id} does not exist")
        return segmentation_of(row)

    def accessible(self, viewer: Viewer, segmentation_id: UUID) -> Accessible[Segmentation]:
        """The run as last written with what the viewer may do to it, or raise ``SegmentationNotFoundError``."""
        rows = self._database.latest(ONE, {"id": segmentation_id, "viewer_id": viewer.user_id})
        if not rows:
            raise SegmentationNotFoundError(f"Segmentation {segmentation_id} does not exist")
        return Accessible(segmentation_of(rows[0]), access_of(rows[0]))

    def of_image(self, viewer: Viewer, image_id: UUID) -> Sequence[Segmentation]:
        """All runs of an image, the latest queued first; empty when the viewer may not read it."""
        values = {"image_id": image_id, "viewer_id": viewer.user_id}
        return [segmentation_of(row) for row in self._database.read(OF_IMAGE, values, after=viewer.read_after)]

    def page_of_image(
        self, viewer: Viewer, image_id: UUID, page: int | None, after: PageKey | None, limit: int
    ) -> Sequence[Segmentation]:
        """Up to ``limit`` runs of an image that the viewer may read, the latest queued first, older than ``after``."""
        values = {"image_id": image_id, "viewer_id": viewer.user_id, "page": page, "limit": limit, **key_values(after)}
        return [segmentation_of(row) for row in self._database.read(PAGE_OF_IMAGE, values, after=viewer.read_after)]

    def latest_of_images(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        """The latest queued run of each image that has one and that the viewer may read, in one statement."""
        values = {"image_ids": list(image_ids), "viewer_id": viewer.user_id}
        rows = self._database.read(LATEST_OF_IMAGES, values, after=viewer.read_after)
        return {row["image_id"]: segmentation_of(row) for row in rows}

    def replace(self, before: Segmentation, after: Segmentation) -> None:
        """Store ``after`` where status and attempt are still those of ``before``, or raise ``StaleStateError``."""
        self._database.write(lambda cursor: _replace(cursor, before, after))

    def finish(self, before: Segmentation, after: Segmentation, spheroids: Iterable[Spheroid]) -> None:
        """Store ``after`` and its spheroids together where ``before`` still stands, or raise ``StaleStateError``."""
        rows = [spheroid_rows.row_of(after.id, spheroid) for spheroid in spheroids]

        def work(cursor: Cursor) -> None:
            _replace(cursor, before, after)
            with cursor.copy(spheroid_rows.COPY) as copy:
                for row in rows:
                    copy.write_row(row)

        self._database.write(work)

    def keep_alive(self, segmentation: Segmentation, at: datetime) -> None:
        """Note that its worker is still at it, or raise ``StaleStateError`` when it was replaced or cancelled."""
        values = {
            "id": segmentation.id,
            "status": segmentation.status.value,
            "attempt": segmentation.attempt,
            "at": at,
        }
        if self._database.run_alone(KEEP_ALIVE, values) != 1:
            raise StaleStateError(f"Segmentation {segmentation.id} is no longer {segmentation.status}")

    def spheroids(self, viewer: Viewer, segmentation_id: UUID, after_number: int, limit: int) -> Sequence[Spheroid]:
        """Up to ``limit`` of what was found in a run that the viewer may read, uncorrected, above ``after_number``."""
        values = {
            "segmentation_id": segmentation_id,
            "viewer_id": viewer.user_id,
            "after_number": after_number,
            "limit": limit,
        }
        # Who was told by the worker that a run has succeeded may be here before the reader has heard of it.
        rows = self._database.find_all(spheroid_rows.PAGE, values, after=viewer.read_after)
        return [spheroid_rows.spheroid_of(row) for row in rows]

    def stalled(self, queued_before: datetime, alive_before: datetime, limit: int) -> Sequence[Segmentation]:
        """Runs queued before one time, and running ones whose worker was last alive before another, oldest first."""
        values = {"queued_before": queued_before, "alive_before": alive_before, "limit": limit}
        return [segmentation_of(row) for row in self._database.latest(STALLED, values)]

    def release(self, at: datetime) -> Sequence[Segmentation]:
        """Mark the waiting runs whose turn has come as sent, and give them; who calls at the same time waits."""

        def work(cursor: Cursor) -> list[Segmentation]:
            ids = list(dispatch.release(cursor, at))
            rows = cursor.execute(GET_MANY, {"ids": ids}).fetchall() if ids else []
            found = {row["id"]: segmentation_of(row) for row in rows}
            return [found[id_] for id_ in ids]

        return self._database.write(work)

    def reuse(self, at: datetime) -> Sequence[Segmentation]:
        """Finish up to 200 waiting runs by results that are there already, and give them."""

        def work(cursor: Cursor) -> list[Segmentation]:
            dispatch.lock(cursor)
            ids = list(reuse.reuse(cursor, at))
            rows = cursor.execute(GET_MANY, {"ids": ids}).fetchall() if ids else []
            return [segmentation_of(row) for row in rows]

        return self._database.write(work)

    def hold(self, segmentation_ids: Sequence[UUID]) -> None:
        """Let waiting runs that were marked as sent wait for their turn again."""
        self._database.run(dispatch.HOLD, {"ids": list(segmentation_ids)})

    def latest_repeats(self, first_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        """The latest repeat of each run that exists, by the first one's id, as last written, in one statement."""
        rows = self._database.latest(LATEST_REPEATS, {"first_ids": list(first_ids)})
        return {run.first_id: run for run in map(segmentation_of, rows)}

    def own_runs(self, viewer: Viewer, since: datetime) -> Mapping[SegmentationStatus, int]:
        """How many runs that the viewer asked for wait, work, or have ended since then, by status."""
        values = {"viewer_id": viewer.user_id, "since": since}
        rows = self._database.read(OWN_RUNS, values, after=viewer.read_after)
        return {SegmentationStatus(row["status"]): row["runs"] for row in rows}

    def backlog(self, now: datetime, segmentation: Segmentation | None = None) -> Backlog:
        """What waits and runs; with a queued ``segmentation`` also how many waiting runs are before it."""
        waits = segmentation if segmentation and segmentation.status is SegmentationStatus.QUEUED else None
        waiting = self._database.latest(WAITING, {"sent_at": waits.sent_at if waits else None})
        rate = self._database.latest(RATE, {"since": now - RATE_WINDOW})[0]
        return Backlog(
            queued=sum(row["queued"] for row in waiting),
            running=rate["running"],
            finished_recently=rate["finished"],
            window_s=RATE_WINDOW.total_seconds(),
            busy_s=rate["busy_s"],
            ahead=self._ahead(waits, waiting) if waits else None,
            held=sum(row["held"] for row in waiting),
        )

    def _ahead(self, run: Segmentation, waiting: Sequence[Row]) -> int:
        if run.sent_at is None:
            values = {"share": run.share, "urgency": run.urgency, "queued_at": run.queued_at, "id": run.id}
            place = self._database.latest(dispatch.PLACE_OF_ONE, values)[0]["place"]
            held = {row["share"]: row["runs"] for row in self._database.latest(dispatch.HELD_BY_SHARE)}
            sent = sum(row["queued"] - row["held"] for row in waiting)
            # Sent between two of these statements: then nothing that waits for its turn is before it.
            return max(0, sent_before(sent, held, {run.share: place}) - 1) if place else sent
        urgency = list(Priority)
        more_urgent = urgency[: urgency.index(run.order.priority)]
        return sum(
            row["queued"] - row["held"]
            if row["priority"] in more_urgent
            else row["earlier"]
            if row["priority"] == run.order.priority
            else 0
            for row in waiting
        )


def add(cursor: Cursor, segmentation: Segmentation) -> bool:
    """Store a run within a transaction; False when one of its id exists."""
    if cursor.execute(ADD, values_of(segmentation)).rowcount != 1:
        return False
    reuse.flag(cursor, [segmentation.id])
    return True


def _replace(cursor: Cursor, before: Segmentation, after: Segmentation) -> None:
    values = {**values_of(after), "status_before": before.status.value, "attempt_before": before.attempt}
    if cursor.execute(UPDATE_WHERE_UNCHANGED, values).rowcount != 1:
        raise StaleStateError(f"Segmentation {before.id} is no longer {before.status}")
