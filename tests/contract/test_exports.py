"""Exports: what the repository and the source of what goes into them do, in memory and in PostgreSQL."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from spheroseg.adapters.postgres.account_closings import PostgresAccountClosings
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.exports import PostgresExports, PostgresExportSource
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.revisions import PostgresRevisions
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.export import MAX_ACTIVE, Export, ExportFile, ExportOptions, ExportStatus
from spheroseg.domain.operations import Delete
from spheroseg.domain.pages import Pages
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.sample import Sample
from spheroseg.domain.segmentation import Parameters, Segmentation
from spheroseg.domain.statistics_question import Unit, Wanted
from spheroseg.errors import ExportNotFoundError, ImageNotFoundError, StaleStateError, TooManyExportsError
from spheroseg.imaging.editing import ShapelyEditor
from spheroseg.ports import (
    ExportRepository,
    ExportSource,
    ImageRepository,
    ProjectRepository,
    RevisionRepository,
    SegmentationRepository,
)
from spheroseg.use_cases.edit_outlines import EditOutlines
from tests.builders import (
    NOW,
    STRANGER,
    a_failure,
    a_project,
    a_result,
    a_segmentation,
    a_spheroid,
    a_viewer,
    an_export,
    an_id,
    an_image,
    an_order,
)
from tests.fakes import InMemoryClock, InMemoryImages, InMemoryProjects, InMemoryRevisions, InMemorySegmentations
from tests.fakes.exports import InMemoryExports, InMemoryExportSource

FILE = ExportFile("day-7-measures.csv", 3 * 2**31, "0" * 64, "text/csv")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Bench:
    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository
    revisions: RevisionRepository
    exports: ExportRepository
    source: ExportSource

    def project(self) -> Project:
        project = a_project()
        self.projects.add(project)
        return project

    def export(self, project: Project | None = None, **changes: object) -> Export:
        export = an_export(project or self.project(), **changes)
        self.exports.add(export)
        return export

    def moved(self, before: Export, after: Export) -> Export:
        self.exports.replace(before, after)
        return after

    def finished(self, run: Segmentation, spheroids: int) -> Segmentation:
        self.segmentations.add(run)
        found = [a_spheroid(number + 1) for number in range(spheroids)]
        started = run.started(NOW)
        self.segmentations.replace(run, started)
        done = started.succeeded(a_result(spheroids), NOW)
        self.segmentations.finish(started, done, found)
        return done


@pytest.fixture(params=["in_memory", "postgres"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "in_memory":
        projects = InMemoryProjects()
        segmentations = InMemorySegmentations(projects=projects)
        images, revisions = InMemoryImages(segmentations), InMemoryRevisions(segmentations)
        source = InMemoryExportSource(images, revisions)
        return Bench(projects, images, segmentations, revisions, InMemoryExports(images), source)
    database: Database = request.getfixturevalue("database")
    return Bench(
        PostgresProjects(database),
        PostgresImages(database),
        PostgresSegmentations(database),
        PostgresRevisions(database),
        PostgresExports(database),
        PostgresExportSource(database),
    )


def test_an_export_is_found_by_who_asked_for_it_and_by_nobody_else(bench: Bench) -> None:
    project = bench.project()
    chosen = an_image(project)
    bench.images.add_many([chosen])
    asked = Wanted(
        "area", ("condition", "time"), Unit.WELL, "condition", "µ", True, {"µ": 0.0, "b": 2.5}, inside_only=True
    )
    export = bench.export(project, options=ExportOptions((chosen.id,), 0.65, True, True, asked))
    assert bench.exports.get(export.id) == bench.exports.one(a_viewer(), export.id) == export
    for viewer, id_ in ((a_viewer(STRANGER), export.id), (a_viewer(), an_id())):
        with pytest.raises(ExportNotFoundError):
            bench.exports.one(viewer, id_)
    assert bench.exports.may_be_made(export)
    assert not bench.exports.may_be_made(replace(export, requested_by=STRANGER))
    assert bench.exports.page(a_viewer(STRANGER), project.id, None, 10) == []


def test_exports_are_listed_from_the_newest(bench: Bench) -> None:
    project = bench.project()
    first, second, third = (bench.export(project, created_at=NOW + timedelta(minutes=n)) for n in range(3))
    bench.export()  # of another project
    assert bench.exports.page(a_viewer(), project.id, None, 2) == [third, second]
    assert bench.exports.page(a_viewer(), project.id, PageKey(second.created_at, second.id), 2) == [first]


def test_everything_that_happens_to_an_export_is_kept(bench: Bench) -> None:
    started = bench.moved(queued := bench.export(), queued.started(7, NOW))
    working = bench.moved(started, started.advanced(3, 2**33, NOW + DAY))
    done = bench.moved(working, working.succeeded(FILE, NOW + DAY))
    assert bench.exports.get(queued.id) == done
    other = bench.export()
    failed = bench.moved(other, other.failed(a_failure(), NOW))
    assert bench.exports.get(other.id) == failed


def test_who_was_replaced_cannot_write(bench: Bench) -> None:
    queued = bench.export()
    first = bench.moved(queued, queued.started(1, NOW))
    second = bench.moved(first, first.started(1, NOW + DAY))
    for after in (first.advanced(1, 1, NOW), first.succeeded(FILE, NOW)):
        with pytest.raises(StaleStateError):
            bench.exports.replace(first, after)
    bench.moved(second, second.cancelled(NOW))
    with pytest.raises(StaleStateError):
        bench.exports.replace(second, second.succeeded(FILE, NOW))


def test_one_person_has_so_many_unfinished_ones_at_most(bench: Bench) -> None:
    project = bench.project()
    mine = [bench.export(project) for _ in range(MAX_ACTIVE)]
    with pytest.raises(TooManyExportsError):
        bench.export(project)
    bench.export(project, requested_by=STRANGER)
    bench.moved(mine[0], mine[0].cancelled(NOW))
    bench.export(project)


def test_an_image_of_another_project_is_not_found(bench: Bench) -> None:
    foreign = an_image(bench.project())
    bench.images.add_many([foreign])
    for image_id in (foreign.id, an_id()):
        with pytest.raises(ImageNotFoundError, match=str(image_id)):
            bench.export(options=ExportOptions((image_id,)))
    with pytest.raises(StaleStateError):
        bench.exports.add(an_export(a_project()))


def test_people_take_turns_and_everybody_has_one_on_the_way(bench: Bench) -> None:
    project = bench.project()
    first, second = (bench.export(project, created_at=NOW + timedelta(minutes=n)) for n in range(2))
    theirs = bench.export(project, requested_by=STRANGER, created_at=NOW + timedelta(minutes=2))
    released = bench.exports.release(NOW + DAY)
    assert {it.id for it in released} == {first.id, theirs.id}
    assert all(it.sent_at == it.alive_at == NOW + DAY for it in released)
    assert bench.exports.release(NOW + DAY) == []
    sent = bench.exports.get(first.id)
    bench.moved(sent, sent.cancelled(NOW))
    assert [it.id for it in bench.exports.release(NOW + DAY)] == [second.id]


def test_what_was_sent_and_not_heard_of_is_stalled_once(bench: Bench) -> None:
    export, _waits = bench.export(), bench.export()
    assert bench.exports.stalled(NOW + DAY, NOW + DAY, 10) == []  # nothing was sent
    (sent,) = bench.exports.release(NOW)
    assert bench.exports.stalled(NOW, NOW, 10) == []
    (stalled,) = bench.exports.stalled(NOW + timedelta(seconds=1), NOW + DAY, 10)
    assert stalled == replace(sent, sent_at=NOW + DAY)
    assert bench.exports.stalled(NOW + timedelta(seconds=1), NOW + DAY, 10) == []
    running = bench.moved(stalled, stalled.started(1, NOW + 2 * DAY))
    assert bench.exports.stalled(NOW + 2 * DAY, NOW + 2 * DAY, 10) == []
    assert [it.id for it in bench.exports.stalled(NOW + 3 * DAY, NOW + 3 * DAY, 10)] == [export.id]
    bench.moved(running, running.cancelled(NOW))
    assert bench.exports.stalled(NOW + 9 * DAY, NOW + 9 * DAY, 10) == []


def test_files_go_after_their_day_and_rows_after_their_month(bench: Bench) -> None:
    queued = bench.export()
    running = bench.moved(queued, queued.started(1, NOW))
    done = bench.moved(running, running.succeeded(FILE, NOW))
    assert bench.exports.past(NOW + DAY - timedelta(seconds=1), 10) == []
    assert bench.exports.past(NOW + DAY, 10) == [done]
    assert bench.exports.forget(NOW + 99 * DAY, 10) == 0  # its file is there
    bench.moved(done, replace(done, status=ExportStatus.EXPIRED))
    assert bench.exports.past(NOW + 9 * DAY, 10) == []
    assert bench.exports.forget(NOW, 10) == 0
    assert bench.exports.forget(NOW + timedelta(seconds=1), 10) == 1
    with pytest.raises(ExportNotFoundError):
        bench.exports.get(done.id)


def test_of_each_page_of_each_image_the_newest_result_goes_into_an_export(bench: Bench) -> None:
    project = bench.project()
    old, stack, bare = (an_image(project, created_at=NOW + timedelta(minutes=n), name=f"{n}.tif") for n in range(3))
    sample = Sample("P1", "B03", "10 µM", 24.5, 2)
    bench.images.add_many([replace(old, sample=sample), stack, bare, an_image(bench.project())])
    bench.images.note_pages(stack.id, Pages(3))
    page_two = an_order(parameters=Parameters(page=2))
    bench.finished(a_segmentation(stack, order=an_order(model="older")), 1)
    newer = bench.finished(a_segmentation(stack, queued_at=NOW + DAY), 2)
    second = bench.finished(a_segmentation(stack, order=page_two), 3)
    bench.segmentations.add(a_segmentation(stack, order=an_order(model="waits"), queued_at=NOW + 2 * DAY))
    only = bench.finished(a_segmentation(old), 1)

    assert bench.source.count(project.id, None) == 3
    assert bench.source.count(project.id, [old.id, an_id()]) == 1
    runs, images, following = bench.source.runs(project.id, None, None, 2)
    assert [(it.image_name, it.is_one_of_several, it.run.id) for it in runs] == [
        ("1.tif", True, newer.id),
        ("1.tif", True, second.id),
    ]
    assert images == 2
    assert following is not None
    runs, images, following = bench.source.runs(project.id, None, following, 2)
    assert [(it.image_name, it.is_one_of_several, it.run.id) for it in runs] == [("0.tif", False, only.id)]
    assert (images, following, runs[0].sample) == (1, None, sample)
    assert bench.source.runs(project.id, [bare.id], None, 2) == ([], 1, None)


def test_spheroids_are_read_in_their_revision_page_by_page(bench: Bench) -> None:
    project = bench.project()
    image = an_image(project)
    bench.images.add_many([image])
    run = bench.finished(a_segmentation(image), 5)
    EditOutlines(bench.revisions, ShapelyEditor(), InMemoryClock()).save(a_viewer(), run.id, 0, [Delete((2,))])
    found = [bench.source.spheroids(run.id, revision, 1, 2) for revision in (0, 1)]
    assert [[one.number for one in page] for page in found] == [[2, 3], [3, 4]]
    assert bench.source.spheroids(run.id, 1, 4, 2)[0].number == 5
    assert bench.source.spheroids(run.id, 1, 5, 2) == []


def test_outlines_that_were_stored_before_they_were_packed_are_read_as_well(database: Database) -> None:
    projects, images, segmentations = (
        PostgresProjects(database),
        PostgresImages(database),
        PostgresSegmentations(database),
    )
    source = PostgresExportSource(database)
    bench = Bench(projects, images, segmentations, PostgresRevisions(database), PostgresExports(database), source)
    image = an_image(bench.project())
    images.add_many([image])
    run = bench.finished(a_segmentation(image), 3)
    found = source.spheroids(run.id, 0, 0, 10)
    assert found == [a_spheroid(number) for number in (1, 2, 3)]
    assert database.run("UPDATE spheroids SET outline = NULL WHERE number > 1", {}) == 2
    assert source.spheroids(run.id, 0, 0, 10) == found


def test_exports_go_with_their_project_and_with_whoever_asked_for_them(database: Database) -> None:
    exports, projects = PostgresExports(database), PostgresProjects(database)
    project = a_project()
    projects.add(project)
    mine, theirs = an_export(project), an_export(project, requested_by=STRANGER)
    for export in (mine, theirs):
        exports.add(export)
    PostgresAccountClosings(database).forget(STRANGER, None)
    assert exports.get(mine.id) == mine
    with pytest.raises(ExportNotFoundError):
        exports.get(theirs.id)
    database.run("DELETE FROM projects WHERE id = %(id)s", {"id": project.id})
    with pytest.raises(ExportNotFoundError):
        exports.get(mine.id)
