"""Lists and gets through the local gateway: a million images must cost what a hundred cost; and how much load it bears."""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import psycopg
import pytest

from infra_cdk.config import LOCAL
from infra_cdk.local.cloud import LocalCloud
from spheroseg.adapters.postgres.images import COPIED
from tests.benchmarks.conftest import Record, Sample
from tests.flow.api_user import ApiUser

pytestmark = pytest.mark.benchmark

SIZES = (100, 100_000, 1_000_000)
REQUESTS = 200
LOADS_PER_S, LOAD_S = (25, 50, 100, 200), 10
CONNECTIONS = LOCAL.limits.http_api_concurrency
PARTS = {"_worker.py": "functions", "bin/postgres": "PostgreSQL", "emulator_process": "the emulator"}
"""Part of a local cloud by what its processes' command lines have."""

TOLD = [name for name in COPIED if name not in {"id", "created_at", "stored_at", "name", "status"}]
COPIES = f"""
INSERT INTO images (id, created_at, stored_at, name, status, {", ".join(TOLD)})
SELECT gen_random_uuid(), created_at - number * interval '1 second', created_at, 'w' || number || '.png', 'stored',
    {", ".join(TOLD)}
FROM images, generate_series(%(first)s::integer, %(last)s::integer) AS number WHERE id = %(image_id)s
"""
"""Each a second older than the one before."""
NEVER_SAME = "NEVER_SAME"
"""A time beyond all images in its place, another one each time: a question that is not in the cache."""
AT_ONCE = 50_000
"""Rows of one transaction."""


def filled_project(cloud: LocalCloud, user: ApiUser, count: int) -> tuple[str, str]:
    """A project with so many images, and the id of one of them; the rows are copied inside the database."""
    project_id = user.project(f"{count} images")
    image_id = str(user.announce(project_id, ["first.png"], [1])[0]["id"])
    with psycopg.connect(cloud.postgres.address(cloud.state.ports.primary), autocommit=True) as connection:
        connection.execute("SET statement_timeout = 0")
        connection.execute("UPDATE accounts SET quota_images = %s WHERE user_id = %s", [2 * max(SIZES), user.user_id])
        for first in range(1, count, AT_ONCE):
            last = min(first + AT_ONCE, count) - 1
            connection.execute(COPIES, {"first": first, "last": last, "image_id": image_id})
        connection.execute("VACUUM (ANALYZE) images")
    return project_id, image_id


def timed(user: ApiUser, paths: list[str]) -> list[Sample]:
    """The paths in turn, so that what else runs on the machine falls on all of them alike."""
    samples = [Sample() for _ in paths]
    for number in range(REQUESTS + 20):
        for path, sample in zip(paths, samples, strict=True):
            address = path.replace(NEVER_SAME, f"2100-01-01T00:{number // 60:02}:{number % 60:02}Z")
            begun = time.perf_counter()
            user.get(address)
            if number >= 20:
                sample.seconds.append(time.perf_counter() - begun)
    return samples


def test_lists_and_gets_do_not_grow_with_the_project(cloud: LocalCloud, user: ApiUser, record: Record) -> None:
    filled = [filled_project(cloud, user, size) for size in SIZES]
    of_projects = [f"/projects/{project}/images" for project, _ in filled]
    for what, paths in (
        ("list 50 images, from the cache", [f"{lists}?limit=50" for lists in of_projects]),
        ("list 50 images", [f"{lists}?limit=50&created_before={NEVER_SAME}" for lists in of_projects]),
        ("list 50 by name", [f"{lists}?limit=50&sort=name&created_before={NEVER_SAME}" for lists in of_projects]),
        ("get an image", [f"/images/{image}" for _, image in filled]),
    ):
        few, *more = timed(user, paths)
        for size, many in zip(SIZES[1:], more, strict=True):
            record(f"{what} of {size:,}, p50", many.p50_ms, "ms", f"the same of {SIZES[0]}", few.p50_ms)
            record(f"{what} of {size:,}, p95", many.p95_ms, "ms", f"the same of {SIZES[0]}", few.p95_ms)
    assert user.request("GET", f"/images/{uuid4()}").status_code == 404


def processor_seconds(data_dir: Path) -> dict[str, float]:
    """Processor time so far of what runs for a local cloud, by part; what ended since is not in it."""
    spent = dict.fromkeys(PARTS.values(), 0.0)
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            lines = [" ".join(each.cmdline()) for each in (process, *process.parents())]
            of_cloud = [line for line in lines if str(data_dir) in line]
            part = next((name for line in of_cloud for mark, name in PARTS.items() if mark in line), None)
            if part is not None:
                times = process.cpu_times()
                spent[part] += times.user + times.system
    return spent


def test_the_gateway_bears_a_steady_load(cloud: LocalCloud, user: ApiUser, record: Record) -> None:
    """Requests leave when they are due, not when the one before is back: waiting in line counts as waiting."""
    path = f"{cloud.api_url}/v1/projects/{user.project('Load')}"
    headers = {"Authorization": f"Bearer {user.token}"}

    async def load(per_s: int, seconds: float) -> tuple[Sample, Counter[int], float]:
        sample, statuses = Sample(), Counter[int]()
        limits = httpx.Limits(max_connections=CONNECTIONS)
        async with httpx.AsyncClient(headers=headers, limits=limits, timeout=120) as client:
            begun, dues = time.perf_counter(), (number / per_s for number in range(int(per_s * seconds)))

            async def one_connection() -> None:
                for due in dues:  # which all connections take from
                    await asyncio.sleep(max(0, begun + due - time.perf_counter()))
                    status = (await client.get(path)).status_code
                    sample.seconds.append(time.perf_counter() - begun - due)
                    statuses[status] += 1

            await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
            return sample, statuses, time.perf_counter() - begun

    asyncio.run(load(10 * CONNECTIONS, 1))  # each process of the function starts when it is first needed: it starts now
    for per_s in LOADS_PER_S:
        before = {"the client": time.process_time(), **processor_seconds(cloud.data_dir)}
        sample, statuses, took = asyncio.run(load(per_s, LOAD_S))
        after = {"the client": time.process_time(), **processor_seconds(cloud.data_dir)}
        assert set(statuses) == {200}, statuses
        what = f"one project at {per_s} requests/s through the gateway"
        record(f"{what}, p50", sample.p50_ms, "ms", "goal at 200/s", 25.0)
        record(f"{what}, p95", sample.p95_ms, "ms", "goal at 200/s", 25.0)
        record(f"{what}, served", statuses[200] / took, "1/s", "asked for", float(per_s))
        for part, spent in before.items():
            spent_ms = 1000 * (after[part] - spent) / statuses[200]
            record(f"{what}, processor time of {part}", spent_ms, "ms", "what two cores have", 2000 / per_s)
