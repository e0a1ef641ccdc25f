"""Imports that the viewer asked for."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.outline_import import Import
from spheroseg.domain.paging import Page, PageKey
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import Clock, ImportRepository, ProjectRepository


@dataclass(frozen=True)
class ReadImports:
    """One import, and those into a project."""

    projects: ProjectRepository
    imports: ImportRepository
    clock: Clock

    def one(self, viewer: Viewer, import_id: UUID) -> Import:
        """One that the viewer asked for, as it is now, or ``ImportNotFoundError``."""
        return self.imports.one(viewer, import_id).seen(self.clock.now())

    def of_project(self, viewer: Viewer, project_id: UUID, after: PageKey | None, limit: int) -> Page[Import]:
        """Those that the viewer asked for in a project, the newest first, or ``ProjectNotFoundError``."""
        self.projects.one(viewer, project_id)
        found = self.imports.page(viewer, project_id, after, limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        now = self.clock.now()
        return Page([one.seen(now) for one in found[:limit]], PageKey(last.created_at, last.id) if last else None)
