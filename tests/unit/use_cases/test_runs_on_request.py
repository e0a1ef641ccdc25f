"""Runs that a viewer asks for, cancels, or finds at the end of their tries."""

from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.segmentation import (
    SILENT_WORKER_AFTER,
    Parameters,
    Priority,
    Segmentation,
    SegmentationStatus,
)
from spheroseg.errors import (
    HeldElsewhereError,
    IllegalMoveError,
    ImageNotFoundError,
    NotStoredYetError,
    SegmentationNotFoundError,
    StaleStateError,
)
from spheroseg.use_cases.cancel_segmentation import CancelSegmentation
from spheroseg.use_cases.fail_dead_letter import FailDeadLetter
from spheroseg.use_cases.request_segmentation import RequestSegmentation
from tests.builders import STRANGER, a_project, a_segmentation, a_viewer, an_id, an_image, an_order
from tests.fakes import (
    InMemoryClock,
    InMemoryImages,
    InMemoryProjects,
    InMemorySegmentationQueue,
    InMemorySegmentations,
    InMemoryUpdatePublisher,
)


@dataclass
class Bench:
    def __post_init__(self) -> None:
        self.clock = InMemoryClock()
        self.segmentations = InMemorySegmentations()
        self.images = InMemoryImages(self.segmentations)
        self.projects = InMemoryProjects()
        self.queue = InMemorySegmentationQueue()
        self.updates = InMemoryUpdatePublisher()
        self.request = RequestSegmentation(self.images, self.segmentations, self.queue, self.clock)
        self.cancel = CancelSegmentation(self.segmentations, self.updates, self.clock)
        self.fail = FailDeadLetter(
            self.projects, self.images, self.segmentations, self.updates, self.clock, an_order(priority=Priority.LOW)
        )

    def image(self, status: ImageStatus = ImageStatus.STORED) -> Image:
        image = an_image(status=status)
        self.images.add_many([image])
        return image

    def run(self, status: SegmentationStatus) -> Segmentation:
        run = a_segmentation(self.image(), status=status, queued_at=self.clock.now())
        self.segmentations.rows[run.id] = run
        return run

    def status(self, run: Segmentation) -> SegmentationStatus:
        return self.segmentations.get(run.id).status

    def sent(self) -> list[tuple[Priority, UUID]]:
        return [(priority, request.segmentation_id) for priority, request in self.queue.sent]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_another_model_or_parameter_is_another_run(bench: Bench) -> None:
    image = bench.image()
    first = bench.request(a_viewer(), image.id, an_order(), "c")
    second = bench.request(a_viewer(), image.id, an_order(parameters=Parameters(threshold=0.6)), "c")
    third = bench.request(a_viewer(), image.id, an_order(model_version="2"), "c")
    assert len({first.id, second.id, third.id}) == 3
    assert [run for _, run in bench.sent()] == [first.id, second.id, third.id]


def test_the_same_again_is_the_same_run(bench: Bench) -> None:
    image = bench.image()
    first = bench.request(a_viewer(), image.id, an_order(), "c")
    assert bench.request(a_viewer(), image.id, an_order(priority=Priority.HIGH), "c") == first


@pytest.mark.parametrize("status", [SegmentationStatus.FAILED, SegmentationStatus.CANCELLED])
def test_what_failed_or_was_cancelled_stays_and_is_followed_by_a_run_with_the_wanted_priority(
    bench: Bench, status: SegmentationStatus
) -> None:
    run = bench.run(status)
    again = bench.request(a_viewer(), run.image_id, replace(run.order, priority=Priority.HIGH), "c")
    assert (again.status, again.repeat, again.repeat_of, again.failure) == (SegmentationStatus.QUEUED, 1, run.id, None)
    assert bench.segmentations.get(run.id) == run
    assert bench.sent() == [(Priority.HIGH, again.id)]
    assert bench.request(a_viewer(), run.image_id, run.order, "c") == again


@pytest.mark.parametrize("status", [SegmentationStatus.RUNNING, SegmentationStatus.SUCCEEDED])
def test_what_runs_or_has_succeeded_stays_as_it_is(bench: Bench, status: SegmentationStatus) -> None:
    run = bench.run(status)
    assert bench.request(a_viewer(), run.image_id, run.order, "c") == run
    assert bench.sent() == []


def test_a_strangers_image_is_not_found(bench: Bench) -> None:
    with pytest.raises(ImageNotFoundError):
        bench.request(a_viewer(STRANGER), bench.image().id, an_order(), "c")
    assert bench.segmentations.rows == {}


@pytest.mark.parametrize("status", [ImageStatus.AWAITING_UPLOAD, ImageStatus.REFUSED])
def test_an_image_without_a_file_cannot_be_segmented(bench: Bench, status: ImageStatus) -> None:
    with pytest.raises(NotStoredYetError):
        bench.request(a_viewer(), bench.image(status).id, an_order(), "c")


