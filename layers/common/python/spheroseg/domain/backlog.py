"""Backlog: what waits, what runs, and how long that takes at the measured rate."""

from dataclasses import dataclass
from datetime import timedelta

RATE_WINDOW = timedelta(minutes=10)
"""How far back the rate is measured: long enough for many runs, short enough to follow a change of machines."""


OWN_WINDOW = timedelta(days=1)
"""How far back somebody's own runs that have ended are counted."""


@dataclass(frozen=True)
class OwnRuns:
    """Runs that somebody asked for: those that wait and work now, and those that ended within ``window_s``."""

    queued: int
    running: int
    succeeded: int
    failed: int
    cancelled: int
    window_s: float


@dataclass(frozen=True)
class Backlog:
    """The segmentations that wait or run now.

    Args:
        queued: Waiting runs, of everybody.
        running: Runs that a worker is at.
        finished_recently: Runs that ended within the last ``window_s`` seconds.
        window_s: Length of the window that the rate is measured over, in seconds.
        busy_s: Seconds that workers spent on those runs, added up.
        ahead: Waiting runs before the one asked about; None when none was asked about, or it does not wait.
        held: Of the waiting ones, those whose turn has not come: no message of theirs is in a queue.
    """

    queued: int
    running: int
    finished_recently: int
    window_s: float
    busy_s: float
    ahead: int | None = None
    held: int = 0

    @property
    def seconds_per_run(self) -> float | None:
        """Measured duration of one run, in seconds; None when nothing ended lately."""
        return self.busy_s / self.finished_recently if self.finished_recently else None

    @property
    def estimated_wait_s(self) -> float | None:
        """Seconds until the run asked about starts (or, if none was, until the queue is empty).

        Runs before it times the measured duration, divided by the runs that proceed side by side now.
        None when nothing was measured lately: an estimate is never invented.
        """
        if self.seconds_per_run is None:
            return None
        before = self.queued if self.ahead is None else self.ahead
        return before * self.seconds_per_run / max(self.running, 1)
