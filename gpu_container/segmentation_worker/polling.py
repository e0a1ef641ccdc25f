"""Which queue is asked next: the urgent ones more often, none of them never."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

from segmentation_worker.deliveries import Job
from spheroseg.ports import Delivery, Receiver

RECEIVE_MAX = 10
"""Messages of one receive at most (Amazon SQS API reference, ReceiveMessage)."""


@dataclass(eq=False)
class WeightedQueue:
    """One queue and its share.

    Args:
        weight: Messages taken from it out of the sum of all weights, while every queue has some.
    """

    receiver: Receiver
    weight: int
    credit: int = 0
    is_polled: bool = False
    seems_empty: bool = False


@dataclass(frozen=True)
class _Arrival:
    queue: WeightedQueue
    deliveries: Sequence[Delivery] = ()
    error: Exception | None = None


class PriorityPolling:
    """Takes jobs from several queues by smooth weighted round robin.

    A queue that answers «nothing there» is asked in the background by a long poll from then on, so a message in any
    of them is heard of at once while the others are worked off, and an idle worker asks each of them a few times a
    minute. What such a poll brings is one job beyond those that were asked for, at most one for each queue.

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
        self._jobs: list[tuple[int, Job]] = []

    def take(self, limit: int) -> list[Job]:
        """Up to ``limit`` jobs; waits up to the long poll's time for the first, or until ``wake``.

        Raises:
            QueueUnavailableError: a queue does not answer.
        """
        self._collect(wait_s=None)
        if not self._jobs:
            self._ask(min(limit, RECEIVE_MAX))
        if not self._jobs:
            self._collect(wait_s=self._long_poll_s)
        self._jobs.sort(key=lambda ranked: ranked[0])
        taken, self._jobs = self._jobs[:limit], self._jobs[limit:]
        return [job for _, job in taken]

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
                self._receive(arrival)
                yield from self._untaken()

    def _untaken(self) -> Iterator[Job]:
        while self._jobs:
            yield self._jobs.pop()[1]

    def _ask(self, limit: int) -> None:
        """Ask the queues that are not being polled, in turn, until one has something."""
        for queue in sorted(self._queues, key=lambda queue: -(queue.credit + queue.weight)):
            if queue.is_polled:
                continue
            if not queue.seems_empty:
                self._receive(_Arrival(queue, queue.receiver.receive(limit, 0)))
                if self._jobs:
                    return
            self._poll(queue)

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
                self._receive(arrival)
                arrival = self._arrivals.get(block=False)
        except Empty:
            return

    def _receive(self, arrival: _Arrival) -> None:
        queue = arrival.queue
        queue.is_polled = False
        queue.seems_empty = not arrival.deliveries
        if queue.seems_empty:
            queue.credit = 0
        rank = self._queues.index(queue)
        for delivery in arrival.deliveries:
            self._jobs.append((rank, self._on_arrival(delivery)))
            for other in self._queues:
                other.credit += 0 if other.seems_empty else other.weight
            queue.credit -= sum(other.weight for other in self._queues if not other.seems_empty)
