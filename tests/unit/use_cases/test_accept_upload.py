from dataclasses import dataclass
from uuid import UUID

import pytest

from spheroseg.domain.image import Image, ImageStatus, inbox_image_id, original_key
from spheroseg.domain.segmentation import Priority, SegmentationStatus, segmentation_id
from spheroseg.errors import (
    ImageNotFoundError,
    InvalidInputError,
    ObjectChangedError,
    ObjectNotFoundError,
    ProjectNotFoundError,
    QueueUnavailableError,
)
from spheroseg.use_cases.accept_upload import AcceptUpload
from tests.builders import a_project, an_id, an_image, an_order
from tests.fakes import (
    InMemoryClock,
    InMemoryImages,
    InMemoryImageStore,
    InMemoryProjects,
    InMemorySegmentationQueue,
    InMemorySegmentations,
)

FILE = b"II*\x00 not read here"


@dataclass
class Bench:
    def __post_init__(self) -> None:
        self.clock = InMemoryClock()
        self.projects = InMemoryProjects()
        self.segmentations = InMemorySegmentations(projects=self.projects)
        self.images = InMemoryImages(self.segmentations)
        self.store = InMemoryImageStore(self.clock)
        self.queue = InMemorySegmentationQueue()
        self.project = a_project()
        self.projects.add(self.project)
        self.inbox_order = an_order(priority=Priority.LOW)
        self.use_case = self.over(self.images)

    def over(self, images: InMemoryImages) -> AcceptUpload:
        return AcceptUpload(
            projects=self.projects,
            images=images,
            segmentations=self.segmentations,
            store=self.store,
            queue=self.queue,
            clock=self.clock,
            inbox_order=self.inbox_order,
        )

    def announced(self, content: bytes | None = FILE) -> Image:
        image = an_image(self.project, status=ImageStatus.AWAITING_UPLOAD)
        self.images.add_many([image])
        if content is not None:
            self.store.put(original_key(image.id), content, "image/tiff")
        return image

    def inbox_key(self, name: str = "plate 1/žluť a+b.tif", content: bytes = FILE) -> tuple[str, str]:
        key = f"inbox/{self.project.id}/{name}"
        self.store.put(key, content, "image/tiff")
        return key, self.store.describe(key).etag

    def sent(self) -> list[tuple[Priority, UUID]]:
        return [(priority, request.segmentation_id) for priority, request in self.queue.sent]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_arrived_file_is_stored_and_its_segmentation_queued(bench: Bench) -> None:
    image = bench.announced()
    accepted = bench.use_case.original(image.id)
    assert accepted == bench.images.get(image.id)
    assert (accepted.status, accepted.size_bytes) == (ImageStatus.STORED, len(FILE))
    run = bench.segmentations.get(segmentation_id(image.id, image.order))
    assert (run.status, run.correlation_id) == (SegmentationStatus.QUEUED, image.correlation_id)
    assert bench.sent() == [(Priority.NORMAL, run.id)]


def test_the_same_event_five_times_gives_one_run(bench: Bench) -> None:
    image = bench.announced()
    for _ in range(5):
        bench.use_case.original(image.id)
    assert len(bench.segmentations.rows) == 1
    assert {run for _, run in bench.sent()} == {segmentation_id(image.id, image.order)}


def test_an_event_repeated_after_a_failed_send_sends_the_request(bench: Bench) -> None:
    image = bench.announced()
    bench.queue.is_available = False
    with pytest.raises(QueueUnavailableError):
        bench.use_case.original(image.id)
    bench.queue.is_available = True
    bench.use_case.original(image.id)
    assert len(bench.sent()) == 1


def test_an_event_repeated_after_the_run_began_sends_nothing(bench: Bench) -> None:
    image = bench.announced()
    bench.use_case.original(image.id)
    run = bench.segmentations.get(segmentation_id(image.id, image.order))
    bench.segmentations.replace(run, run.started(bench.clock.now()))
    bench.use_case.original(image.id)
    assert len(bench.sent()) == 1


