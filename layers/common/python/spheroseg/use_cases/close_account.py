"""An account is closed: at once for everybody, and with all its data in the background."""

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.account_closing import IN_FLIGHT, LOOK_AGAIN_S, AccountClosing
from spheroseg.domain.project_job import SILENT_JOB_AFTER
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import NotConfirmedError, QueueUnavailableError, UserNotFoundError
from spheroseg.messages import AccountClosingRequested, ProjectWorkRequested
from spheroseg.ports import AccountClosings, Clock, IdSource, ProjectWorkQueue, UserDirectory

BATCH = 100


@dataclass(frozen=True)
class CloseAccount:
    """Mark an account as closed, so that its tokens are worth nothing any more, and have the rest done."""

    closings: AccountClosings
    queue: ProjectWorkQueue
    clock: Clock
    ids: IdSource

    def __call__(self, viewer: Viewer, confirmed: str, correlation_id: str) -> AccountClosing:
        """The closing; it cannot be undone.

        Args:
            confirmed: The viewer's own id, so that nobody closes an account by mistake.

        Raises:
            NotConfirmedError: it is another one.
        """
        if confirmed != viewer.user_id:
            raise NotConfirmedError("To close your account, confirm it with your own user id; GET /v1/me tells it")
        closing, jobs = self.closings.begin(viewer.user_id, self.ids.new(), correlation_id, self.clock.now())
        with suppress(QueueUnavailableError):  # the account is closed; the sweep sends what is left
            self.queue.send([AccountClosingRequested.of(closing)])
            self.queue.send([ProjectWorkRequested.of(job) for job in jobs])
        return closing

    def is_closed(self, user_id: str) -> bool:
        """Whether somebody's account was closed."""
        return self.closings.is_closed(user_id)

    def resume(self) -> int:
        """Send again what nobody was heard of at for five minutes; how many closings that were."""
        silent = self.closings.stalled(self.clock.now() - SILENT_JOB_AFTER, BATCH)
        self.queue.send([AccountClosingRequested.of(closing) for closing in silent])
        return len(silent)


@dataclass(frozen=True)
class WorkOnClosing:
    """Remove what is left of a closed account; whoever comes second finds less to do, and harms nothing.

    First the user can sign in no more, then the projects go, then everything that names them, and the user at last:
    as long as the user is there, the work can be begun again from the top.
    """

    closings: AccountClosings
    directory: UserDirectory
    queue: ProjectWorkQueue
    clock: Clock

    def __call__(self, closing_id: UUID) -> AccountClosing:
        """The closing as far as it is now; an unfinished one is in the queue again.

        Raises:
            JobNotFoundError: there is none of that id.
            SignInUnavailableError: the user pool does not answer.
        """
        closing = self.closings.get(closing_id)
        user_id = closing.user_id
        if user_id is None:
            return closing
        self.directory.disable(user_id)
        # What requests made that were under way when the account was closed.
        closing, jobs = self.closings.begin(user_id, closing.id, closing.correlation_id, self.clock.now())
        self.queue.send([ProjectWorkRequested.of(job) for job in jobs])
        self.closings.touch(closing, self.clock.now())
        if self.clock.now() < closing.requested_at + IN_FLIGHT or self.closings.projects_left(user_id):
            self.queue.send([AccountClosingRequested.of(closing)], delay_s=LOOK_AGAIN_S)
            return self.closings.get(closing.id)
        self.closings.forget(user_id, self._email(user_id))
        self.directory.remove(user_id)
        return self.closings.end(closing, self.clock.now())

    def _email(self, user_id: str) -> str | None:
        try:
            email = self.directory.get(user_id).email
        except UserNotFoundError:  # removed by an earlier delivery of the same message
            return None
        return email.strip().lower() if email else None
