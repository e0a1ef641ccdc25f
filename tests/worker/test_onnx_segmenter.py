import hashlib
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import onnxruntime
import pytest
from scipy import ndimage

import segmentation_worker
from segmentation_worker.models import LoadedModels, in_best_precision, load_segmenters
from segmentation_worker.onnx_segmenter import OnnxSegmenter
from segmentation_worker.tuning import Tuning
from spheroseg.domain.segmentation import Parameters, Runtime
from spheroseg.errors import InvalidPixelsError, ModelNotFoundError, ModelUnusableError
from spheroseg.imaging.certainty import certainty_of
from spheroseg.imaging.measures import spheroids_of
from spheroseg.imaging.windowing import Grey
from spheroseg.model_registry import ModelRegistry
from tests.builders import an_order
from tests.worker.drawn import drawn_spheroids

MODELS = Path(segmentation_worker.__file__).parent / "models"
ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "clients/python/spheroseg_client/samples"
SHARED = ROOT.parent / "shared/data"


@pytest.fixture(scope="module")
def models() -> LoadedModels:
    return load_segmenters(MODELS, Tuning(threads=2))


@pytest.fixture(scope="module")
def segmenter(models: LoadedModels) -> OnnxSegmenter:
    loaded = models.of(an_order(model="first", model_version="1"))
    assert isinstance(loaded, OnnxSegmenter)
    return loaded


def pixels_of(path: Path) -> Grey:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    assert pixels.ndim == 2
    return cast("Grey", pixels)


def foreground_iou(found: np.ndarray, drawn: np.ndarray) -> float:
    return float(np.count_nonzero((found > 0) & (drawn > 0)) / np.count_nonzero((found > 0) | (drawn > 0)))


def test_a_sample_has_its_three_spheroids(segmenter: OnnxSegmenter) -> None:
    found = segmenter.segment(pixels_of(SAMPLES / "spheroids-2.png"), Parameters())
    spheroids = spheroids_of(found.labels, certainty_of(found.labels, found.view))
    assert [spheroid.touches_edge for spheroid in spheroids] == [True, False, False]
    diameters = [spheroid.measures.equivalent_diameter_px for spheroid in spheroids]
    assert diameters == pytest.approx([333, 147, 159], rel=0.05)
    assert all(spheroid.measures.circularity > 0.9 for spheroid in spheroids[1:])
    assert all(spheroid.confidence is not None and spheroid.confidence > 0.75 for spheroid in spheroids)


def test_small_organoids_are_looked_at_closely_enough_to_be_found(segmenter: OnnxSegmenter) -> None:
    found = segmenter.segment(pixels_of(SAMPLES / "organoids.png"), Parameters())
    assert 48 <= found.labels.max() <= 75


@pytest.mark.parametrize(("source", "least"), [("validator", 0.94), ("lguertle", 0.84), ("orgaquant_val", 0.70)])
def test_real_images_are_segmented_as_well_as_measured_before(
    segmenter: OnnxSegmenter, source: str, least: float
) -> None:
    images = sorted((SHARED / source / "images").glob("*"))[:30]
    if not images:
        pytest.skip(f"the judged images are not beside the repository: {SHARED / source}")
    scores = []
    for path in images:
        (mask,) = (SHARED / source / "masks").glob(f"{path.stem}.*")
        found = segmenter.segment(pixels_of(path), Parameters())
        scores.append(foreground_iou(found.labels, pixels_of(mask)))
    assert np.mean(scores) >= least


@pytest.mark.parametrize(("dtype", "factor"), [(np.uint8, 1), (np.uint16, 16), (np.float32, 0.01)])
def test_labels_have_the_size_of_the_image_and_no_gaps_whatever_its_type(
    segmenter: OnnxSegmenter, dtype: type, factor: float
) -> None:
    image = drawn_spheroids((431, 797), (200, 200, 90), (560, 220, 110))
    pixels = cast("Grey", (image.astype(np.float32) * factor).astype(dtype))
    found = segmenter.segment(pixels, Parameters())
    probability = found.view.probability
    assert found.labels.shape == found.view.covered == (431, 797)
    assert found.labels.dtype == np.int32
    assert probability.dtype == np.float32
    assert np.unique(found.labels).tolist() == [0, 1, 2]
    assert 0 <= probability.min() <= probability.max() <= 1


def test_touching_spheroids_are_kept_apart(segmenter: OnnxSegmenter) -> None:
    found = segmenter.segment(drawn_spheroids((500, 700), (250, 250, 100), (440, 250, 95)), Parameters())
    assert len(spheroids_of(found.labels)) == 2
    assert (ndimage.binary_dilation(found.labels == 1) & (found.labels == 2)).any()  # with no gap between them


