"""Fairness: whose waiting run is sent to the workers next, so that nobody's many images starve another's one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

WINDOW = 200
"""Runs that are in the queues or at a worker at a time, of everybody together.

Eight workers of 10 images/s, each with up to six in hand, keep busy for 2 s with them: longer than it takes until the
end of a run releases the next. So long, too, is the longest wait behind somebody else's runs of the same priority.
"""

FLOOR = 10
"""Runs that one person may have there even while others fill the window: whoever comes with few waits for no turn."""


@dataclass(frozen=True)
class Held:
    """A run that waits for its turn."""

    id: UUID
    share: str
    urgency: int
    queued_at: datetime


def released(
    held: Sequence[Held], in_flight: Mapping[str, int], window: int = WINDOW, floor: int = FLOOR
) -> list[UUID]:
    """The runs whose turn has come, in the order of their turns.

    A run's turn is the number of its person's runs that are in flight or wait before it; within one person the more
    urgent, then the earlier queued one is before. Lower turns go first, so that persons take turns, and whoever has
    less in flight catches up. Runs go while the window has room, and up to ``floor`` of each person's in any case.

    Args:
        in_flight: How many runs of each person are in a queue or at a worker.
    """
    counts = Counter(in_flight)
    room = window - counts.total()
    turns: list[tuple[int, Held]] = []
    for run in sorted(held, key=lambda run: (-run.urgency, run.queued_at, run.id)):
        counts[run.share] += 1
        turns.append((counts[run.share], run))
    turns.sort(key=lambda item: (item[0], item[1].queued_at, item[1].id))
    return [run.id for place, (turn, run) in enumerate(turns, 1) if turn <= floor or place <= room]