@pytest.mark.parametrize("content", [FILE, b""])
def test_two_deliveries_at_once_agree(bench: Bench, content: bytes) -> None:
    image = bench.announced(content)

    class Raced(InMemoryImages):
        """Another delivery is always a moment faster."""

        def get(self, image_id: UUID) -> Image:
            present = super().get(image_id)
            bench.use_case.original(image_id)
            return present

    raced = Raced(bench.segmentations, bench.images.rows)
    assert bench.over(raced).original(image.id) == bench.images.get(image.id)


def test_an_empty_file_is_refused(bench: Bench) -> None:
    image = bench.announced(b"")
    accepted = bench.use_case.original(image.id)
    assert accepted.status is ImageStatus.REFUSED
    assert accepted.failure is not None
    assert accepted.failure.code == "empty-upload"
    assert bench.sent() == []


def test_a_file_whose_image_was_deleted_is_removed(bench: Bench) -> None:
    gone = an_id()
    bench.store.put(original_key(gone), FILE, "image/tiff")
    with pytest.raises(ImageNotFoundError):
        bench.use_case.original(gone)
    assert bench.store.objects == {}


def test_a_file_that_has_not_arrived_is_said_so(bench: Bench) -> None:
    image = bench.announced(None)
    with pytest.raises(ObjectNotFoundError):
        bench.use_case.original(image.id)
    assert bench.images.get(image.id) == image


def test_an_inbox_file_becomes_an_image_of_its_project_and_moves(bench: Bench) -> None:
    key, etag = bench.inbox_key()
    image = bench.use_case.inbox(key, etag, "c-1")
    assert image.id == inbox_image_id(bench.project.id, key, etag)
    assert (image.status, image.name, image.owner_id) == (
        ImageStatus.STORED,
        "plate 1/žluť a+b.tif",
        bench.project.owner_id,
    )
    assert list(bench.store.objects) == [original_key(image.id)]
    assert bench.sent() == [(Priority.LOW, segmentation_id(image.id, bench.inbox_order))]
    assert image.correlation_id == "c-1"


def test_the_same_inbox_event_again_changes_nothing(bench: Bench) -> None:
    key, etag = bench.inbox_key()
    first = bench.use_case.inbox(key, etag, "c-1")
    assert bench.use_case.inbox(key, etag, "c-2") == first
    assert len(bench.images.rows) == 1


def test_another_file_under_the_same_inbox_name_is_another_image_and_is_not_removed_by_the_first(bench: Bench) -> None:
    key, first_etag = bench.inbox_key()
    first = bench.use_case.inbox(key, first_etag, "c-1")
    _, second_etag = bench.inbox_key(content=b"another file")
    bench.use_case.inbox(key, first_etag, "c-1")
    assert key in bench.store.objects
    second = bench.use_case.inbox(key, second_etag, "c-2")
    assert second.id != first.id


def test_an_inbox_file_that_was_replaced_is_left_to_its_own_event(bench: Bench) -> None:
    key, etag = bench.inbox_key()
    bench.inbox_key(content=b"another file")
    with pytest.raises(ObjectChangedError):
        bench.use_case.inbox(key, etag, "c-1")
    assert bench.images.rows == {}


def test_an_empty_inbox_file_is_an_image_that_says_why_it_was_refused(bench: Bench) -> None:
    key, etag = bench.inbox_key(content=b"")
    image = bench.use_case.inbox(key, etag, "c-1")
    assert image.status is ImageStatus.REFUSED
    assert bench.sent() == []


@pytest.mark.parametrize("key", ["inbox/no-id/a.tif", "inbox/a.tif", "elsewhere/x/y.tif"])
def test_an_inbox_key_that_names_no_project_is_marked_and_stays(bench: Bench, key: str) -> None:
    bench.store.put(key, FILE, "image/tiff")
    with pytest.raises(InvalidInputError):
        bench.use_case.inbox(key, "etag", "c-1")
    assert bench.store.refused == {key: "invalid-input"}


def test_an_inbox_of_an_unknown_project_is_marked_and_stays(bench: Bench) -> None:
    key = f"inbox/{an_id()}/a.tif"
    bench.store.put(key, FILE, "image/tiff")
    with pytest.raises(ProjectNotFoundError):
        bench.use_case.inbox(key, "etag", "c-1")
    assert bench.store.refused == {key: "project-not-found"}
