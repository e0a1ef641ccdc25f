"""Administrators see how full the queues are, and what becomes of messages that were given up."""

from collections.abc import Sequence
from dataclasses import dataclass

from spheroseg.domain.administration import (
    MAX_LETTERS,
    AdminAction,
    DeadLetter,
    Deed,
    QueueName,
    QueueState,
)
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import Clock, DeadLetters, DeedRepository, IdSource, QueueOverview


@dataclass(frozen=True)
class AdministerQueues:
    """Queues and dead letters; all raise ``NoSuchRouteError`` for others than administrators."""

    queues: QueueOverview
    dead_letters: DeadLetters
    deeds: DeedRepository
    clock: Clock
    ids: IdSource

    def states(self, viewer: Viewer) -> Sequence[QueueState]:
        """Every queue."""
        viewer.require_admin()
        depths, oldest, now = self.queues.depths(), self.deeds.oldest_waiting(), self.clock.now()
        return [
            QueueState(name, *depths[name], (now - oldest[name]).total_seconds() if name in oldest else None)
            for name in QueueName
        ]

    def letters(self, viewer: Viewer, queue: QueueName) -> Sequence[DeadLetter]:
        """Up to 100 dead letters of a queue that nobody else is at."""
        viewer.require_admin()
        return self.dead_letters.letters(queue, MAX_LETTERS)

    def retry(self, viewer: Viewer, queue: QueueName, letter_id: str) -> DeadLetter:
        """The letter, which is in its queue again, or ``DeadLetterNotFoundError``."""
        viewer.require_admin()
        return self._noted(viewer, AdminAction.RETRY_DEAD_LETTER, self.dead_letters.retry(queue, letter_id))

    def discard(self, viewer: Viewer, queue: QueueName, letter_id: str) -> DeadLetter:
        """The letter, which is gone, or ``DeadLetterNotFoundError``."""
        viewer.require_admin()
        return self._noted(viewer, AdminAction.DISCARD_DEAD_LETTER, self.dead_letters.discard(queue, letter_id))

    def _noted(self, viewer: Viewer, action: AdminAction, letter: DeadLetter) -> DeadLetter:
        details = {"body": letter.body[:2000], "sent_at": letter.sent_at.isoformat()}
        subject = f"{letter.queue}/{letter.id}"
        self.deeds.add(Deed(self.ids.new(), self.clock.now(), viewer.user_id, action, subject, details))
        return letter
