"""Exports and imports at work, looked at whenever the socket tells of them, and from time to time."""

import time
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar
from uuid import UUID

from spheroseg_client.models import ExportUpdate, ImportUpdate
from spheroseg_client.updates import Updates

ASK_AGAIN_AFTER_S = 1.0
ASK_BESIDE_SOCKET_AFTER_S = 5.0
"""A lost push is noticed after this long."""
WAKE_S = 0.25


class Job(Protocol):
    """What the service does in the background."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more is done for it."""


AnyJob = TypeVar("AnyJob", bound=Job)


def followed(
    job_id: UUID, ask: Callable[[], AnyJob], open_socket: Callable[[], Updates] | None, every_s: float
) -> Iterator[AnyJob]:
    """The job whenever it has changed, until it has ended: as it is told, and else by asking.

    Args:
        open_socket: None: only ask from time to time.
        every_s: Seconds between two looks, while nothing is told.
    """
    updates: Updates | None = None
    seen: AnyJob | None = None
    try:
        while True:
            now, asked_at_s = ask(), time.monotonic()
            if now != seen:
                yield now
            if now.is_final:
                return
            seen = now
            if open_socket is not None and updates is None:  # what has ended already needs no socket
                updates = open_socket()
            wait_for_news(job_id, updates, asked_at_s, every_s)
    finally:
        if updates is not None:
            updates.close()


def wait_for_news(job_id: UUID, updates: Updates | None, asked_at_s: float, every_s: float) -> None:
    """Until something of the job is told, or it is time to ask again."""
    while True:
        patience_s = ASK_BESIDE_SOCKET_AFTER_S if updates is not None and updates.delivers else every_s
        left_s = asked_at_s + patience_s - time.monotonic()
        if left_s <= 0:
            return
        if updates is None:
            time.sleep(left_s)
            return
        told = updates.next(min(left_s, WAKE_S))
        if isinstance(told, ExportUpdate | ImportUpdate) and told.job_id == job_id:
            return
