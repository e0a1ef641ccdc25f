"""Imports of as much as one may hold: time, and the most memory the process ever held, against that of a worker's task.

Each file is read, checked and measured, and drawn as the labels of a new result, by a process of its own: 50,000 outlines
of 100 corners at quarter pixels in one COCO file, and as many bodies of 1,018 px in a label image of 132 Mpx. Times are the process's own (user and
system), with the making of the file and the imports left out.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from spheroseg.domain.outline_import import MAX_OBJECTS
from tests.benchmarks.conftest import Record

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

TASK_MB = 4096.0

MAKE = """
import json, math, sys
import numpy as np, tifffile

kind, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
places = [(30 + 51 * (at % 224), 30 + 51 * (at // 224)) for at in range(count)]
side = 11_500
if kind == "labels":
    y, x = np.mgrid[-20:21, -20:21]
    disk = x * x + y * y <= 18 * 18
    labels = np.zeros((side, side), np.int32)
    for number, (left, top) in enumerate(places, 1):
        labels[top - 20 : top + 21, left - 20 : left + 21][disk] = number
    tifffile.imwrite(path, labels, compression="zlib")
else:
    turns = [2 * math.pi * at / 100 for at in range(100)]
    ring = [(round(72 * math.cos(turn)) / 4, round(72 * math.sin(turn)) / 4) for turn in turns]
    annotations = [
        {"id": at, "image_id": 1, "category_id": 1,
         "segmentation": [[value for x, y in ring for value in (left + x, top + y)]]}
        for at, (left, top) in enumerate(places)
    ]
    image = {"id": 1, "file_name": "a.tif", "width": side, "height": side}
    document = {"images": [image], "annotations": annotations, "categories": []}
    with open(path, "w") as file:
        json.dump(document, file, separators=(",", ":"))
"""

TAKE = """
import json, resource, sys, time
from pathlib import Path
from export_worker.outline_files import ExchangeFiles
from spheroseg.domain.outline_import import ImportFormat, ImportOptions
from spheroseg.imaging.drawn_outlines import drawn_spheroids
from spheroseg.imaging.rasterising import labels_of
from spheroseg.use_cases.import_targets import numbered

kind, path = sys.argv[1], Path(sys.argv[2])
options = ImportOptions(ImportFormat(kind), path.name, path.stat().st_size)
before = time.process_time()
(image,) = ExchangeFiles().read(path, options, lambda _: None, path.parent)
spheroids = drawn_spheroids(numbered(image), (image.width_px, image.height_px))
labels_of({one.number: one.polygons for one in spheroids}, (image.height_px, image.width_px))
print(json.dumps({
    "seconds": time.process_time() - before,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "spheroids": len(spheroids),
}))
"""


@pytest.mark.parametrize(("kind", "name"), [("coco", "a.json"), ("labels", "a.tif")])
def test_the_largest_import_fits_into_a_task(kind: str, name: str, tmp_path: Path, record: Record) -> None:
    path = tmp_path / name
    subprocess.run([sys.executable, "-c", MAKE, kind, path, str(MAX_OBJECTS)], check=True)
    done = subprocess.run([sys.executable, "-c", TAKE, kind, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    size = path.stat().st_size / 1e6
    assert found["spheroids"] == MAX_OBJECTS
    record(f"import of 50,000 outlines as {kind}, {size:.0f} MB", found["seconds"], "s", "goal", 120.0)
    record(f"most memory of that, {kind}", found["peak_mb"], "MB", "goal", TASK_MB)
    assert found["peak_mb"] < TASK_MB
