"""Exports of 100,000 outlines: time, and the most memory the process ever held, against the goal of 512 MB.

Each format is written by a process of its own, so that memory is its own: 100 images of 2,048² px with 1,000 bodies each,
outlines along pixel edges with about 75 corners, every tenth body with a hole. Times are the process's own (user and
system), with the making of the outlines and the imports left out.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from spheroseg.domain.export import ExportFormat
from spheroseg.exchange.formats import FORMATS
from tests.benchmarks.conftest import Record

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

OUTLINES, GOAL_MB = 100_000, 512.0

PROGRAM = """
import json, resource, sys, time
from pathlib import Path
from dataclasses import replace
from tests.benchmarks.test_measures import blobs
from spheroseg.exchange.files import FolderFiles
from spheroseg.exchange.formats import FORMATS
from spheroseg.exchange.results import Result
from spheroseg.imaging.measures import spheroids_of

name, folder, outlines = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
labels = blobs(2048, 1000, 22)
for number in range(1, 1001, 10):
    rows, columns = (labels == number).nonzero()
    y, x = int(rows.mean()), int(columns.mean())
    labels[y - 3 : y + 4, x - 3 : x + 4] = 0
spheroids = spheroids_of(labels)
corners = sum(len(ring) for one in spheroids for part in one.polygons for ring in (part.exterior, *part.holes))
write = FORMATS[name].write

def results():
    for image in range(outlines // 1000):
        yield Result(f"well {image}.tif", f"well_{image}", 2048, 2048, iter(spheroids), pixel_size_um=0.65)

before = time.process_time()
write(results(), FolderFiles(folder))
print(json.dumps({
    "seconds": time.process_time() - before,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "file_mb": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6,
    "corners": corners / len(spheroids),
}))
"""


@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if not one.needs_originals])
def test_a_hundred_thousand_outlines_within_512_mb(name: str, tmp_path: Path, record: Record) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, name, tmp_path, str(OUTLINES)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    record(f"export of 100,000 outlines as {name}, {found['file_mb']:.0f} MB", found["seconds"], "s", "goal", 60.0)
    record(f"most memory of that, {name}", found["peak_mb"], "MB", "goal", GOAL_MB)
    assert found["peak_mb"] < GOAL_MB


WORKER = """
import json, resource, sys, time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
import cv2
import numpy as np
from tests.benchmarks.test_measures import blobs
from export_worker.maker import ExchangeMaker
from spheroseg.adapters import s3_exports
from spheroseg.domain.export import ExportFormat, ExportedRun
from spheroseg.domain.export import ExportOptions
from spheroseg.domain.sample import Sample
from spheroseg.domain.segmentation import ModelFile, SegmentationStatus
from spheroseg.domain.statistics_question import Wanted
from spheroseg.model_registry import ModelRegistry
from spheroseg.imaging.measures import spheroids_of
from spheroseg.use_cases.run_export import RunExport, Work
from tests.builders import a_project, a_result, a_segmentation, an_export, an_image
from tests.fakes import InMemoryClock, InMemoryImages, InMemoryReviews, InMemoryUpdatePublisher
from tests.fakes.exports import InMemoryExportQueue, InMemoryExports

name, outlines = sys.argv[1], int(sys.argv[2])
labels = blobs(2048, 1000, 22)
spheroids = spheroids_of(labels)
noise = np.random.default_rng(5).normal(0, 6, labels.shape)
picture = cv2.imencode(".png", np.clip(170 - 90 * (labels > 0) + noise, 0, 255).astype(np.uint8))[1].tobytes()
del labels, noise
card = ModelRegistry.packaged().default
result = replace(a_result(), width_px=2048, height_px=2048,
    ran=ModelFile(card.name, card.version, card.precision, card.sha256))
images = InMemoryImages()
project = a_project()
images.projects.add(project)
image = an_image(project)
runs = [
    ExportedRun(f"well {n}.tif", False, replace(a_segmentation(image, status=SegmentationStatus.SUCCEEDED),
        result=result), Sample(condition="ab"[n % 2], replicate=1 + n % 10))
    for n in range(outlines // len(spheroids))
]

class Source:
    def count(self, project_id, image_ids):
        return len(runs)
    def runs(self, project_id, image_ids, after, limit):
        return runs, len(runs), None
    def spheroids(self, segmentation_id, revision, after_number, limit):
        return spheroids[after_number : after_number + limit]

class Client:
    "A bucket that takes parts, as the SDK passes them, and forgets them."
    taken = 0
    def create_multipart_upload(self, **_):
        return {"UploadId": "1"}
    def upload_part(self, Body, **_):
        Client.taken += len(Body)
        return {"ETag": "1"}
    def put_object(self, Body, **_):
        Client.taken += len(Body)
    def complete_multipart_upload(self, **_): ...
    def abort_multipart_upload(self, **_): ...

class Store(s3_exports.S3ExportStore):
    def __init__(self):
        super().__init__(Client(), "bucket", InMemoryClock())
    def download(self, key, path):
        path.write_bytes(picture)

exports = InMemoryExports(images)
asked = Wanted(groups=("condition",), compare="condition") if name == "statistics" else None
export = an_export(project, format=ExportFormat(name), options=ExportOptions(statistics=asked))
exports.add(export)
store = Store()
run_export = RunExport(exports, Source(), store, ExchangeMaker(store, Path(sys.argv[3])), InMemoryExportQueue(),
    InMemoryClock(), InMemoryReviews(images), InMemoryUpdatePublisher())
work = run_export.take(export.id)
before = time.process_time()
done = run_export.make(work)
assert done.file is not None, done.failure
assert done.file.size_bytes == Client.taken
print(json.dumps({
    "seconds": time.process_time() - before,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "file_mb": done.file.size_bytes / 1e6,
    "spheroids": done.spheroids,
}))
"""


@pytest.mark.parametrize("name", [one.value for one in ExportFormat if one is not ExportFormat.ORIGINALS])
def test_the_export_worker_streams_a_hundred_thousand_outlines_within_512_mb(
    name: str, tmp_path: Path, record: Record
) -> None:
    """From the source's pages of 500 to parts of 16 MB; the database and the network are left out."""
    done = subprocess.run(
        [sys.executable, "-c", WORKER, name, str(OUTLINES), tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["spheroids"] == OUTLINES
    record(f"export worker, 100,000 outlines as {name}, {found['file_mb']:.0f} MB", found["seconds"], "s", "goal", 60.0)
    record(f"most memory of the export worker, {name}", found["peak_mb"], "MB", "goal", GOAL_MB)
    assert found["peak_mb"] < GOAL_MB
    assert not list(tmp_path.iterdir())
