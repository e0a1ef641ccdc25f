"""An export of a project is asked for, by whoever may read it."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.export import Export, ExportFormat, ExportOptions, ExportStatus, file_stem
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import Clock, ExportQueue, ExportRepository, IdSource, ProjectRepository
from spheroseg.use_cases.release_exports import ReleaseExports


@dataclass(frozen=True)
class RequestExport:
    """Store the export and put it on the queue when its turn has come."""

    projects: ProjectRepository
    exports: ExportRepository
    queue: ExportQueue
    clock: Clock
    ids: IdSource

    def __call__(
        self, viewer: Viewer, project_id: UUID, format_: ExportFormat, options: ExportOptions, correlation_id: str
    ) -> Export:
        """The new export.

        Raises:
            ProjectNotFoundError: the viewer has no role in it; any role will do, also in an archived one.
            ImageNotFoundError: it has no such image.
            InvalidQuestionError: no project could answer the statistics that are asked for.
            TooManyExportsError: the viewer has as many unfinished ones as one person may have.
        """
        options.require_sound(format_)
        project = self.projects.accessible(viewer, project_id).to(Action.READ)
        export = Export(
            id=self.ids.new(),
            project_id=project.id,
            requested_by=viewer.user_id,
            format=format_,
            name=file_stem(project.name),
            options=options,
            status=ExportStatus.QUEUED,
            correlation_id=correlation_id,
            created_at=self.clock.now(),
        )
        self.exports.add(export)
        ReleaseExports(self.exports, self.queue, self.clock)()
        return export
