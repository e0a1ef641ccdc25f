"""Threads in a row, each stage behind its own short queue."""

from collections.abc import Callable
from queue import Queue
from threading import Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Stage(Generic[Item]):
    """Threads that work off what is put in, in order.

    They are daemons: a step that never returns (a stuck driver, a stalled disk) must not keep the process alive after
    its messages were given back.
    """

    def __init__(self, name: str, work: Callable[[Item], None], *, threads: int, waiting: int) -> None:
        """The threads run from now on.

        Args:
            work: One step; it handles its own errors.
            threads: How many items are worked on at a time.
            waiting: How many may wait before ``put`` blocks; at least 1.
        """
        self._work = work
        self._items: Queue[Item] = Queue(maxsize=waiting)
        for number in range(threads):
            Thread(target=self._run, name=f"{name}-{number}", daemon=True).start()

    def put(self, item: Item) -> None:
        """Hand over one item; waits while the stage is full, so that what is decoded does not pile up."""
        self._items.put(item)

    def _run(self) -> None:
        while True:
            item = self._items.get()
            self._work(item)
            del item  # pixels are large: they must not stay until the next item comes
