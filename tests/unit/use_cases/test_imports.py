"""Imports: who may ask, what a worker makes of a file, and what is left when it cannot."""

import io
import json
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from spheroseg.domain.access import Role
from spheroseg.domain.operations import Delete
from spheroseg.domain.outline_import import (
    ANNOTATION,
    MAX_TEXT_BYTES,
    UPLOAD_WITHIN,
    Base,
    ImportFormat,
    ImportOptions,
    ImportStatus,
)
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.domain.spheroid import Polygon, Ring
from spheroseg.errors import (
    FileMissingError,
    HeldElsewhereError,
    ImageNotFoundError,
    ImportExpiredError,
    ImportFileTooLargeError,
    ImportNotFoundError,
    ProjectNotFoundError,
    RoleTooLowError,
    StorageUnavailableError,
)
from spheroseg.exchange.files import OneFile, ZipFiles
from spheroseg.exchange.formats import FORMATS
from spheroseg.exchange.results import Result
from spheroseg.use_cases.fail_import import FailImport
from spheroseg.use_cases.read_imports import ReadImports
from spheroseg.use_cases.run_export import StoppedError
from spheroseg.use_cases.sweep_exports import SILENT_AFTER
from spheroseg.use_cases.sweep_imports import SweepImports
from tests.builders import OWNER, STRANGER, a_viewer, an_id
from tests.unit.use_cases.importing import HEIGHT, WIDTH, World, coco, feature, geojson, square


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_file_becomes_the_next_revision_and_numbers_stay_where_outlines_do(world: World) -> None:
    run = world.result(None, Polygon(square(1, 1)), Polygon(square(21, 1)), Polygon(square(41, 1)))
    turned = tuple(reversed(square(1, 1)[2:] + square(1, 1)[:2]))  # the same, begun elsewhere and the other way round
    content = geojson(
        feature(turned, number=7), feature(square(21, 1, 8), number=2), feature(square(60.1, 20, 12), number=9)
    )
    done = world.imported(
        content, ImportFormat.GEOJSON, "any name.geojson", bases=(Base(run.id, 0),), note="mended in QuPath"
    )
    assert (done.status, done.done, done.total, done.spheroids) == (ImportStatus.SUCCEEDED, 1, 1, 3)
    (image,) = done.images
    assert (image.segmentation_id, image.revision) == (run.id, 1)
    assert (image.added, image.changed, image.removed) == (1, 1, 1)
    now = world.revised(run)
    assert now[1] == world.revised(run, 0)[1]
    assert now[2].polygons == (Polygon(square(21, 1, 8)),)
    assert now[4].polygons == (Polygon(((60.0, 20.0), (72.0, 20.0), (72.0, 32.0), (60.0, 32.0))),)
    assert (now[4].measures.area_px2, now[4].confidence) == (144, None)
    assert 3 not in now
    (revision,) = world.revisions.history(a_viewer(), run.id, None, 10)
    assert (revision.author_id, revision.note, revision.spheroid_count) == (OWNER, "mended in QuPath", 3)
    (told,) = world.revisions.one(a_viewer(), run.id, 1).operations
    assert told["kind"] == "import"
    assert told["file_name"] == "any name.geojson"
    assert not [key for key in world.store.objects if key.startswith("imports/")]


def test_the_same_outlines_again_make_no_revision(world: World) -> None:
    run = world.result(None, Polygon(square(1, 1)))
    done = world.imported(geojson(feature(square(1, 1))), ImportFormat.GEOJSON, "a.geojson", bases=(Base(run.id, 0),))
    assert done.status is ImportStatus.SUCCEEDED
    assert [(one.revision, one.added, one.changed, one.removed) for one in done.images] == [(None, 0, 0, 0)]
    assert world.runs.rows[run.id].revision == 0


