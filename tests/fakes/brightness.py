"""What is to be measured again, over the fake of revisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from spheroseg.domain.spheroid import Brightness, Spheroid
from spheroseg.ports.brightness import MAX_ASKED
from tests.fakes.revisions import InMemoryRevisions


@dataclass
class InMemoryBrightness:
    """What spheroids themselves say is due."""

    revisions: InMemoryRevisions
    asked: dict[UUID, tuple[datetime, int]] = field(default_factory=dict)

    def due(self, segmentation_id: UUID, limit: int) -> Mapping[int, Sequence[int]]:
        waiting = {
            (-since, one.number)
            for (id_, _), state in self.revisions.states.items()
            if id_ == segmentation_id
            for one in state.values()
            if (since := one.brightness_due_since) is not None
        }
        found: dict[int, list[int]] = {}
        for since, number in sorted(waiting)[:limit]:
            found.setdefault(-since, []).append(number)
        return found

    def store(self, segmentation_id: UUID, revision: int, measured: Mapping[int, Brightness], at: datetime) -> None:
        drawn = {
            number: one.polygons
            for number, one in self.revisions.states.get((segmentation_id, revision), {}).items()
            if number in measured
        }
        for (id_, at_revision), state in self.revisions.states.items():
            if id_ != segmentation_id or at_revision < revision:
                continue
            for number, polygons in drawn.items():
                one = state.get(number)
                if one is not None and one.polygons == polygons:
                    state[number] = _measured(one, revision, measured[number])

    def overdue(self, before: datetime, at: datetime, limit: int) -> Sequence[tuple[UUID, str]]:
        found: list[tuple[UUID, str]] = []
        for id_, saved in self.revisions.saved.items():
            last, times = self.asked.get(id_, (saved[-1].created_at, 1))
            if self.due(id_, 1) and last < before and times < MAX_ASKED and len(found) < limit:
                self.asked[id_] = (at, times + 1)
                found.append((id_, self.revisions.segmentations.rows[id_].correlation_id))
        return found


def _measured(one: Spheroid, revision: int, brightness: Brightness) -> Spheroid:
    if one.brightness_due_since == revision:
        own = one.brightness or brightness
        local = brightness.intensity_local_background
        return replace(one, brightness=replace(own, intensity_local_background=local), brightness_due_since=None)
    if one.brightness is None:
        return replace(one, brightness=replace(brightness, intensity_local_background=None))
    return one
