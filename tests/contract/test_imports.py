"""Imports: what the repository does, in memory and in PostgreSQL; above all that it stores everything or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from spheroseg.adapters.postgres.account_closings import PostgresAccountClosings
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.imports import PostgresImports
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.reviews import PostgresReviews
from spheroseg.adapters.postgres.revisions import PostgresRevisions
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.decision import ReviewState
from spheroseg.domain.outline_import import (
    MAX_ACTIVE,
    UPLOAD_WITHIN,
    Base,
    Import,
    Imported,
    ImportFormat,
    ImportOptions,
    ImportStatus,
    annotation_order,
)
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.revision import Changes, Revision
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.errors import (
    ImageNotFoundError,
    ImportNotFoundError,
    SegmentationNotFoundError,
    StaleRevisionError,
    StaleStateError,
    TooManyImportsError,
)
from spheroseg.ports import ImageRepository, ImportRepository, ProjectRepository, RevisionRepository
from spheroseg.ports import SegmentationRepository as Runs
from tests.builders import (
    NOW,
    OWNER,
    STRANGER,
    a_failure,
    a_moment,
    a_project,
    a_result,
    a_segmentation,
    a_spheroid,
    a_viewer,
    an_id,
    an_image,
    an_import,
)
from tests.fakes import InMemoryImages, InMemoryProjects, InMemoryRevisions, InMemorySegmentations
from tests.fakes.imports import InMemoryImports

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Bench:
    projects: ProjectRepository
    images: ImageRepository
    runs: Runs
    revisions: RevisionRepository
    imports: ImportRepository

    def project(self) -> Project:
        project = a_project()
        self.projects.add(project)
        return project

    def import_(self, project: Project | None = None, **changes: object) -> Import:
        import_ = an_import(project or self.project(), **changes)
        self.imports.add(import_)
        return import_

    def running(self, project: Project, **changes: object) -> Import:
        waiting = self.import_(project, **changes)
        queued = self.moved(waiting, waiting.queued(NOW))
        return self.moved(queued, queued.started(NOW))

    def moved(self, before: Import, after: Import) -> Import:
        self.imports.replace(before, after)
        return after

    def run(self, project: Project, spheroids: int = 2) -> Segmentation:
        image = an_image(project)
        self.images.add_many([image])
        run = a_segmentation(image)
        self.runs.add(run)
        started = run.started(NOW)
        self.runs.replace(run, started)
        done = started.succeeded(a_result(spheroids), NOW)
        self.runs.finish(started, done, [a_spheroid(number + 1) for number in range(spheroids)])
        return done


@pytest.fixture(params=["in_memory", "postgres"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "in_memory":
        projects = InMemoryProjects()
        segmentations = InMemorySegmentations(projects=projects)
        images, revisions = InMemoryImages(segmentations), InMemoryRevisions(segmentations)
        return Bench(projects, images, segmentations, revisions, InMemoryImports(images, revisions))
    database: Database = request.getfixturevalue("database")
    return Bench(
        PostgresProjects(database),
        PostgresImages(database),
        PostgresSegmentations(database),
        PostgresRevisions(database),
        PostgresImports(database),
    )


def a_revision(run: Segmentation, number: int = 1, removed: Sequence[int] = (2,)) -> Revision:
    changes = Changes(added=(3,), removed=tuple(removed))
    told = {"kind": "import", "file_name": "well_A1.geojson"}
    return Revision(run.id, number, OWNER, NOW, "mended", None, changes, 2, 3, (told,))


def a_drawn_run(project: Project, run: Segmentation, **changes: object) -> Segmentation:
    """A result that a person drew, on the image of another one."""
    at = a_moment()
    drawn = Segmentation(
        id=an_id(),
        image_id=run.image_id,
        project_id=project.id,
        owner_id=project.owner_id,
        order=annotation_order(1),
        status=SegmentationStatus.SUCCEEDED,
        attempt=1,
        correlation_id="correlation",
        queued_at=at,
        started_at=at,
        finished_at=at,
        result=a_result(1, ran=None, review=None),
    )
    return replace(drawn, **changes)  # type: ignore[arg-type]


def test_an_import_is_found_by_who_asked_for_it_and_by_nobody_else(bench: Bench) -> None:
    project = bench.project()
    run = bench.run(project)
    options = ImportOptions(
        ImportFormat.COCO, "all.json", 12, (Base(run.id, 0),), image_id=run.image_id, page=3, note="mended"
    )
    import_ = bench.import_(project, options=options)
    assert bench.imports.get(import_.id) == bench.imports.one(a_viewer(), import_.id) == import_
    for viewer, id_ in ((a_viewer(STRANGER), import_.id), (a_viewer(), an_id())):
        with pytest.raises(ImportNotFoundError):
            bench.imports.one(viewer, id_)
    later = bench.import_(project)
    assert bench.imports.page(a_viewer(), project.id, None, 5) == [later, import_]
    assert bench.imports.page(a_viewer(), project.id, PageKey(later.created_at, later.id), 5) == [import_]
    assert bench.imports.page(a_viewer(STRANGER), project.id, None, 5) == []


def test_what_is_not_in_the_project_is_not_found(bench: Bench) -> None:
    foreign = bench.run(bench.project())
    options = an_import(a_project()).options
    with pytest.raises(ImageNotFoundError):
        bench.import_(options=replace(options, image_id=foreign.image_id))
    with pytest.raises(SegmentationNotFoundError):
        bench.import_(options=replace(options, bases=(Base(foreign.id, 0),)))
    with pytest.raises(StaleStateError):
        bench.imports.add(an_import(a_project()))


def test_one_person_has_so_many_unfinished_ones_at_most(bench: Bench) -> None:
    project = bench.project()
    mine = [bench.import_(project) for _ in range(MAX_ACTIVE)]
    with pytest.raises(TooManyImportsError):
        bench.import_(project)
    bench.import_(project, requested_by=STRANGER)
    bench.import_(project, created_at=mine[-1].upload_until + HOUR)  # by then none of the files has come in time


def test_everything_that_happens_to_an_import_is_kept(bench: Bench) -> None:
    project = bench.project()
    running = bench.running(project)
    working = bench.moved(running, running.advanced(2, 3, 2**33, NOW + HOUR))
    told = Imported("a.tif", an_id(), an_id(), None, 1, 2, 3)
    done = working.succeeded((told,), ("nowhere.tif",), NOW + HOUR)
    bench.imports.finish(working, done, [], [])
    assert bench.imports.get(done.id) == done
    other = bench.running(project)
    failed = bench.moved(other, other.failed(a_failure(), NOW))
    assert bench.imports.get(other.id) == failed


def test_revisions_results_and_the_row_are_stored_together(bench: Bench) -> None:
    project = bench.project()
    run = bench.run(project)
    drawn = a_drawn_run(project, run)
    running = bench.running(project)
    done = running.succeeded((), (), NOW)
    bench.imports.finish(running, done, [(a_revision(run), [a_spheroid(3)])], [(drawn, [a_spheroid(7)])])
    assert bench.imports.get(done.id).status is ImportStatus.SUCCEEDED
    page = bench.revisions.page(a_viewer(), run.id, None, 0, 10)
    assert (page.revision, [one.number for one in page.spheroids]) == (1, [1, 3])
    assert bench.revisions.one(a_viewer(), run.id, 1).operations[0]["file_name"] == "well_A1.geojson"
    found = bench.runs.get(drawn.id)
    assert found == replace(drawn, repeat=found.repeat)
    assert [one.number for one in bench.revisions.page(a_viewer(), drawn.id, 0, 0, 10).spheroids] == [7]
    assert bench.runs.latest_of_images(a_viewer(), [run.image_id])[run.image_id].id == drawn.id
    assert bench.imports.sizes(project.id, 1, [run.image_id, an_id()]) == {run.image_id: (2048, 1536)}
    assert bench.imports.sizes(project.id, 2, [run.image_id]) == {}


def test_a_stale_revision_among_several_stores_nothing(bench: Bench) -> None:
    project = bench.project()
    run, other = bench.run(project), bench.run(project)
    drawn = a_drawn_run(project, run)
    bench.revisions.save(a_revision(other), [a_spheroid(3)], [2])
    running = bench.running(project)
    revisions = [(a_revision(one), [a_spheroid(3)]) for one in (run, other)]
    with pytest.raises(StaleRevisionError):
        bench.imports.finish(running, running.succeeded((), (), NOW), revisions, [(drawn, [a_spheroid(7)])])
    assert bench.imports.get(running.id) == running
    assert bench.revisions.page(a_viewer(), run.id, None, 0, 10).revision == 0
    assert bench.runs.get_many([drawn.id]) == {}


def test_a_result_of_an_image_that_is_gone_stores_nothing(bench: Bench) -> None:
    project = bench.project()
    run = bench.run(project)
    gone = a_drawn_run(project, run, image_id=an_id())
    running = bench.running(project)
    revisions = [(a_revision(run), [a_spheroid(3)])]
    with pytest.raises(StaleStateError):
        bench.imports.finish(running, running.succeeded((), (), NOW), revisions, [(gone, [])])
    assert bench.imports.get(running.id) == running
    assert bench.revisions.page(a_viewer(), run.id, None, 0, 10).revision == 0


def test_who_was_replaced_cannot_write(bench: Bench) -> None:
    project = bench.project()
    run = bench.run(project)
    first = bench.running(project)
    second = bench.moved(first, first.started(NOW + HOUR))
    with pytest.raises(StaleStateError):
        bench.imports.replace(first, first.advanced(1, 1, 1, NOW))
    revisions = [(a_revision(run), [a_spheroid(3)])]
    with pytest.raises(StaleStateError):
        bench.imports.finish(first, first.succeeded((), (), NOW), revisions, [])
    assert bench.revisions.page(a_viewer(), run.id, None, 0, 10).revision == 0
    bench.imports.finish(second, second.succeeded((), (), NOW), revisions, [])


def test_what_was_sent_and_not_heard_of_is_stalled_once(bench: Bench) -> None:
    project = bench.project()
    awaiting = bench.import_(project)
    running = bench.running(project)
    mine = {awaiting.id, running.id}

    def stalled(at: timedelta) -> list[Import]:
        return [one for one in bench.imports.stalled(NOW + at, NOW + at, 1_000) if one.id in mine]

    assert stalled(timedelta(0)) == []
    assert [one.id for one in stalled(HOUR)] == [running.id]
    assert stalled(HOUR) == []
    assert [one.id for one in stalled(2 * HOUR)] == [running.id]


def test_files_are_awaited_for_an_hour_and_rows_forgotten(bench: Bench) -> None:
    project = bench.project()
    awaiting, running = bench.import_(project), bench.running(project)
    assert awaiting.id not in {one.id for one in bench.imports.past(awaiting.created_at, 1_000)}
    until = running.upload_until
    assert awaiting.id in {one.id for one in bench.imports.past(until, 1_000)}
    assert running.id not in {one.id for one in bench.imports.past(until, 1_000)}
    expired = bench.moved(awaiting, awaiting.seen(until))
    assert expired.status is ImportStatus.EXPIRED
    bench.imports.forget(NOW - UPLOAD_WITHIN, 1_000)
    assert bench.imports.get(expired.id) == expired
    bench.imports.forget(until, 1_000)
    with pytest.raises(ImportNotFoundError):
        bench.imports.get(expired.id)
    assert bench.imports.get(running.id) == running


def test_what_was_cancelled_may_not_be_written_any_more_makes_room_and_is_forgotten(bench: Bench) -> None:
    project = bench.project()
    run = bench.run(project)
    running = bench.running(project)
    others = [bench.import_(project) for _ in range(MAX_ACTIVE - 1)]
    with pytest.raises(TooManyImportsError):
        bench.import_(project)
    cancelled = bench.moved(running, running.cancelled(NOW + HOUR))
    assert (cancelled.status, cancelled.finished_at) == (ImportStatus.CANCELLED, NOW + HOUR)
    bench.import_(project)
    with pytest.raises(StaleStateError):
        bench.imports.replace(running, running.advanced(1, 1, 1, NOW))
    with pytest.raises(StaleStateError):
        bench.imports.finish(running, running.succeeded((), (), NOW), [(a_revision(run), [a_spheroid(3)])], [])
    assert bench.revisions.page(a_viewer(), run.id, None, 0, 10).revision == 0
    assert cancelled.id not in {one.id for one in bench.imports.stalled(NOW + 2 * HOUR, NOW + 2 * HOUR, 1_000)}
    bench.imports.forget(running.upload_until, 1_000)
    with pytest.raises(ImportNotFoundError):
        bench.imports.get(cancelled.id)
    assert bench.imports.get(others[0].id) == others[0]


def test_names_are_those_of_images_that_are_there(bench: Bench) -> None:
    project = bench.project()
    first, second = an_image(project, name="a.tif"), an_image(project, name="b.tif")
    bench.images.add_many([first, second])
    bench.run(bench.project())
    found = bench.imports.names(project.id, None, 1)
    assert [(id_, name) for id_, name, _ in found] == [(second.id, "b.tif")]
    assert [name for _, name, _ in bench.imports.names(project.id, found[0][2], 5)] == ["a.tif"]


def test_a_drawn_result_waits_for_a_review_and_a_closed_account_leaves_no_import(database: Database) -> None:
    runs, projects, images = PostgresSegmentations(database), PostgresProjects(database), PostgresImages(database)
    bench = Bench(projects, images, runs, PostgresRevisions(database), PostgresImports(database))
    project = bench.project()
    run = bench.run(project)
    drawn = a_drawn_run(project, run)
    running = bench.running(project, requested_by=STRANGER)
    bench.imports.finish(running, running.succeeded((), (), NOW), [], [(drawn, [a_spheroid(7)])])
    figures = PostgresReviews(database).figures(a_viewer(), project.id)
    assert figures.counts[ReviewState.OPEN] == 1  # the newest result of the page
    PostgresAccountClosings(database).forget(STRANGER, None)
    with pytest.raises(ImportNotFoundError):
        bench.imports.get(running.id)