def test_a_stale_revision_is_refused_and_says_what_changed(world: World) -> None:
    run = world.result(None, Polygon(square(1, 1)), Polygon(square(21, 1)))
    import_ = world.asked(geojson(feature(square(1, 1))), ImportFormat.GEOJSON, "a.geojson", bases=(Base(run.id, 0),))
    world.edit.save(a_viewer(), run.id, 0, [Delete((2,))])
    done = world.made(import_)
    assert done.failure is not None
    assert (done.status, done.failure.code) == (ImportStatus.FAILED, "stale-revision")
    assert "revision 1 of" in done.failure.detail
    assert "removed 1 (spheroids 2)" in done.failure.detail
    assert world.runs.rows[run.id].revision == 1


def test_who_saves_in_the_last_moment_wins_and_nothing_of_the_import_is_stored(world: World) -> None:
    run = world.result(world.image("a.tif"), Polygon(square(1, 1)), Polygon(square(21, 1)))
    other = world.result(world.image("b.tif"), Polygon(square(1, 1)))
    bases = (Base(run.id, 0), Base(other.id, 0))
    import_ = world.asked(coco(a=[square(2, 2)], b=[square(2, 2)]), ImportFormat.COCO, "all.json", bases=bases)
    finish = world.imports.finish

    def late(*values: Any) -> None:
        world.imports.finish = finish  # type: ignore[method-assign]
        world.edit.save(a_viewer(), run.id, 0, [Delete((2,))])
        finish(*values)

    world.imports.finish = late  # type: ignore[method-assign, assignment]
    done = world.made(import_)
    assert done.failure is not None
    assert done.failure.code == "stale-revision"
    assert "removed 1 (spheroids 2)" in done.failure.detail
    assert world.runs.rows[other.id].revision == 0


@pytest.mark.parametrize(
    ("ring", "told"),
    [
        (((1.0, 1.0), (11.0, 11.0), (11.0, 1.0), (1.0, 11.0)), "a.geojson, feature 2"),  # the reader's own word
        (((90.0, 1.0), (99.0, 1.0), (99.0, 9.0), (90.0, 9.0)), "spheroid 2, polygon 0, ring 0, vertex 1: (99, 1) lies"),
        (square(1.1, 1.1, 0.25), "spheroid 2: no pixel's centre lies in it"),
        (square(25, 25), "it overlaps spheroid"),
    ],
)
def test_an_outline_that_is_none_is_named_and_nothing_is_changed(world: World, ring: Ring, told: str) -> None:
    run = world.result(None, Polygon(square(1, 1)))
    before = world.state()
    content = geojson(feature(square(20, 20)), feature(ring))
    done = world.imported(content, ImportFormat.GEOJSON, "a.geojson", bases=(Base(run.id, 0),))
    assert done.failure is not None
    assert done.status is ImportStatus.FAILED
    assert told in done.failure.detail
    assert world.state() == before


def test_outlines_that_a_person_drew_are_a_result_of_an_image_that_had_none(world: World) -> None:
    image = world.image("well A1.tif")
    done = world.imported(coco(**{"well A1": [square(10, 20), square(40.5, 20, 12)]}), ImportFormat.COCO, "all.json")
    (told,) = done.images
    run = world.runs.rows[told.segmentation_id]
    assert (told.image_id, told.revision, told.added) == (image.id, 0, 2)
    assert (run.status, run.order.model, run.requested_by) == (SegmentationStatus.SUCCEEDED, ANNOTATION, None)
    assert run.result is not None
    assert (run.result.width_px, run.result.height_px, run.result.spheroid_count) == (WIDTH, HEIGHT, 2)
    assert (run.result.ran, run.result.review) == (None, None)
    one, other = world.runs.found[run.id]
    assert (one.measures.area_px2, other.measures.area_px2) == (100, 144)
    assert [one.confidence, one.rim_confidence, one.review_reasons] == [None, None, None]
    assert one.brightness is not None
    assert one.brightness.intensity_mean == pytest.approx((20 + 29) / 2 * WIDTH + (10 + 19) / 2)
    files = [f"results/{run.id}/1/{name}" for name in ("labels.tif", "outlines.geojson", "preview.jpg")]
    assert sorted(key for key in world.store.objects if key.startswith("results/")) == sorted(files)
    assert done.status is ImportStatus.SUCCEEDED


