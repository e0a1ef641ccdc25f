import time
from dataclasses import replace
from itertools import pairwise

import pytest

from segmentation_worker import closing, polling
from segmentation_worker.health.progress import is_alive
from spheroseg.adapters.system import SystemClock
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.errors import (
    QueueUnavailableError,
    SegmentationNotFoundError,
    StorageUnavailableError,
)
from spheroseg.messages import SegmentationChanged
from tests.fakes import (
    InMemoryImageStore,
    InMemoryUpdatePublisher,
)
from tests.worker.loans import Message
from tests.worker.test_heartbeat import until
from tests.worker.workplace import FAST, SECOND, Workplace


def test_every_queued_run_is_finished_and_its_message_acknowledged(place: Workplace) -> None:
    runs = [place.queued(queue) for queue in (place.low, place.normal, place.high) for _ in range(5)]
    place.start()
    until(place.is_empty)
    assert place.all_are(SegmentationStatus.SUCCEEDED, runs)()
    assert all(place.rows.rows[run.id].attempt == 1 for run in runs)
    assert place.segmenter.most_at_once <= FAST.streams


def test_the_next_images_are_decoded_while_the_model_runs_and_no_more_than_that(place: Workplace) -> None:
    for _ in range(10):
        place.queued()
    place.segmenter.go.clear()
    place.start()
    until(lambda: place.decoder.decoded == FAST.streams + FAST.prefetch)
    time.sleep(0.3)
    assert place.decoder.decoded == FAST.streams + FAST.prefetch
    assert sum(message.receive_count for message in place.normal.messages) == FAST.streams + FAST.prefetch
    place.segmenter.go.set()
    until(place.is_empty)


def test_a_worker_at_pace_receives_several_messages_in_a_call(place: Workplace) -> None:
    runs = [place.queued() for _ in range(80)]
    place.start()
    until(place.is_empty)
    assert place.all_are(SegmentationStatus.SUCCEEDED, runs)()
    assert all(place.rows.rows[run.id].attempt == 1 for run in runs)
    assert place.normal.receives.count(0) < len(runs) / 3


def is_visible(message: Message) -> bool:
    return message.visible_at <= time.monotonic()


def lent(place: Workplace) -> int:
    return sum(not is_visible(message) for message in place.normal.messages)


IN_HAND = FAST.prefetch + FAST.streams


def hold_the_model_with_jobs_ahead(place: Workplace, queued: int) -> None:
    """Between two receives nothing may be ahead; then the model goes on for a little."""
    while True:
        before = len(place.segmenter.asked)
        until(lambda before=before: len(place.segmenter.asked) > before + 15)  # type: ignore[misc]
        place.segmenter.go.clear()
        until(lambda: place.segmenter.at_once == FAST.streams)
        until(lambda: len(place.normal.messages) == queued - len(place.segmenter.asked))
        if lent(place) > IN_HAND:
            return
        place.segmenter.go.set()


