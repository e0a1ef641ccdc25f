"""Accounts and the people behind them."""

from typing import Protocol

from spheroseg.domain.account import Account, Profile
from spheroseg.domain.viewer import Viewer


class AccountRepository(Protocol):
    """Profiles, quotas and usage, by person; one who was never heard of has an empty account."""

    def one(self, viewer: Viewer) -> Account:
        """The viewer's own account."""

    def get(self, user_id: str) -> Account:
        """An account as last written."""

    def replace_profile(self, user_id: str, profile: Profile) -> None:
        """Store what somebody says about themselves; the last one wins."""


class People(Protocol):
    """The user pool."""

    def verified_email(self, user_id: str) -> str | None:
        """Somebody's e-mail address in lower case if they have shown that they read it, else None.

        Raises:
            SignInUnavailableError: the user pool does not answer.
        """
