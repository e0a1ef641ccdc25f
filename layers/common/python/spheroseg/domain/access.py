"""Access: what somebody may do to a project and to all that lies below it. The only place where that is decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from spheroseg.errors import ProjectArchivedError, RoleTooLowError

Item = TypeVar("Item", covariant=True)  # noqa: PLC0105 - the conventional name says more than `Item_co`


class Role(StrEnum):
    """What somebody is in a project; whoever is nothing there does not know that it exists."""

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"


class Action(StrEnum):
    """What one may want to do to a project or to an image, a run or a result below it."""

    READ = "read"
    WRITE = "write"
    MANAGE = "manage"


ALLOWED: Mapping[Role, frozenset[Action]] = {
    Role.OWNER: frozenset({Action.READ, Action.WRITE, Action.MANAGE}),
    Role.EDITOR: frozenset({Action.READ, Action.WRITE}),
    Role.VIEWER: frozenset({Action.READ}),
}
"""Managing is sharing, handing over, archiving and deleting; writing is everything else that changes something."""


@dataclass(frozen=True)
class Access:
    """Somebody's role in a project, and whether the project can be written to at all.

    Args:
        is_archived: An archived project can be read and managed, not written to.
    """

    role: Role
    is_archived: bool = False

    def require(self, action: Action) -> None:
        """Return when the action is allowed.

        Raises:
            RoleTooLowError: not in this role.
            ProjectArchivedError: the role would do, but the project is archived.
        """
        if action not in ALLOWED[self.role]:
            needed = " or ".join(role for role in Role if action in ALLOWED[role])
            raise RoleTooLowError(f"This needs the role {needed}; yours in this project is {self.role}")
        if action is Action.WRITE and self.is_archived:
            raise ProjectArchivedError("The project is archived and can only be read; its owner can unarchive it")


@dataclass(frozen=True)
class Accessible(Generic[Item]):
    """Something that its viewer may at least read, with what else the viewer may do to it."""

    item: Item
    access: Access

    def to(self, action: Action) -> Item:
        """The item, for that action; raises what ``Access.require`` raises."""
        self.access.require(action)
        return self.item
