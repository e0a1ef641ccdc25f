from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from segmentation_worker import closing
from segmentation_worker.closing import TOGETHER, Closing, Outbox
from spheroseg.errors import QueueUnavailableError
from spheroseg.messages import SegmentationChanged
from tests.builders import NOW, a_segmentation
from tests.fakes import InMemoryUpdatePublisher
from tests.worker.test_heartbeat import until


@dataclass
class Publisher(InMemoryUpdatePublisher):
    calls: list[int] = field(default_factory=list)

    def publish_many(self, updates: Sequence[SegmentationChanged]) -> None:
        self.calls.append(len(updates))
        super().publish_many(updates)


def updates(count: int) -> list[SegmentationChanged]:
    return [SegmentationChanged.of(a_segmentation(), NOW) for _ in range(count)]


def test_what_is_announced_is_sent_in_order_and_in_full_calls() -> None:
    publisher, announced = Publisher(), updates(23)
    outbox = Outbox(publisher)
    for update in announced:
        outbox.publish(update)
    assert publisher.calls == []
    outbox.flush()
    assert publisher.published == announced
    assert publisher.calls == [TOGETHER, TOGETHER, 3]
    assert outbox.is_empty


def test_what_could_not_be_sent_waits_for_the_next_time() -> None:
    publisher, announced = Publisher(is_available=False), updates(3)
    outbox = Outbox(publisher)
    outbox.publish_many(announced)
    with pytest.raises(QueueUnavailableError):
        outbox.flush()
    publisher.is_available = True
    outbox.flush()
    assert publisher.published == announced


def test_what_ends_at_about_the_same_time_is_taken_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "LINGER_S", 2.0)
    taken: list[list[int]] = []
    together: Closing[int] = Closing(taken.append, is_last=lambda _: False)
    for number in range(TOGETHER + 3):
        together.put(number)
    until(lambda: sum(map(len, taken)) == TOGETHER + 3)
    assert taken == [list(range(TOGETHER)), list(range(TOGETHER, TOGETHER + 3))]


def test_neither_a_nudge_without_items_nor_the_last_item_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "LINGER_S", 3600.0)
    taken: list[list[int]] = []
    alone: Closing[int] = Closing(taken.append, is_last=lambda _: True)
    alone.put(1)
    until(lambda: taken == [[1]])
    alone.nudge()
    until(lambda: taken == [[1], []])