def test_every_object_is_in_one_piece(segmenter: OnnxSegmenter) -> None:
    found = segmenter.segment(pixels_of(SAMPLES / "organoids.png"), Parameters())
    assert all(len(spheroid.polygons) == 1 for spheroid in spheroids_of(found.labels))


def test_a_higher_threshold_makes_objects_smaller(segmenter: OnnxSegmenter) -> None:
    pixels = pixels_of(SAMPLES / "spheroids-2.png")
    low, middle, high = (
        np.count_nonzero(segmenter.segment(pixels, Parameters(threshold=threshold)).labels)
        for threshold in (0.1, 0.5, 0.9)
    )
    assert low > middle > high > 0


def test_the_smallest_diameter_is_in_pixels_of_the_image(segmenter: OnnxSegmenter) -> None:
    pixels = pixels_of(SAMPLES / "organoids.png")
    for limit in (25.0, 70.0):
        found = segmenter.segment(pixels, Parameters(min_diameter_px=limit))
        diameters = [spheroid.measures.equivalent_diameter_px for spheroid in spheroids_of(found.labels)]
        assert diameters
        assert min(diameters) >= limit


@pytest.mark.parametrize("shape", [(1, 700), (700, 1), (31, 33), (5, 5), (3000, 40), (256, 256), (257, 511)])
def test_any_shape_of_image_is_taken(segmenter: OnnxSegmenter, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, shape).astype(np.uint8)
    assert segmenter.segment(pixels, Parameters()).labels.shape == shape


def test_an_image_of_one_value_is_refused(segmenter: OnnxSegmenter) -> None:
    with pytest.raises(InvalidPixelsError):
        segmenter.segment(np.full((300, 300), 65_535, np.uint16), Parameters())


def test_the_best_provider_that_is_there_is_taken(segmenter: OnnxSegmenter) -> None:
    ranked = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")
    available = onnxruntime.get_available_providers()
    assert segmenter.provider == next(provider for provider in ranked if provider in available)
    found = segmenter.segment(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64), Parameters())
    assert found.runtime == Runtime(f"onnxruntime {version('onnxruntime')}", segmenter.provider)


def test_a_model_that_is_not_loaded_is_not_found(models: LoadedModels) -> None:
    with pytest.raises(ModelNotFoundError):
        models.of(an_order(model="first", model_version="99"))


def test_a_missing_file_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusableError, match="cannot be read"):
        load_segmenters(tmp_path)


def test_an_altered_file_is_told_at_the_start(tmp_path: Path) -> None:
    card = in_best_precision(ModelRegistry.packaged()).default
    content = bytearray((MODELS / card.file).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / card.file).write_bytes(content)
    with pytest.raises(ModelUnusableError, match="not the one"):
        load_segmenters(tmp_path, registry=ModelRegistry((card,)))


def test_a_file_that_is_no_model_is_told_at_the_start(tmp_path: Path) -> None:
    card = ModelRegistry.packaged().default
    path = tmp_path / "other.onnx"
    path.write_bytes(b"no model")
    other = card.model_copy(update={"sha256": hashlib.sha256(b"no model").hexdigest()})
    with pytest.raises(ModelUnusableError, match="cannot be loaded"):
        OnnxSegmenter(path, other)


def test_settings_that_the_segmenter_does_not_know_are_told_at_the_start() -> None:
    card = ModelRegistry.packaged().default
    other = card.model_copy(update={"postprocessing": {**card.postprocessing, "tiles": 4}})
    with pytest.raises(ModelUnusableError, match="settings"):
        OnnxSegmenter(MODELS / card.file, other)


def test_mirror_images_are_answered_alike_where_a_model_looks_at_them(segmenter: OnnxSegmenter) -> None:
    card = segmenter.card
    mirrored = card.model_copy(update={"preprocessing": {**card.preprocessing, "mirrored": 4}})
    pixels = drawn_spheroids((256, 224), (80, 90, 40), (150, 160, 30))  # sides that need no padding
    found = OnnxSegmenter(MODELS / card.file, mirrored).segment(pixels, Parameters())
    turned = OnnxSegmenter(MODELS / card.file, mirrored).segment(pixels[::-1, ::-1].copy(), Parameters())
    np.testing.assert_allclose(turned.view.probability[::-1, ::-1], found.view.probability, atol=1e-4)
    alone = OnnxSegmenter(MODELS / card.file, card).segment(pixels, Parameters())
    assert np.abs(alone.view.probability - found.view.probability).max() > 1e-3


def test_the_runtime_notes_nothing_to_tell_its_maker(tmp_path: Path) -> None:
    program = "from pathlib import Path; from segmentation_worker.models import load_segmenters as load; "
    program += f"load(Path({str(MODELS)!r}))"
    # It keeps quiet by itself where it takes itself for tested.
    environment = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("ORT_")}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []
