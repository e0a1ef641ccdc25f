import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from spheroseg.domain.image import Image, original_key
from spheroseg.domain.pages import Pages
from spheroseg.domain.segmentation import (
    SILENT_WORKER_AFTER,
    ModelFile,
    PixelSizeSource,
    Runtime,
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
from spheroseg.imaging.certainty import View
from spheroseg.ports import ChosenModel, DecodedImage, SegmentedPixels, StoredObject
from spheroseg.use_cases.segment_image import DecodedWork, SegmentedWork, SegmentImage
from tests.builders import a_model_card, a_project, a_segmentation, an_image, an_order
from tests.fakes import (
    InMemoryClock,
    InMemoryDecoder,
    InMemoryImages,
    InMemoryImageStore,
    InMemoryProjects,
    InMemorySegmentations,
    InMemorySegmenter,
    InMemorySegmenters,
    InMemoryUpdatePublisher,
)


def two_squares() -> SegmentedPixels:
    """A square of 20 px with a hole of 4 px, touching one of 10 px."""
    labels = np.zeros((64, 96), np.int32)
    labels[10:30, 10:30] = 1
    labels[18:22, 18:22] = 0
    labels[10:20, 30:40] = 2
    view = View(np.where(labels > 0, 0.9, 0.1).astype(np.float32), covered=(64, 96))
    return SegmentedPixels(labels=labels, view=view)


@dataclass
class Bench:
    """A queued run of a stored image, and everything that the use case needs."""

    folder: Path
    segmenter: InMemorySegmenter = field(default_factory=lambda: InMemorySegmenter(answer=two_squares()))

    def __post_init__(self) -> None:
        self.clock = InMemoryClock()
        self.projects = InMemoryProjects()
        self.segmentations = InMemorySegmentations(projects=self.projects)
        self.images = InMemoryImages(self.segmentations)
        self.store = InMemoryImageStore(self.clock)
        self.decoder = InMemoryDecoder()
        self.updates = InMemoryUpdatePublisher()
        self.run = self.add()
        self.use_case = SegmentImage(
            projects=self.projects,
            images=self.images,
            segmentations=self.segmentations,
            store=self.store,
            decoder=self.decoder,
            segmenters=InMemorySegmenters([self.segmenter]),
            updates=self.updates,
            clock=self.clock,
        )

    def add(self, *, project_size_um: float | None = None, **changes: Any) -> Segmentation:
        project = a_project(pixel_size_um=project_size_um)
        image = an_image(project, **changes)
        run = a_segmentation(image, queued_at=self.clock.now())
        self.projects.add(project)
        self.images.rows[image.id] = image
        self.store.put(original_key(image.id), b"a file", "application/octet-stream")
        self.segmentations.add(run)
        return run

    def image(self) -> Image:
        return self.images.get(self.run.image_id)

    def do(self, run: Segmentation | None = None) -> Segmentation | None:
        return self.use_case((run or self.run).id, self.folder)

    def stored(self) -> Segmentation:
        return self.segmentations.get(self.run.id)

    def results(self) -> list[str]:
        return sorted(key for key in self.store.objects if key.startswith("results/"))

    def announced(self) -> list[SegmentationStatus]:
        return [update.status for update in self.updates.published]

    def taken(self) -> Segmentation:
        run = self.use_case.take(self.run.id)
        assert run is not None
        return run

    def decoded(self) -> DecodedWork:
        work = self.use_case.decode(self.taken(), self.folder)
        assert isinstance(work, DecodedWork)
        return work

    def segmented(self) -> SegmentedWork:
        work = self.use_case.segment(self.decoded())
        assert isinstance(work, SegmentedWork)
        return work


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_queued_run_ends_with_objects_row_spheroids_and_announcements(bench: Bench) -> None:
    ended = bench.do()
    assert ended == bench.stored()
    assert ended.status is SegmentationStatus.SUCCEEDED
    assert ended.attempt == 1
    assert ended.result is not None
    assert (ended.result.width_px, ended.result.height_px, ended.result.spheroid_count) == (96, 64, 2)
    assert set(ended.result.stages_s) == {"download", "decode", "model", "outlines", "store"}
    assert [spheroid.measures.area_px2 for spheroid in bench.segmentations.found[ended.id]] == [384, 100]
    assert bench.announced() == [SegmentationStatus.RUNNING, SegmentationStatus.SUCCEEDED]
    prefix = result_prefix(ended.id, 1)
    assert bench.results() == [prefix + "labels.tif", prefix + "outlines.geojson", prefix + "preview.jpg"]
    outlines = json.loads(bench.store.objects[prefix + "outlines.geojson"])
    assert [len(feature["geometry"]["coordinates"]) for feature in outlines["features"]] == [2, 1]


def test_a_result_names_the_very_file_that_ran(bench: Bench) -> None:
    bench.segmenter.card = a_model_card(precision="int8", sha256="ab" * 32)
    runtime = Runtime("onnxruntime 1.29.0", "CUDAExecutionProvider")
    bench.segmenter.answer = replace(two_squares(), runtime=runtime)
    ended = bench.do()
    assert ended is not None
    assert ended.result is not None
    assert ended.result.ran == ModelFile("spheroid-unet", "1", "int8", "ab" * 32, runtime=runtime)


def test_a_result_names_the_model_that_was_chosen_for_the_image(bench: Bench) -> None:
    chosen = ChosenModel(a_model_card(name="thorough", precision="float16"), "nothing was found")
    bench.segmenter.answer = replace(two_squares(), chosen=chosen)
    ended = bench.do()
    assert ended is not None
    assert ended.order.model == "spheroid-unet"
    assert ended.result is not None
    assert ended.result.ran == ModelFile("thorough", "1", "float16", "0" * 64, "nothing was found")


def test_the_first_decoding_notes_how_many_pages_there_are(bench: Bench) -> None:
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    bench.decoder.image = DecodedImage(pixels, "uint8", Pages(6, "TZ", (2, 3)), pixel_size_um=None)
    bench.segmenter.error = InvalidPixelsError("flat")
    bench.do()
    assert bench.stored().status is SegmentationStatus.FAILED
    assert bench.image().pages == Pages(6, "TZ", (2, 3))


def test_the_file_is_kept_no_longer_than_its_decoding_takes(bench: Bench) -> None:
    bench.decoded()
    assert list(bench.folder.iterdir()) == []
    bench.decoder.error = UndecodableImageError("broken")
    bench.do(bench.add())
    assert list(bench.folder.iterdir()) == []


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


@pytest.mark.parametrize(
    ("user", "file", "project", "expected"),
    [
        (0.5, 0.65, 2.0, (0.5, PixelSizeSource.USER)),
        (None, 0.65, 2.0, (0.65, PixelSizeSource.FILE)),
        (None, None, 2.0, (2.0, PixelSizeSource.PROJECT)),
        (None, None, None, (None, None)),
    ],
)
def test_the_pixel_size_is_the_users_then_the_files_then_the_projects_and_never_a_guess(
    bench: Bench,
    user: float | None,
    file: float | None,
    project: float | None,
    expected: tuple[float | None, PixelSizeSource | None],
) -> None:
    pixels = np.arange(64 * 96, dtype=np.uint16).reshape(64, 96)
    bench.decoder.image = DecodedImage(pixels=pixels, pixel_type="uint16", pages=Pages(1), pixel_size_um=file)
    ended = bench.do(bench.add(pixel_size_um=user, project_size_um=project))
    assert ended is not None
    assert ended.result is not None
    assert (ended.result.pixel_size_um, ended.result.pixel_size_source) == expected


def test_a_run_is_over_when_it_has_ended_or_is_gone(bench: Bench) -> None:
    assert not bench.use_case.is_over(bench.run.id)
    bench.do()
    assert bench.use_case.is_over(bench.run.id)
    assert bench.use_case.is_over(uuid4())


def test_reach_is_checked_at_the_database_and_at_the_store(bench: Bench) -> None:
    bench.use_case.check_reach()

    class AwayRows(InMemorySegmentations):
        def get(self, segmentation_id: object) -> Segmentation:
            raise DatabaseUnavailableError("The database does not answer")

    class AwayStore(InMemoryImageStore):
        def describe(self, key: str) -> StoredObject:
            raise StorageUnavailableError("The store does not answer")

    with pytest.raises(DatabaseUnavailableError):
        replace(bench.use_case, segmentations=AwayRows()).check_reach()
    with pytest.raises(StorageUnavailableError):
        replace(bench.use_case, store=AwayStore()).check_reach()
