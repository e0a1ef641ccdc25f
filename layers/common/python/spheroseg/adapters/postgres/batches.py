"""Rows below many parents at once, in one statement a kind: what a graph of objects is read with."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from spheroseg.adapters.postgres import image_lists, images, projects, segmentation_rows, spheroids
from spheroseg.adapters.postgres.access import access_to
from spheroseg.adapters.postgres.database import Database, Row
from spheroseg.adapters.postgres.keyset import key_values
from spheroseg.domain.access import Accessible
from spheroseg.domain.image import Image
from spheroseg.domain.image_list import ImageKey, ImageQuery
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer

Record = TypeVar("Record")

PROJECTS = f"""
SELECT {projects.COLUMNS}, access.* FROM unnest(%(ids)s::uuid[]) AS wanted (wanted_id)
{access_to("wanted.wanted_id")}
JOIN projects ON projects.id = wanted.wanted_id
"""

IMAGES = f"""
SELECT images.* FROM (SELECT {images.COLUMNS} FROM images WHERE id = ANY(%(ids)s::uuid[])) AS images
{access_to("images.project_id")}
"""

SEGMENTATIONS = f"""
SELECT runs.* FROM (SELECT {segmentation_rows.SELECTED} FROM segmentations WHERE id = ANY(%(ids)s::uuid[])) AS runs
{access_to("runs.project_id")}
"""

COUNTS_OF_PROJECTS = f"""
SELECT wanted.wanted_id, images.status, count(*) AS count FROM unnest(%(ids)s::uuid[]) AS wanted (wanted_id)
{access_to("wanted.wanted_id")}
JOIN images ON images.project_id = wanted.wanted_id
GROUP BY wanted.wanted_id, images.status
"""

SEGMENTATIONS_OF_IMAGES = f"""
SELECT found.* FROM unnest(%(ids)s::uuid[]) AS wanted (wanted_id)
CROSS JOIN LATERAL (
    SELECT {segmentation_rows.SELECTED} FROM segmentations
    WHERE image_id = wanted.wanted_id
        AND (queued_at, id) < (%(after_created_at)s::timestamptz, %(after_id)s::uuid)
        AND (%(page)s::integer IS NULL OR (parameters ->> 'page')::integer = %(page)s)
    ORDER BY queued_at DESC, id DESC LIMIT %(limit)s
) AS found
{access_to("found.project_id")}
ORDER BY found.queued_at DESC, found.id DESC
"""

COUNTS_OF_IMAGES = f"""
SELECT counted.image_id, counted.count FROM (
    SELECT image_id, project_id, count(*) AS count FROM segmentations
    WHERE image_id = ANY(%(ids)s::uuid[]) GROUP BY image_id, project_id
) AS counted
{access_to("counted.project_id")}
"""

SPHEROIDS_OF_SEGMENTATIONS = f"""
SELECT found.* FROM (SELECT id, project_id, revision FROM segmentations WHERE id = ANY(%(ids)s::uuid[])) AS runs
{access_to("runs.project_id")}
CROSS JOIN LATERAL (
    {spheroids.at_revision(spheroids.FOUND, spheroids.REVISED, "runs.id", "runs.revision", "number > %(after_number)s")}
) AS found
ORDER BY found.segmentation_id, found.number
"""


class PostgresBatches:
    """Reads for many parents at once; what the viewer may not read is left out, as if it were not there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def projects(self, viewer: Viewer, project_ids: Sequence[UUID]) -> Mapping[UUID, Accessible[Project]]:
        """Those of the projects that the viewer has a role in."""
        rows = self._database.read(PROJECTS, _values(viewer, project_ids), after=viewer.read_after)
        return {row["id"]: projects.accessible_of(row) for row in rows}

    def images(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Image]:
        """Those of the images that the viewer may read."""
        rows = self._database.read(IMAGES, _values(viewer, image_ids), after=viewer.read_after)
        return {row["id"]: images.image_of(row) for row in rows}

    def segmentations(self, viewer: Viewer, segmentation_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        """Those of the runs that the viewer may read."""
        rows = self._database.read(SEGMENTATIONS, _values(viewer, segmentation_ids), after=viewer.read_after)
        return {row["id"]: segmentation_rows.segmentation_of(row) for row in rows}

    def images_of_projects(
        self, viewer: Viewer, project_ids: Sequence[UUID], query: ImageQuery, after: ImageKey | None, limit: int
    ) -> Mapping[UUID, Sequence[Image]]:
        """Up to ``limit`` images of each project: those asked for, in their order, past ``after``."""
        sql, values = image_lists.statement_of_projects(
            images.COLUMNS, viewer.user_id, project_ids, query, after, limit
        )
        rows = self._database.read(sql, values, after=viewer.read_after)
        return _grouped(rows, "project_id", images.image_of)

    def image_counts(self, viewer: Viewer, project_ids: Sequence[UUID]) -> Mapping[UUID, Mapping[str, int]]:
        """How many images each project has, by status."""
        counts: dict[UUID, dict[str, int]] = defaultdict(dict)
        for row in self._database.read(COUNTS_OF_PROJECTS, _values(viewer, project_ids), after=viewer.read_after):
            counts[row["wanted_id"]][row["status"]] = row["count"]
        return counts

    def segmentations_of_images(
        self, viewer: Viewer, image_ids: Sequence[UUID], page: int | None, after: PageKey | None, limit: int
    ) -> Mapping[UUID, Sequence[Segmentation]]:
        """Up to ``limit`` runs of each image, or of one page of each, the latest queued first, older than ``after``."""
        values = {**_values(viewer, image_ids), "page": page, "limit": limit, **key_values(after)}
        rows = self._database.read(SEGMENTATIONS_OF_IMAGES, values, after=viewer.read_after)
        return _grouped(rows, "image_id", segmentation_rows.segmentation_of)

    def segmentation_counts(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """How many runs each image has that has any."""
        rows = self._database.read(COUNTS_OF_IMAGES, _values(viewer, image_ids), after=viewer.read_after)
        return {row["image_id"]: row["count"] for row in rows}

    def spheroids_of_segmentations(
        self, viewer: Viewer, segmentation_ids: Sequence[UUID], after_number: int, limit: int
    ) -> Mapping[UUID, Sequence[Spheroid]]:
        """Up to ``limit`` spheroids of each run, above ``after_number``, in order of number."""
        values = {**_values(viewer, segmentation_ids), "limit": limit, "after_number": after_number}
        # Written once and together with the run's success, which may have been heard of before the reader has.
        rows = self._database.find_all(SPHEROIDS_OF_SEGMENTATIONS, values, after=viewer.read_after)
        return _grouped(rows, "segmentation_id", spheroids.spheroid_of)


def _values(viewer: Viewer, ids: Sequence[UUID]) -> dict[str, Any]:
    return {"viewer_id": viewer.user_id, "ids": list(ids)}


def _grouped(rows: Sequence[Row], key: str, made: Callable[[Row], Record]) -> dict[UUID, list[Record]]:
    groups: dict[UUID, list[Record]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(made(row))
    return groups
