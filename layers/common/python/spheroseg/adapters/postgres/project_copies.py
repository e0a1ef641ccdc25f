"""Copies of projects in PostgreSQL: what is left to be copied, and the rows that come of it.

``project_copies`` has a row for each image that was there when the copy was asked for. A new project is marked as a
deleted one is, so that nobody finds it, until its copy ends.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from spheroseg.adapters.postgres import (
    accounts,
    images,
    project_jobs,
    projects,
    segmentation_rows,
    segmentations,
    spheroids,
)
from spheroseg.adapters.postgres.access import visible_project
from spheroseg.adapters.postgres.database import Cursor, Database, Row
from spheroseg.domain.account import Usage
from spheroseg.domain.image import Image
from spheroseg.domain.project import Project
from spheroseg.domain.project_copy import ImageCopy, copied_image_id, copied_prefix, copy_of_image
from spheroseg.domain.project_job import DoomedImage, ProjectJob
from spheroseg.domain.segmentation import Failure, Segmentation
from spheroseg.errors import JobNotFoundError, ProjectNotFoundError

ADD_PROJECT = """
INSERT INTO projects (id, owner_id, name, pixel_size_um, created_at, description, tags, version, archived_at,
    updated_at, pixel_size_of_profile, deleted_at)
VALUES (%(id)s, %(owner_id)s, %(name)s, %(pixel_size_um)s, %(created_at)s, %(description)s, %(tags)s, %(version)s,
    %(archived_at)s, %(updated_at)s, %(pixel_size_of_profile)s, %(created_at)s)
"""

ADD_JOB = f"""
INSERT INTO project_jobs ({project_jobs.COLUMNS})
VALUES (%(id)s, %(kind)s, %(project_id)s, %(requested_by)s, %(status)s, %(done)s, 0, %(correlation_id)s,
    %(created_at)s, %(alive_at)s, %(finished_at)s, %(target_id)s, %(failure_code)s, %(failure_detail)s)
ON CONFLICT (id) DO NOTHING
"""

LIST_IMAGES = """
WITH listed AS (
    INSERT INTO project_copies (job_id, image_id, size_bytes)
    SELECT %(id)s, id, coalesce(size_bytes, 0) FROM images WHERE project_id = %(project_id)s AND status = 'stored'
    RETURNING size_bytes
)
SELECT count(*) AS images, coalesce(sum(size_bytes), 0)::bigint AS size_bytes FROM listed
"""

COUNT = f"UPDATE project_jobs SET total = %(images)s WHERE id = %(id)s RETURNING {project_jobs.COLUMNS}"

# Beside what the triggers on images count: what is reserved counts as announced until the image has its row.
RESERVE = """
UPDATE accounts SET announced_bytes = announced_bytes + %(size_bytes)s, announced_images = announced_images + %(images)s
WHERE user_id = %(user_id)s
"""

LOCK_JOB = f"SELECT {project_jobs.COLUMNS} FROM project_jobs WHERE id = %(id)s FOR UPDATE"

IS_READABLE = f"SELECT {visible_project('%(project_id)s')} AS id"

TARGET = f"SELECT {projects.COLUMNS} FROM projects WHERE id = %(id)s"

NEXT = """
SELECT image_id, size_bytes, source_run_ids, segmentation_ids FROM project_copies
WHERE job_id = %(id)s AND NOT is_done ORDER BY image_id LIMIT %(limit)s
"""

SOURCES = f"""
SELECT {images.COLUMNS} FROM images
WHERE id = ANY(%(ids)s) AND project_id = %(project_id)s AND status = 'stored' ORDER BY id FOR SHARE
"""

RUNS = f"SELECT {segmentation_rows.SELECTED} FROM segmentations WHERE image_id = ANY(%(ids)s) AND status = 'succeeded'"

BEGIN = """
UPDATE project_copies SET source_run_ids = %(source_run_ids)s::uuid[], segmentation_ids = %(run_ids)s::uuid[]
WHERE job_id = %(id)s AND image_id = %(image_id)s
"""

TAG = """
UPDATE images SET etag = tags.etag FROM jsonb_to_recordset(%(tags)s) AS tags (id uuid, etag text)
WHERE images.id = tags.id AND project_id = %(target_id)s
"""

REMOVE = "DELETE FROM images WHERE id = ANY(%(ids)s::uuid[]) AND project_id = %(target_id)s"

FINISH = """
UPDATE project_copies SET is_done = true WHERE job_id = %(id)s AND image_id = ANY(%(image_ids)s::uuid[]) AND NOT is_done
"""

DROP = """
DELETE FROM project_copies WHERE job_id = %(id)s AND image_id = ANY(%(image_ids)s::uuid[]) AND NOT is_done
"""

ADVANCE = f"""
UPDATE project_jobs SET status = 'running', alive_at = %(at)s, done = done + %(done)s, total = total - %(lost)s
WHERE id = %(id)s RETURNING {project_jobs.COLUMNS}
"""

IS_LEFT = "SELECT 1 AS one FROM project_copies WHERE job_id = %(id)s AND NOT is_done LIMIT 1"

SHOW = "UPDATE projects SET deleted_at = NULL WHERE id = %(target_id)s"

SUCCEED = f"""
UPDATE project_jobs SET status = 'succeeded', alive_at = %(at)s, finished_at = %(at)s WHERE id = %(id)s
RETURNING {project_jobs.COLUMNS}
"""

FORGET = "DELETE FROM project_copies WHERE job_id = %(id)s"

STOP = f"""
UPDATE project_jobs SET status = 'undoing', alive_at = %(at)s, failure_code = %(failure_code)s,
    failure_detail = %(failure_detail)s
