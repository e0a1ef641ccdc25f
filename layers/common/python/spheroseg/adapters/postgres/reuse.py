"""Results for equal files in PostgreSQL: found once, shown by several runs, which share their files.

Twins are runs of the same model in the same version with the same parameters over images of the same bytes. They are
looked for in the same project; in other projects of the same owner only for a project that nobody else has a role in,
so that nobody learns from a fast answer what lies where they may not look. A result is used again only where its files,
which hold lengths in µm, were written with the pixel size that the run would have. One of before edges of pixels were
noted that differ does not say why a file has no pixel size, and is not used again where it may be a TIFF.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from spheroseg.adapters.postgres import image_changes, spheroids
from spheroseg.adapters.postgres.database import Cursor

EXAMINED = 2000
"""Waiting runs that are looked at in one call, the longest waiting first; the others have their turn after them."""
LIMIT = 200
"""Results that are used again in one transaction."""

_SAME = """
JOIN images AS mine ON mine.id = held.image_id
JOIN images AS same ON same.owner_id = mine.owner_id AND same.digest = mine.digest AND same.id <> mine.id
    AND (same.project_id = mine.project_id OR NOT EXISTS (
        SELECT 1 FROM project_members WHERE project_members.project_id = mine.project_id))
JOIN projects ON projects.id = same.project_id AND projects.deleted_at IS NULL
"""

_TWIN = f"""
{_SAME}
JOIN segmentations AS twin ON twin.image_id = same.id AND twin.model = held.model
    AND twin.model_version = held.model_version AND twin.parameters = held.parameters AND NOT twin.is_leaving
"""

# Only first runs: who asks for a repeat wants it to run.
FLAG = f"""
UPDATE segmentations SET has_twin = true
WHERE id = ANY(%(ids)s) AND status = 'queued' AND repeat = 0
    AND EXISTS (SELECT 1 FROM segmentations AS held {_SAME} WHERE held.id = segmentations.id)
"""

# The first of equal files came alone, yet another one's turn may come before its own.
FLAG_EARLIER = f"""
UPDATE segmentations SET has_twin = true
WHERE status = 'queued' AND sent_at IS NULL AND repeat = 0 AND NOT has_twin
    AND id IN (SELECT twin.id FROM segmentations AS held {_TWIN} WHERE held.id = ANY(%(ids)s))
"""

FINISHED = f"""
SELECT DISTINCT ON (held.queued_at, held.id) held.id, twin.id AS twin_id
FROM (
    SELECT id, image_id, model, model_version, parameters, queued_at FROM segmentations
    WHERE status = 'queued' AND sent_at IS NULL AND has_twin ORDER BY queued_at, id LIMIT %(examined)s
) AS held
{_TWIN} AND twin.status = 'succeeded' AND twin.written_pixel_size_um IS NOT DISTINCT FROM coalesce(
    mine.pixel_size_um, twin.file_pixel_size_um,
    (SELECT own.pixel_size_um FROM projects AS own WHERE own.id = mine.project_id))
    AND (twin.file_pixel_size_um IS NOT NULL OR twin.review ? 'unequal_edges_um'
        OR mine.name ~* '[.](png|jpe?g|jpe|jfif|bmp|dib)$')
ORDER BY held.queued_at, held.id, same.project_id <> mine.project_id, twin.is_reused, twin.finished_at, twin.id
LIMIT %(limit)s
"""

# Whoever removes the twin's image waits until the result is used, and then sees that its files are needed.
LOCK = """
SELECT id FROM segmentations WHERE id = ANY(%(ids)s) AND status = 'succeeded' AND NOT is_leaving
ORDER BY id FOR SHARE
"""

REUSE = """
UPDATE segmentations AS held SET status = 'succeeded', finished_at = %(at)s, is_reused = true,
    reused_from = CASE WHEN twin.project_id = held.project_id THEN twin.id END,
    files_of = coalesce(twin.files_of, twin.id), files_attempt = coalesce(twin.files_attempt, twin.attempt),
    width_px = twin.width_px, height_px = twin.height_px, pixel_type = twin.pixel_type,
    pixel_size_um = twin.pixel_size_um, pixel_size_source = twin.pixel_size_source,
    file_pixel_size_um = twin.file_pixel_size_um, written_pixel_size_um = twin.written_pixel_size_um,
    spheroid_count = twin.spheroid_count, stages_s = '{}', ran_model = twin.ran_model,
    ran_model_version = twin.ran_model_version, ran_precision = twin.ran_precision, ran_sha256 = twin.ran_sha256,
    ran_reason = twin.ran_reason, ran_runtime = twin.ran_runtime, ran_provider = twin.ran_provider, review = twin.review
