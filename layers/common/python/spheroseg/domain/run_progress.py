"""Progress: how far the runs of a batch or a project are, and when the last of them may be done."""

from collections.abc import Mapping
from dataclasses import dataclass

from spheroseg.domain.backlog import Backlog
from spheroseg.domain.segmentation import SegmentationStatus


@dataclass(frozen=True)
class Estimate:
    """Seconds until something, and where that number comes from; None with the reason why there is none."""

    seconds: float | None
    reason: str


@dataclass(frozen=True)
class Progress:
    """How far some runs are.

    Args:
        counts: Runs by status; a status that none has is left out.
        held: Of the queued ones, those whose turn to be sent to a worker has not come.
        before: Waiting runs of anybody that are sent before the last of these, these included.
        backlog: What waits and runs of everybody, and the measured rate.
    """

    counts: Mapping[SegmentationStatus, int]
    held: int
    before: int
    backlog: Backlog

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    @property
    def ended(self) -> int:
        """Those with which nothing more happens."""
        return sum(count for status, count in self.counts.items() if status.is_final)

    @property
    def estimate(self) -> Estimate:
        """Until the last of them ends.

        Runs that must end until then, times the measured duration of one, divided by the runs that proceed side by side
        now. None when nothing ended lately: an estimate is never invented.
        """
        waiting = self.counts.get(SegmentationStatus.QUEUED, 0)
        running = self.counts.get(SegmentationStatus.RUNNING, 0)
        if not waiting + running:
            return Estimate(0.0, "all have ended" if self.total else "there are none")
        others = max(0, self.before - waiting) if waiting else 0
        what = f"{waiting} waiting and {running} running, {others} of others before the last of them"
        window = f"{self.backlog.window_s / 60:.0f} min"
        each_s = self.backlog.seconds_per_run
        if each_s is None:
            return Estimate(None, f"{what}; no run ended within the last {window}, so that no rate is known")
        parallel = self.backlog.running
        beside = f"{parallel} running side by side" if parallel else "none running now, one assumed"
        seconds = (waiting + others + running) * each_s / max(parallel, 1)
        return Estimate(seconds, f"{what}, {beside}, {each_s:.1f} s each over the last {window}")


def sent_before(sent: int, held: Mapping[str, int], places: Mapping[str, int]) -> int:
    """Waiting runs that are sent before and with the last of some, by the rule of ``fairness.released``.

    Those in the queues, then turn by turn one of each person that has one left.

    Args:
        sent: Runs that wait in the queues.
        held: Runs of each person that wait for their turn.
        places: For each person with held runs among those asked about the place of the last of these among the
            person's own, the first is 1.
    """
    if not places:
        return sent
    return sent + max(
        sum(place if share == person else min(count, place) for person, count in held.items())
        for share, place in places.items()
    )