WHERE id = %(id)s RETURNING {project_jobs.COLUMNS}
"""

GIVE_BACK = """
WITH given AS (
    DELETE FROM project_copies WHERE job_id = %(id)s AND segmentation_ids IS NULL RETURNING size_bytes
)
SELECT count(*) AS images, coalesce(sum(size_bytes), 0)::bigint AS size_bytes FROM given
"""

UNFINISHED = """
SELECT image_id, segmentation_ids FROM project_copies WHERE job_id = %(id)s AND NOT is_done ORDER BY image_id
"""


class PostgresProjectCopies:
    """Unfinished copies in ``project_copies``, beside their jobs in ``project_jobs``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, target: Project, job: ProjectJob) -> ProjectJob:
        """Store the job, its hidden project and its list of images, and take room for them, together."""

        def work(cursor: Cursor) -> ProjectJob:
            if cursor.execute(ADD_JOB, project_jobs.job_values(job)).rowcount != 1:
                return _locked(cursor, job.id)  # the transaction is repeated whose answer was lost
            cursor.execute(ADD_PROJECT, projects.project_values(target))
            listed = _one(cursor, LIST_IMAGES, {"id": job.id, "project_id": job.project_id})
            wanted = Usage(stored_bytes=listed["size_bytes"], stored_images=listed["images"])
            accounts.require_room(cursor, job.requested_by, wanted)
            _reserve(cursor, job, listed["images"], listed["size_bytes"])
            return project_jobs.job_of(_one(cursor, COUNT, {"id": job.id, "images": listed["images"]}))

        return self._database.write(work)

    def add_rows(self, job: ProjectJob, limit: int, at: datetime) -> tuple[ProjectJob, Sequence[ImageCopy]]:
        """The job, and up to ``limit`` images that are not copied yet, which have their rows from now on."""

        def work(cursor: Cursor) -> tuple[ProjectJob, Sequence[ImageCopy]]:
            present = _locked(cursor, job.id)
            if not present.status.goes_forward:
                return present, []
            values = {"project_id": job.project_id, "viewer_id": job.requested_by}
            if _one(cursor, IS_READABLE, values)["id"] is None:
                raise ProjectNotFoundError(f"Project {job.project_id} does not exist")
            rows = cursor.execute(NEXT, {"id": job.id, "limit": limit}).fetchall()
            target = projects.project_of(_one(cursor, TARGET, {"id": job.target_id}))
            sources, runs = _sources(cursor, job, [row["image_id"] for row in rows])
            _add_fresh(cursor, job, target, [row for row in rows if row["segmentation_ids"] is None], sources, runs)
            copies = [
                _objects_of(target.id, row, sources, runs)
                for row in cursor.execute(NEXT, {"id": job.id, "limit": limit}).fetchall()
            ]
            return _advanced(cursor, job, at), copies

        return self._database.write(work)

    def note_copied(self, job: ProjectJob, etags: Mapping[UUID, str], lost: Sequence[UUID], at: datetime) -> ProjectJob:
        """Count copied images, and remove the rows of others; nothing happens when the job goes forward no more."""

        def work(cursor: Cursor) -> ProjectJob:
            present = _locked(cursor, job.id)
            if not present.status.goes_forward:
                return present
            rows = cursor.execute(UNFINISHED, {"id": job.id}).fetchall()
            source_of = {copied_image_id(present.doomed_id, row["image_id"]): row["image_id"] for row in rows}
            values: dict[str, Any] = {"id": job.id, "target_id": job.target_id}
            tags = Jsonb([{"id": str(id_), "etag": etag} for id_, etag in etags.items()])
            cursor.execute(TAG, {**values, "tags": tags})
            there = [source_of[id_] for id_ in etags if id_ in source_of]
            done = cursor.execute(FINISH, {**values, "image_ids": there}).rowcount
            cursor.execute(REMOVE, {**values, "ids": list(lost)})
            gone = [source_of[id_] for id_ in lost if id_ in source_of]
            dropped = cursor.execute(DROP, {**values, "image_ids": gone}).rowcount
            return _advanced(cursor, job, at, done=done, lost=dropped)

        return self._database.write(work)

    def end(self, job: ProjectJob, at: datetime) -> ProjectJob:
        """Let the new project be found and end the job; nothing happens while images are left, or it was stopped."""

        def work(cursor: Cursor) -> ProjectJob:
            present = _locked(cursor, job.id)
            if not present.status.goes_forward or cursor.execute(IS_LEFT, {"id": job.id}).fetchone():
                return present
            cursor.execute(SHOW, {"target_id": job.target_id})
            cursor.execute(FORGET, {"id": job.id})
            return project_jobs.job_of(_one(cursor, SUCCEED, {"id": job.id, "at": at}))

        return self._database.write(work)

    def stop(self, job_id: UUID, failure: Failure | None, at: datetime) -> ProjectJob:
        """The job as ``ProjectJob.stopped`` has it; room for images without rows is given back."""
        return self._database.write(lambda cursor: stop(cursor, job_id, failure, at))

    def unfinished(self, job: ProjectJob) -> Sequence[DoomedImage]:
        """Copies that were begun and not counted when the job was stopped."""
        rows = self._database.latest(UNFINISHED, {"id": job.id})
        return [
            DoomedImage(copied_image_id(job.doomed_id, row["image_id"]), None, tuple(row["segmentation_ids"] or ()))
            for row in rows
        ]


