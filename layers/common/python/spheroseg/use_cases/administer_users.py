"""Administrators see who there is and what they keep, and change what they may keep."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from spheroseg.domain.administration import Deed, User, Users
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import AccountRepository, Clock, DeedRepository, IdSource, UserDirectory

MAX_DEEDS = 200


@dataclass(frozen=True)
class AdministerUsers:
    """People of the user pool with their accounts; all raise ``NoSuchRouteError`` for others than administrators."""

    directory: UserDirectory
    accounts: AccountRepository
    deeds: DeedRepository
    clock: Clock
    ids: IdSource

    def page(self, viewer: Viewer, search: str | None, token: str | None, limit: int) -> Users:
        """Some users.

        Args:
            search: Only those whose e-mail address begins so.

        Raises:
            InvalidCursorError: the token is none.
        """
        viewer.require_admin()
        people, next_token = self.directory.page(search, token, limit)
        accounts = self.accounts.many([person.user_id for person in people])
        return Users([User(person, accounts[person.user_id]) for person in people], next_token)

    def one(self, viewer: Viewer, user_id: str) -> User:
        """Somebody, or ``UserNotFoundError``."""
        viewer.require_admin()
        return User(self.directory.get(user_id), self.accounts.get(user_id))

    def change_quota(
        self,
        viewer: Viewer,
        user_id: str,
        changes: Mapping[str, int | None],
        expected: Collection[int] | None = None,
    ) -> User:
        """Somebody with another quota; it may be less than what they keep, which then only can become less.

        Args:
            changes: ``size_bytes`` and ``images``, or one of them; None takes the release's own number again.
            expected: Versions of the quota that the change is made for; None: any.

        Raises:
            UserNotFoundError: the user pool has nobody of that id.
            VersionMismatchError: the quota was changed meanwhile.
        """
        viewer.require_admin()
        person = self.directory.get(user_id)
        account = self.accounts.change_quota(
            user_id, changes, expected, viewer.user_id, self.ids.new(), self.clock.now()
        )
        return User(person, account)

    def actions(self, viewer: Viewer) -> Sequence[Deed]:
        """What administrators did lately, the latest first."""
        viewer.require_admin()
        return self.deeds.latest(MAX_DEEDS)
