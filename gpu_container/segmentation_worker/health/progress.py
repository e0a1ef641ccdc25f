"""A file whose age says when the worker last made progress."""

import time
from pathlib import Path
from threading import Lock

NOTED_EVERY_S = 1.0


class Progress:
    """Touches the file, once a second at most, so that busy threads do not spend their time on it."""

    def __init__(self, file: Path) -> None:
        """The file appears with the first note."""
        self._file = file
        self._lock = Lock()
        self._noted_s = float("-inf")

    def note(self) -> None:
        """Something was done: a poll, a stage of an image."""
        now_s = time.monotonic()
        with self._lock:
            if now_s - self._noted_s < NOTED_EVERY_S:
                return
            self._noted_s = now_s
        self._file.touch()

    def end(self) -> None:
        """The worker has stopped."""
        self._file.unlink(missing_ok=True)


def is_alive(file: Path, stuck_after_s: float) -> bool:
    """True when progress was noted within that many seconds."""
    try:
        return time.time() - file.stat().st_mtime < stuck_after_s
    except FileNotFoundError:
        return False
