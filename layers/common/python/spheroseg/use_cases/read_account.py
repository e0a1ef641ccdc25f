"""The viewer's own account."""

from dataclasses import dataclass

from spheroseg.domain.account import Account
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import AccountRepository


@dataclass(frozen=True)
class ReadAccount:
    """Profile, quota and usage."""

    accounts: AccountRepository

    def __call__(self, viewer: Viewer) -> Account:
        """The viewer's account; an empty one for somebody who did nothing yet."""
        return self.accounts.one(viewer)
