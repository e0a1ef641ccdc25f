"""Messages in, finished segmentations out: three stages in a row, and what happens when one of them fails.

While the model works on one image, the next ones are downloaded and decoded, and the ones before are measured and
stored. A message is acknowledged after everything it asked for was written and announced.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Semaphore
from typing import ParamSpec, TypeVar

from pydantic import ValidationError
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_after_delay,
    stop_when_event_set,
    wait_random_exponential,
)

from segmentation_worker.closing import LINGER_S, Closing, Outbox
from segmentation_worker.deliveries import Job, acknowledge
from segmentation_worker.health.progress import Progress
from segmentation_worker.heartbeat import Heartbeat
from segmentation_worker.memory import give_back_free_memory
from segmentation_worker.polling import AHEAD_S, RECEIVE_MAX, PriorityPolling, Throughput, WeightedQueue
from segmentation_worker.reports import Reports
from segmentation_worker.stages import Stage
from spheroseg.domain.segmentation import SILENT_WORKER_AFTER, Segmentation
from spheroseg.errors import HeldElsewhereError, UnavailableError
from spheroseg.ports import Delivery
from spheroseg.use_cases.segment_image import DecodedWork, SegmentedWork, SegmentImage

VISIBILITY_S = 30
"""For how long a message is lent: above SILENT_WORKER_AFTER, so that whoever is lent it next finds its run free."""
HEARTBEAT_S = 10.0
FIRST_DELAY_S = 30
"""Until work that failed is lent again the first time; each further time twice as long."""
LONGEST_PAUSE_S = 5.0
"""Between two tries of what is unavailable: work goes on within so many seconds of its return."""

CRASHES_IN_A_ROW = 5
"""After so many jobs that met a bug, and none that went well, the worker ends to be started afresh: a driver that lost
its GPU would otherwise send the whole backlog to the dead letters. One bad job alone has three tries."""

Given = ParamSpec("Given")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class Pace:
    """How much is in hand at a time, and for how long what fails is tried.

    Args:
        prefetch: Jobs taken ahead of the model.
        streams: Jobs at the model at a time: in the network itself, or right before or after it.
        finishers: Jobs measured and stored at a time.
        long_poll_s: How long a poll of an empty queue waits, 1 to 20 s.
        retry_for_s: How long a step is tried while something is unavailable, in seconds.
        grace_s: How long a stop waits for what is under way, in seconds.
        heartbeat_s: Seconds between signs of life.
        visibility_s: Seconds for which each of them extends a message.
    """

    prefetch: int = 2
    streams: int = 2
    finishers: int = 2
    long_poll_s: int = 5
    retry_for_s: float = 60.0
    grace_s: float = 20.0
    heartbeat_s: float = HEARTBEAT_S
    visibility_s: int = VISIBILITY_S


class _StoppingError(Exception):
    """The worker stops; the job is for another one."""


class _LostError(Exception):
    """The run is no longer this worker's."""


