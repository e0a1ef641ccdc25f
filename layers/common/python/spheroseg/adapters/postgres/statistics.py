"""What is in projects, counted by PostgreSQL."""

from uuid import UUID

from spheroseg.adapters.postgres.access import access_to
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.orders import utc
from spheroseg.adapters.postgres.segmentation_rows import NEWEST_COUNT
from spheroseg.domain.project import PLACE_OF_RUN, PLACES, ProjectStatistics
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ProjectNotFoundError

_PLACE = f"""CASE WHEN images.status <> 'stored' THEN images.status
    {" ".join(f"WHEN latest.status = '{run}' THEN '{place}'" for run, place in PLACE_OF_RUN.items())}
    ELSE coalesce(latest.status, 'without_segmentation') END"""

# The latest run of each image by the index (image_id, queued_at, id); the latest that succeeded counts for spheroids,
# as they were corrected.
OF_PROJECT = f"""
SELECT place, count(images.id) AS images, coalesce(sum(images.size_bytes) FILTER (WHERE images.status = 'stored'), 0)
        ::bigint AS size_bytes,
    coalesce(sum(done.spheroid_count), 0)::bigint AS spheroids,
    greatest(max(images.created_at), max(images.stored_at), max(latest.finished_at),
        max(projects.updated_at), max(projects.created_at)) AS last_activity_at
FROM projects
{access_to("%(project_id)s")}
LEFT JOIN images ON images.project_id = projects.id
LEFT JOIN LATERAL (
    SELECT status, finished_at FROM segmentations WHERE image_id = images.id ORDER BY queued_at DESC, id DESC LIMIT 1
) AS latest ON true
LEFT JOIN LATERAL (
    SELECT {NEWEST_COUNT} AS spheroid_count FROM segmentations WHERE image_id = images.id AND status = 'succeeded'
    ORDER BY queued_at DESC, id DESC LIMIT 1
) AS done ON true
CROSS JOIN LATERAL (SELECT {_PLACE} AS place) AS places
WHERE projects.id = %(project_id)s
GROUP BY place
"""


class PostgresProjectStatistics:
    """Counts over ``images`` and ``segmentations``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, viewer: Viewer, project_id: UUID) -> ProjectStatistics:
        """The counts, in one statement, or raise ``ProjectNotFoundError`` when the viewer has no role there."""
        values = {"project_id": project_id, "viewer_id": viewer.user_id}
        rows = self._database.find_all(OF_PROJECT, values, after=viewer.read_after)
        if not rows:
            raise ProjectNotFoundError(f"Project {project_id} does not exist")
        counts = {row["place"]: row["images"] for row in rows}
        last_activity_at = utc(max(row["last_activity_at"] for row in rows))
        if last_activity_at is None:
            raise AssertionError("every project was made at some time")
        return ProjectStatistics(
            images={place: counts.get(place, 0) for place in PLACES},
            size_bytes=sum(row["size_bytes"] for row in rows),
            spheroids=sum(row["spheroids"] for row in rows),
            last_activity_at=last_activity_at,
        )
