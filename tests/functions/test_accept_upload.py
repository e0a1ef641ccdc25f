"""accept_upload: bucket events to stored images with queued runs."""

from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from accept_upload.entry import SOON_S, create_handler
from spheroseg.domain.image import ImageStatus, inbox_image_id, original_key
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import SegmentationStatus, segmentation_id
from spheroseg.ports import StoredObject
from spheroseg.sqs_batches import BatchHandler
from spheroseg.use_cases.accept_upload import AcceptUpload
from tests.builders import a_project, an_image, an_order
from tests.events import RecordedContext, failed_ids, object_created, sqs_batch
from tests.fakes import (
    InMemoryClock,
    InMemoryImages,
    InMemoryImageStore,
    InMemoryProjects,
    InMemorySegmentationQueue,
)


@dataclass
class World:
    """The use case on fakes, and its entry."""

    projects: InMemoryProjects = field(default_factory=InMemoryProjects)
    images: InMemoryImages = field(default_factory=InMemoryImages)
    store: InMemoryImageStore = field(default_factory=InMemoryImageStore)
    queue: InMemorySegmentationQueue = field(default_factory=InMemorySegmentationQueue)
    lent_for: list[tuple[str, int]] = field(default_factory=list)

    @property
    def handler(self) -> BatchHandler:
        accept = AcceptUpload(
            projects=self.projects,
            images=self.images,
            segmentations=self.images.segmentations,
            store=self.store,
            queue=self.queue,
            clock=InMemoryClock(),
            inbox_order=an_order(),
        )
        return create_handler(accept, lambda receipt, seconds: self.lent_for.append((receipt, seconds)))

    def deliver(self, *bodies: str, receive_count: int = 1) -> dict[str, Any]:
        return self.handler(sqs_batch(*bodies, receive_count=receive_count), cast(LambdaContext, RecordedContext()))

    def etag(self, key: str) -> str:
        return self.store.describe(key).etag

    def project(self) -> Project:
        project = a_project()
        self.projects.add(project)
        return project


@pytest.fixture
def world() -> World:
    return World()


def test_an_announced_file_is_stored_and_its_run_queued(world: World) -> None:
    image = an_image(status=ImageStatus.AWAITING_UPLOAD)
    world.images.add_many([image])
    world.store.put(original_key(image.id), b"hello", "image/tiff")

    assert failed_ids(world.deliver(object_created(original_key(image.id)))) == []

    stored = world.images.get(image.id)
    assert (stored.status, stored.size_bytes) == (ImageStatus.STORED, 5)
    run = world.images.segmentations.get(segmentation_id(image.id, image.order))
    assert run.status is SegmentationStatus.QUEUED
    assert [request.segmentation_id for _, request in world.queue.sent] == [run.id]
    assert world.queue.sent[0][1].correlation_id == image.correlation_id


def test_the_same_event_five_times_makes_one_run(world: World) -> None:
    image = an_image(status=ImageStatus.AWAITING_UPLOAD)
    world.images.add_many([image])
    world.store.put(original_key(image.id), b"hello", "image/tiff")

    for _ in range(5):
        assert failed_ids(world.deliver(object_created(original_key(image.id)))) == []

    assert len(world.images.segmentations.rows) == 1


def test_an_empty_file_is_refused_with_a_reason(world: World) -> None:
    image = an_image(status=ImageStatus.AWAITING_UPLOAD)
    world.images.add_many([image])
    world.store.put(original_key(image.id), b"", "image/tiff")

    world.deliver(object_created(original_key(image.id), size=0))

    refused = world.images.get(image.id)
    assert refused.status is ImageStatus.REFUSED
    assert refused.failure is not None
    assert refused.failure.code == "empty-upload"
    assert world.queue.sent == []


def test_a_file_of_a_deleted_image_is_removed(world: World) -> None:
    key = original_key(uuid4())
    world.store.put(key, b"hello", "image/tiff")

    assert failed_ids(world.deliver(object_created(key))) == []
    assert world.store.objects == {}


def test_one_failure_of_a_batch_is_delivered_again_and_the_others_are_not(world: World) -> None:
    image = an_image(status=ImageStatus.AWAITING_UPLOAD)
    world.images.add_many([image])
    world.store.put(original_key(image.id), b"hello", "image/tiff")

    answer = world.deliver("no event at all", object_created(original_key(image.id)))

    assert failed_ids(answer) == ["message-1"]
    assert world.images.get(image.id).status is ImageStatus.STORED


