"""A project is named, described, tagged anew, archived, taken out of the archive."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from spheroseg.domain.access import Access, Accessible, Action
from spheroseg.domain.project import Project
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import VersionMismatchError
from spheroseg.ports import Clock, ProjectRepository


@dataclass(frozen=True)
class ChangeProject:
    """Change what is said of a project, or whether it can be written to.

    All may raise ``ProjectNotFoundError``, ``RoleTooLowError``, ``VersionMismatchError`` when the project is in none of
    the ``expected`` versions (None: any), and ``StaleStateError`` when another call changes it at the same time.
    """

    projects: ProjectRepository
    clock: Clock

    def __call__(
        self, viewer: Viewer, project_id: UUID, changes: Mapping[str, Any], expected: Collection[int] | None = None
    ) -> Accessible[Project]:
        """The project after it; what is not in ``changes`` stays.

        Args:
            changes: Any of ``name``, ``description``, ``tags``, ``pixel_size_um``.

        Raises:
            ProjectArchivedError: it can only be read.
        """
        return self._changed(viewer, project_id, Action.WRITE, changes, expected)

    def archive(self, viewer: Viewer, project_id: UUID, expected: Collection[int] | None = None) -> Accessible[Project]:
        """The project, which can only be read from now on; doing it again changes nothing."""
        found = self.projects.accessible(viewer, project_id)
        changes = {} if found.item.archived_at else {"archived_at": self.clock.now()}
        return self._changed(viewer, project_id, Action.MANAGE, changes, expected)

    def unarchive(
        self, viewer: Viewer, project_id: UUID, expected: Collection[int] | None = None
    ) -> Accessible[Project]:
        """The project, which can be written to again; doing it again changes nothing."""
        return self._changed(viewer, project_id, Action.MANAGE, {"archived_at": None}, expected)

    def _changed(
        self,
        viewer: Viewer,
        project_id: UUID,
        action: Action,
        changes: Mapping[str, Any],
        expected: Collection[int] | None,
    ) -> Accessible[Project]:
        found = self.projects.accessible(viewer, project_id)
        before = found.to(action)
        if expected is not None and before.version not in expected:
            raise VersionMismatchError("The project was changed after you read it")
        after = before.changed(changes, self.clock.now())
        if after is not before:
            self.projects.replace(before, after)
        return Accessible(after, Access(found.access.role, is_archived=after.archived_at is not None))
