import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from segmentation_worker.deliveries import Job
from segmentation_worker.heartbeat import Heartbeat
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.errors import DatabaseUnavailableError
from tests.builders import a_segmentation
from tests.worker.loans import LendingQueue

SECOND = 0.05
"""How long a second lasts in these tests."""


@dataclass
class Rows:
    """Which runs were noted as alive; those in ``taken_away`` are no longer ours."""

    noted: list[UUID] = field(default_factory=list)
    taken_away: set[UUID] = field(default_factory=set)
    error: Exception | None = None

    def keep_alive(self, run: Segmentation) -> bool:
        if self.error:
            raise self.error
        self.noted.append(run.id)
        return run.id not in self.taken_away


@dataclass
class Hearts:
    rows: Rows = field(default_factory=Rows)
    queue: LendingQueue = field(default_factory=lambda: LendingQueue(second=SECOND))
    failures: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.heartbeat = Heartbeat(
            self.rows.keep_alive,
            lambda _job, error: self.failures.append(error),
            interval_s=10 * SECOND,
            visibility_s=30,
        )
        self.heartbeat.start()

    def job(self) -> Job:
        run = a_segmentation(status=SegmentationStatus.RUNNING)
        self.queue.request(run.id)
        job = Job(self.queue.receive(1, 0)[0], running=run)
        self.heartbeat.add(job)
        return job

    def visible(self) -> bool:
        return bool(self.queue.receive(1, 0))


@pytest.fixture
def hearts() -> Iterator[Hearts]:
    hearts = Hearts()
    yield hearts
    hearts.heartbeat.stop()


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for it; how long is no more than what tells a hang from a busy machine."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def test_a_job_in_hand_is_neither_lent_again_nor_taken_for_dead(hearts: Hearts) -> None:
    job = hearts.job()
    time.sleep(60 * SECOND)
    assert not hearts.visible()
    assert len(hearts.rows.noted) >= 3
    assert not job.lost.is_set()


def test_a_job_that_ended_is_not_kept(hearts: Hearts) -> None:
    job = hearts.job()
    hearts.heartbeat.remove(job)
    time.sleep(20 * SECOND)
    assert hearts.rows.noted == []


def test_a_message_given_back_is_not_hidden_again_by_a_late_beat(hearts: Hearts) -> None:
    job = hearts.job()
    job.give_back(0)
    time.sleep(25 * SECOND)
    assert hearts.visible()


def test_a_run_that_was_taken_away_is_marked(hearts: Hearts) -> None:
    job, other = hearts.job(), hearts.job()
    hearts.rows.taken_away.add(job.running.id if job.running else UUID(int=0))
    until(job.lost.is_set)
    assert not other.lost.is_set()


def test_the_message_is_kept_while_the_database_is_away(hearts: Hearts) -> None:
    hearts.rows.error = DatabaseUnavailableError("The database does not answer")
    job = hearts.job()
    time.sleep(60 * SECOND)
    assert not hearts.visible()
    assert not job.lost.is_set()
    assert hearts.failures
    hearts.rows.error = None
    until(lambda: hearts.rows.noted)


def test_the_row_is_kept_while_the_queue_is_away(hearts: Hearts) -> None:
    job = hearts.job()
    hearts.queue.is_available = False
    until(lambda: len(hearts.rows.noted) >= 2)
    until(lambda: hearts.failures)
    hearts.queue.is_available = True
    extended = job.delivery.receive_count
    until(lambda: hearts.queue.messages[0].visible_at > time.monotonic() + 25 * SECOND)
    assert extended == hearts.queue.messages[0].receive_count


def test_a_bug_in_one_beat_does_not_end_the_others(hearts: Hearts) -> None:
    hearts.job()
    hearts.rows.error = RuntimeError("a bug")
    until(lambda: hearts.failures)
    hearts.rows.error = None
    until(lambda: hearts.rows.noted)