class Consumer:
    """Works until ``stop`` is called; no single message, image or outage ends it."""

    def __init__(
        self,
        segment_image: SegmentImage,
        queues: Sequence[WeightedQueue],
        reports: Reports,
        progress: Progress,
        folder: Path,
        pace: Pace,
    ) -> None:
        """Nothing runs before ``run``.

        Args:
            queues: Most urgent first.
            folder: Where files lie while they are decoded.
        """
        self._closing: Closing[tuple[Job, Segmentation | None]] = Closing(self._close_all, self._are_all)
        self._outbox = Outbox(segment_image.updates, self._closing.nudge)
        self._segment_image = replace(segment_image, updates=self._outbox)
        self._reports = reports
        self._progress = progress
        self._folder = folder
        self._pace = pace
        self._stop = Event()
        self._suspect = Event()
        self._suspect.set()  # nothing is taken before database and store have answered once
        self._failures = 0
        self._crashes = 0
        self._places = Semaphore(pace.prefetch)
        self._polling = PriorityPolling(queues, pace.long_poll_s, self._arrived)
        self._segmented = Throughput()
        self._heartbeat = Heartbeat(
            self._segment_image.keep_alive,
            reports.heartbeat_failed,
            interval_s=pace.heartbeat_s,
            visibility_s=pace.visibility_s,
        )

    def run(self) -> None:
        """Take and finish jobs until ``stop``; afterwards nothing is in hand."""
        self._prepare: Stage[Job] = Stage(
            "prepare", self._prepare_one, threads=self._pace.prefetch, waiting=self._pace.prefetch
        )
        self._model: Stage[tuple[Job, DecodedWork]] = Stage(
            "model", self._segment_one, threads=self._pace.streams, waiting=self._pace.prefetch
        )
        self._finish: Stage[tuple[Job, SegmentedWork]] = Stage(
            "finish", self._finish_one, threads=self._pace.finishers, waiting=1
        )
        self._heartbeat.start()
        try:
            while not self._stop.is_set():
                self._feed()
        finally:
            self._wind_up()
            self._heartbeat.stop()
            self._progress.end()

    def stop(self) -> None:
        """Take nothing more, finish what is nearly done, give back the rest; may be called from any thread."""
        self._stop.set()
        self._polling.wake()

    def _feed(self) -> None:
        """Take jobs into the free places; while the queue, database or store does not answer, take none."""
        for job in self._polling.overdue():
            self._give_back(job, 0)
        places = self._free_places()
        if not places:
            return  # no progress is noted: a model that is stuck shows in the health check
        jobs: list[Job] = []
        try:
            if self._suspect.is_set():
                self._segment_image.check_reach()
            jobs = self._polling.take(places, ahead=self._segmented.within(AHEAD_S))
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker lives
            self._failures += 1
            self._reports.not_taking(error, self._failures)
            self._suspect.set()
            self._stop.wait(min(LONGEST_PAUSE_S, 0.25 * 2**self._failures))
        else:
            if self._failures:
                self._reports.taking_again(self._failures)
            self._failures = 0
            self._suspect.clear()
        for _ in range(places - len(jobs)):
            self._places.release()
        for job in jobs:
            job.is_ahead = True
            self._prepare.put(job)
        self._progress.note()

    def _free_places(self) -> int:
        if not self._places.acquire(timeout=0.2):
            return 0
        places = 1
        while places < RECEIVE_MAX and self._places.acquire(blocking=False):
            places += 1
        return places

    def _arrived(self, delivery: Delivery) -> Job:
        job = Job(delivery)
        self._heartbeat.add(job)
        return job

    def _prepare_one(self, job: Job) -> None:
        with self._answered_for(job):
            self._go_on(job)
            taken = self._retried(self._segment_image.take, job.request().segmentation_id)
            if taken is None or taken.status.is_final:
                self._close(job, taken)
                return
            job.running = taken
            decoded = self._retried(self._segment_image.decode, taken, self._folder)
            if isinstance(decoded, DecodedWork):
                self._model.put((job, decoded))
            else:
                self._close(job, decoded)

    def _segment_one(self, item: tuple[Job, DecodedWork]) -> None:
        job, decoded = item
        with self._answered_for(job):
            self._leave_place(job)
            self._go_on(job)
            segmented = self._retried(self._segment_image.segment, decoded)
            if isinstance(segmented, SegmentedWork):
                self._finish.put((job, segmented))
            else:
                self._close(job, segmented)

    def _finish_one(self, item: tuple[Job, SegmentedWork]) -> None:
        job, segmented = item
        self._segmented.note()
        with self._answered_for(job):
            if job.lost.is_set():
                raise _LostError
            self._close(job, self._retried(self._segment_image.finish, segmented))

    def _go_on(self, job: Job) -> None:
        if job.lost.is_set():
            raise _LostError
        if self._stop.is_set():
            raise _StoppingError

    def _close(self, job: Job, ended: Segmentation | None) -> None:
        """Let what has ended be announced and acknowledged; a run that somebody else is at keeps its message."""
        if ended is None and not self._retried(self._segment_image.is_over, job.request().segmentation_id):
            job.let_go()
            self._closed(job, None)
            return
        self._leave_place(job)
        self._closing.put((job, ended))

    def _close_all(self, ended: list[tuple[Job, Segmentation | None]]) -> None:
        """Announce what waits to be announced, and only then acknowledge the messages of these jobs."""
        jobs = [job for job, _ in ended]
        try:
            self._retried(self._outbox.flush)
            self._retried(acknowledge, jobs)
        except Exception as error:
            for job in jobs:  # each answers for it; what was not announced waits in the outbox
                with self._answered_for(job):
                    raise
            if not jobs:
                self._reports.not_announced(error)
            self._stop.wait(LINGER_S)
            return
        for job, run in ended:
            self._closed(job, run)
        if not self._heartbeat.jobs:
            give_back_free_memory()
        self._progress.note()

    def _are_all(self, count: int) -> bool:
        """No other job is in hand than those that are being closed, or nobody waits for company any more."""
        return self._stop.is_set() or len(self._heartbeat.jobs) <= count

    def _closed(self, job: Job, ended: Segmentation | None) -> None:
        self._end(job)
        self._crashes = 0
        self._reports.closed(job, ended)

    @contextmanager
    def _answered_for(self, job: Job) -> Iterator[None]:
        """Whatever happens inside, the job's message ends up acknowledged, given back, or left to its loan's end."""
        try:
            yield
        except _StoppingError:
            self._give_back(job, 0)
        except _LostError:
            self._drop(job)
        except HeldElsewhereError as error:
            self._give_back(job, int(SILENT_WORKER_AFTER.total_seconds()))
            self._reports.held_elsewhere(job, error)
        except ValidationError as error:
            job.let_go()
            self._end(job)
            self._reports.unreadable(job, error)
        except UnavailableError as error:
            self._reports.failed(job, error)
            self._give_back(job, self._delay_s(job))
        except Exception as error:  # noqa: BLE001 - a bug, or no memory: the worker lives, the message has two more tries
            self._reports.failed(job, error)
            self._give_back(job, self._delay_s(job))
            self._crashes += 1
            if self._crashes >= CRASHES_IN_A_ROW:
                self._reports.gives_up(self._crashes)
                self.stop()
        self._progress.note()

    def _delay_s(self, job: Job) -> int:
        return 0 if self._stop.is_set() else FIRST_DELAY_S * 2 ** (job.delivery.receive_count - 1)

    def _drop(self, job: Job) -> None:
        """End a job whose run is no longer this worker's."""
        try:
            self._close(job, None)
        except Exception as error:  # noqa: BLE001 - the message comes back at its loan's end
            job.let_go()
            self._end(job)
            self._reports.failed(job, error)

    def _give_back(self, job: Job, delay_s: int) -> None:
        """Let row and message wait again, as far as they can be reached; their silence frees them otherwise."""
        for step in (self._give_back_row, lambda job: job.give_back(delay_s)):
            try:
                step(job)
            except Exception as error:  # noqa: BLE001 - the other one must be given back all the same
                self._reports.failed(job, error)
        self._end(job)
        self._reports.given_back(job, delay_s)

    def _give_back_row(self, job: Job) -> None:
        if job.running is not None:
            self._segment_image.give_back(job.running)

    def _end(self, job: Job) -> None:
        self._leave_place(job)
        self._heartbeat.remove(job)

    def _leave_place(self, job: Job) -> None:
        if job.is_ahead:
            job.is_ahead = False
            self._places.release()

    def _retried(self, step: Callable[Given, Outcome], *args: Given.args, **kwargs: Given.kwargs) -> Outcome:
        """The step's outcome; while something is unavailable it is tried again in place, for a while."""
        retrying = Retrying(
            retry=retry_if_exception_type(UnavailableError),
            wait=wait_random_exponential(multiplier=0.5, max=LONGEST_PAUSE_S),
            stop=stop_after_delay(self._pace.retry_for_s) | stop_when_event_set(self._stop),
            sleep=sleep_using_event(self._stop),
            before_sleep=self._missed,
            reraise=True,
        )
        return retrying(step, *args, **kwargs)

    def _missed(self, _: RetryCallState) -> None:
        self._suspect.set()
        self._progress.note()

    def _wind_up(self) -> None:
        """Give back what was not begun, wait for what is nearly done, then give back that too."""
        deadline = time.monotonic() + self._pace.grace_s
        for job in self._polling.drain():
            self._give_back(job, 0)
        while self._heartbeat.jobs and time.monotonic() < deadline:
            time.sleep(0.02)
        for job in self._heartbeat.jobs:
            job.lost.set()  # its thread may still be at it; the row, queued again, refuses what it would write
            self._give_back(job, 0)
        try:
            self._outbox.flush()
        except Exception as error:  # noqa: BLE001 - whoever takes these runs announces them again
            self._reports.not_announced(error)
