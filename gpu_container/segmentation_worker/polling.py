"""Which queue is asked next: the urgent ones more often, none of them never."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

from segmentation_worker.deliveries import Job
from spheroseg.ports import Delivery, Receiver

RECEIVE_MAX = 10
"""Messages of one receive at most (Amazon SQS API reference, ReceiveMessage)."""

AHEAD_S = 0.5
"""Seconds of work that are lent ahead of the places for it: some images at some images/s, none while each takes longer.
See docs/results.md."""

OVERDUE_S = 3.0
"""After so long what was lent ahead is given back: work has become slower meanwhile, and another worker may be idle."""


@dataclass(eq=False)
class WeightedQueue:
    """One queue and its share.

    Args:
        weight: Messages taken from it out of the sum of all weights, while every queue has some.
        ahead: Jobs that were lent before there was a place for them, in the order of their arrival.
    """

    receiver: Receiver
    weight: int
    credit: int = 0
    is_polled: bool = False
    seems_empty: bool = False
    ahead: deque[Job] = field(default_factory=deque)


class Throughput:
    """How many jobs were noted lately; any thread may note one, a single one asks."""

    def __init__(self, clock_s: Callable[[], float] = monotonic) -> None:
        self._clock_s = clock_s
        self._noted_s: deque[float] = deque()

    def note(self) -> None:
        """One more, now."""
        self._noted_s.append(self._clock_s())

    def within(self, seconds: float) -> int:
        """How many were noted in the last so many seconds; what is older is forgotten."""
        since_s = self._clock_s() - seconds
        while self._noted_s and self._noted_s[0] < since_s:
            self._noted_s.popleft()
        return len(self._noted_s)


@dataclass(frozen=True)
class _Arrival:
    queue: WeightedQueue
    deliveries: Sequence[Delivery] = ()
    error: Exception | None = None


class PriorityPolling:
    """Takes jobs from several queues by smooth weighted round robin.

    A queue that answers «nothing there» is asked in the background by a long poll from then on, so a message in any
    of them is heard of at once while the others are worked off, and an idle worker asks each of them a few times a
    minute. What such a poll brings is one job beyond those that were asked for, at most one for each queue; it is
    taken before all others.

    A receive costs hardly more for ten messages than for one. So jobs may be lent ahead of the places for them, each
    queue's in proportion to its weight; they are taken in the same order as if they had stayed in their queues.

    Source: smooth weighted round robin as in nginx, ``ngx_http_upstream_round_robin.c``.
    """

    def __init__(
        self, queues: Sequence[WeightedQueue], long_poll_s: int, on_arrival: Callable[[Delivery], Job] = Job
    ) -> None:
        """The queues, most urgent first.

        Args:
            long_poll_s: How long a background poll waits, 1 to 20 s; a stop may have to wait as long.
            on_arrival: Makes the job of a delivery at the moment it arrives, in any thread.
        """
        self._queues = queues
        self._long_poll_s = long_poll_s
        self._on_arrival = on_arrival
        self._arrivals: SimpleQueue[_Arrival | None] = SimpleQueue()
        self._heard_of: list[tuple[WeightedQueue, Job]] = []

    def take(self, limit: int, ahead: int = 0) -> list[Job]:
        """Up to ``limit`` jobs; waits up to the long poll's time for the first, or until ``wake``.

        Args:
            ahead: How many more may be lent, for the next times.

        Raises:
            QueueUnavailableError: a queue does not answer.
        """
        self._collect(wait_s=None)
        jobs = self._taken_heard_of(limit)
        while len(jobs) < limit and (queue := self._next(limit, ahead, may_ask=not jobs)):
            jobs.append(self._taken(queue, queue.ahead.popleft()))
        if not jobs:
            self._collect(wait_s=self._long_poll_s)
            jobs = self._taken_heard_of(limit)
        return jobs

    def overdue(self) -> list[Job]:
        """Jobs that were lent ahead and have waited for too long, now no longer here; each the first time only.

        A queue gives a message up that was lent too often, and it needs the other times for what goes wrong.
        """
        before_s = monotonic() - OVERDUE_S
        jobs: list[Job] = []
        for queue in self._queues:
            late = [job for job in queue.ahead if job.received_s < before_s and job.delivery.receive_count == 1]
            for job in late:
                queue.ahead.remove(job)
            jobs += late
        return jobs

    def wake(self) -> None:
        """End a waiting ``take`` now; may be called from any thread."""
        self._arrivals.put(None)

    def drain(self) -> Iterator[Job]:
        """The jobs that were not taken, and those that polls under way still bring; ends when all polls have ended."""
        deadline = monotonic() + self._long_poll_s + 5
        yield from self._untaken()
        while any(queue.is_polled for queue in self._queues) and monotonic() < deadline:
            try:
                arrival = self._arrivals.get(timeout=max(0.0, deadline - monotonic()))
            except Empty:
                return
            if arrival is not None:
                self._heard_of += [(arrival.queue, job) for job in self._received(arrival)]
                yield from self._untaken()

    def _untaken(self) -> Iterator[Job]:
        while self._heard_of:
            yield self._heard_of.pop()[1]
        for queue in self._queues:
            while queue.ahead:
                yield queue.ahead.pop()

    def _taken_heard_of(self, limit: int) -> list[Job]:
        self._heard_of.sort(key=lambda heard: self._queues.index(heard[0]))
        taken, self._heard_of = self._heard_of[:limit], self._heard_of[limit:]
        return [self._taken(queue, job) for queue, job in taken]

    def _taken(self, queue: WeightedQueue, job: Job) -> Job:
        for other in self._queues:
            other.credit += 0 if other.seems_empty else other.weight
        queue.credit -= sum(other.weight for other in self._queues if not other.seems_empty)
        return job

    def _next(self, limit: int, ahead: int, *, may_ask: bool) -> WeightedQueue | None:
        """The queue whose turn it is, with something ahead; None when there is nothing, or one had to be asked."""
        for queue in sorted(self._queues, key=lambda queue: -(queue.credit + queue.weight)):
            if queue.ahead:
                return queue
            if queue.is_polled:
                continue
            if not may_ask:
                return None  # what there is begins first
            share = queue.weight / sum(
                other.weight for other in self._queues if other is queue or not other.seems_empty
            )
            if self._ask(queue, 1 + int((limit - 1 + ahead) * share)):
                return queue
        return None

    def _ask(self, queue: WeightedQueue, limit: int) -> bool:
        """Whether a queue that is not being polled has something; from now on it is polled when it has not."""
        if not queue.seems_empty:
            queue.ahead.extend(self._received(_Arrival(queue, queue.receiver.receive(min(limit, RECEIVE_MAX), 0))))
        if not queue.ahead:
            self._poll(queue)
        return bool(queue.ahead)

    def _poll(self, queue: WeightedQueue) -> None:
        queue.is_polled = True
        Thread(target=self._long_poll, args=(queue,), name="long-poll", daemon=True).start()

    def _long_poll(self, queue: WeightedQueue) -> None:
        try:
            arrival = _Arrival(queue, queue.receiver.receive(1, self._long_poll_s))
        except Exception as error:  # noqa: BLE001 - raised again in the thread that takes
            arrival = _Arrival(queue, error=error)
        self._arrivals.put(arrival)

    def _collect(self, wait_s: float | None) -> None:
        """Note what background polls have brought; wait for the first of them when ``wait_s`` is given."""
        try:
            arrival = self._arrivals.get(block=wait_s is not None, timeout=wait_s)
            while arrival is not None:
                arrival.queue.is_polled = False
                if arrival.error is not None:
                    raise arrival.error
                self._heard_of += [(arrival.queue, job) for job in self._received(arrival)]
                arrival = self._arrivals.get(block=False)
        except Empty:
            return

    def _received(self, arrival: _Arrival) -> list[Job]:
        queue = arrival.queue
        queue.is_polled = False
        queue.seems_empty = not arrival.deliveries
        if queue.seems_empty:
            queue.credit = 0
        return [self._on_arrival(delivery) for delivery in arrival.deliveries]
