"""Says for every job in hand that this worker is still at it."""

from collections.abc import Callable
from threading import Event, Lock, Thread
from time import monotonic

from segmentation_worker.deliveries import Job
from spheroseg.domain.segmentation import Segmentation

RETRY_S = 2.0
"""After a beat that failed, seconds until the next try: a few of them fit before a loan of 30 s ends."""


class Heartbeat:
    """Extends messages and notes rows as alive, each in its own thread, so that neither waits for the other's service.

    A beat that fails is tried again soon; the job goes on meanwhile. A run that was taken away or cancelled is marked
    as lost.
    """

    def __init__(
        self,
        keep_alive: Callable[[Segmentation], bool],
        on_failure: Callable[[Job, Exception], None],
        *,
        interval_s: float,
        visibility_s: int,
    ) -> None:
        """Nothing beats before ``start``.

        Args:
            keep_alive: Notes a run as alive; False when it is no longer this worker's.
            on_failure: Told of each beat that failed, in the heart's thread.
            interval_s: Seconds between beats.
            visibility_s: Seconds for which each beat extends a message.
        """
        self._keep_alive = keep_alive
        self._on_failure = on_failure
        self._interval_s = interval_s
        self._visibility_s = visibility_s
        self._jobs: set[Job] = set()
        self._lock = Lock()
        self._stopped = Event()
        # Rows first: a message must not outlive its row's last sign of life by less than SILENT_WORKER_AFTER allows,
        # or whoever is lent it next would find the run still held by the dead.
        self._threads = [
            Thread(target=self._beat, args=(self._note_row, 0.0), name="heartbeat-rows", daemon=True),
            Thread(target=self._beat, args=(self._extend, 0.5), name="heartbeat-messages", daemon=True),
        ]

    def start(self) -> None:
        """Begin to beat."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Beat no more."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(timeout=1)

    def add(self, job: Job) -> None:
        """Beat for this job from now on."""
        with self._lock:
            self._jobs.add(job)

    def remove(self, job: Job) -> None:
        """Beat for it no more; nothing happens when it was removed before."""
        with self._lock:
            self._jobs.discard(job)

    @property
    def jobs(self) -> list[Job]:
        """The jobs in hand, oldest first."""
        with self._lock:
            return sorted(self._jobs, key=lambda job: job.received_s)

    def _beat(self, one: Callable[[Job], None], delay_s: float) -> None:
        pause_s = self._interval_s + delay_s
        while not self._stopped.wait(pause_s):
            pause_s = self._interval_s
            for job in self.jobs:
                try:
                    one(job)
                except Exception as error:  # noqa: BLE001 - whatever it is, the other jobs' beats must go on
                    if job in self.jobs:
                        self._on_failure(job, error)
                        pause_s = min(RETRY_S, self._interval_s)

    def _note_row(self, job: Job) -> None:
        if job.running is not None and not self._keep_alive(job.running) and job in self.jobs:
            job.lost.set()

    def _extend(self, job: Job) -> None:
        # Most jobs end before their message needs it. Younger than half a beat it outlives the sign of life that its
        # row was given just now, and the next beat comes when half of its loan is left.
        if monotonic() - job.received_s >= self._interval_s / 2:
            job.extend(self._visibility_s)
