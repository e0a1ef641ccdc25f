import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from segmentation_worker.closing import LINGER_S, TOGETHER, Closing, Outbox
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


def test_what_ends_at_about_the_same_time_is_taken_together() -> None:
    taken: list[list[int]] = []
    closing: Closing[int] = Closing(taken.append, is_last=lambda _: False)
    for number in range(TOGETHER + 3):
        closing.put(number)
    until(lambda: sum(map(len, taken)) == TOGETHER + 3)
    assert taken == [list(range(TOGETHER)), list(range(TOGETHER, TOGETHER + 3))]


def test_neither_a_nudge_without_items_nor_the_last_item_waits() -> None:
    taken: list[tuple[float, list[int]]] = []
    closing: Closing[int] = Closing(lambda items: taken.append((time.monotonic(), items)), is_last=lambda _: True)
    begun = time.monotonic()
    closing.put(1)
    until(lambda: len(taken) == 1)
    assert taken[0][0] - begun < LINGER_S
    nudged = time.monotonic()
    closing.nudge()
    until(lambda: len(taken) == 2)
    assert taken[1][1] == []
    assert taken[1][0] - nudged < LINGER_S
