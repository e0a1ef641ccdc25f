"""What is due and was not measured, because a message was lost or nobody sent one, is asked for again."""

from dataclasses import dataclass
from datetime import timedelta

from spheroseg.messages import BrightnessRequested
from spheroseg.ports import BrightnessRepository, Clock, ExportQueue

SILENT_AFTER = timedelta(minutes=5)
"""So long after a worker was asked another one is."""

BATCH = 100


@dataclass(frozen=True)
class AskForBrightness:
    """Once a minute: ask for what is due and nobody was asked for lately."""

    brightness: BrightnessRepository
    queue: ExportQueue
    clock: Clock

    def __call__(self) -> int:
        """How many runs somebody was asked for."""
        now = self.clock.now()
        runs = self.brightness.overdue(now - SILENT_AFTER, now, BATCH)
        if runs:
            self.queue.send([BrightnessRequested(segmentation_id=id_, correlation_id=told) for id_, told in runs])
        return len(runs)
