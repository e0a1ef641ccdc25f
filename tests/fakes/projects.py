"""Projects, in dicts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from spheroseg.domain.access import Access, Accessible, Role
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    ConflictError,
    ProjectNotFoundError,
    StaleStateError,
)
from tests.fakes.ages import age, is_past


@dataclass
class InMemoryProjects:
    """Projects in a dict; ``members`` holds the roles of all but the owners, by project and person."""

    rows: dict[UUID, Project] = field(default_factory=dict)
    members: dict[tuple[UUID, str], Role] = field(default_factory=dict)
    deleted: set[UUID] = field(default_factory=set)

    def access(self, viewer: Viewer, project_id: UUID, owner_id: str | None = None) -> Access | None:
        """What the viewer may do there; None: nothing.

        PostgreSQL has no image without its project. Here a project that is not there belongs to ``owner_id``, so that a
        test of images needs none.
        """
        project = self.rows.get(project_id)
        if project_id in self.deleted:
            return None
        if (project.owner_id if project else owner_id) == viewer.user_id:
            role: Role | None = Role.OWNER
        else:
            role = self.members.get((project_id, viewer.user_id))
        return Access(role, project is not None and project.archived_at is not None) if role else None

    def add(self, project: Project) -> None:
        if project.id in self.rows:
            raise ConflictError(f"Project {project.id} exists")
        self.rows[project.id] = project

    def get(self, project_id: UUID) -> Project:
        if project_id not in self.rows or project_id in self.deleted:
            raise ProjectNotFoundError(f"Project {project_id} does not exist")
        return self.rows[project_id]

    def one(self, viewer: Viewer, project_id: UUID) -> Accessible[Project]:
        project, access = self.get(project_id), self.access(viewer, project_id)
        if access is None:
            raise ProjectNotFoundError(f"Project {project_id} does not exist")
        return Accessible(project, access)

    def accessible(self, viewer: Viewer, project_id: UUID) -> Accessible[Project]:
        return self.one(viewer, project_id)

    def replace(self, before: Project, after: Project) -> None:
        stored = self.rows.get(before.id)
        if stored is None or before.id in self.deleted or stored.version != before.version:
            raise StaleStateError("The project was changed just now")
        self.rows[after.id] = replace(after, owner_id=stored.owner_id)

    def page(
        self,
        viewer: Viewer,
        after: PageKey | None,
        limit: int,
        *,
        archived: bool | None = None,
        tag: str | None = None,
    ) -> Sequence[Accessible[Project]]:
        past = sorted((row for row in self.rows.values() if is_past(row, after)), key=age, reverse=True)
        found = ((row, self.access(viewer, row.id)) for row in past)
        return [
            Accessible(row, access)
            for row, access in found
            if access and (archived is None or access.is_archived is archived) and (tag is None or tag in row.tags)
        ][:limit]
