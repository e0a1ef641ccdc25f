"""Large files in parts: begun, resumed, put together, dropped; and digests that are checked."""

import hashlib
from dataclasses import dataclass

import pytest

from spheroseg.domain.image import Image, ImageStatus, original_key
from spheroseg.domain.upload_parts import (
    PART_BYTES,
    PARTS_FROM_BYTES,
    UploadPart,
    digest_of_bytes,
    digest_of_parts,
    of_base64,
    part_count,
    part_size,
    to_base64,
)
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    IllegalMoveError,
    ImageNotFoundError,
    InvalidInputError,
    NotInPartsError,
    NotStoredYetError,
    PartsMissingError,
)
from spheroseg.use_cases.accept_upload import AcceptUpload
from spheroseg.use_cases.complete_upload import CompleteUpload
from spheroseg.use_cases.request_upload import AnnouncedFile, RequestUpload
from spheroseg.use_cases.upload_in_parts import UploadInParts
from tests.builders import STRANGER, a_project, a_viewer, an_image, an_order
from tests.fakes import (
    InMemoryClock,
    InMemoryIds,
    InMemoryImages,
    InMemoryImageStore,
    InMemoryProjects,
    InMemorySegmentationQueue,
    InMemorySegmentations,
)

SIZE = 6 * PART_BYTES + 1000
OWNER = a_viewer()


@dataclass
class Bench:
    def __post_init__(self) -> None:
        self.clock = InMemoryClock()
        self.projects = InMemoryProjects()
        self.segmentations = InMemorySegmentations()
        self.images = InMemoryImages(self.segmentations)
        self.store = InMemoryImageStore(self.clock)
        self.project = a_project()
        self.projects.add(self.project)
        queue = InMemorySegmentationQueue()
        accept = AcceptUpload(self.projects, self.images, self.segmentations, self.store, queue, self.clock, an_order())
        self.request = RequestUpload(self.projects, self.images, self.store, self.clock, InMemoryIds())
        self.parts = UploadInParts(self.images, self.store)
        self.complete = CompleteUpload(self.images, self.store, accept)

    def announced(self, **changes: object) -> Image:
        image = an_image(self.project, status=ImageStatus.AWAITING_UPLOAD, **{"size_bytes": SIZE, **changes})
        self.images.add_many([image])
        return image

    def send(self, image: Image, *numbers: int) -> None:
        self.parts.links(OWNER, image.id, dict.fromkeys(numbers, "0" * 64))
        upload_id = self.images.get(image.id).upload_id
        assert upload_id
        for number in numbers:
            self.store.put_part(upload_id, number, bytes([number]) * part_size(SIZE, number))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_parts_make_up_the_file() -> None:
    assert part_count(SIZE) == 7
    assert [part_size(SIZE, number) for number in (1, 6, 7)] == [PART_BYTES, PART_BYTES, 1000]
    assert (part_count(PART_BYTES), part_count(PART_BYTES + 1)) == (1, 2)
    assert of_base64(to_base64("0a" * 32)) == "0a" * 32


def test_a_large_file_gets_no_form_and_a_small_one_no_parts(bench: Bench) -> None:
    files = [AnnouncedFile("a.tif", PARTS_FROM_BYTES, None), AnnouncedFile("b.tif", PARTS_FROM_BYTES + 1, None)]
    (small, form), (large, none) = bench.request(OWNER, bench.project.id, files, an_order(), "c")
    assert form
    assert form.fields["key"] == original_key(small.id)
    assert none is None
    with pytest.raises(NotInPartsError):
        bench.parts.links(OWNER, small.id, {1: "0" * 64})
    _, links = bench.parts.links(OWNER, large.id, {1: "0" * 64, 6: "1" * 64})
    assert [(link.number, link.headers["Content-Length"]) for link in links] == [
        (1, str(PART_BYTES)),
        (6, str(PARTS_FROM_BYTES + 1 - 5 * PART_BYTES)),
    ]


