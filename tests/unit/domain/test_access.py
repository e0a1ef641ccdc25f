"""Who may do what: the whole table."""

import pytest

from spheroseg.domain.access import Access, Accessible, Action, Role
from spheroseg.errors import ProjectArchivedError, RoleTooLowError

TABLE = {
    Role.OWNER: {Action.READ, Action.WRITE, Action.MANAGE},
    Role.EDITOR: {Action.READ, Action.WRITE},
    Role.VIEWER: {Action.READ},
}


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_each_role_may_do_what_the_table_says(role: Role, action: Action) -> None:
    if action in TABLE[role]:
        assert Accessible("it", Access(role)).to(action) == "it"
        return
    with pytest.raises(RoleTooLowError, match=f"yours in this project is {role}"):
        Accessible("it", Access(role)).to(action)


@pytest.mark.parametrize("role", Role)
def test_an_archived_project_is_read_and_managed_and_not_written_to(role: Role) -> None:
    access = Access(role, is_archived=True)
    access.require(Action.READ)
    if role is Role.OWNER:
        access.require(Action.MANAGE)
    with pytest.raises(RoleTooLowError if role is Role.VIEWER else ProjectArchivedError):
        access.require(Action.WRITE)