def test_images_are_found_by_name_and_those_that_are_not_are_named(world: World) -> None:
    for name in ("a.tif", "b.ome.tif", "c.tif"):
        world.image(name)
    done = world.imported(
        coco(**{"folder/a": [square(1, 1)], "b": [square(1, 1)], "nowhere\0": [square(1, 1)]}),
        ImportFormat.COCO,
        "all.json",
    )
    assert [one.name for one in done.images] == ["folder/a.tif", "b.tif"]
    assert done.unmatched == ("nowhere\ufffd.tif",)
    assert (done.done, done.total, done.status) == (3, 3, ImportStatus.SUCCEEDED)


def test_a_file_none_of_whose_images_is_there_fails_by_their_names(world: World) -> None:
    world.image("a.tif")
    done = world.imported(coco(x=[square(1, 1)], y=[square(1, 1)]), ImportFormat.COCO, "all.json")
    assert done.failure is not None
    assert done.failure.code == "nothing-to-import"
    assert "x.tif, y.tif" in done.failure.detail


def test_a_name_that_two_images_have_is_no_name(world: World) -> None:
    world.image("a.tif"), world.image("a.png")
    done = world.imported(coco(**{"folder/a": [square(1, 1)]}), ImportFormat.COCO, "all.json")
    assert done.failure is not None
    assert done.failure.code == "ambiguous-name"
    exact = world.imported(coco(a=[square(1, 1)]), ImportFormat.COCO, "all.json")
    assert exact.status is ImportStatus.SUCCEEDED


def test_an_image_that_is_named_takes_a_file_of_any_name(world: World) -> None:
    image = world.image("well A1.tif")
    done = world.imported(geojson(feature(square(1, 1))), ImportFormat.GEOJSON, "mine.geojson", image_id=image.id)
    assert [one.image_id for one in done.images] == [image.id]


def test_another_size_than_the_image_has_is_refused_and_leaves_no_file(world: World) -> None:
    world.image("a.tif"), world.image("b.tif")
    content = json.loads(coco(a=[square(1, 1)], b=[square(1, 1)]))
    content["images"][1]["width"] = WIDTH + 1
    done = world.imported(json.dumps(content).encode(), ImportFormat.COCO, "all.json")
    assert done.failure is not None
    assert (done.failure.code, world.runs.rows) == ("different-sizes", {})
    assert not [key for key in world.store.objects if not key.startswith("originals/")]


@pytest.mark.parametrize("format_", list(ImportFormat))
@pytest.mark.parametrize("content", [b"\0", b"garbage", b"[" * 100_000, b'{"images": 3}', b"II*\0\xff\xff\xff\xff"])
def test_garbage_fails_with_the_file_s_name(world: World, format_: ImportFormat, content: bytes) -> None:
    run = world.result()
    done = world.imported(content, format_, "broken.bin", bases=(Base(run.id, 0),))
    assert done.failure is not None
    assert (done.status, done.failure.code) == (ImportStatus.FAILED, "invalid-exchange-file")
    assert "broken.bin" in done.failure.detail


def test_an_archive_cannot_write_outside_of_its_folder(world: World) -> None:
    run = world.result()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../a.geojson", geojson(feature(square(1, 1))))
    done = world.imported(packed.getvalue(), ImportFormat.GEOJSON, "all.zip", bases=(Base(run.id, 0),))
    assert done.failure is not None
    assert "outside of the archive" in done.failure.detail


# Corners of rings without holes, by the table in docs/formats.md.
PRECISION_PX = {
    ImportFormat.COCO: 0,
    ImportFormat.GEOJSON: 0,
    ImportFormat.ROI: 2**-24 * WIDTH,
    ImportFormat.YOLO: 1e-6,
}
RINGS = {
    "along pixel edges": square(10, 20),
    "quarter pixels": ((30.25, 20.0), (44.75, 21.5), (40.5, 39.25), (31.0, 37.75)),
}