def test_what_cannot_be_queued_now_is_delivered_again_soon_and_then_later(world: World) -> None:
    image = an_image(status=ImageStatus.AWAITING_UPLOAD)
    world.images.add_many([image])
    world.store.put(original_key(image.id), b"hello", "image/tiff")
    world.queue.is_available = False

    assert failed_ids(world.deliver(object_created(original_key(image.id)))) == ["message-1"]
    assert world.lent_for == [("receipt-1", SOON_S)]
    assert failed_ids(world.deliver(object_created(original_key(image.id)), receive_count=2)) == ["message-1"]
    assert world.lent_for == [("receipt-1", SOON_S)]  # a longer outage must not use up all deliveries

    world.queue.is_available = True
    assert failed_ids(world.deliver(object_created(original_key(image.id)))) == []
    assert len(world.queue.sent) == 1


def test_a_plain_upload_becomes_an_image_of_its_project(world: World) -> None:
    project = world.project()
    key = f"inbox/{project.id}/day 3/žluť a+b.tif"
    world.store.put(key, b"hello", "image/tiff")
    etag = world.etag(key)

    for _ in range(5):
        assert failed_ids(world.deliver(object_created(key, etag))) == []

    (image,) = world.images.rows.values()
    assert image.id == inbox_image_id(project.id, key, etag)
    assert (image.name, image.owner_id, image.status) == ("day 3/žluť a+b.tif", project.owner_id, ImageStatus.STORED)
    assert world.store.objects == {original_key(image.id): b"hello"}
    assert len(world.images.segmentations.rows) == 1


def test_a_plain_upload_that_was_replaced_waits_for_its_own_event(world: World) -> None:
    project = world.project()
    key = f"inbox/{project.id}/a.tif"
    world.store.put(key, b"hello", "image/tiff")
    old = world.etag(key)
    world.store.put(key, b"hello again", "image/tiff")

    assert failed_ids(world.deliver(object_created(key, old))) == []
    assert world.images.rows == {}

    world.deliver(object_created(key, world.etag(key)))
    (image,) = world.images.rows.values()
    assert image.size_bytes == len(b"hello again")


@pytest.mark.parametrize("key", ["inbox/no-project/a.tif", f"inbox/{UUID(int=1)}/a.tif", "inbox/a.tif"])
def test_a_plain_upload_to_no_project_stays_with_a_reason(world: World, key: str) -> None:
    world.store.put(key, b"hello", "image/tiff")

    assert failed_ids(world.deliver(object_created(key))) == []

    assert key in world.store.objects
    assert world.store.refused[key] in {"project-not-found", "invalid-input"}


def test_the_event_of_our_own_copy_may_come_before_the_copy_is_told(world: World) -> None:
    project = world.project()
    inbox_key = f"inbox/{project.id}/a.tif"
    world.store.put(inbox_key, b"hello", "image/tiff")
    etag = world.etag(inbox_key)
    copy = world.store.copy

    def copy_and_tell(source_key: str, source_etag: str, key: str) -> StoredObject:
        copied = copy(source_key, source_etag, key)
        assert failed_ids(world.deliver(object_created(key, copied.etag, copied.size_bytes))) == []
        return copied

    world.store.copy = copy_and_tell  # type: ignore[method-assign]

    assert failed_ids(world.deliver(object_created(inbox_key, etag))) == []

    (image,) = world.images.rows.values()
    assert image.status is ImageStatus.STORED
    assert world.store.objects == {original_key(image.id): b"hello"}


def test_an_empty_plain_upload_is_shown_with_its_reason(world: World) -> None:
    project = world.project()
    key = f"inbox/{project.id}/a.tif"
    world.store.put(key, b"", "image/tiff")

    world.deliver(object_created(key, world.etag(key), 0))

    (image,) = world.images.rows.values()
    assert image.failure is not None
    assert (image.status, image.failure.code) == (ImageStatus.REFUSED, "empty-upload")


def test_a_plain_upload_that_was_removed_again_leaves_no_image(world: World) -> None:
    project = world.project()

    assert failed_ids(world.deliver(object_created(f"inbox/{project.id}/a.tif"))) == []

    assert world.images.rows == {}
