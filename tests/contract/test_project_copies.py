"""Copies of projects: what the repository does, in memory and in PostgreSQL."""

from dataclasses import dataclass, replace

import pytest

from spheroseg.adapters.postgres.accounts import PostgresAccounts
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.project_copies import PostgresProjectCopies
from spheroseg.adapters.postgres.project_jobs import PostgresProjectJobs
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.account import DEFAULT_QUOTA_BYTES
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.project import Project
from spheroseg.domain.project_copy import copy_of_project
from spheroseg.domain.project_job import JobStatus, ProjectJob
from spheroseg.domain.sample import Sample
from spheroseg.domain.segmentation import Segmentation, segmentation_id
from spheroseg.errors import IllegalMoveError, ProjectNotFoundError, QuotaExceededError
from spheroseg.ports import (
    AccountRepository,
    ImageRepository,
    ProjectCopyRepository,
    ProjectJobRepository,
    ProjectRepository,
    SegmentationRepository,
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
    an_id,
    an_image,
)
from tests.fakes import InMemoryAccounts, InMemoryImages, InMemoryProjectJobs, InMemoryProjects, InMemorySegmentations
from tests.fakes.project_copies import InMemoryProjectCopies


@dataclass(frozen=True)
class Bench:
    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository
    accounts: AccountRepository
    jobs: ProjectJobRepository
    copies: ProjectCopyRepository

    def project(self, images: int = 0, **changes: object) -> tuple[Project, list[Image]]:
        project = a_project(**changes)
        self.projects.add(project)
        made = [an_image(project, size_bytes=1000) for _ in range(images)]
        self.images.add_many(made)
        return project, made

    def begun(self, source: Project, requested_by: str = OWNER) -> ProjectJob:
        target = copy_of_project(source, an_id(), requested_by, None, NOW)
        return self.copies.begin(target, ProjectJob.duplication(source.id, target.id, requested_by, "copy", NOW))

    def succeeded(self, image: Image, run: Segmentation) -> Segmentation:
        self.segmentations.add(run)
        running = run.started(run.queued_at)
        self.segmentations.replace(run, running)
        done = running.succeeded(a_result(2), run.queued_at)
        self.segmentations.finish(running, done, [a_spheroid(1), a_spheroid(2)])
        return done

    def usage(self, user_id: str = OWNER) -> tuple[int, int, int, int]:
        usage = self.accounts.get(user_id).usage
        return usage.stored_bytes, usage.stored_images, usage.announced_bytes, usage.announced_images


