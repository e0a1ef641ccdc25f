"""The projects that the viewer has a role in."""

from dataclasses import dataclass, field
from uuid import UUID

from spheroseg.domain.access import Accessible
from spheroseg.domain.paging import Page, PageKey
from spheroseg.domain.project import Project, ProjectStatistics
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import HotReads, ProjectRepository, ProjectStatisticsSource
from spheroseg.use_cases.read_afresh import ReadAfresh


@dataclass(frozen=True)
class ReadProjects:
    """One project, or a page of them."""

    projects: ProjectRepository
    counts: ProjectStatisticsSource
    hot: HotReads = field(default_factory=ReadAfresh)

    def one(self, viewer: Viewer, project_id: UUID) -> Accessible[Project]:
        """The project with the viewer's role in it, or ``ProjectNotFoundError``."""
        return self.projects.one(viewer, project_id)

    def statistics(self, viewer: Viewer, project_id: UUID) -> ProjectStatistics:
        """What is in the project, or ``ProjectNotFoundError``."""

        def read(reader: Viewer) -> ProjectStatistics:
            return self.counts.of(reader, project_id)

        return self.hot.of_project(viewer, project_id, "statistics", ProjectStatistics, read)

    def page(
        self,
        viewer: Viewer,
        after: PageKey | None,
        limit: int,
        *,
        archived: bool | None = None,
        tag: str | None = None,
    ) -> Page[Accessible[Project]]:
        """Projects, newest first; only archived ones or only others, and only with a tag, if asked for."""

        def read(reader: Viewer) -> tuple[Accessible[Project], ...]:
            return tuple(self.projects.page(reader, after, limit + 1, archived=archived, tag=tag))

        if after is None:
            question = f"projects: {limit} {archived} {tag}"
            found = self.hot.of_viewer(viewer, question, tuple[Accessible[Project], ...], read)
        else:
            found = read(viewer)
        if len(found) <= limit:
            return Page(found, None)
        last = found[limit - 1].item
        return Page(found[:limit], PageKey(last.created_at, last.id))
