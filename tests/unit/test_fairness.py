"""Whose run is next: the rule alone, then through the use case with a worker that takes its time."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from spheroseg.domain.fairness import FLOOR, WINDOW, Held, released
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.errors import QueueUnavailableError
from spheroseg.use_cases.dispatch_runs import DispatchRuns
from tests.builders import NOW, a_project, a_result, a_segmentation, an_id, an_image
from tests.fakes import InMemoryClock, InMemorySegmentationQueue, InMemorySegmentations


def held(share: str, count: int, urgency: int = 5, since: timedelta = timedelta()) -> list[Held]:
    return [Held(an_id(), share, urgency, NOW + since + timedelta(seconds=number)) for number in range(count)]


def shares(ids: list[UUID], *groups: list[Held]) -> list[str]:
    by_id = {run.id: run.share for group in groups for run in group}
    return [by_id[id_] for id_ in ids]


def test_one_person_alone_gets_the_whole_window() -> None:
    ada = held("ada", 300)
    assert released(ada, {}) == [run.id for run in ada[:WINDOW]]
    assert released(ada, {"ada": WINDOW}) == []


def test_ten_thousand_waiting_images_leave_the_next_turn_to_another_person() -> None:
    ada, bob = held("ada", 10_000), held("bob", 1, since=timedelta(days=1))
    assert released([*ada, *bob], {"ada": WINDOW}) == [bob[0].id]


def test_persons_take_turns() -> None:
    ada, bob = held("ada", 5), held("bob", 2, since=timedelta(hours=1))
    ids = released([*ada, *bob], {}, window=6, floor=1)
    assert shares(ids, ada, bob) == ["ada", "bob", "ada", "bob", "ada", "ada"]


def test_who_has_less_in_flight_catches_up() -> None:
    ada, bob = held("ada", 5), held("bob", 5)
    ids = released([*ada, *bob], {"ada": 3}, window=7, floor=1)
    assert shares(ids, ada, bob) == ["bob", "bob", "bob", "ada"]


def test_who_comes_with_few_waits_for_no_turn() -> None:
    bob = held("bob", FLOOR + 5)
    assert released(bob, {"ada": WINDOW}) == [run.id for run in bob[:FLOOR]]
    assert len(released(bob, {"ada": WINDOW, "bob": 4})) == FLOOR - 4


def test_the_more_urgent_of_ones_own_is_first_and_takes_nothing_from_others() -> None:
    calm, urgent, bob = held("ada", 3), held("ada", 1, urgency=10, since=timedelta(hours=1)), held("bob", 2, urgency=0)
    ids = released([*calm, *urgent, *bob], {}, window=4, floor=0)
    assert ids[0] == bob[0].id or ids[1] == bob[0].id
    assert ids.index(urgent[0].id) < ids.index(calm[0].id)
    assert Counter(shares(ids, calm, urgent, bob)) == {"ada": 2, "bob": 2}


class Laboratory:
    """Everybody's runs, and a worker that takes the oldest message of the queue."""

    def __init__(self) -> None:
        self.clock = InMemoryClock()
        self.segmentations = InMemorySegmentations()
        self.queue = InMemorySegmentationQueue()
        self.dispatch = DispatchRuns(self.segmentations, self.queue, self.clock)
        self.ended: list[str] = []

    def asks(self, person: str, images: int) -> None:
        project = a_project(owner_id=person)
        for _ in range(images):
            run = a_segmentation(an_image(project), queued_at=self.clock.now())
            self.segmentations.add(run)
        self.dispatch()

    def works(self, runs: int) -> None:
        """The ends of ten runs are heard of together, as in ``push_updates``."""
        for number in range(1, runs + 1):
            _, message = self.queue.sent.pop(0)
            self._does(self.segmentations.get(message.segmentation_id))
            if number % 10 == 0:
                self.dispatch()

    def _does(self, run: Segmentation) -> None:
        at = self.clock.advance(timedelta(seconds=1))
        self.segmentations.rows[run.id] = run.started(at).succeeded(a_result(), at)
        self.ended.append(run.owner_id)


def test_a_thousand_images_do_not_starve_one() -> None:
    laboratory = Laboratory()
    laboratory.asks("ada", 1_000)
    laboratory.works(50)
    laboratory.asks("bob", 1)
    laboratory.works(WINDOW + 1)
    assert laboratory.ended[-1] == "bob"  # behind what was in the queue, not behind the whole backlog
    assert laboratory.segmentations.backlog(NOW).held > 500


def test_two_large_backlogs_share_the_workers() -> None:
    laboratory = Laboratory()
    laboratory.asks("ada", 700)
    laboratory.asks("bob", 500)
    laboratory.works(3 * WINDOW)
    since_settled = Counter(laboratory.ended[2 * WINDOW :])
    assert abs(since_settled["ada"] - since_settled["bob"]) <= 10


def test_everything_is_done_in_the_end_and_once() -> None:
    laboratory = Laboratory()
    laboratory.asks("ada", WINDOW + 30)
    laboratory.asks("bob", 3 * FLOOR)
    laboratory.works(WINDOW + 30 + 3 * FLOOR)
    assert laboratory.queue.sent == []
    assert Counter(laboratory.ended) == {"ada": WINDOW + 30, "bob": 3 * FLOOR}


def test_what_could_not_be_sent_waits_for_its_turn_again() -> None:
    laboratory = Laboratory()
    laboratory.queue.is_available = False
    with pytest.raises(QueueUnavailableError):
        laboratory.asks("ada", 3)
    assert laboratory.segmentations.backlog(NOW).held == 3
    laboratory.queue.is_available = True
    assert len(laboratory.dispatch()) == 3


def test_a_run_announced_again_is_sent_again_only_while_it_waits() -> None:
    laboratory = Laboratory()
    laboratory.asks("ada", 1)
    (run,) = laboratory.segmentations.rows.values()
    laboratory.dispatch.announce(run)
    laboratory.dispatch.announce(replace(run, status=SegmentationStatus.RUNNING))
    assert [message.segmentation_id for _, message in laboratory.queue.sent] == [run.id, run.id]
