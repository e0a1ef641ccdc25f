"""requeue_stalled: what got lost is sent again, and nothing else is."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from aws_lambda_powertools.utilities.typing import LambdaContext

from requeue_stalled.entry import create_handler
from spheroseg.domain.export import ExportFile, ExportStatus
from spheroseg.domain.image import ImageStatus, original_key
from spheroseg.domain.outline_import import ImportStatus
from spheroseg.domain.project_job import SILENT_JOB_AFTER, ProjectJob
from spheroseg.domain.segmentation import Priority, SegmentationStatus, segmentation_id
from spheroseg.messages import ProjectWorkRequested, SegmentationRequested
from spheroseg.ports import KeptAnswer
from spheroseg.use_cases.accept_upload import AcceptUpload
from spheroseg.use_cases.ask_for_brightness import AskForBrightness
from spheroseg.use_cases.close_account import CloseAccount
from spheroseg.use_cases.forget_answers import ForgetAnswers
from spheroseg.use_cases.requeue_stalled import RequeueStalled
from spheroseg.use_cases.sweep_exports import SweepExports
from spheroseg.use_cases.sweep_imports import SweepImports
from spheroseg.use_cases.watch_updates import WatchUpdates
from spheroseg.use_cases.work_on_project import WorkOnProject
from tests.builders import NOW, STRANGER, a_project, a_segmentation, an_export, an_image, an_import, an_order
from tests.events import RecordedContext
from tests.fakes import (
    InMemoryAccounts,
    InMemoryClock,
    InMemoryIds,
    InMemoryImages,
    InMemoryImageStore,
    InMemoryProjectCopies,
    InMemoryProjectJobs,
    InMemoryProjects,
    InMemoryProjectWorkQueue,
    InMemoryRevisions,
    InMemorySegmentationQueue,
    InMemorySharing,
    InMemoryWatchers,
)
from tests.fakes.account_closings import InMemoryAccountClosings
from tests.fakes.brightness import InMemoryBrightness
from tests.fakes.exports import InMemoryExportQueue, InMemoryExports, InMemoryExportStore
from tests.fakes.imports import InMemoryImports
from tests.fakes.kept_answers import InMemoryKeptAnswers

LONG_AGO = NOW - timedelta(minutes=30)


@dataclass
class World:
    clock: InMemoryClock = field(default_factory=InMemoryClock)
    images: InMemoryImages = field(default_factory=InMemoryImages)
    store: InMemoryImageStore = field(default_factory=InMemoryImageStore)
    queue: InMemorySegmentationQueue = field(default_factory=InMemorySegmentationQueue)
    watchers: InMemoryWatchers = field(default_factory=InMemoryWatchers)
    work: InMemoryProjectWorkQueue = field(default_factory=InMemoryProjectWorkQueue)
    answers: InMemoryKeptAnswers = field(default_factory=InMemoryKeptAnswers)

    export_store: InMemoryExportStore = field(default_factory=InMemoryExportStore)
    export_queue: InMemoryExportQueue = field(default_factory=InMemoryExportQueue)

    def __post_init__(self) -> None:
        self.jobs = InMemoryProjectJobs(self.images)
        self.exports = InMemoryExports(self.images)
        self.imports = InMemoryImports(self.images, InMemoryRevisions(self.images.segmentations))

    def sweep(self) -> dict[str, Any]:
        runs = self.images.segmentations
        accept = AcceptUpload(
            projects=InMemoryProjects(),
            images=self.images,
            segmentations=runs,
            store=self.store,
            queue=self.queue,
            clock=self.clock,
            inbox_order=an_order(),
        )
        sweep = RequeueStalled(
            images=self.images,
            segmentations=runs,
            store=self.store,
            queue=self.queue,
            accept_upload=accept,
            clock=self.clock,
        )
        jobs = WorkOnProject(self.jobs, InMemoryProjectCopies(self.jobs), self.store, self.work, self.clock)
        watch = WatchUpdates(watchers=self.watchers, clock=self.clock)
        accounts, copies = InMemoryAccounts(self.images), InMemoryProjectCopies(self.jobs)
        sharing = InMemorySharing(self.images.projects, accounts)
        closings = InMemoryAccountClosings(accounts, copies, sharing, self.watchers)
        close = CloseAccount(closings, self.work, self.clock, InMemoryIds())
        exports = SweepExports(self.exports, self.export_store, self.export_queue, self.clock)
        imports = SweepImports(self.imports, self.export_store, self.export_queue, self.clock)
        asked = AskForBrightness(InMemoryBrightness(self.imports.revisions), self.export_queue, self.clock)
        handler = create_handler(
            sweep, watch, jobs, ForgetAnswers(self.answers, self.clock), close, exports, imports, asked
        )
        return handler({"id": "tick"}, cast(LambdaContext, RecordedContext()))


def test_an_upload_whose_event_was_missed_is_taken_in() -> None:
    world = World()
    image = an_image(status=ImageStatus.AWAITING_UPLOAD, created_at=LONG_AGO)
    world.images.add_many([image])
    world.store.put(original_key(image.id), b"hello", "image/tiff")

    assert world.sweep()["uploads_accepted"] == 1
    assert world.images.get(image.id).status is ImageStatus.STORED
    assert world.images.segmentations.get(segmentation_id(image.id, image.order)).status is SegmentationStatus.QUEUED


def test_an_upload_still_on_its_way_is_left_alone() -> None:
    world = World()
    image = an_image(status=ImageStatus.AWAITING_UPLOAD, created_at=LONG_AGO)
    world.images.add_many([image])

    world.sweep()

    assert world.images.get(image.id) == image


def test_an_upload_that_never_came_is_given_up_after_a_day() -> None:
    world = World()
    image = an_image(status=ImageStatus.AWAITING_UPLOAD, created_at=NOW - timedelta(hours=25))
    world.images.add_many([image])

    assert world.sweep()["uploads_given_up"] == 1
    assert world.images.get(image.id).status is ImageStatus.REFUSED


def test_a_queued_run_whose_message_is_lost_is_sent_again() -> None:
    world = World()
    run = a_segmentation(queued_at=LONG_AGO, sent_at=LONG_AGO)
    world.images.segmentations.add(run)

    assert world.sweep()["segmentations_sent"] == 1
    assert [request.segmentation_id for _, request in world.queue.sent] == [run.id]


def test_a_run_whose_worker_is_silent_and_whose_message_is_lost_is_sent_again() -> None:
    world = World()
    run = a_segmentation(status=SegmentationStatus.RUNNING, queued_at=LONG_AGO)
    world.images.segmentations.add(run)

    assert world.sweep()["segmentations_sent"] == 1


def test_a_run_whose_worker_was_heard_of_is_left_alone_however_old_it_is() -> None:
    world = World()
    run = a_segmentation(status=SegmentationStatus.RUNNING, queued_at=LONG_AGO, alive_at=NOW - timedelta(seconds=5))
    world.images.segmentations.add(run)

    assert world.sweep()["segmentations_sent"] == 0


def test_a_long_backlog_is_not_sent_twice() -> None:
    world = World()
    for _ in range(3):
        run = a_segmentation(queued_at=LONG_AGO, sent_at=LONG_AGO)
        world.images.segmentations.add(run)
        world.queue.send([(Priority.NORMAL, SegmentationRequested.of(run))])

    assert world.sweep()["segmentations_sent"] == 0
    assert len(world.queue.sent) == 3


def test_answers_whose_time_is_over_are_forgotten() -> None:
    world = World()
    for key, kept_until in (("old", NOW), ("new", NOW + timedelta(minutes=1))):
        world.answers.begin(KeptAnswer(key, "request", None, NOW, kept_until), LONG_AGO)
    world.sweep()
    assert set(world.answers.rows) == {"new"}


def test_connections_that_must_be_closed_by_now_are_forgotten() -> None:
    world = World()
    world.watchers.add("old", "owner", NOW - timedelta(hours=3))
    world.watchers.add("new", "owner", NOW)

    world.sweep()

    assert world.watchers.of_owner("owner") == ["new"]


def test_a_job_that_nobody_was_heard_of_at_is_sent_again() -> None:
    world = World()
    project = a_project()
    world.images.projects.add(project)
    job = world.jobs.begin_deletion(project, ProjectJob.deletion(project.id, project.owner_id, "correlation", NOW))
    world.clock.advance(SILENT_JOB_AFTER)
    world.sweep()
    assert world.work.sent == []
    world.clock.advance(timedelta(seconds=1))
    world.sweep()
    assert world.work.sent == [ProjectWorkRequested.of(job)]


def test_an_export_whose_message_is_lost_is_sent_again_and_one_that_nobody_sent_is_sent() -> None:
    world = World()
    project = a_project()
    world.images.projects.add(project)
    lost, waiting = an_export(project), an_export(project, requested_by=STRANGER)
    world.exports.add(lost)
    world.exports.release(LONG_AGO)
    world.exports.add(waiting)

    world.sweep()
    assert [request.export_id for request in world.export_queue.sent] == [lost.id, waiting.id]
    world.sweep()
    assert len(world.export_queue.sent) == 2


def test_a_file_whose_day_is_over_is_removed_and_told_to_be_gone() -> None:
    world = World()
    project = a_project()
    world.images.projects.add(project)
    at = NOW - timedelta(hours=24)
    done = an_export(project).started(1, at).succeeded(ExportFile("a.csv", 1, "0" * 64, "text/csv"), at)
    young = an_export(project).started(1, NOW).succeeded(ExportFile("a.csv", 1, "0" * 64, "text/csv"), NOW)
    for export in (done, young):
        world.exports.add(export)
        world.export_store.put(str(export.key), b"1", "text/csv")

    world.sweep()
    assert world.exports.get(done.id).status is ExportStatus.EXPIRED
    assert world.exports.get(young.id) == young
    assert list(world.export_store.objects) == [young.key]


def test_an_import_whose_message_is_lost_is_sent_again_and_a_file_that_nobody_started_goes() -> None:
    world = World()
    project = a_project()
    world.images.projects.add(project)
    lost = an_import(project).queued(LONG_AGO)
    late = an_import(project, upload_until=LONG_AGO)
    for import_ in (lost, late):
        world.imports.add(import_)
        world.export_store.put(import_.key, b"{}", "application/json")

    world.sweep()

    assert [request.import_id for request in world.export_queue.imports] == [lost.id]
    assert world.imports.get(late.id).status is ImportStatus.EXPIRED
    assert list(world.export_store.objects) == [lost.key]
