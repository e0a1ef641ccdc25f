"""Storing one revision of outlines in PostgreSQL: its rows, what they replace, and what has to be measured again."""

from collections.abc import Sequence
from typing import Any

from psycopg.types.json import Json

from spheroseg.adapters.postgres import spheroids
from spheroseg.adapters.postgres.database import Cursor, Row
from spheroseg.domain.packed_outlines import packed
from spheroseg.domain.revision import BACKGROUND_SEES_PX, BACKGROUND_SEES_SHARE, Box, Revision, box_of, few_boxes
from spheroseg.domain.spheroid import Spheroid
from spheroseg.errors import StaleRevisionError

TABLES = ("spheroids", "revised_spheroids")
COLUMNS = f"number, {spheroids.REVISION_COLUMNS}"
"""What is told of a revision in lists."""

ADVANCE = """
UPDATE segmentations SET revision = %(number)s
WHERE id = %(segmentation_id)s AND revision = %(number)s - 1 AND status = 'succeeded'
"""

ADD = f"""
INSERT INTO revisions (segmentation_id, {COLUMNS}, operations) VALUES (
    %(segmentation_id)s, %(number)s, %(author_id)s, %(created_at)s, %(note)s, %(restored_from)s, %(added)s,
    %(changed)s, %(removed)s, %(spheroid_count)s, %(highest_number)s, %(operations)s)
"""

REPLACE = """
UPDATE {table} SET replaced_in = %(number)s
WHERE segmentation_id = %(segmentation_id)s AND number = ANY(%(gone)s) AND replaced_in IS NULL
RETURNING bbox_x_px, bbox_y_px, bbox_width_px, bbox_height_px
"""

# Before the new rows are there, which are to be measured anyway. What the segmenter found is only if it was before.
VOID = f"""
WITH met AS (
    SELECT number FROM {{table}} AS near
    WHERE segmentation_id = %(segmentation_id)s AND replaced_in IS NULL AND {{is_measured}}
    AND EXISTS (
        SELECT 1 FROM unnest(%(lefts)s::float8[], %(tops)s::float8[], %(rights)s::float8[], %(bottoms)s::float8[])
            AS changed (x0, y0, x1, y1)
        CROSS JOIN LATERAL (
            SELECT {BACKGROUND_SEES_PX} + {BACKGROUND_SEES_SHARE} * near.equivalent_diameter_px AS px) AS margin
        WHERE bbox_y_px < y1 + margin.px AND bbox_y_px + bbox_height_px > y0 - margin.px
            AND bbox_x_px < x1 + margin.px AND bbox_x_px + bbox_width_px > x0 - margin.px
    )
), voided AS (
    UPDATE {{table}} SET background_voided_in = %(number)s FROM met
    WHERE {{table}}.segmentation_id = %(segmentation_id)s AND {{table}}.number = met.number
        AND {{table}}.replaced_in IS NULL AND {{table}}.background_voided_in IS NULL
)
INSERT INTO surroundings (segmentation_id, number, revision, asked_at)
SELECT %(segmentation_id)s, number, %(number)s, %(created_at)s FROM met
"""

ASK = """
INSERT INTO surroundings (segmentation_id, number, revision, asked_at)
SELECT %(segmentation_id)s, number, %(number)s, %(created_at)s FROM unnest(%(numbers)s::integer[]) AS changed (number)
"""

COPY = f"""
COPY revised_spheroids (segmentation_id, revision, background_voided_in, number, confidence, touches_edge,
    rim_confidence, review_reasons, outline, {", ".join((*spheroids.MEASURES, *spheroids.BRIGHTNESS))}) FROM STDIN
"""


def store_revision(cursor: Cursor, revision: Revision, changed: Sequence[Spheroid], removed: Sequence[int]) -> None:
    """Store a revision within a transaction, where the one before it is still the newest."""
    values = _values(revision)
    values["gone"] = [*removed, *(spheroid.number for spheroid in changed)]
    rows = [_row_of(revision, spheroid) for spheroid in changed]
    if cursor.execute(ADVANCE, values).rowcount != 1:
        raise StaleRevisionError(f"Revision {revision.number - 1} is not the newest any more")
    cursor.execute(ADD, values)
    changes = [box_of(spheroid) for spheroid in changed]
    for table in TABLES:
        changes += [_box_in(row) for row in cursor.execute(REPLACE.format(table=table), values).fetchall()]
    for table in TABLES:
        is_measured = "intensity_mean IS NOT NULL" if table == "spheroids" else "true"
        cursor.execute(VOID.format(table=table, is_measured=is_measured), {**values, **sides_of(few_boxes(changes))})
    cursor.execute(ASK, {**values, "numbers": [spheroid.number for spheroid in changed]})
    with cursor.copy(COPY) as copy:
        for row in rows:
            copy.write_row(row)


def sides_of(boxes: Sequence[Box]) -> dict[str, list[float]]:
    """The edges of boxes, as statements take them."""
    return {
        "lefts": [float(box.left) for box in boxes],
        "tops": [float(box.top) for box in boxes],
        "rights": [float(box.right) for box in boxes],
        "bottoms": [float(box.bottom) for box in boxes],
    }


def _box_in(row: Row) -> Box:
    left, top = row["bbox_x_px"], row["bbox_y_px"]
    return Box(left, top, left + row["bbox_width_px"], top + row["bbox_height_px"])


def _row_of(revision: Revision, spheroid: Spheroid) -> tuple[Any, ...]:
    return (
        revision.segmentation_id,
        revision.number,
        revision.number,
        *spheroids.described(spheroid),
        packed(spheroid.polygons),
        *spheroids.measures_in_order(spheroid),
    )


def _values(revision: Revision) -> dict[str, Any]:
    return {
        "segmentation_id": revision.segmentation_id,
        "number": revision.number,
        "author_id": revision.author_id,
        "created_at": revision.created_at,
        "note": revision.note,
        "restored_from": revision.restored_from,
        "added": list(revision.changes.added),
        "changed": list(revision.changes.changed),
        "removed": list(revision.changes.removed),
        "spheroid_count": revision.spheroid_count,
        "highest_number": revision.highest_number,
        "operations": Json(list(revision.operations)),
    }
