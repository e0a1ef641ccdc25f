import time
from collections import Counter
from collections.abc import Iterator
from threading import Thread, Timer

import pytest

from segmentation_worker import polling
from segmentation_worker.polling import PriorityPolling, Throughput, WeightedQueue
from spheroseg.errors import QueueUnavailableError
from tests.worker.loans import LendingQueue


class Queues:
    """High, normal and low, polled as the worker does."""

    def __init__(self, long_poll_s: int = 1, second: float = 0.3) -> None:
        self.high, self.normal, self.low = (LendingQueue(second=second) for _ in range(3))
        self.weighted = [WeightedQueue(self.high, 6), WeightedQueue(self.normal, 3), WeightedQueue(self.low, 1)]
        self.polling = PriorityPolling(self.weighted, long_poll_s)

    def bodies(self, limit: int, ahead: int = 0) -> list[str]:
        return [job.delivery.body for job in self.polling.take(limit, ahead)]

    def lent_ahead(self) -> int:
        return sum(len(queue.ahead) for queue in self.weighted)

    def fill(self, count: int) -> None:
        for name in ("high", "normal", "low"):
            for _ in range(count):
                getattr(self, name).send(name)


@pytest.fixture
def queues() -> Iterator[Queues]:
    queues = Queues()
    yield queues
    list(queues.polling.drain())
    assert not queues.lent_ahead()


def test_full_queues_are_served_in_the_proportion_of_their_weights(queues: Queues) -> None:
    queues.fill(100)
    taken = Counter(body for _ in range(100) for body in queues.bodies(1))
    assert taken == {"high": 60, "normal": 30, "low": 10}


def test_what_is_lent_ahead_is_taken_in_the_order_of_one_at_a_time_and_by_fewer_calls(queues: Queues) -> None:
    queues.fill(100)
    one_at_a_time, ahead = Queues(), 9
    one_at_a_time.fill(100)
    expected = [body for _ in range(100) for body in one_at_a_time.bodies(1)]
    assert [body for _ in range(100) for body in queues.bodies(1, ahead)] == expected
    assert len(queues.high.receives) <= 60 / 6 + 1
    assert len(queues.normal.receives) <= 30 / 3 + 1
    assert len(queues.low.receives) == 10
    list(one_at_a_time.polling.drain())


def test_no_more_is_lent_ahead_than_said(queues: Queues) -> None:
    queues.fill(100)
    most = 0
    for _ in range(60):
        assert queues.bodies(2, ahead=4)
        most = max(most, queues.lent_ahead())
    assert 3 <= most <= 4
    while queues.lent_ahead():
        queues.bodies(1)
    for _ in range(20):
        assert queues.bodies(1)
        assert not queues.lent_ahead()


def test_urgent_messages_overtake_what_was_lent_ahead(queues: Queues) -> None:
    for number in range(20):
        queues.normal.send(f"normal {number}")
    assert queues.bodies(1, ahead=9) == ["normal 0"]
    assert queues.lent_ahead() >= 6
    for number in range(4):
        queues.high.send(f"high {number}")
    time.sleep(0.05)
    taken = [body for _ in range(6) for body in queues.bodies(1)]
    assert taken == ["high 0", "normal 1", "high 1", "high 2", "normal 2", "high 3"]  # 6 : 3


