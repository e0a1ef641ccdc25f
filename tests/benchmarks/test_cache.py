"""A day's reads and writes replayed over PostgreSQL, with a cache before it and without, in the same run."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from spheroseg.adapters.hot_reads import CachedHotReads
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.postgres.stamps import PostgresStamps
from spheroseg.adapters.postgres.statistics import PostgresProjectStatistics
from spheroseg.adapters.valkey import ValkeyCache
from spheroseg.domain.image_list import ImageQuery
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.ports import Cache
from spheroseg.use_cases.read_images import ReadImages
from spheroseg.use_cases.read_projects import ReadProjects
from tests.benchmarks.conftest import Record, Sample
from tests.builders import a_project, a_segmentation, a_spheroid, a_viewer, an_image
from tests.postgres import Servers
from tests.valkey import connection_to, running_cache

pytestmark = pytest.mark.benchmark

PEOPLE, PROJECTS_EACH, IMAGES_EACH = 10, 4, 200
VISITS, READS_A_VISIT, SEED = 60, 30, 7
UPLOADS_IN = 0.15
"""Of the visits: in those, ten images come one after the other while the page is looked at."""
STATISTICS_IMAGES = 3_000


@dataclass
class Counted:
    inner: Cache
    hits: int = 0
    misses: int = 0
    keys: set[str] = field(default_factory=set)

    def get(self, key: str) -> bytes | None:
        found = self.inner.get(key)
        self.hits += found is not None
        self.misses += found is None
        return found

    def put(self, key: str, value: bytes, lifetime_s: int) -> None:
        self.inner.put(key, value, lifetime_s)


@dataclass
class Service:
    """The use cases behind the hot routes, with a cache or without."""

    read_projects: ReadProjects
    read_images: ReadImages


@pytest.fixture(scope="module")
def database(servers: Servers) -> Iterator[Database]:
    servers.empty()
    database = servers.database()
    yield database
    database.close()


def services(database: Database, cache: Cache) -> tuple[Service, Service]:
    projects, images, runs = PostgresProjects(database), PostgresImages(database), PostgresSegmentations(database)
    plain = Service(ReadProjects(projects, PostgresProjectStatistics(database)), ReadImages(projects, images, runs))
    hot = CachedHotReads(PostgresStamps(database), cache)
    return Service(replace(plain.read_projects, hot=hot), replace(plain.read_images, hot=hot)), plain


def test_a_replay_of_visits(database: Database, record: Record) -> None:
    """A visit: one's projects, then one of them again and again: its counts and its images, in one of two orders."""
    chance = random.Random(SEED)
    images = PostgresImages(database)
    owned: dict[str, list[Project]] = {}
    for number in range(PEOPLE):
        owner = f"person-{number}"
        owned[owner] = [a_project(owner_id=owner) for _ in range(PROJECTS_EACH)]
        for project in owned[owner]:
            PostgresProjects(database).add(project)
            images.add_many([an_image(project) for _ in range(IMAGES_EACH)])
    with running_cache() as server:
        connection = connection_to(server)
        cache = Counted(ValkeyCache(connection))
        cached, plain = services(database, cache)
        with_cache, without = Sample(), Sample()
        for _ in range(VISITS):
            owner = f"person-{min(int(chance.expovariate(0.4)), PEOPLE - 1)}"
            viewer, project = a_viewer(owner), chance.choice(owned[owner])
            comes = set(chance.sample(range(READS_A_VISIT), 10)) if chance.random() < UPLOADS_IN else set()
            for step in range(READS_A_VISIT):
                if step in comes:
                    images.add_many([an_image(project)])
                kind = chance.choices(("projects", "statistics", "images", "by name"), (2, 4, 6, 1))[0]
                for service, sample in ((cached, with_cache), (plain, without)):
                    begun = time.perf_counter()
                    if kind == "projects":
                        service.read_projects.page(viewer, None, 50)
                    elif kind == "statistics":
                        service.read_projects.statistics(viewer, project.id)
                    else:
                        name = "A1" if kind == "by name" else None
                        service.read_images.search(viewer, project.id, ImageQuery(name=name), None, 50)
                    sample.seconds.append(time.perf_counter() - begun)
        connection.close()
    rate = cache.hits / (cache.hits + cache.misses)
    record("hits of a replay of visits", 100 * rate, "%", "goal", 90.0)
    record("a read of the replay with the cache, p50", with_cache.p50_ms, "ms", "without it, p50", without.p50_ms)
    record("a read of the replay with the cache, p95", with_cache.p95_ms, "ms", "without it, p95", without.p95_ms)
    assert rate >= 0.9


def test_statistics_of_a_large_project(database: Database, record: Record) -> None:
    project = a_project()
    PostgresProjects(database).add(project)
    batch = [an_image(project) for _ in range(STATISTICS_IMAGES)]
    PostgresImages(database).add_many(batch)
    runs = PostgresSegmentations(database)
    for image in batch[:50]:
        running = a_segmentation(image, status=SegmentationStatus.RUNNING)
        runs.add(running)
        done = a_segmentation(image, status=SegmentationStatus.SUCCEEDED, queued_at=running.queued_at)
        runs.finish(running, done, [a_spheroid()])
    with running_cache() as server:
        connection = connection_to(server)
        cached, plain = services(database, ValkeyCache(connection))
        viewer = a_viewer()
        with_cache, without = Sample(), Sample()
        for _ in range(50):
            for service, sample in ((cached, with_cache), (plain, without)):
                begun = time.perf_counter()
                service.read_projects.statistics(viewer, project.id)
                sample.seconds.append(time.perf_counter() - begun)
        connection.close()
    what = f"statistics of {STATISTICS_IMAGES:,} images"
    record(f"{what}, with the cache, p50", with_cache.p50_ms, "ms", "without it, p50", without.p50_ms)