FROM unnest(%(ids)s::uuid[], %(twin_ids)s::uuid[]) AS pair (id, twin_id)
JOIN segmentations AS twin ON twin.id = pair.twin_id
WHERE held.id = pair.id AND held.status = 'queued' AND held.sent_at IS NULL
RETURNING held.id, held.image_id, pair.twin_id
"""

_FOUND = ", ".join(
    name.strip() for name in spheroids.COLUMNS.split(",") if name.strip() not in {"segmentation_id", "replaced_in"}
)

# What the model found; what people made of it later stays with the other run.
ADD_SPHEROIDS = f"""
INSERT INTO spheroids (segmentation_id, {_FOUND})
SELECT pair.id, {_FOUND} FROM unnest(%(ids)s::uuid[], %(twin_ids)s::uuid[]) AS pair (id, twin_id)
JOIN spheroids ON spheroids.segmentation_id = pair.twin_id
"""

NOTE_PAGES = """
UPDATE images SET page_count = other.page_count, page_axes = other.page_axes, page_sizes = other.page_sizes
FROM unnest(%(ids)s::uuid[], %(twin_ids)s::uuid[]) AS pair (id, twin_id)
JOIN segmentations AS held ON held.id = pair.id
JOIN segmentations AS twin ON twin.id = pair.twin_id
JOIN images AS other ON other.id = twin.image_id
WHERE images.id = held.image_id AND images.page_count IS NULL
"""

WAITING_FOR_TWINS = f"""
SELECT DISTINCT held.id FROM segmentations AS held
{_TWIN} AND (twin.status = 'running' OR twin.status = 'queued' AND (twin.sent_at IS NOT NULL
    OR array_position(%(ids)s::uuid[], twin.id) < array_position(%(ids)s::uuid[], held.id)))
WHERE held.id = ANY(%(ids)s) AND held.has_twin
"""

LEAVE = "UPDATE segmentations SET is_leaving = true WHERE image_id = ANY(%(image_ids)s) AND NOT is_leaving"

UNNEEDED = """
SELECT DISTINCT leaving.image_id, coalesce(leaving.files_of, leaving.id) AS files FROM segmentations AS leaving
WHERE leaving.image_id = ANY(%(image_ids)s) AND NOT EXISTS (
    SELECT 1 FROM segmentations AS other
    WHERE (other.files_of = coalesce(leaving.files_of, leaving.id)
            OR other.id = coalesce(leaving.files_of, leaving.id) AND other.files_of IS NULL)
        AND other.image_id <> ALL(%(image_ids)s))
"""

MARK_DUPLICATE = """
UPDATE images SET duplicate_of = (
    SELECT same.id FROM images AS same
    WHERE same.owner_id = images.owner_id AND same.digest = images.digest AND same.project_id = images.project_id
        AND same.id <> images.id AND same.status = 'stored'
    ORDER BY same.stored_at, same.id LIMIT 1)
WHERE id = %(id)s AND digest IS NOT NULL
"""


def flag(cursor: Cursor, segmentation_ids: Sequence[UUID]) -> None:
    """Note which new runs, and which that wait already, may find a result; their images are stored by now."""
    values = {"ids": list(segmentation_ids)}
    if cursor.execute(FLAG, values).rowcount:
        cursor.execute(FLAG_EARLIER, values)


def reuse(cursor: Cursor, at: datetime) -> Sequence[UUID]:
    """Finish waiting runs by results of their twins; which ones. Whoever gives turns holds the lock for it."""
    found = cursor.execute(FINISHED, {"examined": EXAMINED, "limit": LIMIT}).fetchall()
    if not found:
        return []
    twins = list({row["twin_id"] for row in found})
    there = {row["id"] for row in cursor.execute(LOCK, {"ids": twins}).fetchall()}
    pairs = [(row["id"], row["twin_id"]) for row in found if row["twin_id"] in there]
    values = {"at": at, "ids": [id_ for id_, _ in pairs], "twin_ids": [twin_id for _, twin_id in pairs]}
    done = cursor.execute(REUSE, values).fetchall()
    used = {"ids": [row["id"] for row in done], "twin_ids": [row["twin_id"] for row in done]}
    cursor.execute(ADD_SPHEROIDS, used)
    cursor.execute(NOTE_PAGES, used)
    image_changes.mend_images(cursor, [row["image_id"] for row in done])
    return used["ids"]


def waiting_for_twins(cursor: Cursor, segmentation_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those whose twin works, or is about to: they wait for its result, which costs nothing."""
    rows = cursor.execute(WAITING_FOR_TWINS, {"ids": list(segmentation_ids)}).fetchall()
    return frozenset(row["id"] for row in rows)


def leave(cursor: Cursor, image_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[UUID]]:
    """Let nothing use results of images any more; by image the runs under whose ids files lie that go with it."""
    values = {"image_ids": list(image_ids)}
    cursor.execute(LEAVE, values)
    files: dict[UUID, list[UUID]] = {}
    for row in cursor.execute(UNNEEDED, values).fetchall():
        files.setdefault(row["image_id"], []).append(row["files"])
    return files
