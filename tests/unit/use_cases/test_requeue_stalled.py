from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from spheroseg.domain.image import Image, ImageStatus, original_key
from spheroseg.domain.segmentation import SILENT_WORKER_AFTER, Segmentation, SegmentationStatus, segmentation_id
from spheroseg.messages import SegmentationRequested
from spheroseg.ports import StoredObject
from spheroseg.use_cases.accept_upload import AcceptUpload
from spheroseg.use_cases.requeue_stalled import (
    MISSED_EVENT_AFTER,
    QUEUED_TOO_LONG_AFTER,
    UPLOAD_GIVEN_UP_AFTER,
    RequeueStalled,
)
from tests.builders import a_project, a_segmentation, an_image, an_order
from tests.fakes import (
    InMemoryClock,
    InMemoryImages,
    InMemoryImageStore,
    InMemoryProjects,
    InMemorySegmentationQueue,
    InMemorySegmentations,
)


@dataclass
class Bench:
    def __post_init__(self) -> None:
        self.clock = InMemoryClock()
        self.segmentations = InMemorySegmentations()
        self.images = InMemoryImages(self.segmentations)
        self.store = InMemoryImageStore(self.clock)
        self.queue = InMemorySegmentationQueue()
        accept_upload = AcceptUpload(
            projects=InMemoryProjects(),
            images=self.images,
            segmentations=self.segmentations,
            store=self.store,
            queue=self.queue,
            clock=self.clock,
            inbox_order=an_order(),
        )
        self.sweep = RequeueStalled(self.images, self.segmentations, self.store, self.queue, accept_upload, self.clock)

    def awaited(self, content: bytes | None) -> Image:
        image = an_image(status=ImageStatus.AWAITING_UPLOAD, created_at=self.clock.now())
        self.images.add_many([image])
        if content is not None:
            self.store.put(original_key(image.id), content, "image/tiff")
        return image

    def queued(self) -> Segmentation:
        image = an_image(a_project())
        run = a_segmentation(image, queued_at=self.clock.now(), sent_at=self.clock.now())
        self.images.rows[image.id] = image
        self.segmentations.add(run)
        return run

    def running(self) -> Segmentation:
        run = self.queued()
        started = run.started(self.clock.now())
        self.segmentations.replace(run, started)
        return started

    def message(self, run: Segmentation) -> None:
        self.queue.send([(run.order.priority, SegmentationRequested.of(run))])

    def sent(self) -> list[UUID]:
        return [request.segmentation_id for _, request in self.queue.sent]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_file_whose_event_was_missed_is_taken_in(bench: Bench) -> None:
    image = bench.awaited(b"a file")
    bench.clock.advance(MISSED_EVENT_AFTER + timedelta(seconds=1))
    swept = bench.sweep()
    assert swept.uploads_accepted == 1
    assert bench.images.get(image.id).status is ImageStatus.STORED
    assert bench.sent() == [segmentation_id(image.id, image.order)]


def test_an_event_that_may_still_come_is_waited_for(bench: Bench) -> None:
    image = bench.awaited(b"a file")
    bench.clock.advance(MISSED_EVENT_AFTER)
    assert bench.sweep().uploads_accepted == 0
    assert bench.images.get(image.id).status is ImageStatus.AWAITING_UPLOAD


def test_a_file_that_never_came_is_given_up_after_a_day(bench: Bench) -> None:
    image = bench.awaited(None)
    bench.clock.advance(UPLOAD_GIVEN_UP_AFTER - timedelta(seconds=1))
    assert bench.sweep().uploads_given_up == 0
    bench.clock.advance(timedelta(seconds=1))
    assert bench.sweep().uploads_given_up == 1
    refused = bench.images.get(image.id)
    assert refused.failure is not None
    assert refused.failure.code == "upload-not-accepted"


