"""The projects that the viewer has a role in."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.access import Accessible
from spheroseg.domain.paging import Page, PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import ProjectRepository


@dataclass(frozen=True)
class ReadProjects:
    """One project, or a page of them."""

    projects: ProjectRepository

    def one(self, viewer: Viewer, project_id: UUID) -> Accessible[Project]:
        """The project with the viewer's role in it, or ``ProjectNotFoundError``."""
        return self.projects.one(viewer, project_id)

    def page(self, viewer: Viewer, after: PageKey | None, limit: int) -> Page[Accessible[Project]]:
        """Projects, newest first."""
        found = self.projects.page(viewer, after, limit + 1)
        if len(found) <= limit:
            return Page(found, None)
        last = found[limit - 1].item
        return Page(found[:limit], PageKey(last.created_at, last.id))
