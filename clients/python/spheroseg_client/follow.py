"""What becomes of images: pushed where a push arrives, polled where none does."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from spheroseg_client.models import Image, Update
from spheroseg_client.updates import Updates

POLL_FIRST_S = 0.5
POLL_SLOWEST_S = 3.0
POLL_BESIDE_SOCKET_S = 5.0
"""A lost push is noticed after this long; a page of a list costs the service a few milliseconds."""
WAKE_S = 0.25


@dataclass(frozen=True)
class Change:
    """An image has got somewhere.

    Args:
        status: ``queued``, ``running``, ``succeeded``, ``failed``, ``cancelled`` of its latest segmentation, or
            ``refused``, or ``deleted``.
        is_final: True when nothing more will come of it.
        image: The image as it was read, None when the news came by push.
    """

    image_id: UUID
    segmentation_id: UUID | None
    status: str
    is_final: bool
    image: Image | None = None


class Follower:
    """Watch images of a project until each has come to an end; nothing hangs when a push is lost.

    ``add`` and ``stop`` may be called from other threads while one thread iterates.

    Args:
        read: Lists images of the project, newest first.
        updates: The socket; None: poll only.
    """

    def __init__(self, read: Callable[[], Iterable[Image]], updates: Updates | None) -> None:
        self._read = read
        self._updates = updates
        self._lock = threading.Lock()
        self._open: dict[UUID, str] = {}
        self._complete = False
        self._stopped = threading.Event()

    def add(self, image_id: UUID) -> None:
        """Watch this image too."""
        with self._lock:
            self._open.setdefault(image_id, "")

    def drop(self, image_id: UUID) -> None:
        """Watch this image no longer."""
        with self._lock:
            self._open.pop(image_id, None)

    def no_more(self) -> None:
        """Nothing is added from now on: iterating ends with the last image."""
        self._complete = True

    def stop(self) -> None:
        """End iterating soon, whatever is still open."""
        self._stopped.set()

    def __iter__(self) -> Iterator[Change]:
        poll_after_s = POLL_FIRST_S
        poll_at = time.monotonic() + poll_after_s
        try:
            while not self._stopped.is_set():
                with self._lock:
                    is_idle = not self._open
                if is_idle and self._complete:
                    return
                update = self._next_update(max(0.0, min(WAKE_S, poll_at - time.monotonic())))
                if update and (change := self._of_update(update)):
                    yield change
                if is_idle or time.monotonic() < poll_at:
                    continue
                changes = list(self._poll())
                yield from changes
                poll_after_s = POLL_FIRST_S if changes else min(poll_after_s * 1.5, POLL_SLOWEST_S)
                if self._updates and self._updates.delivers:
                    poll_after_s = POLL_BESIDE_SOCKET_S
                poll_at = time.monotonic() + poll_after_s
        finally:
            if self._updates:
                self._updates.close()

    def _next_update(self, timeout_s: float) -> Update | None:
        if self._updates:
            update = self._updates.next(timeout_s)
            return update if isinstance(update, Update) else None
        self._stopped.wait(timeout_s)
        return None

    def _of_update(self, update: Update) -> Change | None:
        change = Change(update.image_id, update.segmentation_id, update.status, update.is_final)
        return change if self._is_news(change) else None

    def _poll(self) -> Iterator[Change]:
        with self._lock:
            wanted = set(self._open)
        found = self._find(wanted)
        for image_id in wanted:
            image = found.get(image_id)
            change = _of_image(image) if image else Change(image_id, None, "deleted", is_final=True)
            if self._is_news(change):
                yield change

    def _find(self, wanted: set[UUID]) -> dict[UUID, Image]:
        """The wanted images; the list is read no further than the last of them."""
        found: dict[UUID, Image] = {}
        for image in self._read():
            if image.id in wanted:
                found[image.id] = image
                if len(found) == len(wanted):
                    break
        return found

    def _is_news(self, change: Change) -> bool:
        with self._lock:
            before = self._open.get(change.image_id)
            if before is None or before == change.status:
                return False
            if change.is_final:
                del self._open[change.image_id]
            else:
                self._open[change.image_id] = change.status
            return True


def _of_image(image: Image) -> Change:
    segmentation = image.segmentation
    if segmentation:
        return Change(image.id, segmentation.id, segmentation.status, segmentation.is_final, image)
    return Change(image.id, None, image.status, image.status == "refused", image)
