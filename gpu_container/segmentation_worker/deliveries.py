"""The job that a delivered message becomes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event, Lock
from uuid import UUID

from spheroseg.domain.segmentation import Segmentation
from spheroseg.messages import SegmentationRequested
from spheroseg.ports import Delivery


@dataclass(eq=False)
class Job:
    """One delivered message on its way through the worker.

    Args:
        running: The run as this worker started it; None until then.
        lost: Set when another worker, or nobody, is to finish the run: this one stops before it writes.
        is_ahead: It takes one of the places for jobs that wait for the model.
        received_s: When it came, on the monotonic clock.
    """

    delivery: Delivery
    running: Segmentation | None = None
    lost: Event = field(default_factory=Event)
    is_ahead: bool = False
    received_s: float = field(default_factory=time.monotonic)
    _lock: Lock = field(default_factory=Lock)
    _is_closed: bool = False

    def request(self) -> SegmentationRequested:
        """The message, read anew; raises pydantic's ``ValidationError`` when it is none of ours."""
        return SegmentationRequested.model_validate_json(self.delivery.body)

    @property
    def segmentation_id(self) -> UUID | None:
        """Which run it is for, once it was started."""
        return self.running.id if self.running else None

    def extend(self, seconds: int) -> None:
        """Keep the message for so many seconds from now, unless it was acknowledged or given back."""
        with self._lock:  # an extension after a give-back would hide the message from everybody
            if not self._is_closed:
                self.delivery.extend(seconds)

    def give_back(self, delay_s: int) -> None:
        """Let the message be lent out again after so many seconds."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True  # whether it succeeds or not: its loan ends by itself
                self.delivery.give_back(delay_s)

    def let_go(self) -> None:
        """Leave the message to the end of its loan."""
        with self._lock:
            self._is_closed = True

    @property
    def is_closed(self) -> bool:
        """Acknowledged, given back or let go."""
        with self._lock:
            return self._is_closed


def acknowledge(jobs: Sequence[Job]) -> None:
    """Remove the messages of jobs that are not closed, those of one queue together.

    Raises:
        QueueUnavailableError: a queue does not answer; jobs whose messages were removed are closed by then.
    """
    waiting = [job for job in jobs if not job.is_closed]
    for receiver in {id(job.delivery.receiver): job.delivery.receiver for job in waiting}.values():
        of_this = [job for job in waiting if job.delivery.receiver is receiver]
        receiver.acknowledge([job.delivery.receipt for job in of_this])
        for job in of_this:
            job.let_go()
