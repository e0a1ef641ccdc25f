"""Outlines in a file are about to be imported: room for the file, then its turn."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.outline_import import UPLOAD_WITHIN, Import, ImportOptions, ImportStatus
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    FileMissingError,
    ImportExpiredError,
    ObjectNotFoundError,
    StaleStateError,
)
from spheroseg.messages import ImportRequested
from spheroseg.ports import (
    Clock,
    ExportQueue,
    IdSource,
    ImageStore,
    ImportRepository,
    ProjectRepository,
    UploadForm,
)


@dataclass(frozen=True)
class RequestImport:
    """Store the import and give a form for its file; ``start`` puts it on the queue when the file is there."""

    projects: ProjectRepository
    imports: ImportRepository
    store: ImageStore
    queue: ExportQueue
    clock: Clock
    ids: IdSource

    def __call__(
        self, viewer: Viewer, project_id: UUID, options: ImportOptions, correlation_id: str
    ) -> tuple[Import, UploadForm]:
        """The new import, and the form that takes its file for an hour.

        Raises:
            ProjectNotFoundError: the viewer has no role in it.
            RoleTooLowError, ProjectArchivedError: the viewer may not write there, or nobody may.
            ImportFileTooLargeError: the file is too long to be read.
            ImageNotFoundError, SegmentationNotFoundError: it has no such image or result.
            TooManyImportsError: the viewer has as many unfinished ones as one person may have.
        """
        project = self.projects.accessible(viewer, project_id).to(Action.WRITE)
        options.require_size()
        now = self.clock.now()
        import_ = Import(
            id=self.ids.new(),
            project_id=project.id,
            requested_by=viewer.user_id,
            options=options,
            status=ImportStatus.AWAITING_UPLOAD,
            correlation_id=correlation_id,
            created_at=now,
            upload_until=now + UPLOAD_WITHIN,
        )
        self.imports.add(import_)
        (form,) = self.store.upload_forms([(import_.key, options.size_bytes)], UPLOAD_WITHIN)
        return import_, form

    def start(self, viewer: Viewer, import_id: UUID) -> Import:
        """The import, whose file has come, on the queue; one that was started before as it is.

        Raises:
            ImportNotFoundError: there is none of that id that the viewer asked for.
            RoleTooLowError, ProjectArchivedError: the viewer may not write there any more, or nobody may.
            ImportExpiredError: the file did not come in time.
            FileMissingError: it has not come.
            QueueUnavailableError: nothing was changed; try again.
        """
        self.imports.one(viewer, import_id)
        before = self.imports.get(import_id)
        if before.status is not ImportStatus.AWAITING_UPLOAD:
            return before
        self.projects.accessible(viewer, before.project_id).to(Action.WRITE)
        now = self.clock.now()
        if before.seen(now).status is ImportStatus.EXPIRED:
            raise ImportExpiredError("The file did not come within an hour; ask for another import")
        try:
            self.store.describe(before.key)
        except ObjectNotFoundError as error:
            raise FileMissingError("The file has not arrived; post it to the form first") from error
        after = before.queued(now)
        try:
            self.imports.replace(before, after)
        except StaleStateError:
            return self.imports.get(import_id)  # started twice at once
        self.queue.send([ImportRequested.of(after)])
        return after
