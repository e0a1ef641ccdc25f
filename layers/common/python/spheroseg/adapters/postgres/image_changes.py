"""What owners say of their images, changed in PostgreSQL; runs follow where they depend on it."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from spheroseg.adapters.postgres import accounts
from spheroseg.adapters.postgres.database import Cursor
from spheroseg.domain.account import Usage
from spheroseg.domain.image import Image

CHANGE = """
UPDATE images SET name = new.name, project_id = new.project_id, owner_id = new.owner_id, tags = new.tags,
    plate = new.plate, well = new.well, condition = new.condition, time_point_h = new.time_point_h,
    replicate = new.replicate, pixel_size_um = new.pixel_size_um,
    duplicate_of = CASE WHEN images.project_id = new.project_id THEN duplicate_of END
FROM jsonb_to_recordset(%(rows)s) AS new (id uuid, name text, project_id uuid, owner_id text, tags text[], plate text,
    well text, condition text, time_point_h double precision, replicate integer, pixel_size_um double precision)
WHERE images.id = new.id
"""

MOVE_RUNS = """
UPDATE segmentations SET project_id = images.project_id, owner_id = images.owner_id
FROM images WHERE images.id = segmentations.image_id AND images.id = ANY(%(ids)s)
"""

# What the user says goes before what the file says, and that before what the project says; the same order as in the
# use case that makes results.
MEND_PIXEL_SIZES = """
UPDATE segmentations SET
    pixel_size_um = coalesce(images.pixel_size_um, segmentations.file_pixel_size_um, projects.pixel_size_um),
    pixel_size_source = CASE WHEN images.pixel_size_um IS NOT NULL THEN 'user'
        WHEN segmentations.file_pixel_size_um IS NOT NULL THEN 'file'
        WHEN projects.pixel_size_um IS NULL THEN NULL
        WHEN projects.pixel_size_of_profile THEN 'profile' ELSE 'project' END
FROM images JOIN projects ON projects.id = images.project_id
WHERE segmentations.image_id = images.id AND segmentations.spheroid_count IS NOT NULL AND {which}
"""

MEND_OF_IMAGES = MEND_PIXEL_SIZES.format(which="images.id = ANY(%(ids)s)")

MEND_OF_PROJECT = MEND_PIXEL_SIZES.format(
    which="""images.project_id = %(project_id)s AND images.pixel_size_um IS NULL
    AND segmentations.file_pixel_size_um IS NULL"""
)


def change(cursor: Cursor, befores: Sequence[Image], changed: Callable[[Image], Image]) -> list[Image]:
    """Store what ``changed`` makes of rows that this transaction has locked.

    Raises:
        QuotaExceededError: an image moves to another owner, who has no room for it.
    """
    pairs = [(before, changed(before)) for before in befores]
    pairs = [(before, after) for before, after in pairs if before != after]
    arriving: dict[str, list[Image]] = {}
    for before, after in pairs:
        if after.owner_id != before.owner_id:
            arriving.setdefault(after.owner_id, []).append(after)
    for owner_id in sorted(arriving):
        accounts.require_room(cursor, owner_id, Usage.of(arriving[owner_id]))
    if pairs:
        cursor.execute(CHANGE, {"rows": Jsonb([_row(after) for _, after in pairs])})
    if moved := [after.id for before, after in pairs if after.project_id != before.project_id]:
        cursor.execute(MOVE_RUNS, {"ids": moved})
    mended = [
        after.id
        for before, after in pairs
        if (after.pixel_size_um, after.project_id) != (before.pixel_size_um, before.project_id)
    ]
    if mended:
        cursor.execute(MEND_OF_IMAGES, {"ids": mended})
    return [after for _, after in pairs]


def mend_images(cursor: Cursor, image_ids: Sequence[UUID]) -> None:
    """Let the runs of images follow what is known of their pixel sizes."""
    cursor.execute(MEND_OF_IMAGES, {"ids": list(image_ids)})


def mend_project(cursor: Cursor, project_id: UUID) -> None:
    """Let the runs of a project follow its pixel size, which was changed in this transaction."""
    cursor.execute(MEND_OF_PROJECT, {"project_id": project_id})


def _row(image: Image) -> dict[str, Any]:
    sample = image.sample
    return {
        "id": str(image.id),
        "name": image.name,
        "project_id": str(image.project_id),
        "owner_id": image.owner_id,
        "tags": list(image.tags),
        "plate": sample.plate,
        "well": sample.well,
        "condition": sample.condition,
        "time_point_h": sample.time_point_h,
        "replicate": sample.replicate,
        "pixel_size_um": image.pixel_size_um,
    }