@pytest.mark.parametrize("format_", list(ImportFormat))
def test_what_the_service_exports_comes_back_as_it_was(world: World, format_: ImportFormat) -> None:
    outlines = [
        Polygon(square(50, 20), (tuple(reversed(square(53, 23, 4))),)),
        *(Polygon(ring) for ring in RINGS.values()),
    ]
    run = world.result(world.image("well A1.tif"), *outlines)
    result = Result("well A1.tif", "well A1", WIDTH, HEIGHT, world.runs.found[run.id])
    written = io.BytesIO()
    kind = FORMATS[format_]
    if kind.one_file:
        kind.write([result], OneFile(written))
    else:
        archive = ZipFiles(written)
        kind.write([result], archive)
        archive.close()
    name = kind.one_file or f"{format_}.zip"
    done = world.imported(written.getvalue(), format_, name, bases=(Base(run.id, 0),))
    assert done.status is ImportStatus.SUCCEEDED, done.failure
    if format_ is not ImportFormat.LABELS:
        # The service keeps quarter pixels, so what moves by less is where it was.
        assert PRECISION_PX[format_] < 1 / 8
        assert [one.revision for one in done.images] == [None]
        return
    now = world.revised(run)
    assert now[1].polygons == world.runs.found[run.id][0].polygons  # along pixel edges, with its hole
    assert now[2].polygons == world.runs.found[run.id][1].polygons
    assert now[3].measures.area_px2 == world.runs.found[run.id][2].measures.area_px2  # the same pixels


def test_yolo_without_sizes_takes_them_from_a_result(world: World) -> None:
    image = world.image("a.tif")
    world.result(image)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("set/labels/train/a.txt", "0 0.125 0.25 0.25 0.25 0.25 0.5 0.125 0.5\n")
        archive.writestr("__MACOSX/set/labels/train/._a.txt", "\0")
    done = world.imported(packed.getvalue(), ImportFormat.YOLO, "set.zip")
    assert done.failure is None
    assert world.runs.found[done.images[0].segmentation_id][0].polygons == (
        Polygon(((12.0, 16.0), (24.0, 16.0), (24.0, 32.0), (12.0, 32.0))),
    )


def test_a_delivered_message_of_what_has_ended_changes_nothing(world: World) -> None:
    image = world.image()
    done = world.imported(geojson(feature(square(1, 1))), ImportFormat.GEOJSON, "a.geojson", image_id=image.id)
    before = world.state()
    assert world.run_import.take(done.id) is None
    assert world.run_import.take(an_id()) is None
    assert world.state() == before
    assert len(world.runs.rows) == 1


def test_a_worker_that_was_replaced_stores_nothing(world: World) -> None:
    image = world.image()
    import_ = world.asked(geojson(feature(square(1, 1))), ImportFormat.GEOJSON, "a.geojson", image_id=image.id)
    first = world.taken(import_)
    with pytest.raises(HeldElsewhereError):
        world.run_import.take(import_.id)
    world.clock.advance(timedelta(seconds=26))
    second = world.taken(import_)
    assert not world.run_import.keep_alive(first)
    assert world.run_import.make(first) is None
    assert not [key for key in world.store.objects if key.startswith("results/")]
    done = world.run_import.make(second)
    assert done is not None
    assert (done.status, done.attempt, len(world.runs.rows)) == (ImportStatus.SUCCEEDED, 2, 1)
    (run,) = world.runs.rows.values()
    assert (
        {key.split("/")[2] for key in world.store.objects if key.startswith("results/")} == {str(run.attempt)} == {"2"}
    )


def test_what_is_unavailable_is_tried_again_and_a_stop_gives_it_back(world: World) -> None:
    image = world.image()
    import_ = world.asked(geojson(feature(square(1, 1))), ImportFormat.GEOJSON, "a.geojson", image_id=image.id)
    work = world.taken(import_)
    world.decoder.error = StorageUnavailableError("gone for a moment")
    with pytest.raises(StorageUnavailableError):
        world.run_import.make(work)
    world.decoder.error = None
    work.stop.set()
    with pytest.raises(StoppedError):
        world.run_import.make(work)
    world.run_import.give_back(work)
    assert world.imports.get(import_.id).status is ImportStatus.QUEUED
    assert world.made(import_).status is ImportStatus.SUCCEEDED


