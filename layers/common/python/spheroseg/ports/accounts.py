"""Accounts and the people behind them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from spheroseg.domain.account import Account, Profile
from spheroseg.domain.viewer import Viewer


class AccountRepository(Protocol):
    """Profiles, quotas and usage, by person; one who was never heard of has an empty account."""

    def one(self, viewer: Viewer) -> Account:
        """The viewer's own account."""

    def get(self, user_id: str) -> Account:
        """An account as last written."""

    def many(self, user_ids: Sequence[str]) -> Mapping[str, Account]:
        """An account for each of the people, in one statement."""

    def change_quota(
        self,
        user_id: str,
        changes: Mapping[str, int | None],
        expected: Collection[int] | None,
        admin_id: str,
        deed_id: UUID,
        at: datetime,
    ) -> Account:
        """The account with another quota, one version further, with a deed that tells who changed it; together.

        Args:
            changes: ``size_bytes`` and ``images``, or one of them; None takes the release's own number again.
            expected: Versions of the quota that the change is made for; None: any.

        Raises:
            VersionMismatchError: it is in another version.
        """

    def replace_profile(self, user_id: str, profile: Profile) -> None:
        """Store what somebody says about themselves; the last one wins."""


class People(Protocol):
    """The user pool."""

    def verified_email(self, user_id: str) -> str | None:
        """Somebody's e-mail address in lower case if they have shown that they read it, else None.

        Raises:
            SignInUnavailableError: the user pool does not answer.
        """