@pytest.mark.parametrize("status", [SegmentationStatus.QUEUED, SegmentationStatus.RUNNING])
def test_a_run_that_has_not_ended_can_be_cancelled_and_that_is_announced(
    bench: Bench, status: SegmentationStatus
) -> None:
    run = bench.run(status)
    assert bench.cancel(a_viewer(), run.id).status is SegmentationStatus.CANCELLED
    assert bench.status(run) is SegmentationStatus.CANCELLED
    assert [update.status for update in bench.updates.published] == [SegmentationStatus.CANCELLED]


def test_cancelling_twice_is_cancelling_once(bench: Bench) -> None:
    run = bench.run(SegmentationStatus.QUEUED)
    first = bench.cancel(a_viewer(), run.id)
    assert bench.cancel(a_viewer(), run.id) == first


@pytest.mark.parametrize("status", [SegmentationStatus.SUCCEEDED, SegmentationStatus.FAILED])
def test_what_has_ended_cannot_be_cancelled(bench: Bench, status: SegmentationStatus) -> None:
    run = bench.run(status)
    with pytest.raises(IllegalMoveError):
        bench.cancel(a_viewer(), run.id)
    assert bench.status(run) is status


def test_a_strangers_run_cannot_be_cancelled(bench: Bench) -> None:
    run = bench.run(SegmentationStatus.QUEUED)
    with pytest.raises(SegmentationNotFoundError):
        bench.cancel(a_viewer(STRANGER), run.id)
    assert bench.status(run) is SegmentationStatus.QUEUED


def test_a_dead_letter_fails_its_waiting_run_with_a_reason(bench: Bench) -> None:
    run = bench.run(SegmentationStatus.QUEUED)
    failed = bench.fail.segmentation(run.id)
    assert failed is not None
    assert failed.failure is not None
    assert failed.failure.code == "retries-exhausted"
    assert bench.status(run) is SegmentationStatus.FAILED
    assert [update.status for update in bench.updates.published] == [SegmentationStatus.FAILED]


def test_a_dead_letter_of_a_run_that_a_live_worker_is_at_is_read_again_later(bench: Bench) -> None:
    run = bench.run(SegmentationStatus.RUNNING)
    bench.clock.moment = run.alive_at or bench.clock.now()
    with pytest.raises(HeldElsewhereError):
        bench.fail.segmentation(run.id)
    bench.clock.advance(SILENT_WORKER_AFTER)
    bench.fail.segmentation(run.id)
    assert bench.status(run) is SegmentationStatus.FAILED


def test_a_dead_letter_of_a_run_that_ended_well_changes_nothing(bench: Bench) -> None:
    run = bench.run(SegmentationStatus.SUCCEEDED)
    assert bench.fail.segmentation(run.id) == run


def test_a_dead_letter_of_a_deleted_run_is_nothing(bench: Bench) -> None:
    assert bench.fail.segmentation(an_id()) is None
    assert bench.fail.upload(an_id()) is None


def test_a_dead_letter_of_a_run_that_changes_at_that_moment_is_read_again(bench: Bench) -> None:
    run = bench.run(SegmentationStatus.QUEUED)

    class Changing(InMemorySegmentations):
        def get(self, segmentation_id: UUID) -> Segmentation:
            before = super().get(segmentation_id)
            self.rows[segmentation_id] = before.started(bench.clock.now())
            return before

    with pytest.raises(StaleStateError):
        replace(bench.fail, segmentations=Changing(bench.segmentations.rows)).segmentation(run.id)


def test_a_dead_upload_is_refused_with_a_reason(bench: Bench) -> None:
    image = bench.image(ImageStatus.AWAITING_UPLOAD)
    refused = bench.fail.upload(image.id)
    assert refused == bench.images.get(image.id)
    assert refused is not None
    assert refused.failure is not None
    assert refused.failure.code == "upload-not-accepted"


def test_a_dead_upload_that_was_taken_in_after_all_stays(bench: Bench) -> None:
    image = bench.image()
    assert bench.fail.upload(image.id) == image


def test_a_dead_inbox_file_becomes_a_refused_image_that_its_owner_sees(bench: Bench) -> None:
    project = a_project()
    bench.projects.add(project)
    image = bench.fail.inbox(f"inbox/{project.id}/a.tif", "etag", "c")
    assert image is not None
    assert (image.status, image.owner_id, image.name) == (ImageStatus.REFUSED, project.owner_id, "a.tif")
    assert bench.fail.inbox(f"inbox/{project.id}/a.tif", "etag", "c") == image
    assert bench.fail.inbox("inbox/nonsense", "etag", "c") is None
    assert bench.fail.inbox(f"inbox/{an_id()}/a.tif", "etag", "c") is None