def test_an_upload_is_resumed_where_it_stopped(bench: Bench) -> None:
    image = bench.announced()
    assert bench.parts.arrived(OWNER, image.id)[1] == []
    bench.send(image, 1, 3)
    upload_id = bench.images.get(image.id).upload_id
    assert [part.number for part in bench.parts.arrived(OWNER, image.id)[1]] == [1, 3]
    with pytest.raises(PartsMissingError, match="5 of 7 parts have not arrived, the first is 2"):
        bench.complete(OWNER, image.id)
    bench.send(image, 2, 4, 5, 6, 7)
    assert bench.images.get(image.id).upload_id == upload_id, "links go on with the upload that was begun"
    stored = bench.complete(OWNER, image.id)
    assert (stored.status, stored.size_bytes, stored.upload_id) == (ImageStatus.STORED, SIZE, None)
    digests = [hashlib.sha256(bytes([n]) * part_size(SIZE, n)).digest() for n in range(1, 8)]
    assert stored.digest == f"sha256-of-parts:{hashlib.sha256(b''.join(digests)).hexdigest()}"
    assert bench.complete(OWNER, image.id) == stored
    for call in (bench.parts.arrived, bench.parts.drop):
        with pytest.raises(IllegalMoveError):
            call(OWNER, image.id)


def test_a_part_of_the_wrong_size_is_missing(bench: Bench) -> None:
    image = bench.announced()
    bench.send(image, *range(1, 8))
    upload_id = bench.images.get(image.id).upload_id
    assert upload_id
    bench.store.put_part(upload_id, 7, b"too short")
    with pytest.raises(PartsMissingError, match="the first is 7"):
        bench.complete(OWNER, image.id)


def test_what_was_put_together_before_the_row_knew_it_is_taken_in(bench: Bench) -> None:
    image = bench.announced()
    bench.send(image, *range(1, 8))
    upload_id = bench.images.get(image.id).upload_id
    assert upload_id
    key = original_key(image.id)
    bench.store.end_parts(key, upload_id, bench.store.parts(key, upload_id))
    assert bench.complete(OWNER, image.id).status is ImageStatus.STORED


def test_dropped_parts_are_sent_anew(bench: Bench) -> None:
    image = bench.announced()
    bench.send(image, 1)
    bench.parts.drop(OWNER, image.id)
    assert (bench.store.uploads, bench.images.get(image.id)) == ({}, image)
    bench.parts.drop(OWNER, image.id)
    bench.send(image, 2)
    assert [part.number for part in bench.parts.arrived(OWNER, image.id)[1]] == [2]


def test_an_upload_that_the_store_dropped_begins_anew(bench: Bench) -> None:
    image = bench.announced()
    bench.send(image, 1)
    bench.store.uploads.clear()
    assert bench.parts.arrived(OWNER, image.id)[1] == []
    with pytest.raises(NotStoredYetError):
        bench.complete(OWNER, image.id)
    bench.send(image, 2)
    assert [part.number for part in bench.parts.arrived(OWNER, image.id)[1]] == [2]


@pytest.mark.parametrize("number", [0, 8])
def test_a_file_has_its_parts_and_no_others(bench: Bench, number: int) -> None:
    with pytest.raises(InvalidInputError, match="parts 1 to 7"):
        bench.parts.links(OWNER, bench.announced().id, {1: "0" * 64, number: "0" * 64})
    assert bench.store.uploads == {}


def test_a_strangers_upload_is_not_found(bench: Bench) -> None:
    image, stranger = bench.announced(), Viewer(STRANGER)
    for call in (bench.parts.arrived, bench.parts.drop, bench.complete):
        with pytest.raises(ImageNotFoundError):
            call(stranger, image.id)
    with pytest.raises(ImageNotFoundError):
        bench.parts.links(stranger, image.id, {1: "0" * 64})


def test_the_digest_of_parts_does_not_depend_on_their_order() -> None:
    parts = [UploadPart(number, 1, f"{number:064x}") for number in (1, 2, 3)]
    assert digest_of_parts(parts) == digest_of_parts(parts[::-1]) != digest_of_parts(parts[:2])


def test_bytes_with_the_announced_digest_are_taken_in_and_others_refused(bench: Bench) -> None:
    digest = digest_of_bytes(hashlib.sha256(b"the file").hexdigest())
    same, other = (bench.announced(size_bytes=8, digest=digest) for _ in range(2))
    bench.store.put(original_key(same.id), b"the file", "image/tiff")
    bench.store.put(original_key(other.id), b"The file", "image/tiff")
    assert (bench.complete(OWNER, same.id).status, bench.images.get(same.id).digest) == (ImageStatus.STORED, digest)
    refused = bench.complete(OWNER, other.id)
    assert refused.failure
    assert (refused.status, refused.failure.code) == (ImageStatus.REFUSED, "digest-mismatch")
    assert refused.size_bytes is None
    assert original_key(other.id) not in bench.store.objects
