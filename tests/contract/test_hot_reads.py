"""Hot reads over PostgreSQL and a cache: what they save, and that nothing stale or foreign ever comes out."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from spheroseg.adapters.hot_reads import CachedHotReads
from spheroseg.adapters.in_process import InProcessCache
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.postgres.sharing import PostgresSharing
from spheroseg.adapters.postgres.stamps import PostgresStamps
from spheroseg.adapters.postgres.statistics import PostgresProjectStatistics
from spheroseg.adapters.valkey import ValkeyCache
from spheroseg.domain.access import Role
from spheroseg.domain.image_list import ImageQuery
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import CacheUnavailableError, ProjectNotFoundError
from spheroseg.ports import Cache
from spheroseg.use_cases.read_images import ReadImages
from spheroseg.use_cases.read_projects import ReadProjects
from tests.builders import NOW, OWNER, STRANGER, a_project, a_segmentation, a_spheroid, a_viewer, an_image, an_offer
from tests.postgres import Servers
from tests.valkey import connection_to, running_cache

MEMBER = "member"
STORM_S, STORM_MAX_S, READS = 1.0, 30.0, 60
"""A storm lasts until so many reads were held against what was written, and no longer than that."""


@dataclass
class Counting:
    """A cache that counts what is asked of it, and may be down or damaged."""

    inner: Cache = field(default_factory=InProcessCache)
    hits: int = 0
    asked: list[str] = field(default_factory=list)
    is_down: bool = False
    damage: bytes | None = None

    def get(self, key: str) -> bytes | None:
        self.asked.append(key)
        if self.is_down:
            raise CacheUnavailableError("down")
        found = self.inner.get(key)
        self.hits += found is not None
        return self.damage if found is not None and self.damage is not None else found

    def put(self, key: str, value: bytes, lifetime_s: int) -> None:
        if self.is_down:
            raise CacheUnavailableError("down")
        self.inner.put(key, value, lifetime_s)


@dataclass
class Bench:
    database: Database
    cache: Counting
    project: Project

    def __post_init__(self) -> None:
        self.projects, self.images = PostgresProjects(self.database), PostgresImages(self.database)
        self.runs, self.sharing = PostgresSegmentations(self.database), PostgresSharing(self.database)
        self.stamps = PostgresStamps(self.database)
        hot = CachedHotReads(self.stamps, self.cache)
        self.read_projects = ReadProjects(self.projects, PostgresProjectStatistics(self.database), hot)
        self.read_images = ReadImages(self.projects, self.images, self.runs, hot)

    def listed(self, viewer: Viewer) -> list[str]:
        return [view.image.name for view in self.read_images.search(viewer, self.project.id, ImageQuery(), None, 10)[0]]

    def join(self, user_id: str) -> None:
        offer = self.sharing.offer(an_offer(self.project, email=f"{user_id}@example.com", role=Role.VIEWER))
        self.sharing.accept_invitation(offer.id, user_id, f"{user_id}@example.com", NOW)


@pytest.fixture
def bench(database: Database) -> Bench:
    made = Bench(database, Counting(), a_project())
    made.projects.add(made.project)
    return made


ME, YOU = a_viewer(OWNER), a_viewer(MEMBER)


def test_the_second_read_comes_from_the_cache_and_is_the_same(bench: Bench) -> None:
    images = [an_image(bench.project, name=f"{number}.tif") for number in range(3)]
    bench.images.add_many(images)
    running = a_segmentation(images[0], status=SegmentationStatus.RUNNING)
    bench.runs.add(running)
    bench.runs.finish(
        running,
        a_segmentation(images[0], status=SegmentationStatus.SUCCEEDED, queued_at=running.queued_at),
        [a_spheroid()],
    )
    reads: list[Callable[[], object]] = [
        lambda: bench.read_images.search(ME, bench.project.id, ImageQuery(), None, 2),
        lambda: bench.read_projects.statistics(ME, bench.project.id),
        lambda: bench.read_projects.page(ME, None, 10),
    ]
    first = [read() for read in reads]
    assert bench.cache.hits == 0
    assert [read() for read in reads] == first
    assert bench.cache.hits == 3


def test_the_role_is_looked_up_before_the_cache(bench: Bench) -> None:
    bench.read_projects.statistics(ME, bench.project.id)
    bench.listed(ME)
    asked = len(bench.cache.asked)
    for viewer in (a_viewer(STRANGER), YOU):
        with pytest.raises(ProjectNotFoundError):
            bench.read_projects.statistics(viewer, bench.project.id)
        with pytest.raises(ProjectNotFoundError):
            bench.listed(viewer)
        assert bench.read_projects.page(viewer, None, 10).items == ()
    assert len(bench.cache.asked) == asked + 2, "only their own lists of projects were looked up"
    bench.join(MEMBER)
    assert [found.item.id for found in bench.read_projects.page(YOU, None, 10).items] == [bench.project.id]
    assert bench.read_projects.statistics(YOU, bench.project.id) == bench.read_projects.statistics(ME, bench.project.id)
    bench.sharing.remove(bench.project.id, MEMBER, NOW)
    with pytest.raises(ProjectNotFoundError):
        bench.read_projects.statistics(YOU, bench.project.id)
    assert bench.read_projects.page(YOU, None, 10).items == ()


def test_every_write_below_a_project_takes_another_stamp_and_no_other_projects(bench: Bench) -> None:
    image, other = an_image(bench.project), a_project()
    bench.projects.add(other)
    run = a_segmentation(image, status=SegmentationStatus.QUEUED)
    running = replace(run, status=SegmentationStatus.RUNNING, attempt=1, started_at=NOW, alive_at=NOW)
    changed = replace(bench.project, name="other name", version=bench.project.version + 1)
    writes: list[Callable[[], object]] = [
        lambda: bench.images.add_many([image]),
        lambda: bench.runs.add(run),
        lambda: bench.runs.replace(run, running),
        lambda: bench.images.change_many([image.id], lambda found: replace(found, name="renamed.tif")),
        lambda: bench.projects.replace(bench.project, changed),
        lambda: bench.images.delete_many([image.id]),
    ]
    seen, others = [bench.stamps.of_project(ME, bench.project.id)], bench.stamps.of_project(ME, other.id)
    for write in writes:
        write()
        seen.append(bench.stamps.of_project(ME, bench.project.id))
    assert len(set(seen)) == len(seen)
    assert bench.stamps.of_project(ME, other.id) == others


def test_an_image_that_moves_changes_both_projects(bench: Bench) -> None:
    other, image = a_project(), an_image(bench.project)
    bench.projects.add(other)
    bench.images.add_many([image])
    both = (bench.project.id, other.id)
    before = [bench.stamps.of_project(ME, id_) for id_ in both]
    bench.images.change_many([image.id], lambda found: replace(found, project_id=other.id))
    assert all(bench.stamps.of_project(ME, id_) != stamp for id_, stamp in zip(both, before, strict=True))


def test_what_is_done_to_a_project_changes_what_its_people_see(bench: Bench) -> None:
    bench.join(MEMBER)
    people, stranger = (ME, YOU), a_viewer(STRANGER)

    def stamps() -> list[str]:
        return [bench.stamps.of_viewer(viewer) for viewer in people]

    unchanged = bench.stamps.of_viewer(stranger)
    before = stamps()
    bench.projects.replace(bench.project, replace(bench.project, name="other", version=bench.project.version + 1))
    renamed = stamps()
    assert all(one != other for one, other in zip(before, renamed, strict=True))
    bench.sharing.change_role(bench.project.id, MEMBER, Role.EDITOR)
    assert stamps()[1] != renamed[1]
    assert bench.stamps.of_viewer(stranger) == unchanged


def test_what_somebody_read_while_the_role_was_taken_away_is_kept_for_nobody(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is empty for who has no role any more; the owner must not be shown it."""
    bench.images.add_many([an_image(bench.project, name="a.tif")])
    search = PostgresImages.search
    for comes_back in (False, True):
        bench.join(MEMBER)
        before = bench.stamps.of_project(ME, bench.project.id)

        def overtaken(*arguments: Any, comes_back: bool = comes_back, **more: Any) -> Any:
            bench.sharing.remove(bench.project.id, MEMBER, NOW)
            found = search(*arguments, **more)
            if comes_back:
                bench.join(MEMBER)
            return found

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(PostgresImages, "search", overtaken)
            if comes_back:
                bench.listed(YOU)  # empty, as it would be without a cache
            else:
                with pytest.raises(ProjectNotFoundError):
                    bench.listed(YOU)
        assert bench.stamps.of_project(ME, bench.project.id) != before
        assert bench.listed(ME) == bench.listed(ME) == ["a.tif"]


