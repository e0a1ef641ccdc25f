"""Waiting runs are sent to the workers when their turn has come."""

from collections.abc import Sequence
from dataclasses import dataclass

from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.errors import QueueUnavailableError
from spheroseg.messages import SegmentationChanged, SegmentationRequested
from spheroseg.ports import Clock, SegmentationQueue, SegmentationRepository, UpdatePublisher

REUSES = 50
"""Times 200 runs that are finished by results of others in one call; more wait for the next one."""


@dataclass(frozen=True)
class DispatchRuns:
    """Send the runs whose turn has come (``domain/fairness.py``); called when runs are added, and when some have ended.

    A run is marked as sent, then sent. One whose message is lost between the two is sent again by the sweep.
    """

    segmentations: SegmentationRepository
    queue: SegmentationQueue
    clock: Clock
    updates: UpdatePublisher | None = None

    def __call__(self) -> Sequence[Segmentation]:
        """The runs that were sent now; those whose result is there already are finished instead, and announced.

        Raises:
            QueueUnavailableError: the queue refuses; those runs wait for their turn again.
        """
        for _ in range(REUSES):
            reused = self.segmentations.reuse(self.clock.now())
            if reused and self.updates is not None:
                self.updates.publish_many([SegmentationChanged.of(run, self.clock.now()) for run in reused])
            if not reused:
                break
        released = self.segmentations.release(self.clock.now())
        try:
            self._send(released)
        except QueueUnavailableError:
            self.segmentations.hold([run.id for run in released])
            raise
        return released

    def announce(self, run: Segmentation) -> None:
        """Let a waiting run be sent, again if it was sent before: its message may have been lost."""
        if run.status is not SegmentationStatus.QUEUED:
            return
        if run.sent_at is None:
            self()
        else:
            self._send([run])

    def _send(self, runs: Sequence[Segmentation]) -> None:
        if runs:
            self.queue.send([(run.order.priority, SegmentationRequested.of(run)) for run in runs])
