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
