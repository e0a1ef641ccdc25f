"""The viewer's projects."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.paging import Page, PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import ProjectRepository


@dataclass(frozen=True)
class ReadProjects:
    """One project, or a page of them."""

    projects: ProjectRepository

    def one(self, viewer: Viewer, project_id: UUID) -> Project:
        """The viewer's project, or ``ProjectNotFoundError``."""
        return self.projects.one(viewer, project_id)

    def page(self, viewer: Viewer, after: PageKey | None, limit: int) -> Page[Project]:
        """Projects, newest first."""
        found = self.projects.page(viewer, after, limit + 1)
        return Page(
            found[:limit], PageKey(found[limit - 1].created_at, found[limit - 1].id) if len(found) > limit else None
        )
