"""A worker's process, from its start to the signal that ends it."""

import signal
from queue import SimpleQueue
from threading import Thread
from typing import Protocol


class Consumer(Protocol):
    """What takes work until it is stopped."""

    def run(self) -> None:
        """Work; ends after ``stop``."""

    def stop(self) -> None:
        """Take nothing more; may be called from any thread."""


class UntilSignal:
    """Listens to SIGTERM and SIGINT from the moment it is made: one that comes while the worker starts is not lost."""

    def __init__(self) -> None:
        # Its ``put`` may be called in a signal handler, an event's ``set`` may not.
        self._ended: SimpleQueue[str] = SimpleQueue()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ended.put("signal"))

    def run(self, consumer: Consumer) -> int:
        """Let it work until a signal comes; the exit code: 0, or 1 when it ended by itself."""
        thread = Thread(target=self._work, args=(consumer,), name="consumer")
        thread.start()
        reason = self._ended.get()
        consumer.stop()
        thread.join()
        return 0 if reason == "signal" else 1

    def _work(self, consumer: Consumer) -> None:
        try:
            consumer.run()
        finally:
            self._ended.put("by itself")
