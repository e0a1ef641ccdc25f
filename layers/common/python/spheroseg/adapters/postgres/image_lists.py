"""Lists of images in PostgreSQL, filtered and sorted; each page begins after the last row of the page before.

Every order has an index that begins with the project, so that a page costs the same at the millionth image as at the
first; so has every filter in the usual order. Names and tags are found by a GIN index over hashed keys of project and
letters, or project and tag (``name_parts`` and ``tag_keys`` in revision 0011). The extension pg_trgm, which would do
the same for names, is not in the wheel that PostgreSQL comes from locally, and needs a second index for the project.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from spheroseg.adapters.postgres.access import access_to, visible_project
from spheroseg.domain.image_list import ImageKey, ImageQuery

SORTS = {
    "created_at": ("created_at", "timestamptz"),
    "name": ('lower(name) COLLATE "C"', "text"),
    "size_bytes": ("coalesce(size_bytes, -1)", "bigint"),
    "well": ("coalesce(well, '') COLLATE \"C\"", "text"),
}
"""Field -> the expression that is indexed, and its type."""

CONDITIONS = {
    "status": "state = %(status)s",
    "name": ("search_keys @> name_keys(%(project_id)s, %(name)s) AND strpos(lower(name), lower(%(name)s)) > 0"),
    "tag": "search_keys @> tag_keys(%(project_id)s, ARRAY[%(tag)s::text]) AND tags @> ARRAY[%(tag)s::text]",
    "plate": "plate = %(plate)s",
    "well": "well = %(well)s",
    "condition": "condition = %(condition)s",
    "created_from": "created_at >= %(created_from)s",
    "created_before": "created_at < %(created_before)s",
    "size_from": "size_bytes >= %(size_from)s",
    "size_to": "size_bytes <= %(size_to)s",
}
"""Field of ``ImageQuery`` -> SQL; what is not asked for is not in the statement, so that each has its own plan."""


def statement(
    columns: str, viewer_id: str, project_id: UUID, query: ImageQuery, after: ImageKey | None, limit: int
) -> tuple[str, dict[str, Any]]:
    """SQL of a page, made of the fixed parts above, and its values."""
    conditions, order, values = _asked(query, after)
    visible = f"project_id = {visible_project('%(project_id)s')}"
    return (
        f"SELECT {columns} FROM images WHERE {' AND '.join([visible, *conditions])} ORDER BY {order} LIMIT %(limit)s"
    ), {**values, "viewer_id": viewer_id, "project_id": project_id, "limit": limit}


def statement_of_projects(
    columns: str, viewer_id: str, project_ids: Sequence[UUID], query: ImageQuery, after: ImageKey | None, limit: int
) -> tuple[str, dict[str, Any]]:
    """The same for many projects at once; the role first: of a project that may not be read no image is looked at."""
    conditions, order, values = _asked(query, after)
    within = " AND ".join(["project_id = wanted.project_id", *conditions]).replace(
        "%(project_id)s", "wanted.project_id"
    )
    return (
        f"SELECT found.* FROM unnest(%(ids)s::uuid[]) AS wanted (project_id) {access_to('wanted.project_id')} "
        f"CROSS JOIN LATERAL (SELECT {columns} FROM images WHERE images.{within} ORDER BY {order} LIMIT %(limit)s) "
        f"AS found ORDER BY {order}"
    ), {**values, "viewer_id": viewer_id, "ids": list(project_ids), "limit": limit}


def _asked(query: ImageQuery, after: ImageKey | None) -> tuple[list[str], str, dict[str, Any]]:
    """Conditions, order, and their values."""
    values: dict[str, Any] = {}
    conditions: list[str] = []
    for field, condition in CONDITIONS.items():
        value = getattr(query, field)
        if value is not None:
            conditions.append(condition)
            values[field] = value.value if field == "status" else value
    expression, kind = SORTS[query.sort.field]
    direction, comparison = ("DESC", "<") if query.sort.is_descending else ("ASC", ">")
    if after is not None:
        conditions.append(f"({expression}, id) {comparison} (%(after_value)s::{kind}, %(after_id)s::uuid)")
        values |= {"after_value": after.value, "after_id": after.id}
    return conditions, f"{expression} {direction}, id {direction}", values
