"""Who has a role in a project: seen, changed, removed; and the project handed over."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.access import Accessible, Action, Role
from spheroseg.domain.project import Project
from spheroseg.domain.sharing import Member
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import InvalidInputError, OwnerStaysError
from spheroseg.ports import Clock, ProjectRepository, SharingRepository


@dataclass(frozen=True)
class ChangeMembers:
    """List people, change and end their roles, leave, hand the project over."""

    projects: ProjectRepository
    sharing: SharingRepository
    clock: Clock

    def members(self, viewer: Viewer, project_id: UUID) -> Sequence[Member]:
        """All people of a project, its owner first; everybody with a role sees them.

        Raises:
            ProjectNotFoundError: the viewer has no role in the project.
        """
        self.projects.accessible(viewer, project_id).to(Action.READ)
        return self.sharing.members(project_id)

    def change_role(self, viewer: Viewer, project_id: UUID, user_id: str, role: Role) -> Member:
        """The member in another role.

        Raises:
            ProjectNotFoundError, RoleTooLowError: the viewer has no role in the project, or is not its owner.
            MemberNotFoundError: nobody of that id has a role there.
            OwnerStaysError: it is the owner.
            InvalidInputError: ownership is handed over, not given in this way.
        """
        project = self.projects.accessible(viewer, project_id).to(Action.MANAGE)
        if role is Role.OWNER:
            raise InvalidInputError("Hand the project over instead: it has one owner at any time")
        if user_id == project.owner_id:
            raise OwnerStaysError("The owner's role changes by handing the project over")
        return self.sharing.change_role(project_id, user_id, role)

    def remove(self, viewer: Viewer, project_id: UUID, user_id: str) -> None:
        """End somebody's role. Neither their invitation nor a link from before lets them in again.

        Raises:
            ProjectNotFoundError, RoleTooLowError: the viewer has no role in the project, or is not its owner.
            MemberNotFoundError: nobody of that id has a role there.
            OwnerStaysError: it is the owner.
        """
        project = self.projects.accessible(viewer, project_id).to(Action.MANAGE)
        if user_id == project.owner_id:
            raise OwnerStaysError("The owner cannot be removed; hand the project over, or delete it")
        self.sharing.remove(project_id, user_id, self.clock.now())

    def leave(self, viewer: Viewer, project_id: UUID) -> None:
        """End the viewer's own role.

        Raises:
            ProjectNotFoundError: the viewer has no role in the project.
            OwnerStaysError: the viewer is the owner.
        """
        project = self.projects.accessible(viewer, project_id).to(Action.READ)
        if viewer.user_id == project.owner_id:
            raise OwnerStaysError("An owner cannot leave; hand the project over first, or delete it")
        self.sharing.leave(project_id, viewer.user_id)

    def hand_over(self, viewer: Viewer, project_id: UUID, user_id: str) -> Accessible[Project]:
        """Make a member the owner, and the viewer an editor; the images count for the new owner's quota from then on.

        Raises:
            ProjectNotFoundError, RoleTooLowError: the viewer has no role in the project, or is not its owner.
            MemberNotFoundError: nobody of that id has a role there.
            QuotaExceededError: its images do not fit into what the new owner may keep.
            StaleStateError: it was handed over by another call just now.
        """
        project = self.projects.accessible(viewer, project_id).to(Action.MANAGE)
        if user_id != project.owner_id:
            self.sharing.hand_over(project, user_id, self.clock.now())
        return self.projects.accessible(viewer, project_id)
