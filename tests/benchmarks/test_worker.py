"""The worker against the bare network, and what it costs from a file to outlines, each beside its baseline."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import cv2
import numpy as np
import onnxruntime
import psutil
import pytest
import tifffile
from skimage.feature import peak_local_max
from skimage.filters import gaussian, threshold_otsu
from skimage.measure import find_contours, regionprops
from skimage.morphology import remove_small_objects
from skimage.segmentation import watershed

from segmentation_worker.enlargement import enlarged
from segmentation_worker.instances import draw_objects, find_objects
from segmentation_worker.onnx_segmenter import OnnxSegmenter
from segmentation_worker.preparation import prepared
from segmentation_worker.tuning import usable_cores
from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.segmentation import Order, Parameters, Segmentation
from spheroseg.imaging.certainty import View, certainty_of
from spheroseg.imaging.decode import decode
from spheroseg.imaging.measures import spheroids_of
from spheroseg.model_registry import ModelRegistry
from tests.benchmarks.baselines import DEFAULT, REGISTRY, bare_runs, loaded
from tests.benchmarks.conftest import Record
from tests.benchmarks.pictures import spheroids_tiff, unet_31m
from tests.postgres import Servers
from tests.worker.surroundings import Surroundings, until

pytestmark = pytest.mark.benchmark

WORKER_IMAGES = {"fast": 120, "accurate": 40}
"""By model: some ten seconds of work each."""
FOR_S = 4.0
CARDS = ModelRegistry.packaged().all()


@pytest.fixture
def around(aws: Mapping[str, str], servers: Servers, tmp_path: Path) -> Iterator[Surroundings]:
    servers.empty()
    database = servers.database()
    surroundings = Surroundings(aws, servers, database, tmp_path)
    surroundings.order = Order(model=DEFAULT.name, model_version=DEFAULT.version)
    yield surroundings
    surroundings.end()
    database.close()


@pytest.fixture(scope="module", autouse=True)
def one_thread_for_opencv() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)  # as in the worker
    yield
    cv2.setNumThreads(before)


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.tif" for number in range(8)]
    for number, path in enumerate(paths):
        path.write_bytes(spheroids_tiff(count=(1, 3, 6, 9)[number % 4], seed=number))
    return paths


class Speed(NamedTuple):
    """Images a second on all cores, and the processor time of one, which other programs disturb less."""

    images_per_s: float
    processor_ms: float


def speed(work: Callable[[Path], object], images: list[Path]) -> Speed:
    """Each core works on an image of its own."""
    work(images[0])
    cores = usable_cores()
    begun, used = time.perf_counter(), time.process_time()

    def repeat(core: int) -> int:
        done = 0
        while time.perf_counter() - begun < FOR_S:
            work(images[(core + done) % len(images)])
            done += 1
        return done

    with ThreadPoolExecutor(cores) as pool:
        done = sum(pool.map(repeat, range(cores)))
    return Speed(done / (time.perf_counter() - begun), 1000 * (time.process_time() - used) / done)


def bare_speed(image: Path, card: ModelCard) -> Speed:
    """Of the model's session alone, from tensors in memory."""
    run = bare_runs(decode(image).pixels, card=card)
    return speed(lambda _: run(), [image])


@pytest.mark.parametrize("model", WORKER_IMAGES)
def test_worker_against_the_bare_session(around: Surroundings, images: list[Path], record: Record, model: str) -> None:
    card = next(card for card in REGISTRY.all() if card.name == model)
    around.order = Order(model=card.name, model_version=card.version)
    content = images[1].read_bytes()
    runs = [around.add(content) for _ in range(WORKER_IMAGES[model])]
    worker = psutil.Process(around.start().child.pid)
    until(lambda: around.get(runs[:1])[0].status.is_final, 60)

    def processor_s() -> float:
        return sum(times.user + times.system for one in (worker, *worker.children()) for times in [one.cpu_times()])

    begun, used = time.time(), processor_s()
    around.empty(300)
    used = processor_s() - used
    ended = sorted(run.finished_at.timestamp() for run in around.get(runs) if run.finished_at)
    later = [at for at in ended if at > begun]
    assert len(later) > len(runs) / 2
    measured = len(later) / (later[-1] - begun)
    bare = bare_speed(images[1], card)
    baseline = f"bare session on all {usable_cores()} cores"
    record(f"worker, 1024² 8 bit, {model} in {card.precision}", measured, "images/s", baseline, bare.images_per_s)
    what = f"worker, processor time of one image, {model} in {card.precision}"
    record(what, 1000 * used / len(later), "ms", baseline, bare.processor_ms)


