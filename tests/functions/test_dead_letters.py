"""dead_letters: what was tried too often becomes a status that its owner sees."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from dead_letters.entry import create_handler
from spheroseg.domain.export import Export, ExportStatus
from spheroseg.domain.image import ImageStatus, original_key
from spheroseg.domain.outline_import import ImportStatus
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.messages import ExportRequested, ImportRequested, SegmentationRequested
from spheroseg.use_cases.fail_dead_letter import FailDeadLetter
from spheroseg.use_cases.fail_export import FailExport
from spheroseg.use_cases.fail_import import FailImport
from tests.builders import NOW, a_project, a_segmentation, an_export, an_image, an_import, an_order
from tests.events import RecordedContext, failed_ids, object_created, sqs_batch
from tests.fakes import InMemoryClock, InMemoryImages, InMemoryProjects, InMemoryRevisions, InMemoryUpdatePublisher
from tests.fakes.exports import InMemoryExportQueue, InMemoryExports
from tests.fakes.imports import InMemoryImports


@dataclass
class World:
    projects: InMemoryProjects = field(default_factory=InMemoryProjects)
    images: InMemoryImages = field(default_factory=InMemoryImages)
    updates: InMemoryUpdatePublisher = field(default_factory=InMemoryUpdatePublisher)
    export_queue: InMemoryExportQueue = field(default_factory=InMemoryExportQueue)

    def __post_init__(self) -> None:
        self.exports = InMemoryExports(self.images)
        self.imports = InMemoryImports(self.images, InMemoryRevisions(self.images.segmentations))

    def export(self) -> Export:
        """One that is on the queue, or waits for the one that is."""
        project = a_project()
        self.images.projects.add(project)
        export = an_export(project)
        self.exports.add(export)
        self.exports.release(NOW - timedelta(minutes=5))
        return self.exports.get(export.id)

    def deliver(self, *bodies: str) -> dict[str, Any]:
        use_case = FailDeadLetter(
            projects=self.projects,
            images=self.images,
            segmentations=self.images.segmentations,
            updates=self.updates,
            clock=InMemoryClock(),
            inbox_order=an_order(),
        )
        fail_export = FailExport(self.exports, self.export_queue, InMemoryClock(), self.updates)
        fail_import = FailImport(self.imports, InMemoryClock(), self.updates)
        handler = create_handler(use_case, fail_export, fail_import)
        return handler(sqs_batch(*bodies), cast(LambdaContext, RecordedContext()))


@pytest.mark.parametrize("status", [SegmentationStatus.QUEUED, SegmentationStatus.RUNNING])
def test_an_unfinished_run_that_nobody_works_on_fails_with_a_reason_and_says_so(status: SegmentationStatus) -> None:
    world = World()
    run = a_segmentation(status=status, alive_at=NOW - timedelta(minutes=5))
    world.images.segmentations.add(run)

    assert failed_ids(world.deliver(SegmentationRequested.of(run).model_dump_json())) == []

    failed = world.images.segmentations.get(run.id)
    assert failed.status is SegmentationStatus.FAILED
    assert failed.failure is not None
    assert failed.failure.code == "retries-exhausted"
    assert [update.failure_code for update in world.updates.published] == ["retries-exhausted"]


def test_the_letter_of_a_run_that_a_worker_is_at_comes_again() -> None:
    world = World()
    run = a_segmentation(status=SegmentationStatus.RUNNING, alive_at=NOW)
    world.images.segmentations.add(run)

    assert failed_ids(world.deliver(SegmentationRequested.of(run).model_dump_json())) == ["message-1"]
    assert world.images.segmentations.get(run.id) == run


@pytest.mark.parametrize("status", [SegmentationStatus.SUCCEEDED, SegmentationStatus.CANCELLED])
def test_a_run_that_has_ended_stays_as_it_is(status: SegmentationStatus) -> None:
    world = World()
    run = a_segmentation(status=status)
    world.images.segmentations.add(run)

    world.deliver(SegmentationRequested.of(run).model_dump_json())

    assert world.images.segmentations.get(run.id) == run


def test_an_upload_that_could_not_be_taken_in_is_refused_with_a_reason() -> None:
    world = World()
    image = an_image(status=ImageStatus.AWAITING_UPLOAD)
    world.images.add_many([image])

    world.deliver(object_created(original_key(image.id)))

    refused = world.images.get(image.id)
    assert refused.failure is not None
    assert (refused.status, refused.failure.code) == (ImageStatus.REFUSED, "upload-not-accepted")


def test_a_plain_upload_that_could_not_be_taken_in_is_shown_to_its_owner() -> None:
    world = World()
    project = a_project()
    world.projects.add(project)

    for _ in range(2):
        world.deliver(object_created(f"inbox/{project.id}/a.tif"))

    (image,) = world.images.rows.values()
    assert (image.project_id, image.status, image.name) == (project.id, ImageStatus.REFUSED, "a.tif")


def test_a_letter_that_nobody_understands_is_kept() -> None:
    assert failed_ids(World().deliver('{"type": "something_else"}')) == ["message-1"]


def test_letters_of_deleted_things_are_done_with() -> None:
    letter = SegmentationRequested.of(a_segmentation()).model_dump_json()
    assert failed_ids(World().deliver(letter, object_created(original_key(an_image().id)))) == []


def test_an_export_that_was_tried_too_often_fails_with_a_reason_and_the_next_has_its_turn() -> None:
    world = World()
    export, waiting = world.export(), world.export()
    started = export.started(1, NOW - timedelta(minutes=5))
    world.exports.replace(export, started)

    assert failed_ids(world.deliver(ExportRequested.of(export).model_dump_json())) == []

    failed = world.exports.get(export.id)
    assert failed.status is ExportStatus.FAILED
    assert failed.failure is not None
    assert failed.failure.code == "retries-exhausted"
    assert [request.export_id for request in world.export_queue.sent] == [waiting.id]


def test_the_letter_of_an_export_that_a_worker_is_at_comes_again() -> None:
    world = World()
    export = world.export()
    world.exports.replace(export, export.started(1, NOW))

    assert failed_ids(world.deliver(ExportRequested.of(export).model_dump_json())) == ["message-1"]
    assert world.exports.get(export.id).status is ExportStatus.RUNNING


def test_the_letter_of_an_export_that_has_ended_or_is_gone_is_done_with() -> None:
    world = World()
    export = world.export()
    cancelled = export.cancelled(NOW)
    world.exports.replace(export, cancelled)
    letter = ExportRequested.of(export).model_dump_json()

    assert failed_ids(world.deliver(letter)) == []
    assert world.exports.get(export.id) == cancelled
    world.exports.rows.clear()
    assert failed_ids(world.deliver(letter)) == []


def test_an_import_that_was_tried_too_often_fails_and_says_that_nothing_changed() -> None:
    world = World()
    project = a_project()
    world.images.projects.add(project)
    import_ = an_import(project).queued(NOW - timedelta(minutes=5))
    world.imports.add(import_)

    assert failed_ids(world.deliver(ImportRequested.of(import_).model_dump_json())) == []

    failed = world.imports.get(import_.id)
    assert failed.status is ImportStatus.FAILED
    assert failed.failure is not None
    assert "nothing was changed" in failed.failure.detail
