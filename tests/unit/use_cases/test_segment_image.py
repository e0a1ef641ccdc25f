"""What a run ends with."""

import json
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from spheroseg.domain.pages import Pages
from spheroseg.domain.segmentation import (
    ModelFile,
    PixelSizeSource,
    Runtime,
    Segmentation,
    SegmentationStatus,
    result_prefix,
)
from spheroseg.errors import (
    DatabaseUnavailableError,
    InvalidPixelsError,
    StorageUnavailableError,
    UndecodableImageError,
)
from spheroseg.ports import ChosenModel, DecodedImage, StoredObject
from tests.builders import a_model_card
from tests.fakes import (
    InMemoryImageStore,
    InMemorySegmentations,
)
from tests.unit.use_cases.segmenting import Bench, two_squares


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
    assert ended.result.review is not None
    assert ended.result.review.unequal_edges_um is None


def test_edges_of_a_pixel_that_differ_are_no_pixel_size_and_are_noted(bench: Bench) -> None:
    pixels = np.arange(64 * 96, dtype=np.uint16).reshape(64, 96)
    bench.decoder.image = DecodedImage(pixels, "uint16", Pages(1), pixel_size_um=None, unequal_edges_um=(0.65, 0.7))
    ended = bench.do(bench.add())
    assert ended is not None
    assert ended.result is not None
    assert ended.result.review is not None
    assert (ended.result.pixel_size_um, ended.result.review.unequal_edges_um) == (None, (0.65, 0.7))


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
