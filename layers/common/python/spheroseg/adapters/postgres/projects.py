"""Projects in PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

from spheroseg.adapters.postgres import image_changes
from spheroseg.adapters.postgres.access import access_of, access_to
from spheroseg.adapters.postgres.database import Cursor, Database, Row
from spheroseg.adapters.postgres.keyset import key_values
from spheroseg.adapters.postgres.orders import utc
from spheroseg.domain.access import Accessible
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ProjectNotFoundError, StaleStateError

COLUMNS = """projects.id, owner_id, name, pixel_size_um, created_at, description, tags, version, archived_at,
    updated_at, pixel_size_of_profile"""

ADD = """
INSERT INTO projects (id, owner_id, name, pixel_size_um, created_at, description, tags, version, archived_at,
    updated_at, pixel_size_of_profile)
VALUES (%(id)s, %(owner_id)s, %(name)s, %(pixel_size_um)s, %(created_at)s, %(description)s, %(tags)s, %(version)s,
    %(archived_at)s, %(updated_at)s, %(pixel_size_of_profile)s)
"""

GET = f"SELECT {COLUMNS} FROM projects WHERE id = %(id)s AND deleted_at IS NULL"

ONE = f"""
SELECT {COLUMNS}, access.* FROM projects
{access_to("%(id)s")}
WHERE projects.id = %(id)s
"""

UPDATE_WHERE_UNCHANGED = """
UPDATE projects SET name = %(name)s, pixel_size_um = %(pixel_size_um)s, description = %(description)s, tags = %(tags)s,
    version = %(version)s, archived_at = %(archived_at)s, updated_at = %(updated_at)s,
    pixel_size_of_profile = %(pixel_size_of_profile)s
WHERE id = %(id)s AND version = %(version_before)s AND deleted_at IS NULL
"""

FILTER = """(%(archived)s::boolean IS NULL OR (archived_at IS NOT NULL) = %(archived)s::boolean)
    AND (%(tag)s::text IS NULL OR %(tag)s::text = ANY (tags))"""

# Each half in the order of its own index, so that neither reads more than ``limit`` rows.
PAGE = f"""
(SELECT {COLUMNS}, 'owner' AS viewer_role, archived_at IS NOT NULL AS project_is_archived FROM projects
 WHERE owner_id = %(viewer_id)s AND deleted_at IS NULL AND {FILTER}
     AND (created_at, id) < (%(after_created_at)s::timestamptz, %(after_id)s::uuid)
 ORDER BY created_at DESC, id DESC LIMIT %(limit)s)
UNION ALL
(SELECT {COLUMNS}, role AS viewer_role, archived_at IS NOT NULL AS project_is_archived
 FROM project_members JOIN projects ON projects.id = project_id
 WHERE user_id = %(viewer_id)s AND deleted_at IS NULL AND {FILTER}
     AND (project_created_at, project_id) < (%(after_created_at)s::timestamptz, %(after_id)s::uuid)
 ORDER BY project_created_at DESC, project_id DESC LIMIT %(limit)s)
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""


class PostgresProjects:
    """Projects in the table ``projects``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, project: Project) -> None:
        """Store a new project, or raise ``ConflictError`` when its id is taken."""
        self._database.run(ADD, _values(project))

    def get(self, project_id: UUID) -> Project:
        """The project whoever owns it, or raise ``ProjectNotFoundError``."""
        rows = self._database.latest(GET, {"id": project_id})
        if not rows:
            raise ProjectNotFoundError(f"Project {project_id} does not exist")
        return _project(rows[0])

    def one(self, viewer: Viewer, project_id: UUID) -> Accessible[Project]:
        """The project with the viewer's role in it, or raise ``ProjectNotFoundError``."""
        row = self._database.find(ONE, {"id": project_id, "viewer_id": viewer.user_id}, after=viewer.read_after)
        if row is None:
            raise ProjectNotFoundError(f"Project {project_id} does not exist")
        return _accessible(row)

    def accessible(self, viewer: Viewer, project_id: UUID) -> Accessible[Project]:
        """The same as last written, for whoever wants to change it."""
        rows = self._database.latest(ONE, {"id": project_id, "viewer_id": viewer.user_id})
        if not rows:
            raise ProjectNotFoundError(f"Project {project_id} does not exist")
        return _accessible(rows[0])

    def page(
        self,
        viewer: Viewer,
        after: PageKey | None,
        limit: int,
        *,
        archived: bool | None = None,
        tag: str | None = None,
    ) -> Sequence[Accessible[Project]]:
        """Up to ``limit`` of the projects that the viewer has a role in, newest first, older than ``after``."""
        values = {
            "viewer_id": viewer.user_id,
            "limit": limit,
            "archived": archived,
            "tag": tag,
            **key_values(after),
        }
        return [_accessible(row) for row in self._database.read(PAGE, values, after=viewer.read_after)]

    def replace(self, before: Project, after: Project) -> None:
        """Store ``after`` where the version is still that of ``before``, or raise ``StaleStateError``."""
        values = {**_values(after), "version_before": before.version}

        def work(cursor: Cursor) -> None:
            if cursor.execute(UPDATE_WHERE_UNCHANGED, values).rowcount != 1:
                raise StaleStateError("The project was changed just now")
            if (after.pixel_size_um, after.pixel_size_source) != (before.pixel_size_um, before.pixel_size_source):
                image_changes.mend_project(cursor, after.id)

        self._database.write(work)


def _values(project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "owner_id": project.owner_id,
        "name": project.name,
        "pixel_size_um": project.pixel_size_um,
        "created_at": project.created_at,
        "description": project.description,
        "tags": list(project.tags),
        "version": project.version,
        "archived_at": project.archived_at,
        "updated_at": project.updated_at,
        "pixel_size_of_profile": project.is_pixel_size_of_profile,
    }


def _accessible(row: Row) -> Accessible[Project]:
    return Accessible(_project(row), access_of(row))


def _project(row: Row) -> Project:
    return Project(
        id=row["id"],
        owner_id=row["owner_id"],
        name=row["name"],
        pixel_size_um=row["pixel_size_um"],
        created_at=row["created_at"].astimezone(UTC),
        description=row["description"],
        tags=tuple(row["tags"]),
        version=row["version"],
        archived_at=utc(row["archived_at"]),
        updated_at=utc(row["updated_at"]),
        is_pixel_size_of_profile=row["pixel_size_of_profile"],
    )


project_values, project_of = _values, _project
"""The columns of a project, and the project in a row, for statements that stand elsewhere."""

accessible_of = _accessible
"""A project in a row with the columns of access, for statements that stand elsewhere."""
