"""Exports that the viewer asked for, and links to their files."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from spheroseg.domain.export import Export, ExportStatus
from spheroseg.domain.paging import Page, PageKey
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ExportExpiredError, NotFinishedError
from spheroseg.ports import Clock, DownloadLinks, ExportRepository, ProjectRepository

LINK_LIFETIME = timedelta(hours=1)


@dataclass(frozen=True)
class ReadExports:
    """One export, those of a project, and where a file can be fetched."""

    projects: ProjectRepository
    exports: ExportRepository
    links: DownloadLinks
    clock: Clock

    def one(self, viewer: Viewer, export_id: UUID) -> Export:
        """One that the viewer asked for, as it is now, or ``ExportNotFoundError``."""
        return self.exports.one(viewer, export_id).seen(self.clock.now())

    def of_project(self, viewer: Viewer, project_id: UUID, after: PageKey | None, limit: int) -> Page[Export]:
        """Those that the viewer asked for in a project, the newest first, or ``ProjectNotFoundError``."""
        self.projects.one(viewer, project_id)
        found = self.exports.page(viewer, project_id, after, limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        now = self.clock.now()
        shown = [export.seen(now) for export in found[:limit]]
        return Page(shown, PageKey(last.created_at, last.id) if last else None)

    def link(self, export: Export) -> str | None:
        """A signed address of the file, good for an hour, or as long as the file is there; None without a file.

        Args:
            export: As it was read for its viewer.
        """
        now = self.clock.now()
        if export.status is not ExportStatus.SUCCEEDED or export.key is None or export.expires_at is None:
            return None
        return self.links.link(export.key, min(LINK_LIFETIME, export.expires_at - now))

    def download(self, viewer: Viewer, export_id: UUID) -> str:
        """The same, for whoever wants the file and nothing else.

        Raises:
            ExportNotFoundError: there is none of that id that the viewer asked for.
            ExportExpiredError: it was there for a day, and is gone.
            NotFinishedError: it has no file, or not yet.
        """
        export = self.one(viewer, export_id)
        if export.status is ExportStatus.EXPIRED:
            raise ExportExpiredError("The file was kept for a day and is gone; ask for a new export")
        link = self.link(export)
        if link is None:
            raise NotFinishedError(f"Export {export_id} is {export.status} and has no file")
        return link
