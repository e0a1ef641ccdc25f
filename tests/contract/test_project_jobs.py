"""Jobs on projects: what the repository does, in memory and in PostgreSQL."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.project_jobs import PostgresProjectJobs
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.project import Project
from spheroseg.domain.project_job import JobStatus, ProjectJob
from spheroseg.errors import ImageNotFoundError, JobNotFoundError, ProjectNotFoundError, StaleStateError
from spheroseg.ports import ImageRepository, ProjectJobRepository, ProjectRepository, SegmentationRepository
from tests.builders import NOW, OWNER, STRANGER, a_project, a_segmentation, a_viewer, an_id, an_image
from tests.fakes import InMemoryImages, InMemoryProjectJobs, InMemoryProjects, InMemorySegmentations


@dataclass(frozen=True)
class Bench:
    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository
    jobs: ProjectJobRepository

    def project(self, images: int = 0) -> Project:
        project = a_project()
        self.projects.add(project)
        self.images.add_many([an_image(project) for _ in range(images)])
        return project

    def begun(self, project: Project) -> ProjectJob:
        return self.jobs.begin_deletion(project, ProjectJob.deletion(project.id, OWNER, "correlation", NOW))


@pytest.fixture(params=["in_memory", "postgres"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "in_memory":
        projects = InMemoryProjects()
        segmentations = InMemorySegmentations(projects=projects)
        images = InMemoryImages(segmentations)
        return Bench(projects, images, segmentations, InMemoryProjectJobs(images))
    database: Database = request.getfixturevalue("database")
    parts = (PostgresProjects, PostgresImages, PostgresSegmentations, PostgresProjectJobs)
    return Bench(*(part(database) for part in parts))  # type: ignore[arg-type]


def test_a_deletion_hides_the_project_at_once_and_is_seen_by_who_asked_for_it(bench: Bench) -> None:
    project = bench.project(images=3)
    job = bench.begun(project)
    assert (job.status, job.done, job.total, job.project_id) == (JobStatus.QUEUED, 0, 3, project.id)
    assert bench.jobs.get(job.id) == bench.jobs.one(a_viewer(), job.id) == job
    with pytest.raises(ProjectNotFoundError):
        bench.projects.accessible(a_viewer(), project.id)
    for viewer, id_ in ((a_viewer(STRANGER), job.id), (a_viewer(), an_id())):
        with pytest.raises(JobNotFoundError):
            bench.jobs.one(viewer, id_)


def test_a_project_is_deleted_once_and_as_it_was_read(bench: Bench) -> None:
    project = bench.project()
    changed = project.changed({"name": "Day 8"}, NOW)
    bench.projects.replace(project, changed)
    with pytest.raises(StaleStateError):
        bench.begun(project)
    bench.begun(changed)
    with pytest.raises(StaleStateError):
        bench.begun(changed)


def test_only_what_is_marked_is_doomed_and_removed(bench: Bench) -> None:
    doomed, kept = bench.project(images=3), bench.project(images=1)
    (kept_image,) = bench.images.page(a_viewer(), kept.id, None, 10)
    assert bench.jobs.doomed(doomed.id, 10) == []
    newest, _, oldest = bench.images.page(a_viewer(), doomed.id, None, 10)
    run = a_segmentation(oldest)
    bench.segmentations.add(run)
    job = bench.begun(doomed)
    first, second = bench.jobs.doomed(doomed.id, 2)
    assert (first.id, first.segmentation_ids, first.upload_id) == (oldest.id, (run.id,), None)

    job = bench.jobs.remove_images(job, [first.id, second.id, kept_image.id, an_id()], NOW + timedelta(seconds=1))
    assert (job.status, job.done, job.total, job.alive_at) == (JobStatus.RUNNING, 2, 3, NOW + timedelta(seconds=1))
    assert bench.jobs.remove_images(job, [first.id, second.id], NOW).done == 2
    assert bench.images.get(kept_image.id) == kept_image
    assert [it.id for it in bench.jobs.doomed(doomed.id, 10)] == [newest.id]
    with pytest.raises(ImageNotFoundError):
        bench.images.get(first.id)


def test_a_deletion_ends_when_nothing_is_left(bench: Bench) -> None:
    project, other = bench.project(images=1), bench.project()
    job = bench.begun(project)
    assert not bench.jobs.end_removal(job, NOW).status.is_final
    bench.jobs.remove_images(job, [it.id for it in bench.jobs.doomed(project.id, 5)], NOW)
    at = NOW + timedelta(minutes=1)
    ended = bench.jobs.end_removal(job, at)
    assert (ended.status, ended.done, ended.finished_at) == (JobStatus.SUCCEEDED, 1, at)
    assert bench.jobs.end_removal(job, at + timedelta(minutes=1)) == ended
    assert bench.jobs.remove_images(job, [], at + timedelta(minutes=1)) == ended
    assert bench.projects.get(other.id) == other


def test_jobs_that_nobody_works_on_are_listed_from_the_most_silent(bench: Bench) -> None:
    jobs = [bench.begun(bench.project(images=1)) for _ in range(3)]
    bench.jobs.remove_images(jobs[0], [], NOW + timedelta(minutes=2))
    bench.jobs.remove_images(jobs[1], [], NOW + timedelta(minutes=1))
    for image in bench.jobs.doomed(jobs[2].project_id, 5):
        bench.jobs.remove_images(jobs[2], [image.id], NOW)
    bench.jobs.end_removal(jobs[2], NOW)
    after = NOW + timedelta(minutes=3)
    assert [job.id for job in bench.jobs.stalled(after, 5)] == [jobs[1].id, jobs[0].id]
    assert [job.id for job in bench.jobs.stalled(after, 1)] == [jobs[1].id]
    assert bench.jobs.stalled(NOW + timedelta(minutes=1), 5) == []
