"""Accounts: profile, quota and usage, in memory and in PostgreSQL; and many uploads at once, in PostgreSQL alone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from spheroseg.adapters.postgres.accounts import PostgresAccounts
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.domain.account import UNTOLD_BYTES, Account, Profile, Quota, Usage
from spheroseg.domain.image import ImageStatus
from spheroseg.domain.project import Project
from spheroseg.errors import QuotaExceededError
from spheroseg.ports import AccountRepository, ImageRepository, ProjectRepository
from tests.builders import NOW, OWNER, STRANGER, a_failure, a_project, a_segmentation, a_viewer, an_image
from tests.fakes import InMemoryAccounts, InMemoryImages, InMemoryProjects
from tests.postgres import Servers


@dataclass(frozen=True)
class Kept:
    accounts: AccountRepository
    images: ImageRepository
    projects: ProjectRepository
    limit: Callable[[str, Quota], None]

    def project(self) -> Project:
        project = a_project()
        self.projects.add(project)
        return project

    def usage(self) -> Usage:
        usage = self.accounts.get(OWNER).usage
        assert self.accounts.one(a_viewer()).usage == usage
        return usage


def in_postgres(database: Database) -> Kept:
    def limit(user_id: str, quota: Quota) -> None:
        statement = """INSERT INTO accounts (user_id, quota_bytes, quota_images) VALUES (%(id)s, %(bytes)s, %(images)s)
            ON CONFLICT (user_id) DO UPDATE SET quota_bytes = %(bytes)s, quota_images = %(images)s"""
        database.run(statement, {"id": user_id, "bytes": quota.size_bytes, "images": quota.images})

    return Kept(PostgresAccounts(database), PostgresImages(database), PostgresProjects(database), limit)


@pytest.fixture(params=["in_memory", "postgres"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "postgres":
        return in_postgres(request.getfixturevalue("database"))
    images = InMemoryImages()
    return Kept(InMemoryAccounts(images), images, InMemoryProjects(), images.quotas.__setitem__)


def test_somebody_who_did_nothing_yet_has_an_empty_account(kept: Kept) -> None:
    assert kept.accounts.get(OWNER) == kept.accounts.one(a_viewer()) == Account(OWNER)


def test_a_profile_is_read_as_it_was_written(kept: Kept) -> None:
    profile = Profile(name="Ada Ř. 🧫", organisation="Lab of cells", language="cs-CZ", pixel_size_um=0.325)
    kept.accounts.replace_profile(OWNER, profile)
    kept.accounts.replace_profile(STRANGER, Profile(name="Somebody else"))
    assert kept.accounts.one(a_viewer()).profile == profile
    kept.accounts.replace_profile(OWNER, Profile())
    assert kept.accounts.get(OWNER).profile == Profile()


def test_an_announcement_takes_its_room_and_the_arrival_settles_it(kept: Kept) -> None:
    project = kept.project()
    told = an_image(project, status=ImageStatus.AWAITING_UPLOAD, size_bytes=1000)
    untold = an_image(project, status=ImageStatus.AWAITING_UPLOAD, size_bytes=None)
    kept.images.add_many([told, untold])
    assert kept.usage() == Usage(announced_bytes=1000 + UNTOLD_BYTES, announced_images=2)
    stored = told.stored(size_bytes=700, etag="e", at=NOW)
    kept.images.accept(told, stored, a_segmentation(stored))
    assert kept.usage() == Usage(700, 1, UNTOLD_BYTES, 1)
    kept.images.replace(untold, untold.stored(size_bytes=5, etag="e", at=NOW))
    assert kept.usage() == Usage(705, 2)


def test_what_never_came_or_was_deleted_is_given_back(kept: Kept) -> None:
    project = kept.project()
    late = an_image(project, status=ImageStatus.AWAITING_UPLOAD, size_bytes=1000)
    refused = an_image(project, status=ImageStatus.AWAITING_UPLOAD, size_bytes=50)
    kept.images.add_many([late, refused, there := an_image(project, size_bytes=7)])
    kept.images.replace(late, late.given_up(a_failure()))
    kept.images.replace(refused, refused.refused(a_failure()))
    assert kept.usage() == Usage(57, 2), "a refused file takes room while it is there"
    for image in (late, refused, there):
        kept.images.delete(image)
    kept.images.delete(there)
    assert kept.usage() == Usage()


def test_what_does_not_fit_is_refused_as_a_whole(kept: Kept) -> None:
    project = kept.project()
    kept.limit(OWNER, Quota(size_bytes=1000, images=3))
    kept.images.add_many([an_image(project, size_bytes=400)])
    with pytest.raises(QuotaExceededError) as refused:
        kept.images.add_many([an_image(project, size_bytes=300), an_image(project, size_bytes=301)])
    assert (refused.value.left_bytes, refused.value.left_images) == (600, 2)
    assert kept.usage() == Usage(400, 1)
    kept.images.add_many([an_image(project, size_bytes=600), an_image(project, size_bytes=0)])
    with pytest.raises(QuotaExceededError, match="0 of 3 images"):
        kept.images.add_many([an_image(project, size_bytes=0)])
    kept.images.add_many([an_image(project, status=ImageStatus.REFUSED, size_bytes=None)])


def test_a_smaller_quota_keeps_what_is_there(kept: Kept) -> None:
    project = kept.project()
    kept.images.add_many([image := an_image(project, size_bytes=400)])
    kept.limit(OWNER, Quota(size_bytes=100, images=100))
    assert kept.accounts.get(OWNER).left_bytes == 0
    assert kept.images.get(image.id) == image


def test_a_hundred_uploads_at_once_never_pass_the_quota(servers: Servers, database: Database) -> None:
    kept = in_postgres(database)
    projects = [kept.project() for _ in range(2)]
    kept.limit(OWNER, Quota(size_bytes=10_500, images=100))
    threads = [servers.database() for _ in range(8)]

    def announce(number: int) -> bool:
        waiting = an_image(projects[number % 2], status=ImageStatus.AWAITING_UPLOAD, size_bytes=1000)
        images = PostgresImages(threads[number % 8])
        try:
            images.add_many([waiting])
        except QuotaExceededError:
            return False
        if number % 3 == 0:  # some arrive while others are announced
            images.replace(waiting, replace(waiting, status=ImageStatus.STORED, etag="e", stored_at=NOW))
        return True

    try:
        with ThreadPoolExecutor(8) as pool:
            taken = sum(pool.map(announce, range(100)))
    finally:
        for each in threads:
            each.close()
    assert taken == 10
    usage = kept.usage()
    assert (usage.size_bytes, usage.images) == (10_000, 10)


def test_the_database_counts_as_the_domain_does_whichever_statement_writes(database: Database) -> None:
    kept = in_postgres(database)
    project, other = kept.project(), a_project(owner_id=STRANGER)
    kept.projects.add(other)
    for status in ImageStatus:
        for size_bytes in (None, 0, 9):
            kept.images.add_many([an_image(project, status=status, size_bytes=size_bytes)])
    expected = Usage(stored_bytes=18, stored_images=4, announced_bytes=UNTOLD_BYTES + 9, announced_images=3)
    assert kept.usage() == expected
    database.run("UPDATE images SET owner_id = %(to)s, project_id = %(project)s", {"to": STRANGER, "project": other.id})
    assert kept.accounts.get(STRANGER).usage == expected
    assert kept.usage() == Usage()
    database.run("DELETE FROM images", {})
    assert kept.accounts.get(STRANGER).usage == Usage()