def test_what_was_lent_ahead_of_a_long_job_is_for_another_worker(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [place.queued() for _ in range(250)]
    busy = place.start()
    hold_the_model_with_jobs_ahead(place, len(runs))
    monkeypatch.setattr(polling, "OVERDUE_S", 0.3)
    until(lambda: any(message.receive_count == 1 and is_visible(message) for message in place.normal.messages))
    until(lambda: lent(place) == IN_HAND)
    place.segmenter.go.set()
    until(place.is_empty)
    busy.stop()
    assert place.all_are(SegmentationStatus.SUCCEEDED, runs)()
    assert all(place.rows.rows[run.id].attempt == 1 for run in runs)


def test_a_stop_gives_back_at_once_what_was_lent_ahead(place: Workplace) -> None:
    runs = [place.queued() for _ in range(250)]
    consumer = place.start()
    hold_the_model_with_jobs_ahead(place, len(runs))
    consumer.stop()
    place.stop()
    assert all(is_visible(message) for message in place.normal.messages)
    assert {place.status(run) for run in runs} == {SegmentationStatus.SUCCEEDED, SegmentationStatus.QUEUED}
    assert len(place.normal.messages) == sum(place.status(run) is SegmentationStatus.QUEUED for run in runs)


def test_a_message_is_acknowledged_after_row_and_announcement(place: Workplace) -> None:
    run = place.queued()
    seen: list[bool] = []

    class Watching(InMemoryUpdatePublisher):
        def publish(self, update: SegmentationChanged) -> None:
            if update.status is SegmentationStatus.SUCCEEDED:
                seen.append(place.status(run) is SegmentationStatus.SUCCEEDED and not place.is_empty())

    place.start(replace(place.use_case(), updates=Watching()))
    until(place.is_empty)
    assert seen == [True]


def test_jobs_that_end_together_are_acknowledged_together(place: Workplace) -> None:
    for _ in range(15):
        place.queued()
    place.start()
    until(place.is_empty)
    assert sum(place.normal.acknowledged) == 15
    assert len(place.normal.acknowledged) < 8


def test_a_single_job_waits_for_no_company(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "LINGER_S", 3600.0)
    place.start()
    until(lambda: place.low.receives.count(FAST.long_poll_s))
    run = place.queued()
    until(place.all_are(SegmentationStatus.SUCCEEDED, [run]))
    until(place.is_empty)


def test_a_run_longer_than_its_loan_is_computed_once(place: Workplace) -> None:
    run = place.queued()
    place.segmenter.go.clear()
    place.start()
    until(place.segmenter.begun.is_set)
    time.sleep(50 * SECOND)
    assert place.normal.receive(1, 0) == []
    place.segmenter.go.set()
    until(place.is_empty)
    assert place.rows.rows[run.id].attempt == 1


def test_a_message_that_comes_five_times_gives_one_result(place: Workplace) -> None:
    run = place.queued()
    for _ in range(4):
        place.low.request(run.id)
    place.start()
    until(place.is_empty)
    assert place.rows.rows[run.id].attempt == 1
    assert len(place.segmenter.asked) == 1
    assert len([key for key in place.store.objects if key.startswith("results/")]) == 3


def test_a_bad_file_fails_for_good_and_the_others_go_on(place: Workplace) -> None:
    place.decoder.broken.add(b"no image")
    bad, good = place.queued(content=b"no image"), place.queued()
    place.start()
    until(place.is_empty)
    assert place.status(bad) is SegmentationStatus.FAILED
    assert place.status(good) is SegmentationStatus.SUCCEEDED
    assert place.rows.rows[bad.id].attempt == 1


def test_a_message_that_nobody_understands_stays_for_the_dead_letter_queue(
    place: Workplace, caplog: pytest.LogCaptureFixture
) -> None:
    message = place.normal.send('{"type": "something_else"}')
    good = place.queued()
    place.start()
    until(place.all_are(SegmentationStatus.SUCCEEDED, [good]))
    until(lambda: message.receive_count >= 3)
    assert place.normal.messages == [message]
    assert "Message not understood" in caplog.messages


def test_a_run_of_a_deleted_image_is_acknowledged(place: Workplace) -> None:
    run = place.queued()
    place.images.delete(place.images.get(run.image_id))
    place.start()
    until(place.is_empty)
    with pytest.raises(SegmentationNotFoundError):
        place.rows.get(run.id)


def test_a_run_cancelled_while_the_model_runs_writes_nothing(place: Workplace) -> None:
    run = place.queued()
    place.segmenter.go.clear()
    place.start()
    until(place.segmenter.begun.is_set)
    place.rows.rows[run.id] = place.rows.rows[run.id].cancelled(SystemClock().now())
    place.segmenter.go.set()
    until(place.is_empty)
    assert place.status(run) is SegmentationStatus.CANCELLED
    assert [key for key in place.store.objects if key.startswith("results/")] == []
    assert place.rows.found == {}


def test_a_cancelled_run_that_waits_for_the_model_is_dropped_before_it(place: Workplace) -> None:
    for _ in range(FAST.streams):
        place.queued()
    place.segmenter.go.clear()
    place.start()
    until(lambda: place.segmenter.at_once == FAST.streams)
    waiting = place.queued()
    until(lambda: place.status(waiting) is SegmentationStatus.RUNNING)
    place.rows.rows[waiting.id] = place.rows.rows[waiting.id].cancelled(SystemClock().now())
    time.sleep(15 * SECOND)
    place.segmenter.go.set()
    until(place.is_empty)
    assert len(place.segmenter.asked) == FAST.streams


def test_work_goes_on_when_the_database_comes_back_and_nothing_new_is_taken_meanwhile(place: Workplace) -> None:
    runs = [place.queued() for _ in range(3)]
    place.segmenter.go.clear()
    place.start()
    until(place.segmenter.begun.is_set)
    place.rows.is_available = False
    runs += [place.queued() for _ in range(10)]
    place.segmenter.go.set()
    time.sleep(1.0)
    received = sum(message.receive_count for message in place.normal.messages)
    assert received <= len(runs)
    place.rows.is_available = True
    until(place.is_empty)
    assert place.all_are(SegmentationStatus.SUCCEEDED, runs)()
    assert place.rows.rows[runs[0].id].attempt == 1


def test_nothing_is_taken_before_the_database_has_answered(place: Workplace) -> None:
    place.rows.is_available = False
    run = place.queued()
    place.start()
    time.sleep(0.5)
    assert place.normal.receives == []
    place.rows.is_available = True
    until(place.all_are(SegmentationStatus.SUCCEEDED, [run]))


def test_a_run_is_given_back_when_the_store_stays_away_and_found_by_the_next(place: Workplace) -> None:
    place.pace = replace(FAST, retry_for_s=0.2)

    class Away(InMemoryImageStore):
        def put(self, key: str, content: bytes, content_type: str) -> None:
            raise StorageUnavailableError("The store does not answer")

    run = place.queued()
    first = place.start(replace(place.use_case(), store=Away(objects=place.store.objects)))
    until(lambda: len(place.rows.rows) and place.rows.rows[run.id].attempt == 1)
    until(place.all_are(SegmentationStatus.QUEUED, [run]))
    first.stop()
    assert place.normal.messages
    place.start()
    until(place.is_empty)
    assert place.status(run) is SegmentationStatus.SUCCEEDED
    assert place.rows.rows[run.id].attempt == 2


def test_a_bug_is_logged_and_the_worker_lives(place: Workplace, caplog: pytest.LogCaptureFixture) -> None:
    place.segmenter.bug = MemoryError("no memory")
    poisoned = place.queued()
    place.start()
    until(place.segmenter.begun.is_set)
    until(place.all_are(SegmentationStatus.QUEUED, [poisoned]))
    place.segmenter.bug = None
    good = place.queued()
    until(place.all_are(SegmentationStatus.SUCCEEDED, [poisoned, good]))
    crash = next(record for record in caplog.records if record.message == "Segmentation crashed")
    assert crash.exc_info is not None
    assert crash.exc_info[0] is MemoryError


def test_a_run_that_crashes_is_lent_again_later_each_time(place: Workplace) -> None:
    place.segmenter.bug = RuntimeError("a bug")
    place.queued()
    place.start()
    message = place.normal.messages[0]
    received_at: list[float] = []
    for count in (1, 2, 3):
        until(lambda count=count: message.receive_count >= count)  # type: ignore[misc]
        received_at.append(time.monotonic())
    first, second = (later - earlier for earlier, later in pairwise(received_at))
    assert first >= 30 * SECOND
    assert second >= 60 * SECOND


def test_a_worker_that_can_do_nothing_right_any_more_ends_before_it_spoils_the_backlog(place: Workplace) -> None:
    place.segmenter.bug = RuntimeError("CUDA failure 999: unknown error")
    runs = [place.queued() for _ in range(30)]
    place.start()
    _, thread = place.workers[0]
    thread.join(10)
    assert not thread.is_alive()
    assert place.all_are(SegmentationStatus.QUEUED, runs)()
    assert sum(message.receive_count for message in place.normal.messages) <= 5 + FAST.streams + FAST.prefetch + 1


def test_a_queue_that_goes_away_and_comes_back_loses_nothing(place: Workplace) -> None:
    run = place.queued()
    place.segmenter.go.clear()
    place.start()
    until(place.segmenter.begun.is_set)
    place.normal.is_available = False
    place.segmenter.go.set()
    until(place.all_are(SegmentationStatus.SUCCEEDED, [run]))
    time.sleep(0.3)
    place.normal.is_available = True
    until(place.is_empty)
    assert len(place.segmenter.asked) == 1


def test_an_announcement_that_failed_is_made_before_the_message_is_acknowledged(place: Workplace) -> None:
    run = place.queued()
    refusals = iter([True, True])

    class Hoarse(InMemoryUpdatePublisher):
        def publish(self, update: SegmentationChanged) -> None:
            if update.status is SegmentationStatus.SUCCEEDED and next(refusals, False):
                raise QueueUnavailableError("The updates queue does not answer")
            super().publish(update)

    updates = Hoarse()
    place.start(replace(place.use_case(), updates=updates))
    until(place.is_empty)
    assert place.status(run) is SegmentationStatus.SUCCEEDED
    assert [update.status for update in updates.published][-1] is SegmentationStatus.SUCCEEDED


def test_a_stop_finishes_what_is_at_the_model_and_gives_the_rest_back_at_once(place: Workplace) -> None:
    runs = [place.queued() for _ in range(6)]
    place.segmenter.go.clear()
    consumer = place.start()
    until(lambda: place.decoder.decoded == FAST.streams + FAST.prefetch)
    consumer.stop()
    time.sleep(0.2)
    place.segmenter.go.set()
    place.stop()
    statuses = [place.status(run) for run in runs]
    assert statuses.count(SegmentationStatus.SUCCEEDED) == FAST.streams
    assert statuses.count(SegmentationStatus.QUEUED) == 4
    assert len(place.normal.messages) == 4
    assert all(message.visible_at <= time.monotonic() for message in place.normal.messages)
    assert not place.progress_file.exists()


def test_a_stop_does_not_wait_for_a_stuck_model_beyond_its_grace(place: Workplace) -> None:
    place.pace = replace(FAST, grace_s=0.3)
    run = place.queued()
    place.segmenter.go.clear()
    consumer = place.start()
    until(place.segmenter.begun.is_set)
    begun = time.monotonic()
    consumer.stop()
    place.workers[0][1].join(5)
    assert time.monotonic() - begun < 2
    assert place.status(run) is SegmentationStatus.QUEUED
    assert place.normal.messages[0].visible_at <= time.monotonic()
    place.segmenter.go.set()
    time.sleep(0.2)
    assert place.status(run) is SegmentationStatus.QUEUED
    assert [key for key in place.store.objects if key.startswith("results/")] == []


def test_an_idle_worker_stops_at_once_and_gives_back_what_its_polls_still_bring(place: Workplace) -> None:
    place.start()
    until(lambda: place.low.receives.count(FAST.long_poll_s))
    consumer, thread = place.workers[0]
    consumer.stop()
    run = place.queued(place.low)
    thread.join(3)
    assert not thread.is_alive()
    assert place.status(run) is SegmentationStatus.QUEUED
    assert place.low.messages[0].visible_at <= time.monotonic()


def test_health_shows_progress_and_a_stuck_model(place: Workplace) -> None:
    assert not is_alive(place.progress_file, 1.5)
    place.start()
    until(lambda: is_alive(place.progress_file, 1.5))
    time.sleep(2)
    assert is_alive(place.progress_file, 1.5)
    place.segmenter.go.clear()
    for _ in range(5):
        place.queued()
    time.sleep(2.5)
    assert not is_alive(place.progress_file, 1.5)
