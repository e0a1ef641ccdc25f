"""Stamps of projects and of what people see of them, counted by triggers (revisions 0019, 0020)."""

from uuid import UUID

from spheroseg.adapters.postgres.access import access_to
from spheroseg.adapters.postgres.database import Database
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ProjectNotFoundError

# All shards one by one: their sum could be the same on two servers that have seen different changes.
STAMP = "(SELECT string_agg(shard || '.' || stamp, '-' ORDER BY shard) FROM change_stamps WHERE scope = {})"
STAMP_OF_PROJECT = STAMP.format("'p' || %(project_id)s::uuid")
STAMP_OF_VIEWER = STAMP.format("scope_of_person(%(viewer_id)s)")

OF_PROJECT = f"""
SELECT access.viewer_role, {STAMP_OF_PROJECT} AS stamp FROM (SELECT 1) AS one {access_to("%(project_id)s")}
"""

OF_VIEWER = f"SELECT {STAMP_OF_VIEWER} AS stamp"


class PostgresStamps:
    """Stamps in the table ``change_stamps``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_project(self, viewer: Viewer, project_id: UUID) -> str:
        """The stamp of all below a project and of its roles, or raise ``ProjectNotFoundError`` without a role there."""
        values = {"project_id": project_id, "viewer_id": viewer.user_id}
        row = self._database.find(OF_PROJECT, values, after=viewer.read_after)
        if row is None:
            raise ProjectNotFoundError(f"Project {project_id} does not exist")
        return str(row["stamp"] or "0")

    def of_viewer(self, viewer: Viewer) -> str:
        """The stamp of the projects that a viewer sees, and of the viewer's roles in them."""
        rows = self._database.read(OF_VIEWER, {"viewer_id": viewer.user_id}, after=viewer.read_after)
        return str(rows[0]["stamp"] or "0")
