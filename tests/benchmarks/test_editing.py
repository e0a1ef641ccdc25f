"""Editing among 10,000 outlines of one image on real PostgreSQL, against GeoJSON of the same outlines.

Goals: open within 300 ms, save one edit within 100 ms, geometry in a fifth of the bytes of its JSON.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from uuid import UUID

import numpy as np
import orjson
import pytest

from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.revisions import PostgresRevisions
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.operations import Operation, Replace, Split
from spheroseg.domain.revision import Box
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.domain.spheroid import Polygon, Spheroid
from spheroseg.imaging.editing import ShapelyEditor
from spheroseg.imaging.geojson import feature_collection, geometry_of
from spheroseg.imaging.measures import spheroids_of
from spheroseg.use_cases.edit_outlines import EditOutlines
from spheroseg.use_cases.read_revisions import ReadRevisions
from spheroseg_client.packed_outlines import read_packed
from tests.benchmarks.conftest import Record
from tests.benchmarks.test_measures import blobs
from tests.builders import NOW, a_project, a_result, a_segmentation, a_viewer, an_image
from tests.fakes import InMemoryClock
from tests.postgres import Servers

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

COUNT, SIDE = 10_000, 8192


@dataclass
class Editor:
    run_id: UUID
    found: list[Spheroid]
    revisions: PostgresRevisions
    read: ReadRevisions
    edit: EditOutlines


@pytest.fixture(scope="module")
def editor(servers: Servers) -> Iterator[Editor]:
    servers.empty()
    database = servers.database()
    project = a_project()
    image = an_image(project)
    PostgresProjects(database).add(project)
    PostgresImages(database).add_many([image])
    segmentations, revisions = PostgresSegmentations(database), PostgresRevisions(database)
    running = a_segmentation(image, status=SegmentationStatus.RUNNING)
    segmentations.add(running)
    found = spheroids_of(blobs(SIDE, COUNT, 28))
    segmentations.finish(running, running.succeeded(a_result(COUNT, width_px=SIDE, height_px=SIDE), NOW), found)
    database.run("ANALYZE spheroids", {})
    shapely_editor = ShapelyEditor()
    yield Editor(
        running.id,
        found,
        revisions,
        ReadRevisions(segmentations, revisions, shapely_editor),
        EditOutlines(revisions, shapely_editor, InMemoryClock(NOW)),
    )
    database.close()


def times_ms(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """Median on the clock, and the smallest processor time of all threads (the database's comes on top)."""
    work()
    clock, processor = [], []
    for _ in range(runs):
        begun, used = time.perf_counter(), time.process_time()
        work()
        clock.append(1000 * (time.perf_counter() - begun))
        processor.append(1000 * (time.process_time() - used))
    return median(clock), min(processor)


def test_opening(editor: Editor, record: Record) -> None:
    viewer, run_id = a_viewer(), editor.run_id

    def packed() -> bytes:
        found = editor.read.outlines(viewer, run_id, None)
        assert found.next_after is None
        return found.content

    def as_geojson() -> bytes:
        page = editor.revisions.page(viewer, run_id, None, 0, COUNT)
        return feature_collection(list(page.spheroids))

    baseline = "GeoJSON from the same rows"
    begun, used = time.perf_counter(), time.process_time()
    whole = as_geojson()
    geojson = 1000 * (time.perf_counter() - begun), 1000 * (time.process_time() - used)

    def told(what: str, measured: tuple[float, float]) -> None:
        record(f"{what}, p50", measured[0], "ms", baseline, geojson[0])
        record(f"{what}, processor time of the fastest run", measured[1], "ms", baseline, geojson[1])

    told("open 10,000 outlines", times_ms(packed, 7))
    content = packed()
    decoded, loaded = times_ms(lambda: read_packed(content), 3), times_ms(lambda: orjson.loads(whole), 1)
    record("read 10,000 packed outlines in the client, processor time", decoded[1], "ms", "orjson.loads", loaded[1])
    geometry = orjson.dumps([geometry_of(one.polygons) for one in editor.found])
    record("packed outlines", len(content) / 1e6, "MB", "their geometry as JSON", len(geometry) / 1e6)
    assert len(content) <= 0.2 * len(geometry)
    box = Box(2000, 2000, 3000, 3000)
    told(
        "outlines in 1,000 × 1,000 of 8,192 × 8,192 px",
        times_ms(lambda: editor.read.outlines(viewer, run_id, None, 0, box), 7),
    )
    told(
        "all outlines with a tolerance of 4 px",
        times_ms(lambda: editor.read.outlines(viewer, run_id, None, 0, None, 4.0), 1),
    )
    smaller = editor.read.outlines(viewer, run_id, None, 0, None, 4.0).content
    record("all outlines with a tolerance of 4 px", len(smaller) / 1e6, "MB", "packed exactly", len(content) / 1e6)


def test_saving(editor: Editor, record: Record) -> None:
    viewer, run_id = a_viewer(), editor.run_id

    def grown(spheroid: Spheroid) -> tuple[Polygon, ...]:
        ring = np.array(spheroid.polygons[0].exterior)
        middle = ring.mean(axis=0)
        points = np.round(4 * (middle + 0.97 * (ring - middle))) / 4
        return (Polygon(tuple((x, y) for x, y in points.tolist())),)

    def save(operation: Operation) -> None:
        base = editor.revisions.head(viewer, run_id).item.revision
        editor.edit.save(viewer, run_id, base, [operation])

    chosen = iter(editor.found[3_000:3_060:3])
    replaced = times_ms(lambda: save(Replace((one := next(chosen)).number, grown(one))), 10)

    def cut() -> None:
        one = next(chosen).measures
        y = one.centroid_y_px
        save(Split(next(numbers), ((one.bbox_x_px - 2, y), (one.bbox_x_px + one.bbox_width_px + 2, y))))

    numbers = iter([one.number for one in editor.found[3_033:3_060:3]])
    split = times_ms(cut, 6)

    def whole() -> None:
        """What a save of everything does at least: measures of all, the answer as GeoJSON."""
        feature_collection(editor.found)

    baseline = "GeoJSON of all 10,000, without storing it"
    all_ms = times_ms(whole, 1)
    for what, measured in (("one replaced outline", replaced), ("one split", split)):
        record(f"save {what} among 10,000, p50", measured[0], "ms", baseline, all_ms[0])
        record(f"save {what}, processor time of the fastest run", measured[1], "ms", baseline, all_ms[1])