def test_a_cache_that_is_down_or_damaged_costs_time_alone(bench: Bench) -> None:
    bench.images.add_many([an_image(bench.project, name="a.tif")])
    bench.cache.is_down = True
    assert bench.listed(ME) == ["a.tif"]
    bench.cache.is_down = False
    assert bench.listed(ME) == bench.listed(ME) == ["a.tif"]
    for damage in (b"", b"{", b"[1]", b'[{"image": {}}]', b"\xff"):
        bench.cache.damage = damage
        assert bench.listed(ME) == ["a.tif"]


@pytest.fixture(params=["in_process", "valkey"])
def cache(request: pytest.FixtureRequest) -> Iterator[Cache]:
    if request.param == "in_process":
        yield InProcessCache()
        return
    with running_cache() as server:
        connection = connection_to(server)
        yield ValkeyCache(connection)
        connection.close()


def test_under_a_storm_nothing_stale_or_foreign_comes_out(servers: Servers, cache: Cache) -> None:
    """Writers and readers at once, with a standby that lags as it does; each read is held to what was written before it.

    A reader knows what was committed before its read began (as a client that was told by its own writes), and whether
    the other person had a role for all of the read's time.
    """
    servers.empty()
    database = servers.database(with_reader=True)
    bench = Bench(database, Counting(cache), a_project())
    bench.projects.add(bench.project)
    image = an_image(bench.project, name="0")
    bench.images.add_many([image])
    committed, positions = [0], [database.position]
    epoch = [0]  # odd while the member has a role
    begun_at = time.monotonic()
    wrong: list[str] = []
    reads = [0]
    gone: list[str | None] = [None]

    def blows() -> bool:
        lasted_s = time.monotonic() - begun_at
        return lasted_s < STORM_S or (lasted_s < STORM_MAX_S and (reads[0] < READS or bench.cache.hits < 10))

    def let_read(count: int) -> None:
        """Some reads see the same state, as they do when people look at a page, so that some are hits."""
        until = reads[0] + count
        while reads[0] < until and blows():
            time.sleep(0.002)

    def write() -> None:
        number = 0
        while blows():
            number += 1
            name = str(number)
            bench.images.change_many([image.id], lambda found, name=name: replace(found, name=name))  # type: ignore[misc]
            if number % 5 == 0:
                extra = an_image(bench.project, name="999999", created_at=NOW - timedelta(days=1))
                bench.images.add_many([extra])
                bench.images.delete_many([extra.id])
            positions.append(database.position)
            committed.append(number)
            let_read(6)

    def share() -> None:
        while blows():
            bench.join(MEMBER)
            epoch.append(epoch[-1] + 1)
            let_read(10)
            epoch.append(epoch[-1] + 1)  # from here on either answer is right, until it is surely gone
            bench.sharing.remove(bench.project.id, MEMBER, NOW)
            gone.append(database.position)
            epoch.append(epoch[-1] + 2)
            let_read(10)
            epoch.append(epoch[-1] + 1)

    def read_as_owner() -> None:
        while blows():
            known, position = committed[-1], positions[len(committed) - 1]
            viewer = replace(ME, read_after=position)
            names = bench.listed(viewer)
            if int(names[0]) < known:
                wrong.append(f"stale: {names[0]} after {known}")
            statistics = bench.read_projects.statistics(viewer, bench.project.id)
            if sum(statistics.images.values()) not in {1, 2}:
                wrong.append(f"wrong: {statistics}")
            reads[0] += 2

    def read_as_member() -> None:
        while blows():
            before, position = epoch[-1], gone[-1]
            try:
                bench.listed(replace(YOU, read_after=position))
                found = True
            except ProjectNotFoundError:
                found = False
            if before == epoch[-1] and before % 5 == 4 and found:
                wrong.append("foreign: read after the role was gone")
            reads[0] += 1

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(each) for each in (write, share, read_as_owner, read_as_owner, read_as_member)]:
            done.result()
    database.close()
    assert wrong == []
    assert reads[0] >= READS
    assert bench.cache.hits >= 10
