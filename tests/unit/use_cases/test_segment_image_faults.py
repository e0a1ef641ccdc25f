"""Runs that come twice, are taken away, cancelled or fail: nothing is lost, and nobody writes for another."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from spheroseg.domain.image import original_key
from spheroseg.domain.segmentation import (
    SILENT_WORKER_AFTER,
    Segmentation,
    SegmentationStatus,
    result_prefix,
)
from spheroseg.domain.spheroid import Spheroid
from spheroseg.errors import (
    DatabaseUnavailableError,
    HeldElsewhereError,
    InvalidPixelsError,
    QueueUnavailableError,
    StaleStateError,
    StorageUnavailableError,
    UndecodableImageError,
)
from spheroseg.use_cases.segment_image import DecodedWork
from tests.builders import an_order
from tests.fakes import (
    InMemoryImageStore,
    InMemorySegmentations,
    InMemoryUpdatePublisher,
)
from tests.unit.use_cases.segmenting import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_finished_run_is_announced_again_and_not_computed_again(bench: Bench) -> None:
    first = bench.do()
    bench.updates.published.clear()
    assert bench.do() == first
    assert bench.announced() == [SegmentationStatus.SUCCEEDED]
    assert len(bench.segmenter.asked) == 1


def test_a_run_of_a_deleted_image_is_nothing_to_do(bench: Bench) -> None:
    bench.images.delete(bench.image())
    assert bench.do() is None
    assert bench.announced() == []


def test_a_run_that_another_worker_is_at_is_left_alone(bench: Bench) -> None:
    running = bench.taken()
    with pytest.raises(HeldElsewhereError):
        bench.do()
    assert bench.stored() == running


def test_a_run_whose_worker_went_silent_is_taken_over(bench: Bench) -> None:
    bench.taken()
    bench.clock.advance(SILENT_WORKER_AFTER)
    ended = bench.do()
    assert ended is not None
    assert (ended.status, ended.attempt) == (SegmentationStatus.SUCCEEDED, 2)


def test_a_replaced_worker_writes_nothing(bench: Bench) -> None:
    late = bench.segmented()
    bench.clock.advance(SILENT_WORKER_AFTER)
    winner = bench.do()
    assert bench.use_case.finish(late) is None
    assert bench.stored() == winner
    assert all(key.startswith(result_prefix(bench.run.id, 2)) for key in bench.results())
    assert bench.use_case.keep_alive(late.work.segmentation) is False


def test_two_workers_that_take_the_same_run_at_once_do_not_both_get_it(bench: Bench) -> None:
    class Raced(InMemorySegmentations):
        def replace(self, before: Segmentation, after: Segmentation) -> None:
            raise StaleStateError("another worker was faster")

    slower = replace(bench.use_case, segmentations=Raced(bench.segmentations.rows))
    with pytest.raises(HeldElsewhereError):
        slower.take(bench.run.id)


def test_a_run_cancelled_while_it_is_computed_writes_nothing(bench: Bench) -> None:
    work = bench.segmented()
    bench.segmentations.rows[bench.run.id] = bench.stored().cancelled(bench.clock.now())
    assert bench.use_case.finish(work) is None
    assert bench.stored().status is SegmentationStatus.CANCELLED
    assert bench.results() == []
    assert bench.segmentations.found == {}
    assert bench.announced() == [SegmentationStatus.RUNNING]


def test_a_run_cancelled_before_the_model_is_not_computed(bench: Bench) -> None:
    decoded = bench.use_case.decode(bench.taken(), bench.folder)
    assert isinstance(decoded, DecodedWork)
    bench.segmentations.rows[bench.run.id] = bench.stored().cancelled(bench.clock.now())
    bench.segmenter.error = AssertionError("nobody wants this")  # type: ignore[assignment]
    assert bench.use_case.segment(decoded) is None
    assert bench.announced() == [SegmentationStatus.RUNNING]


def test_a_run_whose_image_is_deleted_while_it_is_computed_writes_nothing(bench: Bench) -> None:
    work = bench.segmented()
    bench.images.delete(bench.image())
    assert bench.use_case.finish(work) is None
    assert bench.results() == []


def test_a_file_that_cannot_be_decoded_fails_for_good_with_its_reason(bench: Bench) -> None:
    bench.decoder.error = UndecodableImageError("The file ends in the middle of its first strip")
    ended = bench.do()
    assert ended is not None
    assert ended.status is SegmentationStatus.FAILED
    assert ended.failure is not None
    assert ended.failure.code == "undecodable-image"
    assert "middle of its first strip" in ended.failure.detail
    assert bench.announced() == [SegmentationStatus.RUNNING, SegmentationStatus.FAILED]


def test_pixels_that_cannot_be_segmented_fail_for_good(bench: Bench) -> None:
    bench.segmenter.error = InvalidPixelsError("All pixels are equal")
    ended = bench.do()
    assert ended is not None
    assert ended.failure is not None
    assert ended.failure.code == "invalid-pixels"


@pytest.mark.parametrize("lost", ["file", "model"])
def test_what_is_not_there_fails_for_good(bench: Bench, lost: str) -> None:
    if lost == "file":
        bench.store.delete(original_key(bench.run.image_id))
    else:
        order = an_order(model="no-such-model")
        bench.segmentations.rows[bench.run.id] = replace(bench.run, order=order)
    ended = bench.do()
    assert ended is not None
    assert ended.failure is not None
    assert ended.failure.code == {"file": "object-not-found", "model": "model-not-found"}[lost]


def test_a_failure_after_a_cancellation_changes_nothing(bench: Bench) -> None:
    running = bench.taken()
    cancelled = running.cancelled(bench.clock.now())
    bench.segmentations.rows[running.id] = cancelled
    bench.decoder.error = UndecodableImageError("broken")
    assert bench.use_case.decode(running, bench.folder) is None
    assert bench.stored() == cancelled


def test_a_failure_whose_announcement_was_lost_is_announced_by_the_next_call(bench: Bench) -> None:
    running = bench.taken()
    bench.decoder.error = UndecodableImageError("broken")

    class DeafAfterRunning(InMemoryUpdatePublisher):
        def publish(self, update: object) -> None:
            if bench.stored().status is SegmentationStatus.FAILED:
                raise QueueUnavailableError("The updates queue does not answer")

    deaf = replace(bench.use_case, updates=DeafAfterRunning())
    with pytest.raises(QueueUnavailableError):
        deaf.decode(running, bench.folder)
    ended = bench.use_case.decode(running, bench.folder)
    assert ended == bench.stored()
    assert bench.announced()[-1] is SegmentationStatus.FAILED


def test_a_result_whose_commit_was_written_but_not_answered_is_announced_by_the_next_call(bench: Bench) -> None:
    work = bench.segmented()

    class LostAnswer(InMemorySegmentations):
        def finish(self, before: Segmentation, after: Segmentation, spheroids: Iterable[Spheroid]) -> None:
            super().finish(before, after, spheroids)
            raise DatabaseUnavailableError("The answer to a commit was lost")

    cut = replace(bench.use_case, segmentations=LostAnswer(bench.segmentations.rows, bench.segmentations.found))
    with pytest.raises(DatabaseUnavailableError):
        cut.finish(work)
    bench.clock.advance(timedelta(seconds=3))
    ended = bench.use_case.finish(work)
    assert ended == bench.stored()
    assert len(bench.results()) == 3
    assert bench.announced()[-1] is SegmentationStatus.SUCCEEDED


def test_nothing_is_lost_when_the_store_is_away_for_one_call(bench: Bench) -> None:
    work = bench.segmented()

    class Away(InMemoryImageStore):
        def put(self, key: str, content: bytes, content_type: str) -> None:
            raise StorageUnavailableError("The store does not answer")

    with pytest.raises(StorageUnavailableError):
        replace(bench.use_case, store=Away()).finish(work)
    assert bench.stored().status is SegmentationStatus.RUNNING
    ended = bench.use_case.finish(work)
    assert ended is not None
    assert ended.status is SegmentationStatus.SUCCEEDED


def test_a_run_given_back_waits_again_and_is_announced(bench: Bench) -> None:
    running = bench.taken()
    bench.use_case.give_back(running)
    assert bench.stored().status is SegmentationStatus.QUEUED
    assert bench.announced() == [SegmentationStatus.QUEUED]
    ended = bench.do()
    assert ended is not None
    assert ended.attempt == 2


def test_a_run_that_was_taken_away_cannot_be_given_back(bench: Bench) -> None:
    running = bench.taken()
    bench.clock.advance(SILENT_WORKER_AFTER)
    successor = bench.taken()
    bench.use_case.give_back(running)
    assert bench.stored() == successor


def test_a_sign_of_life_keeps_others_away(bench: Bench) -> None:
    running = bench.taken()
    bench.clock.advance(SILENT_WORKER_AFTER - timedelta(seconds=1))
    assert bench.use_case.keep_alive(running)
    bench.clock.advance(SILENT_WORKER_AFTER - timedelta(seconds=1))
    with pytest.raises(HeldElsewhereError):
        bench.do()