def test_what_has_waited_for_too_long_is_given_up_once(queues: Queues, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        queues.normal.send(f"normal {number}")
    queues.bodies(1, ahead=4)
    assert queues.polling.overdue() == []
    monkeypatch.setattr(polling, "OVERDUE_S", 0.0)
    given_up = queues.polling.overdue()
    assert [job.delivery.body for job in given_up] == ["normal 1", "normal 2", "normal 3"]
    for job in given_up:
        job.give_back(0)
    assert queues.bodies(1, ahead=4) == ["normal 1"]
    assert queues.polling.overdue() == []
    assert [body for _ in range(2) for body in queues.bodies(1)] == ["normal 2", "normal 3"]


def test_the_lowest_is_served_within_ten_while_the_urgent_ones_are_full(queues: Queues) -> None:
    for _ in range(50):
        queues.high.send("high")
        queues.normal.send("normal")
    queues.low.send("low")
    taken = [body for _ in range(10) for body in queues.bodies(1)]
    assert "low" in taken


def test_two_full_queues_share_what_the_empty_one_leaves(queues: Queues) -> None:
    for _ in range(100):
        queues.normal.send("normal")
        queues.low.send("low")
    taken = Counter(body for _ in range(40) for body in queues.bodies(1))
    assert taken == {"normal": 30, "low": 10}


@pytest.fixture
def patient() -> Iterator[Queues]:
    """Queues that are polled for as long as SQS allows, unless something comes."""
    patient = Queues(long_poll_s=20, second=1.0)
    yield patient
    patient.fill(1)
    assert list(patient.polling.drain())


def test_a_message_in_any_queue_wakes_an_idle_worker_at_once(patient: Queues) -> None:
    for name in ("low", "high", "normal", "low"):
        Timer(0.1, getattr(patient, name).send, args=[name]).start()
        begun = time.monotonic()
        assert patient.bodies(1) == [name]
        assert time.monotonic() - begun < 10


def test_an_urgent_message_is_heard_of_while_others_are_worked_off(queues: Queues) -> None:
    for number in range(50):
        queues.normal.send(f"normal {number}")
    queues.bodies(1)
    queues.high.send("high")
    time.sleep(0.05)
    assert queues.bodies(1) == ["high"]


def test_an_idle_worker_asks_each_queue_once_in_a_long_poll(queues: Queues) -> None:
    deadline = time.monotonic() + 0.8
    while time.monotonic() < deadline:
        assert queues.bodies(1) == []
    for queue in (queues.high, queues.normal, queues.low):
        assert queue.receives[0] == 0
        assert 2 <= queue.receives.count(1) <= 4
        assert queue.receives.count(0) == 1


def test_throughput_is_what_was_noted_lately() -> None:
    now_s = [0.0]
    throughput = Throughput(lambda: now_s[0])
    assert throughput.within(0.5) == 0
    for at_s in (1.0, 1.2, 1.4):
        now_s[0] = at_s
        throughput.note()
    assert throughput.within(0.5) == 3
    now_s[0] = 1.75
    assert throughput.within(0.5) == 1
    now_s[0] = 9.0
    assert throughput.within(0.5) == 0


def test_never_more_are_taken_than_asked_for(queues: Queues) -> None:
    for queue in (queues.high, queues.normal, queues.low):
        queue.send("first")
        queue.send("second")
    while taken := queues.bodies(2):
        assert len(taken) <= 2
    assert all(message.receive_count == 1 for message in queues.normal.messages)


def test_waking_ends_a_wait(patient: Queues) -> None:
    Timer(0.1, patient.polling.wake).start()
    begun = time.monotonic()
    assert patient.bodies(1) == []
    assert time.monotonic() - begun < 10


def test_a_queue_that_does_not_answer_is_reported_and_asked_again(queues: Queues) -> None:
    queues.high.is_available = False
    with pytest.raises(QueueUnavailableError):
        queues.bodies(1)
    queues.high.is_available = True
    queues.high.send("high")
    assert queues.bodies(1) == ["high"]


def test_an_outage_during_a_long_poll_is_reported(queues: Queues) -> None:
    def cut() -> None:
        queues.low.is_available = False

    Timer(0.1, cut).start()
    with pytest.raises(QueueUnavailableError):
        queues.bodies(1)


def test_what_polls_under_way_still_bring_is_handed_over_at_the_end(queues: Queues) -> None:
    taking = Thread(target=queues.bodies, args=[1])
    taking.start()
    time.sleep(0.1)
    queues.polling.wake()
    taking.join()
    Timer(0.1, queues.low.send, args=["late"]).start()
    begun = time.monotonic()
    assert [job.delivery.body for job in queues.polling.drain()] == ["late"]
    assert time.monotonic() - begun < 3
