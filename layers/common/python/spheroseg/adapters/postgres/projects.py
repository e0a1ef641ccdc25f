"""Projects in PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC
from uuid import UUID

from spheroseg.adapters.postgres.database import Database, Row
from spheroseg.adapters.postgres.keyset import key_values
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ProjectNotFoundError

ADD = """
INSERT INTO projects (id, owner_id, name, pixel_size_um, created_at)
VALUES (%(id)s, %(owner_id)s, %(name)s, %(pixel_size_um)s, %(created_at)s)
"""

GET = "SELECT id, owner_id, name, pixel_size_um, created_at FROM projects WHERE id = %(id)s"

ONE = """
SELECT id, owner_id, name, pixel_size_um, created_at FROM projects WHERE id = %(id)s AND owner_id = %(owner_id)s
"""

PAGE = """
SELECT id, owner_id, name, pixel_size_um, created_at FROM projects
WHERE owner_id = %(owner_id)s AND (created_at, id) < (%(after_created_at)s::timestamptz, %(after_id)s::uuid)
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""


class PostgresProjects:
    """Projects in the table ``projects``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, project: Project) -> None:
        """Store a new project, or raise ``ConflictError`` when its id is taken."""
        values = {
            "id": project.id,
            "owner_id": project.owner_id,
            "name": project.name,
            "pixel_size_um": project.pixel_size_um,
            "created_at": project.created_at,
        }
        self._database.run(ADD, values)

    def get(self, project_id: UUID) -> Project:
        """The project whoever owns it, or raise ``ProjectNotFoundError``."""
        rows = self._database.latest(GET, {"id": project_id})
        if not rows:
            raise ProjectNotFoundError(f"Project {project_id} does not exist")
        return _project(rows[0])

    def one(self, viewer: Viewer, project_id: UUID) -> Project:
        """The viewer's project, or raise ``ProjectNotFoundError``."""
        row = self._database.find(ONE, {"id": project_id, "owner_id": viewer.user_id}, after=viewer.read_after)
        if row is None:
            raise ProjectNotFoundError(f"Project {project_id} does not exist")
        return _project(row)

    def page(self, viewer: Viewer, after: PageKey | None, limit: int) -> Sequence[Project]:
        """Up to ``limit`` of the viewer's projects, newest first, older than ``after``."""
        values = {"owner_id": viewer.user_id, "limit": limit, **key_values(after)}
        return [_project(row) for row in self._database.read(PAGE, values, after=viewer.read_after)]


def _project(row: Row) -> Project:
    return Project(
        id=row["id"],
        owner_id=row["owner_id"],
        name=row["name"],
        pixel_size_um=row["pixel_size_um"],
        created_at=row["created_at"].astimezone(UTC),
    )
