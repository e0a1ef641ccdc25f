"""Exports: who may ask, what a worker does with one, and what is left when it is stopped."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, BinaryIO

import pytest

from spheroseg.domain.decision import Verdict
from spheroseg.domain.export import Export, ExportedRun, ExportFormat, ExportOptions, ExportStatus, file_stem
from spheroseg.domain.image import Image
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.domain.statistics_question import Wanted
from spheroseg.errors import (
    ExportExpiredError,
    ExportNotFoundError,
    HeldElsewhereError,
    IllegalMoveError,
    InvalidQuestionError,
    NotExpressibleError,
    NotFinishedError,
    ProjectNotFoundError,
    StorageUnavailableError,
)
from spheroseg.imaging.editing import ShapelyEditor
from spheroseg.messages import ExportChanged
from spheroseg.ports import SpheroidsOf
from spheroseg.use_cases.cancel_export import CancelExport
from spheroseg.use_cases.read_exports import ReadExports
from spheroseg.use_cases.read_revisions import ReadRevisions
from spheroseg.use_cases.request_export import RequestExport
from spheroseg.use_cases.review_results import ReviewResults
from spheroseg.use_cases.run_export import IMAGES_AT_ONCE, SPHEROIDS_AT_ONCE, RunExport, StoppedError, Work
from tests.builders import STRANGER, a_project, a_segmentation, a_spheroid, a_viewer, an_id, an_image
from tests.fakes import (
    InMemoryClock,
    InMemoryDownloadLinks,
    InMemoryIds,
    InMemoryImages,
    InMemoryReviews,
    InMemoryRevisions,
    InMemoryUpdatePublisher,
)
from tests.fakes.exports import InMemoryExportQueue, InMemoryExports, InMemoryExportSource, InMemoryExportStore


@dataclass
class NumbersOfSpheroids:
    """A format of its own: a line for each image with the numbers of its spheroids."""

    error: Exception | None = None
    lines: list[str] = field(default_factory=list)

    def file_of(self, export: Export) -> tuple[str, str]:
        return f"{export.name}.txt", "text/plain"

    def write(self, export: Export, runs: Iterator[ExportedRun], spheroids: SpheroidsOf, target: BinaryIO) -> None:
        for run in runs:
            numbers = " ".join(str(spheroid.number) for spheroid in spheroids(run))
            target.write(f"{run.image_name}: {numbers}\n".encode())
            if self.error:
                raise self.error


class World:
    def __init__(self) -> None:
        self.clock, self.images = InMemoryClock(), InMemoryImages()
        self.projects = self.images.projects
        self.revisions = InMemoryRevisions(self.images.segmentations)
        self.exports, self.queue = InMemoryExports(self.images), InMemoryExportQueue()
        self.reviews = InMemoryReviews(self.images)
        self.store, self.maker = InMemoryExportStore(self.clock), NumbersOfSpheroids()
        self.updates = InMemoryUpdatePublisher()
        self.run_export = RunExport(
            self.exports,
            InMemoryExportSource(self.images, self.revisions),
            self.store,
            self.maker,
            self.queue,
            self.clock,
            self.reviews,
            self.updates,
        )
        self.request = RequestExport(self.projects, self.exports, self.queue, self.clock, InMemoryIds())
        self.cancel = CancelExport(self.exports, self.queue, self.clock, self.updates)
        self.read = ReadExports(self.projects, self.exports, InMemoryDownloadLinks(), self.clock)
        self.project = a_project(name="Dáy 7 / β")
        self.projects.add(self.project)

    def image(self, spheroids: int | None = 1) -> Image:
        image = an_image(self.project, name=f"{len(self.images.rows)}.tif")
        self.images.add_many([image])
        if spheroids is not None:
            run = a_segmentation(image, status=SegmentationStatus.SUCCEEDED)
            self.images.segmentations.rows[run.id] = run
            self.images.segmentations.found[run.id] = [a_spheroid(number + 1) for number in range(spheroids)]
        return image

    def asked(self, **options: object) -> Export:
        chosen = ExportOptions(**options)  # type: ignore[arg-type]
        return self.request(a_viewer(), self.project.id, ExportFormat.CSV, chosen, "correlation")

    def taken(self, export: Export) -> Work:
        work = self.run_export.take(export.id)
        assert work is not None
        return work

    def made(self, export: Export) -> Export:
        ended = self.run_export.make(self.taken(export))
        assert ended is not None
        assert ended == self.exports.get(export.id)
        return ended


@pytest.fixture
def world() -> World:
    return World()


def test_an_export_holds_every_image_with_a_result(world: World) -> None:
    world.image(2), world.image(None), world.image(SPHEROIDS_AT_ONCE + 1)
    for _ in range(IMAGES_AT_ONCE):
        world.image(0)
    export = world.asked()
    assert [request.export_id for request in world.queue.sent] == [export.id]
    done = world.made(export)
    assert (done.status, done.done, done.total) == (ExportStatus.SUCCEEDED, IMAGES_AT_ONCE + 3, IMAGES_AT_ONCE + 3)
    assert done.spheroids == SPHEROIDS_AT_ONCE + 3
    assert done.file is not None
    (content,) = world.store.objects.values()
    assert content.decode().splitlines()[-1] == "0.tif: 1 2"
    assert len(content.decode().splitlines()) == IMAGES_AT_ONCE + 2
    assert (done.file.name, done.file.size_bytes) == ("Day-7.txt", len(content))
    assert list(world.store.objects) == [done.key]


def test_progress_counts_images_and_spheroids_while_they_are_written(world: World) -> None:
    for count in (1, 2, 3):
        world.image(count)
    work = world.taken(world.asked())
    seen = []

    def write(export: Export, runs: Iterator[ExportedRun], spheroids: SpheroidsOf, target: BinaryIO) -> None:
        for run in runs:
            list(spheroids(run))
            assert world.run_export.keep_alive(work)
            stored = world.exports.get(export.id)
            seen.append((stored.done, stored.spheroids))

    world.maker.write = write  # type: ignore[method-assign]
    world.run_export.make(work)
    assert seen == [(0, 3), (1, 5), (2, 6)]


def test_only_chosen_images_are_exported(world: World) -> None:
    chosen, _other = world.image(1), world.image(2)
    done = world.made(world.asked(image_ids=(chosen.id,)))
    assert (done.done, done.spheroids) == (1, 1)


def test_only_accepted_results_are_exported_where_that_is_asked(world: World) -> None:
    accepted, _open = world.image(2), world.image(1)
    (run,) = (run for run in world.images.segmentations.rows.values() if run.image_id == accepted.id)
    failed = world.made(world.asked(accepted_only=True))
    assert failed.failure is not None
    assert failed.failure.code == "nothing-to-export"
    review = ReviewResults(
        world.projects,
        world.images.segmentations,
        world.revisions,
        world.reviews,
        ReadRevisions(world.images.segmentations, world.revisions, ShapelyEditor()),
        world.clock,
    )
    review.decide(a_viewer(), run.id, 0, Verdict.ACCEPT)
    done = world.made(world.asked(accepted_only=True))
    assert (done.done, done.total, done.spheroids) == (2, 2, 2)


def test_nothing_to_export_is_told(world: World) -> None:
    world.image(None)
    failed = world.made(world.asked())
    assert failed.status is ExportStatus.FAILED
    assert failed.failure is not None
    assert failed.failure.code == "nothing-to-export"
    assert not world.store.objects


def test_what_a_format_cannot_hold_fails_at_once_with_its_reason(world: World) -> None:
    world.image()
    world.maker.error = NotExpressibleError("It has 2 million columns")
    failed = world.made(world.asked())
    assert failed.failure is not None
    assert (failed.failure.code, failed.failure.detail) == ("not-expressible", "It has 2 million columns")
    assert not world.store.objects


def test_what_is_unavailable_leaves_the_export_to_the_next_try(world: World) -> None:
    world.image()
    work = world.taken(world.asked())
    world.maker.error = StorageUnavailableError("The object store does not answer")
    with pytest.raises(StorageUnavailableError):
        world.run_export.make(work)
    world.run_export.give_back(work)
    world.maker.error = None
    assert world.made(work.export).attempt == 2


def test_a_message_that_comes_twice_makes_one_file(world: World) -> None:
    world.image()
    export = world.asked()
    done = world.made(export)
    assert world.run_export.take(export.id) is None
    assert world.exports.get(export.id) == done
    assert world.run_export.take(an_id()) is None


def test_an_export_at_work_is_not_taken_before_its_worker_is_silent(world: World) -> None:
    world.image()
    first = world.taken(world.asked())
    with pytest.raises(HeldElsewhereError):
        world.run_export.take(first.export.id)
    world.store.put(first.export.key_of("half"), b"left by the first", "text/plain")
    world.clock.advance(timedelta(seconds=26))
    second = world.taken(first.export)
    assert not world.store.objects
    assert not world.run_export.keep_alive(first)
    done = world.run_export.make(second)
    assert world.run_export.make(first) is None
    assert done == world.exports.get(first.export.id)
    assert list(world.store.objects) == [done and done.key]


def test_a_cancelled_export_leaves_nothing_and_the_next_has_its_turn(world: World) -> None:
    world.image()
    work, waiting = world.taken(world.asked()), world.asked()
    cancelled = world.cancel(a_viewer(), work.export.id)
    assert cancelled.status is ExportStatus.CANCELLED
    assert world.cancel(a_viewer(), work.export.id) == cancelled
    assert not world.run_export.keep_alive(work)
    assert world.run_export.make(work) is None
    assert not world.store.objects
    assert world.exports.get(work.export.id) == cancelled
    assert world.queue.sent[-1].export_id == waiting.id


def test_a_worker_that_is_stopped_writes_nothing_more(world: World) -> None:
    world.image(3)
    work = world.taken(world.asked())
    work.stop.set()
    with pytest.raises(StoppedError):
        world.run_export.make(work)
    assert not world.store.objects
    world.run_export.give_back(work)
    assert world.exports.get(work.export.id).status is ExportStatus.QUEUED
    assert world.made(work.export).status is ExportStatus.SUCCEEDED


def test_what_has_ended_cannot_be_cancelled(world: World) -> None:
    world.image()
    done = world.made(world.asked())
    with pytest.raises(IllegalMoveError):
        world.cancel(a_viewer(), done.id)
    with pytest.raises(ExportNotFoundError):
        world.cancel(a_viewer(STRANGER), done.id)


def test_whoever_lost_the_role_gets_no_file(world: World) -> None:
    world.image()
    export = world.asked()
    world.projects.deleted.add(world.project.id)
    failed = world.run_export.make(world.taken(export))
    assert failed is not None
    assert failed.failure is not None
    assert failed.failure.code == "project-not-found"
    with pytest.raises(ProjectNotFoundError):
        world.asked()


def test_a_file_can_be_fetched_for_a_day_and_its_link_ends_with_it(world: World) -> None:
    world.image()
    export = world.asked()
    with pytest.raises(NotFinishedError):
        world.read.download(a_viewer(), export.id)
    done = world.made(export)
    assert world.read.download(a_viewer(), export.id).endswith("lifetime=3600")
    world.clock.advance(timedelta(hours=23, minutes=30))
    assert world.read.link(world.read.one(a_viewer(), export.id)) is not None
    assert str(world.read.download(a_viewer(), export.id)).endswith("lifetime=1800")
    world.clock.advance(timedelta(minutes=30))
    assert world.exports.get(export.id) == done  # nobody has swept
    assert world.read.one(a_viewer(), export.id).status is ExportStatus.EXPIRED
    (listed,) = world.read.of_project(a_viewer(), world.project.id, None, 10).items
    assert listed.status is ExportStatus.EXPIRED
    with pytest.raises(ExportExpiredError):
        world.read.download(a_viewer(), export.id)


def test_a_queue_that_is_away_keeps_nobody_from_asking(world: World) -> None:
    world.queue.is_available = False
    export = world.asked()
    assert world.exports.get(export.id).sent_at is not None  # the sweep sends it again


@pytest.mark.parametrize(
    ("name", "stem"),
    [("Dáy 7 / β", "Day-7"), ("α β", "project"), ("../../etc", "etc"), ('a"b\r\nc', "a-b-c"), ("x" * 99, "x" * 60)],
)
def test_a_file_is_called_after_its_project_in_characters_that_headers_and_file_systems_take(
    name: str, stem: str
) -> None:
    assert file_stem(name) == stem


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"measure": "weight"}, "no measure"),
        ({"groups": ("colour",)}, "do not tell 'colour'"),
        ({"groups": ("time", "time_point_h")}, "twice"),
        ({"control": "a"}, "no factor to compare"),
        ({"positive": "a"}, "two conditions"),
        ({"positive": "a", "negative": "a"}, "two conditions"),
        ({"doses": {"a": -1.0}}, "0 or above"),
        ({"doses": {"a": float("inf")}}, "0 or above"),
        ({"doses": {"a": 1.0}, "dose_column": "plate"}, "one of them"),
        ({"doses": {str(one): 1.0 for one in range(101)}}, "100 can be"),
        ({"positive": "a" * 101, "negative": "b"}, "1 to 100 characters"),
    ],
)
def test_what_no_project_could_answer_is_refused_at_once(world: World, asked: dict[str, Any], why: str) -> None:
    options = ExportOptions(statistics=Wanted(**asked))
    with pytest.raises(InvalidQuestionError, match=why):
        world.request(a_viewer(), world.project.id, ExportFormat.STATISTICS, options, "correlation")
    with pytest.raises(InvalidQuestionError, match="the format is csv"):
        world.request(a_viewer(), world.project.id, ExportFormat.CSV, options, "correlation")
    assert not world.exports.rows


def told_of(world: World, export: Export) -> list[tuple[ExportStatus, int, int]]:
    told = [it for it in world.updates.announced if isinstance(it, ExportChanged) and it.export_id == export.id]
    return [(it.status, it.attempt, it.done) for it in told]


def test_whoever_asked_is_told_of_each_step_once(world: World) -> None:
    world.image(2)
    work = world.taken(export := world.asked())
    assert world.run_export.keep_alive(work)
    work.done, work.spheroids = 0, 1
    assert world.run_export.keep_alive(work)
    assert world.run_export.keep_alive(work), "nothing new is not told"
    world.run_export.give_back(work)
    world.made(export)
    queued, running, done = ExportStatus.QUEUED, ExportStatus.RUNNING, ExportStatus.SUCCEEDED
    assert told_of(world, export) == [(running, 1, 0), (running, 1, 0), (queued, 1, 0), (running, 2, 0), (done, 2, 1)]
    cancelled = world.asked()
    world.cancel(a_viewer(), cancelled.id)
    assert told_of(world, cancelled) == [(ExportStatus.CANCELLED, 0, 0)]


def test_no_export_fails_because_nobody_can_be_told(world: World) -> None:
    world.image(1)
    world.updates.is_available = False
    assert world.made(world.asked()).status is ExportStatus.SUCCEEDED
