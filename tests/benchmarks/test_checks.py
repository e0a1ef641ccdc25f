"""What is paid with every write and every request: the triggers that count stamps, and the look for a closed account."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from uuid import uuid4

import psycopg
import pytest

from infra_cdk.local.postgres import PostgresPair
from spheroseg.adapters.postgres.account_closings import PostgresAccountClosings
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.segmentation import SegmentationStatus
from tests.benchmarks.conftest import Record, Sample
from tests.builders import OWNER, a_project, a_segmentation, an_image
from tests.postgres import Servers

pytestmark = pytest.mark.benchmark

ROUNDS, BATCH = 1_000, 1_000
EVENTS = {"images": ("insert", "update", "delete"), "segmentations": ("insert", "update", "delete")}


@pytest.fixture(scope="module")
def database(servers: Servers) -> Iterator[Database]:
    servers.empty()
    database = servers.database()
    yield database
    database.close()


def switch_stamps(pair: PostgresPair, action: str) -> None:
    """Let the triggers count, or not."""
    with psycopg.connect(pair.address(pair.primary_port), autocommit=True) as connection:
        for table, events in EVENTS.items():
            for event in events:
                connection.execute(f"ALTER TABLE {table} {action} TRIGGER stamp_{event}")


def taken(work: Callable[[], object], sample: Sample) -> None:
    begun = time.perf_counter()
    work()
    sample.seconds.append(time.perf_counter() - begun)


def test_what_stamps_cost_a_write(servers: Servers, database: Database, record: Record) -> None:
    """Turn about with and without them, so that what else runs falls on both alike."""
    project = a_project()
    PostgresProjects(database).add(project)
    images, runs, names = PostgresImages(database), PostgresSegmentations(database), count()
    image = an_image(project)
    images.add_many([image])
    run = a_segmentation(image, status=SegmentationStatus.RUNNING)
    runs.add(run)
    works: dict[str, Callable[[], object]] = {
        "announce one image": lambda: images.add_many([an_image(project, size_bytes=1)]),
        "rename an image": lambda: images.change_many(
            [image.id], lambda found: replace(found, name=f"{next(names)}.tif")
        ),
        "note that a worker lives": lambda: runs.keep_alive(run, run.queued_at),
        f"announce {BATCH:,} images": lambda: images.add_many([an_image(project, size_bytes=1) for _ in range(BATCH)]),
    }
    for what, work in works.items():
        counted, bare = Sample(), Sample()
        each = 2 if f"{BATCH:,}" in what else 10
        for _ in range(10):
            for action, sample in (("ENABLE", counted), ("DISABLE", bare)):
                switch_stamps(servers.pair, action)
                runs.keep_alive(run, run.queued_at)  # the first statement reads the catalogue anew
                for _ in range(each):
                    taken(work, sample)
        switch_stamps(servers.pair, "ENABLE")
        record(f"{what}, p50", counted.p50_ms, "ms", "without stamps", bare.p50_ms)


def test_what_the_look_for_a_closed_account_costs(database: Database, record: Record) -> None:
    """With every request of somebody who is signed in, over a table of 10,000 closed accounts."""
    database.run(
        "INSERT INTO account_closings (id, user_hash, correlation_id, requested_at, alive_at) "
        "SELECT gen_random_uuid(), md5(number::text), '', now(), now() FROM generate_series(1, 10000) AS number",
        {},
    )
    closings, looked, bare = PostgresAccountClosings(database), Sample(), Sample()
    for _ in range(ROUNDS):
        taken(lambda: closings.is_closed(OWNER), looked)
        taken(lambda: database.latest("SELECT 1 AS one WHERE %(text)s = ''", {"text": str(uuid4())}), bare)
    record("look for a closed account, p50", looked.p50_ms, "ms", "the least statement", bare.p50_ms)
    record("look for a closed account, p95", looked.p95_ms, "ms", "the least statement", bare.p95_ms)