def otsu_and_watershed(path: Path) -> object:
    """What many scripts do with scikit-image."""
    pixels = gaussian(tifffile.imread(path), 2)  # type: ignore[no-untyped-call]
    mask = remove_small_objects(pixels < threshold_otsu(pixels), max_size=200)  # type: ignore[no-untyped-call]
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    peaks = peak_local_max(distance, min_distance=30, labels=mask.astype(np.int32))  # type: ignore[no-untyped-call]
    markers = np.zeros(mask.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = watershed(-distance, markers, mask=mask)  # type: ignore[no-untyped-call]
    return [
        (find_contours(np.pad(region.image, 1), 0.5), region.area, region.perimeter, region.eccentricity)  # type: ignore[no-untyped-call]
        for region in regionprops(labels)  # type: ignore[no-untyped-call]
    ]


def to_outlines(segmenter: OnnxSegmenter) -> Callable[[Path], object]:
    def work(path: Path) -> object:
        found = segmenter.segment(decode(path).pixels, Parameters())
        return spheroids_of(found.labels, certainty_of(found.labels, found.view))

    return work


def versus(record: Record, card: ModelCard, ours: Speed, baseline: str, theirs: Speed) -> None:
    what = f"file to outlines and all measures, 1024² 8 bit, {card.name} {card.version} in {card.precision}"
    record(what, ours.images_per_s, "images/s", baseline, theirs.images_per_s)
    record(f"{what}, processor time", ours.processor_ms, "ms", baseline, theirs.processor_ms)


def test_from_file_to_outlines(images: list[Path], record: Record) -> None:
    otsu = speed(otsu_and_watershed, images)
    for card in CARDS:
        whole = speed(to_outlines(loaded(card)), images)
        versus(record, card, whole, "Otsu + watershed in scikit-image", otsu)
        small = card.in_precision("int8")
        if small.precision != card.precision:
            ours = speed(to_outlines(loaded(small)), images)
            versus(record, small, ours, "Otsu + watershed in scikit-image", otsu)
            versus(record, small, ours, f"the same in {card.precision}", whole)


def test_against_a_unet_of_31_million_parameters(images: list[Path], record: Record) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    content = unet_31m(np.random.default_rng(0)).SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def by_unet(path: Path) -> object:
        pixels = cv2.resize(decode(path).pixels, (512, 512), interpolation=cv2.INTER_AREA)
        (logits,) = session.run(None, {"image": (pixels / np.float32(255))[None, None].astype(np.float32)})
        return spheroids_of(cv2.connectedComponents((logits[0, 0] > 0).astype(np.uint8))[1].astype(np.int32))

    theirs = speed(by_unet, images)
    ours = speed(to_outlines(loaded(DEFAULT)), images)
    versus(record, DEFAULT, ours, "U-Net of 31 M parameters at 512², random weights", theirs)


def p50_ms(work: Callable[[], object]) -> float:
    work()
    seconds = []
    for _ in range(15):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return 1000 * median(seconds)


def test_post_processing_of_each_object(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "many.tif"
    path.write_bytes(spheroids_tiff(count=49, seed=3))
    segmenter = loaded(DEFAULT)
    view = prepared(decode(path).pixels, 768, segmenter._preprocessing)
    foreground, core = segmenter._probabilities(view)

    def to_measures() -> int:
        seen = find_objects(foreground, core, 0.5, 0.0, segmenter._postprocessing)
        solid = enlarged(seen.foreground, (1024, 1024))
        labels = draw_objects(seen, solid > 0.5, 0.0, holes=True)
        return len(spheroids_of(labels, certainty_of(labels, View(seen.foreground, labels.shape))))

    objects = to_measures()
    what = f"maps to outlines and all measures, one of {objects} objects in 1024², p50"
    network = p50_ms(lambda: segmenter._probabilities(view))
    record(
        what, p50_ms(to_measures) / objects, "ms", "the network at 768², 1 thread, for each object", network / objects
    )


def test_cold_start(around: Surroundings, images: list[Path], record: Record) -> None:
    def seconds(*command: str) -> float:
        begun = time.perf_counter()
        subprocess.run(command, check=True)
        return time.perf_counter() - begun

    libraries = "import boto3, cv2, numpy, onnxruntime, psycopg, scipy.ndimage, tifffile"
    imports = min(seconds(sys.executable, "-c", libraries) for _ in range(3))
    starts = []
    for _ in range(3):
        run = around.add(images[0].read_bytes())
        begun = time.perf_counter()
        worker = around.start()
        until(partial(is_over, around, run), 60)
        starts.append(time.perf_counter() - begun)
        worker.stop(30)
    record("worker, from start to its first finished image", median(starts), "s", "its libraries imported", imports)


def is_over(around: Surroundings, run: Segmentation) -> bool:
    return around.get([run])[0].status.is_final


def memory_of(process: psutil.Process) -> int:
    """Resident bytes of a process and its children; what they share is counted for each."""
    total = 0
    for one in (process, *process.children()):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:  # a decoder that was replaced
            continue
    return total


@pytest.mark.parametrize("side_px", [1024, 4096, 10_000, 20_000])
def test_peak_memory(around: Surroundings, side_px: int, record: Record) -> None:
    content = spheroids_tiff(side_px, dtype=np.uint16)
    worker = psutil.Process(around.start().child.pid)
    until((around.folder / "progress").exists, 60)
    idle = memory_of(worker)
    run = around.add(content)
    del content
    peak, asked_at = 0, 0.0
    while time.monotonic() - asked_at < 0.5 or not around.get([run])[0].status.is_final:
        peak = max(peak, memory_of(worker))
        asked_at = time.monotonic() if time.monotonic() - asked_at >= 0.5 else asked_at
        time.sleep(0.01)
    ended = around.get([run])[0]
    assert ended.result is not None, ended.failure
    record(f"worker and decoders, peak memory, {side_px}² 16 bit", peak / 1e6, "MB", "idle", idle / 1e6)
    record(
        f"worker, {side_px}² 16 bit, all stages",
        sum(ended.result.stages_s.values()),
        "s",
        "its model",
        ended.result.stages_s["model"],
    )
    assert peak < 2e9


@pytest.mark.timeout(3600)
def test_memory_over_many_images(around: Surroundings, record: Record) -> None:
    """As many images as ``BENCHMARK_IMAGES`` says, 600 unless it does."""
    many = int(os.environ.get("BENCHMARK_IMAGES", "600"))
    contents = [spheroids_tiff(512, count=count, seed=count) for count in (1, 3, 6)]
    log = around.start().log
    worker = psutil.Process(around.processes[-1].child.pid)
    samples: list[tuple[int, float]] = []
    for number in range(0, many, 50):
        runs = [around.add(contents[one % 3]) for one in range(number, min(number + 50, many))]
        around.empty(600)
        assert all(run.status.is_final for run in around.get(runs))
        time.sleep(0.5)  # with nothing in hand the worker gives back what it has freed
        samples.append((log.read_text().count("Segmentation ended"), memory_of(worker) / 1e3))
    done, kilobytes = np.array(samples).T
    settled = done > many / 4
    slope, error = slope_of(done[settled], kilobytes[settled])
    assert done[-1] == many
    record(f"worker, growth of memory over {many} images", slope, "KB/image", "standard error of the slope", error)
    record(
        "worker and decoders, memory at the end",
        kilobytes[-1] / 1e3,
        "MB",
        "after the first 50 images",
        kilobytes[0] / 1e3,
    )


def slope_of(x: Any, y: Any) -> tuple[float, float]:
    """Of the line of least squares, and its standard error."""
    centred = x - x.mean()
    slope = float((centred * (y - y.mean())).sum() / (centred**2).sum())
    rest = y - y.mean() - slope * centred
    return slope, float(np.sqrt((rest**2).sum() / (x.size - 2) / (centred**2).sum()))
