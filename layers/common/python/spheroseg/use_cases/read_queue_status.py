"""How long the queue is, and how fast it moves."""

from dataclasses import dataclass

from spheroseg.domain.backlog import OWN_WINDOW, Backlog, OwnRuns
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import Clock, SegmentationRepository


@dataclass(frozen=True)
class ReadQueueStatus:
    """Counts over everybody's runs; they name nobody."""

    segmentations: SegmentationRepository
    clock: Clock

    def __call__(self) -> Backlog:
        """The present backlog."""
        return self.segmentations.backlog(self.clock.now())

    def own(self, viewer: Viewer) -> OwnRuns:
        """The viewer's own runs: those that wait and work, and those that ended within a day."""
        counts = self.segmentations.own_runs(viewer, self.clock.now() - OWN_WINDOW)
        numbers = {status.value: counts.get(status, 0) for status in SegmentationStatus}
        return OwnRuns(**numbers, window_s=OWN_WINDOW.total_seconds())
