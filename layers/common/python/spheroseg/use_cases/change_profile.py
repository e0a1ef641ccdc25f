"""What somebody says about themselves changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from spheroseg.domain.account import Account
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import AccountRepository


@dataclass(frozen=True)
class ChangeProfile:
    """Change some fields of the viewer's profile and leave the others."""

    accounts: AccountRepository

    def __call__(self, viewer: Viewer, changes: Mapping[str, str | float | None]) -> Account:
        """The account after it.

        Args:
            changes: Fields of ``Profile`` with their new values; None takes one back.
        """
        account = self.accounts.get(viewer.user_id)
        profile = replace(account.profile, **dict(changes))  # type: ignore[arg-type]
        self.accounts.replace_profile(viewer.user_id, profile)
        return replace(account, profile=profile)
