"""The last step of finished jobs, several at a time: what they changed is announced, then their messages are removed.

A queue takes ten messages in one call, for hardly more time than one. So what is to be announced waits a little for
company, while other jobs are in hand that will bring some. A job that is alone waits for nobody, neither when it begins
nor when it ends: somebody looks at a single image, and its beginning must not be on its way when its end comes.
"""

from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, Lock, Thread
from typing import Generic, TypeVar

from spheroseg.messages import SegmentationChanged
from spheroseg.ports import UpdatePublisher

Item = TypeVar("Item")

TOGETHER = 10
"""Messages of one call at most (Amazon SQS API reference, SendMessageBatch and DeleteMessageBatch)."""

LINGER_S = 0.2
"""How long the first of them waits for others: less than anybody notices who has sent more than one image."""


class Outbox:
    """Announcements that wait to be sent together; the port UpdatePublisher."""

    def __init__(self, publisher: UpdatePublisher, on_publish: Callable[[], None] = lambda: None) -> None:
        """Nothing is sent before ``flush``.

        Args:
            on_publish: Told that something waits, in the thread that announces.
        """
        self._publisher = publisher
        self._on_publish = on_publish
        self._waiting: deque[SegmentationChanged] = deque()
        self._sending = Lock()

    @property
    def is_empty(self) -> bool:
        """Nothing waits."""
        return not self._waiting

    def publish(self, update: SegmentationChanged) -> None:
        """Announce a change with the next ``flush``."""
        self.publish_many([update])

    def publish_many(self, updates: Sequence[SegmentationChanged]) -> None:
        """Announce changes with the next ``flush``."""
        self._waiting.extend(updates)
        self._on_publish()

    def flush(self) -> None:
        """Send what was announced until now; what raises on the way leaves the rest waiting for the next time."""
        with self._sending:
            while batch := list(self._waiting)[:TOGETHER]:
                self._publisher.publish_many(batch)
                for _ in batch:
                    self._waiting.popleft()


class Closing(Generic[Item]):
    """A thread that takes what has ended in groups; ``nudge`` lets it work though nothing has.

    It is a daemon, as the threads of a stage are.
    """

    def __init__(self, work: Callable[[list[Item]], None], is_last: Callable[[int], bool]) -> None:
        """The thread runs from now on.

        Args:
            work: Takes up to ``TOGETHER`` items, none after a mere nudge; it handles its own errors.
            is_last: Whether nothing else is to be waited for when so many items are there, or one is on its way.
        """
        self._work = work
        self._is_last = is_last
        self._items: deque[Item] = deque()
        self._is_nudged = False
        self._change = Condition()
        Thread(target=self._run, name="closing", daemon=True).start()

    def put(self, item: Item) -> None:
        """Hand over what has ended."""
        with self._change:
            self._items.append(item)
            self._change.notify()

    def nudge(self) -> None:
        """Let the work be done soon, with or without items."""
        with self._change:
            self._is_nudged = True
            self._change.notify()

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._items or self._is_nudged)
                self._change.wait_for(self._is_complete, LINGER_S)
                self._is_nudged = False
                batch = [self._items.popleft() for _ in range(min(TOGETHER, len(self._items)))]
            self._work(batch)

    def _is_complete(self) -> bool:
        count = len(self._items)
        return count >= TOGETHER or self._is_last(max(1, count))