def test_who_lost_the_role_meanwhile_changes_nothing(world: World) -> None:
    world.projects.members[world.project.id, STRANGER] = Role.EDITOR
    image = world.image()
    content = geojson(feature(square(1, 1)))
    options = ImportOptions(ImportFormat.GEOJSON, "a.geojson", len(content), image_id=image.id)
    import_, form = world.request(a_viewer(STRANGER), world.project.id, options, "correlation")
    world.store.put(form.fields["key"], content, "")
    world.request.start(a_viewer(STRANGER), import_.id)
    world.projects.members[world.project.id, STRANGER] = Role.VIEWER
    done = world.made(import_)
    assert done.failure is not None
    assert (done.failure.code, world.runs.rows) == ("role-too-low", {})


def test_only_who_may_write_may_ask_and_only_for_what_is_in_the_project(world: World) -> None:
    options = ImportOptions(ImportFormat.GEOJSON, "a.geojson", 10)
    with pytest.raises(ProjectNotFoundError):
        world.request(a_viewer(STRANGER), world.project.id, options, "correlation")
    world.projects.members[world.project.id, STRANGER] = Role.VIEWER
    with pytest.raises(RoleTooLowError):
        world.request(a_viewer(STRANGER), world.project.id, options, "correlation")
    with pytest.raises(ImageNotFoundError):
        world.request(a_viewer(), world.project.id, replace(options, image_id=an_id()), "correlation")
    with pytest.raises(ImportFileTooLargeError):
        world.request(a_viewer(), world.project.id, replace(options, size_bytes=MAX_TEXT_BYTES + 1), "correlation")
    import_, form = world.request(a_viewer(), world.project.id, options, "correlation")
    assert form.expires_at == import_.upload_until == import_.created_at + UPLOAD_WITHIN
    read = ReadImports(world.projects, world.imports, world.clock)
    assert read.one(a_viewer(), import_.id) == import_
    assert list(read.of_project(a_viewer(), world.project.id, None, 5).items) == [import_]
    with pytest.raises(ImportNotFoundError):
        read.one(a_viewer(STRANGER), import_.id)
    with pytest.raises(ImportNotFoundError):
        world.request.start(a_viewer(STRANGER), import_.id)


def test_an_import_starts_once_when_its_file_is_there_and_expires_without(world: World) -> None:
    options = ImportOptions(ImportFormat.GEOJSON, "a.geojson", 10)
    import_, form = world.request(a_viewer(), world.project.id, options, "correlation")
    with pytest.raises(FileMissingError):
        world.request.start(a_viewer(), import_.id)
    world.store.put(form.fields["key"], b"{}", "")
    started = world.request.start(a_viewer(), import_.id)
    assert world.request.start(a_viewer(), import_.id) == started
    assert [one.import_id for one in world.queue.imports] == [import_.id]
    late, late_form = world.request(a_viewer(), world.project.id, options, "correlation")
    world.store.put(late_form.fields["key"], b"{}", "")
    world.clock.advance(UPLOAD_WITHIN)
    with pytest.raises(ImportExpiredError):
        world.request.start(a_viewer(), late.id)
    sweep = SweepImports(world.imports, world.store, world.queue, world.clock)
    swept = sweep()
    assert (swept.expired, swept.sent) == (1, 1)  # the started one was silent for an hour
    assert world.imports.get(late.id).status is ImportStatus.EXPIRED
    assert list(world.store.objects) == [import_.key]
    world.clock.advance(SILENT_AFTER + timedelta(seconds=1))
    assert sweep().sent == 1


def test_a_dead_letter_fails_its_import_and_one_that_is_held_waits(world: World) -> None:
    run = world.result()
    import_ = world.asked(b"{}", ImportFormat.GEOJSON, "a.geojson", bases=(Base(run.id, 0),))
    world.taken(import_)
    fail = FailImport(world.imports, world.clock, world.updates)
    with pytest.raises(HeldElsewhereError):
        fail(import_.id)
    world.clock.advance(timedelta(seconds=26))
    failed = fail(import_.id)
    assert failed is not None
    assert failed.failure is not None
    assert failed.failure.code == "retries-exhausted"
    assert fail(import_.id) == failed
    assert fail(an_id()) is None
