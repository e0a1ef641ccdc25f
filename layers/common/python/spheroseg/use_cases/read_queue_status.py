"""How long the queue is, and how fast it moves."""

from dataclasses import dataclass

from spheroseg.domain.backlog import Backlog
from spheroseg.ports import Clock, SegmentationRepository


@dataclass(frozen=True)
class ReadQueueStatus:
    """Counts over everybody's runs; they name nobody."""

    segmentations: SegmentationRepository
    clock: Clock

    def __call__(self) -> Backlog:
        """The present backlog."""
        return self.segmentations.backlog(self.clock.now())
