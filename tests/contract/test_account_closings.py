"""Closed accounts: what the repository does, in memory and in PostgreSQL."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from spheroseg.adapters.postgres.account_closings import PostgresAccountClosings
from spheroseg.adapters.postgres.accounts import PostgresAccounts
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.deeds import PostgresDeeds
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.project_copies import PostgresProjectCopies
from spheroseg.adapters.postgres.project_jobs import PostgresProjectJobs
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.postgres.sharing import PostgresSharing
from spheroseg.adapters.postgres.watchers import PostgresWatchers
from spheroseg.domain.account import Account, Profile
from spheroseg.domain.project import Project
from spheroseg.domain.project_copy import copy_of_project
from spheroseg.domain.project_job import JobKind, JobStatus, ProjectJob
from spheroseg.errors import JobNotFoundError, ProjectNotFoundError, UnknownTicketError
from spheroseg.ports import (
    AccountClosings,
    AccountRepository,
    DeedRepository,
    ImageRepository,
    ProjectCopyRepository,
    ProjectJobRepository,
    ProjectRepository,
    SegmentationRepository,
    SharingRepository,
    WatcherRepository,
)
from tests.builders import NOW, OWNER, STRANGER, a_project, a_segmentation, a_viewer, an_id, an_image, an_offer
from tests.fakes import (
    InMemoryAccounts,
    InMemoryImages,
    InMemoryProjectJobs,
    InMemoryProjects,
    InMemorySegmentations,
    InMemorySharing,
    InMemoryWatchers,
)
from tests.fakes.account_closings import InMemoryAccountClosings
from tests.fakes.project_copies import InMemoryProjectCopies

LATER = NOW + timedelta(minutes=1)
EMAIL = "ada@example.com"


@dataclass(frozen=True)
class Bench:
    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository
    accounts: AccountRepository
    deeds: DeedRepository
    jobs: ProjectJobRepository
    copies: ProjectCopyRepository
    sharing: SharingRepository
    watchers: WatcherRepository
    closings: AccountClosings
    texts: Callable[[], str]

    def project(self, owner_id: str = OWNER) -> Project:
        project = a_project(owner_id=owner_id)
        self.projects.add(project)
        self.images.add_many([an_image(project)])
        return project

    def shared(self, owner_id: str, user_id: str) -> Project:
        project = self.project(owner_id)
        self.sharing.offer(an_offer(project, email=None, token_hash=str(project.id)))
        self.sharing.accept_link(str(project.id), user_id, EMAIL, NOW)
        return project


@pytest.fixture(params=["in_memory", "postgres"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "in_memory":
        projects = InMemoryProjects()
        runs = InMemorySegmentations(projects=projects)
        images = InMemoryImages(runs)
        accounts, watchers = InMemoryAccounts(images), InMemoryWatchers(projects)
        jobs, sharing = InMemoryProjectJobs(images), InMemorySharing(projects, accounts)
        copies = InMemoryProjectCopies(jobs)
        closings = InMemoryAccountClosings(accounts, copies, sharing, watchers)

        def told() -> str:
            return repr((projects, images, accounts, watchers, jobs, sharing, copies, closings.rows))

        return Bench(projects, images, runs, accounts, accounts.deeds, jobs, copies, sharing, watchers, closings, told)
    database: Database = request.getfixturevalue("database")

    def stored() -> str:
        tables = database.latest("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return repr([database.latest(f"SELECT * FROM {row['tablename']}") for row in tables])

    return Bench(
        PostgresProjects(database),
        PostgresImages(database),
        PostgresSegmentations(database),
        PostgresAccounts(database),
        PostgresDeeds(database),
        PostgresProjectJobs(database),
        PostgresProjectCopies(database),
        PostgresSharing(database),
        PostgresWatchers(database),
        PostgresAccountClosings(database),
        stored,
    )


def test_a_closed_account_has_nothing_any_more_and_others_keep_theirs(bench: Bench) -> None:
    own, foreign, kept = bench.project(), bench.shared(STRANGER, OWNER), bench.project(STRANGER)
    target = copy_of_project(foreign, an_id(), OWNER, None, NOW)
    copy = bench.copies.begin(target, ProjectJob.duplication(foreign.id, target.id, OWNER, "c", NOW))
    bench.watchers.add("connection", OWNER, NOW)
    bench.watchers.add_ticket("ticket", OWNER, LATER + timedelta(hours=1))
    assert not bench.closings.is_closed(OWNER)
    closing, jobs = bench.closings.begin(OWNER, an_id(), "c", LATER)
    assert (bench.closings.is_closed(OWNER), bench.closings.is_closed(STRANGER)) == (True, False)
    assert (closing.user_id, closing.projects, closing.requested_at, closing.finished_at) == (OWNER, 1, LATER, None)
    assert {(job.kind, job.status, job.doomed_id) for job in jobs} == {
        (JobKind.DELETE, JobStatus.QUEUED, own.id),
        (JobKind.DUPLICATE, JobStatus.UNDOING, target.id),
    }
    for project in (own, foreign):
        with pytest.raises(ProjectNotFoundError):
            bench.projects.accessible(a_viewer(), project.id)
    assert [it.user_id for it in bench.sharing.members(foreign.id)] == [STRANGER]
    assert bench.watchers.of_project(foreign.id) == []
    with pytest.raises(UnknownTicketError):
        bench.watchers.redeem_ticket("ticket", LATER)
    assert bench.closings.projects_left(OWNER) == 2
    assert bench.projects.get(kept.id) == kept
    assert copy.id in {job.id for job in jobs}

    late = bench.project()
    again, more = bench.closings.begin(OWNER, an_id(), "other", LATER)
    assert (again.id, again.projects, [job.project_id for job in more]) == (closing.id, 2, [late.id])
    assert bench.closings.begin(OWNER, an_id(), "other", LATER) == (again, [])


def test_what_stays_names_nobody(bench: Bench) -> None:
    foreign = bench.shared(STRANGER, OWNER)
    (image,) = bench.images.page(a_viewer(STRANGER), foreign.id, None, 5)
    run = replace(a_segmentation(image), requested_by=OWNER)
    bench.segmentations.add(run)
    bench.sharing.offer(an_offer(foreign, email=EMAIL, created_by=STRANGER))
    bench.accounts.replace_profile(OWNER, Profile(name="Ada"))
    bench.accounts.change_quota(OWNER, {"images": 5}, None, "admin", an_id(), NOW)
    bench.accounts.change_quota(STRANGER, {"images": 5}, None, OWNER, an_id(), NOW)
    bench.project()
    closing, jobs = bench.closings.begin(OWNER, an_id(), "c", NOW)
    for job in jobs:
        bench.jobs.remove_images(job, [it.id for it in bench.jobs.doomed(job.doomed_id, 9)], NOW)
        bench.jobs.end_removal(job, NOW)
    assert bench.closings.projects_left(OWNER) == 0
    bench.closings.touch(closing, LATER)
    assert bench.closings.get(closing.id).alive_at == LATER
    assert [it.id for it in bench.closings.stalled(LATER + timedelta(seconds=1), 5)] == [closing.id]
    assert bench.closings.stalled(LATER, 5) == []
    for _ in range(2):
        bench.closings.forget(OWNER, EMAIL)
    ended = bench.closings.end(closing, LATER)
    assert (ended.user_id, ended.projects, ended.finished_at) == (None, 1, LATER)
    assert bench.closings.get(closing.id) == ended
    assert bench.closings.stalled(LATER + timedelta(days=1), 5) == []
    assert bench.closings.is_closed(OWNER), "its tokens stay worthless"
    for told in (OWNER, EMAIL, "Ada"):
        assert told not in bench.texts(), told
    assert bench.accounts.get(OWNER) == Account(OWNER)
    assert bench.segmentations.get(run.id) == replace(run, requested_by=None)
    assert {(it.admin_id, it.subject) for it in bench.deeds.latest(5)} == {("admin", None), (None, STRANGER)}


def test_a_closing_that_nobody_knows_is_told_so(bench: Bench) -> None:
    with pytest.raises(JobNotFoundError):
        bench.closings.get(an_id())
