"""Closed accounts, and what is left of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from spheroseg.domain.account_closing import AccountClosing
from spheroseg.domain.project_job import ProjectJob


class AccountClosings(Protocol):
    """Each call is one transaction and may be repeated."""

    def begin(
        self, user_id: str, closing_id: UUID, correlation_id: str, at: datetime
    ) -> tuple[AccountClosing, Sequence[ProjectJob]]:
        """Close the account: from now on ``is_closed`` says so.

        Own projects are marked, so that nobody finds them, copies under way are stopped, roles in projects of others,
        sockets and tickets end. A closing that was begun before is given as it is, and takes in what came since.

        Returns:
            The closing, and the jobs that this call has made for it.
        """

    def is_closed(self, user_id: str) -> bool:
        """Whether somebody's account was closed, as last written."""

    def get(self, closing_id: UUID) -> AccountClosing:
        """A closing, or raise ``JobNotFoundError``."""

    def projects_left(self, user_id: str) -> int:
        """How many own projects are not removed yet."""

    def touch(self, closing: AccountClosing, at: datetime) -> None:
        """Note that it is worked on."""

    def forget(self, user_id: str, email: str | None) -> None:
        """Remove or blank out everything that names somebody: profile, quota, offers, who asked for or changed what."""

    def end(self, closing: AccountClosing, at: datetime) -> AccountClosing:
        """The closing, which says no more whose it was."""

    def stalled(self, before: datetime, limit: int) -> Sequence[AccountClosing]:
        """Up to ``limit`` unfinished closings that were last worked on before that time."""
