"""Results that are used again for equal files: in memory and in PostgreSQL; two at once in PostgreSQL alone."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.project_jobs import PostgresProjectJobs
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.revisions import PostgresRevisions
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.postgres.sharing import PostgresSharing
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.pages import Pages
from spheroseg.domain.project import Project
from spheroseg.domain.project_job import ProjectJob
from spheroseg.domain.revision import Changes, Revision
from spheroseg.domain.segmentation import Parameters, PixelSizeSource, Priority, Segmentation, SegmentationStatus
from spheroseg.ports import (
    ImageRepository,
    ProjectJobRepository,
    ProjectRepository,
    RevisionRepository,
    SegmentationRepository,
    SharingRepository,
)
from tests.builders import (
    NOW,
    OWNER,
    STRANGER,
    a_failure,
    a_project,
    a_result,
    a_segmentation,
    a_spheroid,
    a_viewer,
    an_image,
    an_offer,
    an_order,
)
from tests.fakes import (
    InMemoryAccounts,
    InMemoryImages,
    InMemoryProjectJobs,
    InMemoryProjects,
    InMemoryRevisions,
    InMemorySegmentations,
    InMemorySharing,
)
from tests.postgres import Servers

SAME, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64


@dataclass(frozen=True)
class Bench:
    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository
    jobs: ProjectJobRepository
    sharing: SharingRepository
    revisions: RevisionRepository

    def project(self, **changes: Any) -> Project:
        project = a_project(**changes)
        self.projects.add(project)
        return project

    def accepted(self, project: Project, digest: str | None = SAME, **changes: Any) -> tuple[Image, Segmentation]:
        """An image that arrived with those bytes, and its run, which waits for its turn."""
        order = changes.pop("order", an_order())
        before = an_image(project, status=ImageStatus.AWAITING_UPLOAD, order=order, **changes)
        self.images.add_many([before])
        after = replace(before, digest=digest).stored(size_bytes=1, etag="etag", at=before.created_at)
        run = a_segmentation(after, order=order)
        self.images.accept(before, after, run)
        return self.images.get(after.id), run

    def finished(self, run: Segmentation, **result: Any) -> Segmentation:
        running = run.started(NOW)
        self.segmentations.replace(run, running)
        done = running.succeeded(a_result(2, **result), NOW)
        self.segmentations.finish(running, done, [a_spheroid(1), a_spheroid(2)])
        return done

    def sent(self) -> list[Any]:
        return [run.id for run in self.segmentations.release(NOW)]

    def reused(self) -> list[Segmentation]:
        return list(self.segmentations.reuse(NOW + timedelta(minutes=1)))


def in_postgres(database: Database) -> Bench:
    parts = (
        PostgresProjects,
        PostgresImages,
        PostgresSegmentations,
        PostgresProjectJobs,
        PostgresSharing,
        PostgresRevisions,
    )
    return Bench(*(part(database) for part in parts))  # type: ignore[arg-type]


@pytest.fixture(params=["in_memory", "postgres"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "postgres":
        return in_postgres(request.getfixturevalue("database"))
    projects = InMemoryProjects()
    segmentations = InMemorySegmentations(projects=projects)
    images = InMemoryImages(segmentations)
    sharing = InMemorySharing(projects, InMemoryAccounts(images))
    revisions = InMemoryRevisions(segmentations)
    return Bench(projects, images, segmentations, InMemoryProjectJobs(images), sharing, revisions)


def test_files_with_another_pixel_size_are_not_used_again(bench: Bench) -> None:
    project = bench.project()
    _, run = bench.accepted(project)
    assert bench.sent() == [run.id]
    bench.finished(run, pixel_size_um=0.65, file_pixel_size_um=0.65, written_pixel_size_um=0.65)
    _, other = bench.accepted(project, pixel_size_um=0.5)
    assert bench.reused() == []
    assert bench.sent() == [other.id]


def test_a_reused_result_begins_with_what_the_model_found(bench: Bench) -> None:
    project = bench.project()
    _, run = bench.accepted(project)
    bench.sent()
    done = bench.finished(run)
    bench.revisions.save(Revision(done.id, 1, OWNER, NOW, None, None, Changes(removed=(1,)), 1, 2), [], [1])
    bench.accepted(project)
    (reused,) = bench.reused()
    assert (reused.reused_from, reused.revision) == (done.id, 0)
    assert reused.result
    assert (reused.result.spheroid_count, reused.result.found_count) == (2, 2)
    assert len(bench.revisions.page(a_viewer(), reused.id, None, 0, 9).spheroids) == 2


def test_a_result_is_used_again(bench: Bench) -> None:
    project = bench.project()
    first, run = bench.accepted(project)
    assert bench.reused() == []
    assert bench.sent() == [run.id]
    done = bench.finished(run, pixel_size_um=0.65, file_pixel_size_um=0.65, written_pixel_size_um=0.65)
    bench.images.note_pages(first.id, Pages(3))
    second, again = bench.accepted(project, pixel_size_um=0.65)
    assert (first.duplicate_of, second.duplicate_of) == (None, first.id)
    (reused,) = bench.reused()
    assert bench.sent() == []
    assert bench.segmentations.get(again.id) == reused
    assert (reused.status, reused.is_reused, reused.reused_from) == (SegmentationStatus.SUCCEEDED, True, done.id)
    assert (reused.attempt, reused.started_at, reused.finished_at) == (0, None, NOW + timedelta(minutes=1))
    assert reused.files_prefix == f"results/{done.id}/1/" == done.files_prefix
    assert done.result
    assert reused.result == replace(done.result, stages_s={}, pixel_size_source=PixelSizeSource.USER)
    assert list(bench.segmentations.spheroids(a_viewer(), again.id, 0, 9)) == [a_spheroid(1), a_spheroid(2)]
    assert bench.images.get(second.id).pages == Pages(3)
    third, last = bench.accepted(project)
    (reused,) = bench.reused()
    assert (reused.id, reused.reused_from, reused.files_of) == (last.id, done.id, done.id)
    assert third.duplicate_of == first.id
    assert bench.reused() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": OTHER},
        {"digest": None},
        {"order": an_order(model="other")},
        {"order": an_order(model_version="2")},
        {"order": an_order(parameters=Parameters(threshold=0.4))},
        {"order": an_order(parameters=Parameters(out_of_focus=True))},
    ],
    ids=["other bytes", "unknown bytes", "another model", "another version", "other parameters", "out of focus"],
)
def test_what_is_not_the_same_runs(bench: Bench, changes: dict[str, Any]) -> None:
    project = bench.project()
    _, run = bench.accepted(project)
    bench.sent()
    bench.finished(run)
    _, other = bench.accepted(project, **changes)
    assert bench.reused() == []
    assert bench.sent() == [other.id]


@pytest.mark.parametrize(("name", "is_reused"), [("a.TIF", False), ("a.lsm", False), ("scan", False), ("a.PNG", True)])
def test_a_run_of_before_edges_of_pixels_were_noted_is_used_again_where_files_say_none(
    database: Database, name: str, is_reused: bool
) -> None:
    bench = in_postgres(database)
    project = bench.project()
    _, run = bench.accepted(project, name=name)
    bench.sent()
    bench.finished(run, pixel_size_um=None, pixel_size_source=None)
    database.run("UPDATE segmentations SET review = review - 'unequal_edges_um' WHERE id = %(id)s", {"id": run.id})
    _, again = bench.accepted(project, name=name)
    assert [one.id for one in bench.reused()] == ([again.id] if is_reused else [])
    assert bench.sent() == ([] if is_reused else [again.id])


def test_a_run_of_before_objects_out_of_focus_were_left_out_kept_them_and_is_not_used_again(database: Database) -> None:
    bench = in_postgres(database)
    project = bench.project()
    image, run = bench.accepted(project)
    bench.sent()
    bench.finished(bench.segmentations.get(run.id))
    for table in ("segmentations", "images"):
        database.run(f"UPDATE {table} SET parameters = parameters - 'out_of_focus'", {})
    kept = replace(run.order, parameters=Parameters(out_of_focus=True))
    assert bench.segmentations.get(run.id).order == bench.images.get(image.id).order == kept
    _, other = bench.accepted(project)
    assert (bench.reused(), bench.sent()) == ([], [other.id])


def test_of_equal_files_at_once_one_runs_and_the_others_wait_for_it(bench: Bench) -> None:
    project = bench.project()
    runs = [bench.accepted(project)[1] for _ in range(3)]
    assert bench.sent() == [runs[0].id]
    assert bench.sent() == bench.reused() == []
    bench.finished(bench.segmentations.get(runs[0].id))
    assert {run.id for run in bench.reused()} == {runs[1].id, runs[2].id}
    assert bench.sent() == []


def test_an_earlier_run_waits_for_an_equal_one_whose_turn_comes_before_its_own(bench: Bench) -> None:
    project = bench.project()
    _, early = bench.accepted(project)
    _, urgent = bench.accepted(project, order=an_order(priority=Priority.HIGH))
    assert bench.sent() == [urgent.id]
    bench.finished(bench.segmentations.get(urgent.id))
    assert [run.id for run in bench.reused()] == [early.id]
    assert bench.sent() == []


def test_when_the_one_that_runs_fails_the_next_one_runs(bench: Bench) -> None:
    project = bench.project()
    runs = [bench.accepted(project)[1] for _ in range(3)]
    assert bench.sent() == [runs[0].id]
    sent = bench.segmentations.get(runs[0].id)
    bench.segmentations.replace(sent, sent.failed(a_failure(), NOW))
    assert bench.reused() == []
    assert bench.sent() == [runs[1].id]


def test_who_asks_for_another_run_gets_one(bench: Bench) -> None:
    project = bench.project()
    _, run = bench.accepted(project)
    bench.sent()
    done = bench.finished(run)
    bench.accepted(project)
    bench.reused()
    repeat = a_segmentation(bench.images.get(done.image_id)).after(done)
    bench.segmentations.add(repeat)
    assert bench.reused() == []
    assert bench.sent() == [repeat.id]


def test_nobody_learns_by_a_fast_answer_what_lies_elsewhere(bench: Bench) -> None:
    private = bench.project()
    _, run = bench.accepted(private)
    bench.sent()
    done = bench.finished(run)
    _, foreign = bench.accepted(bench.project(owner_id=STRANGER))
    shared = bench.project()
    bench.sharing.offer(an_offer(shared, email=None, token_hash="h"))
    bench.sharing.accept_link("h", STRANGER, None, NOW)
    _, seen_by_others = bench.accepted(shared)
    own = bench.project()
    _, mine = bench.accepted(own)
    (reused,) = bench.reused()
    assert (reused.id, reused.is_reused, reused.reused_from) == (mine.id, True, None)
    assert reused.files_prefix == done.files_prefix
    assert bench.images.get(mine.image_id).duplicate_of is None, "duplicates are told within a project"
    assert set(bench.sent()) == {foreign.id, seen_by_others.id}


def test_files_go_with_the_last_run_that_shows_them(bench: Bench) -> None:
    project = bench.project()
    first, run = bench.accepted(project)
    bench.sent()
    bench.finished(run)
    second, again = bench.accepted(project)
    bench.reused()
    assert bench.images.leave([first.id]) == {}
    bench.images.delete_many([first.id])
    assert bench.images.get(second.id).duplicate_of is None
    assert bench.images.leave([second.id]) == {second.id: [run.id]}
    assert bench.images.leave([second.id]) == {second.id: [run.id]}, "it may be repeated"
    third, late = bench.accepted(project)
    assert bench.reused() == [], "what is being removed is not used any more"
    assert bench.sent() == [late.id]
    job = bench.jobs.begin_deletion(project, ProjectJob.deletion(project.id, OWNER, "c", NOW))
    assert {it.id: it.segmentation_ids for it in bench.jobs.doomed(job.project_id, 9)} == {
        second.id: (run.id,),
        third.id: (late.id,),
    }
    assert again.id != run.id


def test_all_that_go_together_take_their_files_along(bench: Bench) -> None:
    project = bench.project()
    first, run = bench.accepted(project)
    bench.sent()
    bench.finished(run)
    second, _ = bench.accepted(project)
    bench.reused()
    files = bench.images.leave([first.id, second.id])
    assert {id_ for found in files.values() for id_ in found} == {run.id}


def test_digests_tell_the_first_stored_image(bench: Bench) -> None:
    project = bench.project()
    first, _ = bench.accepted(project)
    bench.accepted(project)
    bench.accepted(bench.project(), OTHER)
    bench.images.add_many([an_image(project, status=ImageStatus.AWAITING_UPLOAD, digest=OTHER)])
    assert bench.images.with_digests(project.id, [SAME, OTHER]) == {SAME: first.id}


def test_a_duplicate_that_moves_is_none_any_more(bench: Bench) -> None:
    project, target = bench.project(), bench.project()
    bench.accepted(project)
    second, _ = bench.accepted(project)
    fields = {"project_id": target.id, "owner_id": target.owner_id}
    bench.images.change_many([second.id], lambda current: current.described(fields))
    assert bench.images.get(second.id).duplicate_of is None


def test_of_many_equal_files_that_arrive_at_the_same_moment_one_runs(servers: Servers) -> None:
    servers.empty()
    database = servers.database()
    bench = in_postgres(database)
    project = bench.project()
    with ThreadPoolExecutor(8) as threads:
        arrived = list(threads.map(lambda _: bench.accepted(project), range(16)))
        sent = [id_ for ids in threads.map(lambda _: bench.sent(), range(8)) for id_ in ids]
    assert len(sent) == 1
    originals = {bench.images.get(image.id).duplicate_of for image, _ in arrived}
    assert len([image for image, _ in arrived if bench.images.get(image.id).duplicate_of is None]) == 1
    assert None in originals
    bench.finished(bench.segmentations.get(sent[0]))
    with ThreadPoolExecutor(8) as threads:
        reused = [run for runs in threads.map(lambda _: bench.reused(), range(8)) for run in runs]
    assert len(reused) == 15
    assert {run.reused_from for run in reused} == {sent[0]}
    database.close()