def test_every_missed_file_is_found_however_many_are_awaited(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spheroseg.use_cases.requeue_stalled.BATCH", 3)
    images = [bench.awaited(b"a file" if number % 2 else None) for number in range(10)]
    bench.clock.advance(MISSED_EVENT_AFTER + timedelta(seconds=1))
    assert bench.sweep().uploads_accepted == 5
    assert sum(bench.images.get(image.id).status is ImageStatus.STORED for image in images) == 5


def test_files_that_nobody_sends_hold_nothing_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for all of them would take longer than the function has: so some are looked at, after everything else."""
    lost, old = bench.queued(), bench.awaited(None)
    bench.clock.advance(UPLOAD_GIVEN_UP_AFTER)
    many = [bench.awaited(None) for _ in range(60)]
    bench.clock.advance(MISSED_EVENT_AFTER + timedelta(seconds=1))
    looked_at: list[str] = []
    describe = bench.store.describe

    def slowly(key: str) -> StoredObject:
        looked_at.append(key)
        bench.clock.advance(timedelta(seconds=1))
        return describe(key)

    monkeypatch.setattr(bench.store, "describe", slowly)
    swept = bench.sweep()
    assert (swept.segmentations_sent, swept.uploads_given_up) == (1, 1)
    assert bench.sent() == [lost.id]
    assert looked_at[0] == original_key(old.id)
    assert 20 <= len(looked_at) <= 22 < len(many)


def test_a_run_whose_message_was_lost_is_sent_again(bench: Bench) -> None:
    run = bench.queued()
    bench.clock.advance(QUEUED_TOO_LONG_AFTER + timedelta(seconds=1))
    assert bench.sweep().segmentations_sent == 1
    assert bench.sent() == [run.id]


def test_a_run_whose_turn_nobody_gave_is_sent(bench: Bench) -> None:
    run = bench.queued()
    bench.segmentations.hold([run.id])
    swept = bench.sweep()
    assert (swept.segmentations_released, swept.segmentations_sent, swept.segmentations_held) == (1, 0, 0)
    assert bench.sent() == [run.id]


def test_a_run_whose_turn_came_late_is_not_taken_for_lost(bench: Bench) -> None:
    run = bench.queued()
    bench.segmentations.hold([run.id])
    bench.clock.advance(timedelta(hours=1))
    bench.sweep()
    assert bench.sweep().segmentations_sent == 0
    assert bench.sent() == [run.id]


def test_a_run_of_a_worker_that_died_with_its_message_lost_is_sent_again(bench: Bench) -> None:
    run = bench.running()
    bench.clock.advance(SILENT_WORKER_AFTER + timedelta(seconds=1))
    assert bench.sweep().segmentations_sent == 1
    assert bench.sent() == [run.id]


def test_a_run_that_a_live_worker_is_at_is_never_sent_however_long_it_takes(bench: Bench) -> None:
    run = bench.running()
    bench.clock.advance(timedelta(hours=1))
    bench.segmentations.keep_alive(run, bench.clock.now())
    assert bench.sweep().segmentations_sent == 0


def test_a_long_backlog_is_not_sent_twice(bench: Bench) -> None:
    for _ in range(50):
        bench.message(bench.queued())
    bench.clock.advance(timedelta(hours=3))
    assert bench.sweep().segmentations_sent == 0


def test_a_sweep_after_a_sweep_sends_nothing_more(bench: Bench) -> None:
    bench.queued()
    bench.clock.advance(QUEUED_TOO_LONG_AFTER + timedelta(seconds=1))
    bench.sweep()
    assert bench.sweep().segmentations_sent == 0


def test_what_has_ended_is_left_alone(bench: Bench) -> None:
    run = bench.running()
    bench.segmentations.replace(run, run.cancelled(bench.clock.now()))
    bench.clock.advance(timedelta(hours=1))
    assert bench.sweep().segmentations_sent == 0
    assert bench.segmentations.get(run.id).status is SegmentationStatus.CANCELLED