def stop(cursor: Cursor, job_id: UUID, failure: Failure | None, at: datetime) -> ProjectJob:
    """Stop a job within a transaction, and give back what is reserved for images without rows."""
    present = _locked(cursor, job_id)
    after = present.stopped(failure, at)
    if after is present:
        return present
    given = _one(cursor, GIVE_BACK, {"id": job_id})
    _reserve(cursor, present, -given["images"], -given["size_bytes"])
    return project_jobs.job_of(_one(cursor, STOP, project_jobs.job_values(after) | {"at": at}))


def _sources(
    cursor: Cursor, job: ProjectJob, ids: Sequence[UUID]
) -> tuple[dict[UUID, Image], dict[UUID, Segmentation]]:
    """Those of the images that are still there, and their runs that have succeeded, by their ids."""
    rows = cursor.execute(SOURCES, {"ids": list(ids), "project_id": job.project_id}).fetchall()
    sources = {row["id"]: images.image_of(row) for row in rows}
    runs = map(segmentation_rows.segmentation_of, cursor.execute(RUNS, {"ids": list(sources)}).fetchall())
    return sources, {run.id: run for run in runs}


def _add_fresh(
    cursor: Cursor,
    job: ProjectJob,
    target: Project,
    rows: Sequence[Row],
    sources: Mapping[UUID, Image],
    runs: Mapping[UUID, Segmentation],
) -> None:
    """Give images their rows and runs, in the room that was kept for them, and note which run is a copy of which."""
    of_image: dict[UUID, list[Segmentation]] = {}
    for run in runs.values():
        of_image.setdefault(run.image_id, []).append(run)
    fresh = [row["image_id"] for row in rows]
    made = {
        id_: copy_of_image(sources[id_], of_image.get(id_, ()), target, job.correlation_id)
        for id_ in fresh
        if id_ in sources
    }
    _reserve(cursor, job, -len(rows), -sum(row["size_bytes"] for row in rows))
    images.add(cursor, [image for image, _ in made.values()])
    for id_ in fresh:
        pairs = made[id_][1] if id_ in made else []
        for source_run, run in pairs:
            segmentations.add(cursor, run)
            for statement in spheroids.COPIES:
                cursor.execute(statement, {"source_id": source_run.id, "copy_id": run.id})
        values = {"source_run_ids": [it.id for it, _ in pairs], "run_ids": [it.id for _, it in pairs]}
        cursor.execute(BEGIN, {"id": job.id, "image_id": id_, **values})


def _objects_of(
    target_id: UUID, row: Row, sources: Mapping[UUID, Image], runs: Mapping[UUID, Segmentation]
) -> ImageCopy:
    """What is to be copied, by what was noted when the rows were made: the original may have more runs by now."""
    source, run_ids = sources.get(row["image_id"]), tuple(row["segmentation_ids"])
    pairs = zip((runs.get(id_) for id_ in row["source_run_ids"]), run_ids, strict=True)
    return ImageCopy(
        source_id=row["image_id"],
        copy_id=copied_image_id(target_id, row["image_id"]),
        source_etag=source.etag if source else None,
        prefixes=tuple(copied_prefix(run, copy_id) for run, copy_id in pairs if run is not None),
        run_ids=run_ids,
    )


def _reserve(cursor: Cursor, job: ProjectJob, count: int, size_bytes: int) -> None:
    cursor.execute(RESERVE, {"user_id": job.requested_by, "images": count, "size_bytes": size_bytes})


def _advanced(cursor: Cursor, job: ProjectJob, at: datetime, *, done: int = 0, lost: int = 0) -> ProjectJob:
    return project_jobs.job_of(_one(cursor, ADVANCE, {"id": job.id, "at": at, "done": done, "lost": lost}))


def _locked(cursor: Cursor, job_id: UUID) -> ProjectJob:
    row = cursor.execute(LOCK_JOB, {"id": job_id}).fetchone()
    if row is None:
        raise JobNotFoundError(f"Job {job_id} does not exist")
    return project_jobs.job_of(row)


def _one(cursor: Cursor, statement: str, values: Mapping[str, Any]) -> dict[str, Any]:
    row = cursor.execute(statement, values).fetchone()
    if row is None:
        raise AssertionError("a row that is in this transaction's hands is there")
    return row