@pytest.fixture(params=["in_memory", "postgres"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "in_memory":
        projects = InMemoryProjects()
        segmentations = InMemorySegmentations(projects=projects)
        images = InMemoryImages(segmentations)
        jobs = InMemoryProjectJobs(images)
        return Bench(projects, images, segmentations, InMemoryAccounts(images), jobs, InMemoryProjectCopies(jobs))
    database: Database = request.getfixturevalue("database")
    return Bench(
        PostgresProjects(database),
        PostgresImages(database),
        PostgresSegmentations(database),
        PostgresAccounts(database),
        PostgresProjectJobs(database),
        PostgresProjectCopies(database),
    )


def test_a_copy_has_what_its_original_says_and_found_and_nobody_finds_it_before_its_end(bench: Bench) -> None:
    source, (image, plain) = bench.project(2, pixel_size_um=2.0, tags=("a",), archived_at=NOW)
    changes = {"tags": ("b",), "well": "A01", "pixel_size_um": 0.5}
    bench.images.change_many([image.id], lambda current: current.described(changes))
    first = a_segmentation(image)
    failed = first.failed(a_failure(), NOW)
    bench.segmentations.add(first)
    bench.segmentations.replace(first, failed)
    run = bench.succeeded(image, a_segmentation(image).after(failed))
    bench.images.add_many([an_image(source, status=ImageStatus.AWAITING_UPLOAD)])
    job = bench.begun(source)
    assert (job.status, job.done, job.total) == (JobStatus.QUEUED, 0, 2)
    assert job.target_id

    job, copies = bench.copies.add_rows(job, 10, NOW)
    assert (job.status, [it.source_id for it in copies]) == (JobStatus.RUNNING, sorted([image.id, plain.id]))
    assert bench.copies.end(job, NOW) == job, "objects are missing still"
    with pytest.raises(ProjectNotFoundError):
        bench.projects.accessible(a_viewer(), job.doomed_id)
    assert bench.images.page(a_viewer(), job.doomed_id, None, 10) == []
    assert bench.copies.add_rows(job, 10, NOW) == (job, copies), "a step may be repeated"
    etags = {it.copy_id: f"tag-{it.copy_id}" for it in copies}
    job = bench.copies.note_copied(job, etags, [], NOW)
    assert (job.done, job.total) == (2, 2)
    assert bench.copies.note_copied(job, etags, [], NOW).done == 2
    assert bench.copies.add_rows(job, 10, NOW)[1] == []
    job = bench.copies.end(job, NOW)
    assert (job.status, job.finished_at) == (JobStatus.SUCCEEDED, NOW)
    assert bench.copies.end(job, NOW) == job

    made = bench.projects.accessible(a_viewer(), job.doomed_id).item
    assert (made.name, made.tags, made.pixel_size_um, made.archived_at) == ("Day 7 (copy)", ("a",), 2.0, None)
    newer, older = bench.images.page(a_viewer(), made.id, None, 10)
    assert (older.name, older.tags, older.sample, older.pixel_size_um) == (image.name, ("b",), Sample(well="A01"), 0.5)
    assert (older.etag, older.created_at) == (etags[older.id], image.created_at)
    (copy,) = bench.segmentations.of_image(a_viewer(), older.id)
    assert copy == replace(
        bench.segmentations.get(run.id),
        id=segmentation_id(older.id, run.order),
        image_id=older.id,
        project_id=made.id,
        correlation_id="copy",
        repeat=0,
        repeat_of=None,
    )
    assert list(bench.segmentations.spheroids(a_viewer(), copy.id, 0, 10)) == [a_spheroid(1), a_spheroid(2)]
    assert bench.segmentations.of_image(a_viewer(), newer.id) == []
    (step,) = [it for it in copies if it.source_id == image.id]
    assert step.prefixes == ((f"results/{run.id}/1/", f"results/{copy.id}/1/"),)
    assert bench.usage()[:2] == (4000, 4)


def test_room_is_taken_at_once_and_what_is_not_needed_is_given_back(bench: Bench) -> None:
    source, images = bench.project(3)
    job = bench.begun(source)
    assert bench.usage() == (3000, 3, 3000, 3)
    job, copies = bench.copies.add_rows(job, 1, NOW)
    assert bench.usage() == (4000, 4, 2000, 2)
    gone = next(image for image in images if image.id != copies[0].source_id)
    bench.images.delete(gone)
    job = bench.copies.note_copied(job, {copies[0].copy_id: "tag"}, [], NOW)
    job, copies = bench.copies.add_rows(job, 10, NOW)
    assert bench.usage() == (4000, 4, 0, 0)
    assert {it.source_id: it.source_etag for it in copies}[gone.id] is None
    lost = [it.copy_id for it in copies if it.source_etag is None]
    etags = {it.copy_id: "tag" for it in copies if it.source_etag is not None}
    job = bench.copies.note_copied(job, etags, lost, NOW)
    assert (job.done, job.total) == (2, 2)
    assert bench.copies.end(job, NOW).status is JobStatus.SUCCEEDED
    assert bench.usage() == (4000, 4, 0, 0)


def test_what_does_not_fit_is_not_begun(bench: Bench) -> None:
    source, _ = bench.project(1)
    bench.images.add_many([an_image(source, size_bytes=DEFAULT_QUOTA_BYTES - 1500)])
    usage = bench.usage()
    with pytest.raises(QuotaExceededError):
        bench.begun(source)
    assert bench.usage() == usage


def test_a_stopped_copy_leaves_nothing_behind(bench: Bench) -> None:
    source, _ = bench.project(3)
    before = bench.usage()
    job, copies = bench.copies.add_rows(bench.begun(source), 2, NOW)
    job = bench.copies.note_copied(job, {copies[0].copy_id: "tag"}, [], NOW)
    stopped = bench.copies.stop(job.id, None, NOW)
    assert (stopped.status, stopped.failure) == (JobStatus.UNDOING, None)
    assert bench.copies.stop(job.id, a_failure(), NOW) == stopped
    assert bench.copies.add_rows(job, 10, NOW) == (stopped, [])
    assert bench.copies.note_copied(job, {copies[1].copy_id: "tag"}, [], NOW) == stopped
    assert bench.copies.end(job, NOW) == stopped
    assert [it.id for it in bench.copies.unfinished(stopped)] == [copies[1].copy_id]
    assert [it.id for it in bench.jobs.stalled(NOW.replace(year=2027), 5)] == [job.id]

    doomed = bench.jobs.doomed(stopped.doomed_id, 10)
    assert {it.id for it in doomed} == {it.copy_id for it in copies}
    assert bench.jobs.end_removal(stopped, NOW) == stopped
    bench.jobs.remove_images(stopped, [it.id for it in doomed], NOW)
    ended = bench.jobs.end_removal(stopped, NOW)
    assert (ended.status, ended.done, ended.finished_at) == (JobStatus.CANCELLED, 1, NOW)
    assert bench.usage() == before
    assert bench.copies.stop(job.id, None, NOW) == ended
    assert len(bench.images.page(a_viewer(), source.id, None, 10)) == 3


def test_a_copy_that_goes_forward_or_is_there_is_not_removed(bench: Bench) -> None:
    source, _ = bench.project(1)
    job, copies = bench.copies.add_rows(bench.begun(source), 5, NOW)
    assert bench.jobs.remove_images(job, [copies[0].copy_id], NOW) == job
    assert bench.jobs.end_removal(job, NOW) == job
    ended = bench.copies.end(bench.copies.note_copied(job, {copies[0].copy_id: "tag"}, [], NOW), NOW)
    assert bench.jobs.remove_images(ended, [copies[0].copy_id], NOW) == ended
    assert bench.images.get(copies[0].copy_id).etag == "tag"
    with pytest.raises(IllegalMoveError):
        bench.copies.stop(job.id, None, NOW)


def test_whoever_may_not_read_the_original_any_more_gets_no_copy(bench: Bench) -> None:
    source, _ = bench.project(1)
    job = bench.begun(source, STRANGER)
    with pytest.raises(ProjectNotFoundError):
        bench.copies.add_rows(job, 5, NOW)
    failed = bench.copies.stop(job.id, a_failure(), NOW)
    assert failed.failure == a_failure()
    assert bench.jobs.end_removal(failed, NOW).status is JobStatus.FAILED
    assert bench.usage(STRANGER) == (0, 0, 0, 0)
    deletion = bench.jobs.begin_deletion(source, ProjectJob.deletion(source.id, OWNER, "c", NOW))
    with pytest.raises(IllegalMoveError):
        bench.copies.stop(deletion.id, None, NOW)
