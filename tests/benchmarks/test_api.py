"""Lists and gets through the local gateway: a million images must cost what a hundred cost; and how much load it bears."""

import asyncio
import time
from uuid import uuid4

import httpx
import psycopg
import pytest

from infra_cdk.local.cloud import LocalCloud
from tests.benchmarks.conftest import Record, Sample
from tests.flow.api_user import ApiUser

pytestmark = pytest.mark.benchmark

SIZES = (100, 100_000, 1_000_000)
REQUESTS = 200
LOAD_PER_S, LOAD_S, CONNECTIONS = 200, 10, 16

COPIES = """
INSERT INTO images
SELECT (jsonb_populate_record(image, jsonb_build_object(
    'id', gen_random_uuid(), 'created_at', image.created_at - number * interval '1 second'))).*
FROM images AS image, generate_series(%(first)s, %(last)s) AS number
WHERE image.id = %(image_id)s
"""
AT_ONCE = 50_000
"""Rows of one transaction."""


def filled_project(cloud: LocalCloud, user: ApiUser, count: int) -> tuple[str, str]:
    """A project with so many images, and the id of one of them; the rows are copied inside the database."""
    project_id = user.project(f"{count} images")
    image_id = str(user.announce(project_id, ["first.png"], [1])[0]["id"])
    with psycopg.connect(cloud.postgres.address(cloud.state.ports.primary), autocommit=True) as connection:
        connection.execute("SET statement_timeout = 0")
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
            begun = time.perf_counter()
            user.get(path)
            if number >= 20:
                sample.seconds.append(time.perf_counter() - begun)
    return samples


def test_lists_and_gets_do_not_grow_with_the_project(cloud: LocalCloud, user: ApiUser, record: Record) -> None:
    filled = [filled_project(cloud, user, size) for size in SIZES]
    for what, paths in (
        ("list 50 images", [f"/projects/{project}/images?limit=50" for project, _ in filled]),
        ("list 50 by name", [f"/projects/{project}/images?limit=50&sort=name" for project, _ in filled]),
        ("get an image", [f"/images/{image}" for _, image in filled]),
    ):
        few, *more = timed(user, paths)
        for size, many in zip(SIZES[1:], more, strict=True):
            record(f"{what} of {size:,}, p50", many.p50_ms, "ms", f"the same of {SIZES[0]}", few.p50_ms)
            record(f"{what} of {size:,}, p95", many.p95_ms, "ms", f"the same of {SIZES[0]}", few.p95_ms)
    assert user.request("GET", f"/images/{uuid4()}").status_code == 404


def test_the_gateway_bears_a_steady_load(cloud: LocalCloud, user: ApiUser, record: Record) -> None:
    """Requests leave when they are due, not when the one before is back: waiting in line counts as waiting."""
    project_id = user.project("Load")
    path = f"{cloud.api_url}/v1/projects/{project_id}"
    headers = {"Authorization": f"Bearer {user.token}"}

    async def load(per_s: int, seconds: float) -> tuple[Sample, dict[int, int], float]:
        sample, statuses = Sample(), dict[int, int]()
        limits = httpx.Limits(max_connections=CONNECTIONS)
        async with httpx.AsyncClient(headers=headers, limits=limits, timeout=60) as client:
            begun = time.perf_counter()

            async def one(due: float) -> None:
                await asyncio.sleep(max(0, begun + due - time.perf_counter()))
                status = (await client.get(path)).status_code
                sample.seconds.append(time.perf_counter() - begun - due)
                statuses[status] = statuses.get(status, 0) + 1

            await asyncio.gather(*(one(number / per_s) for number in range(int(per_s * seconds))))
            return sample, statuses, time.perf_counter() - begun

    asyncio.run(load(20, 2))  # what starts up starts now
    sample, statuses, took = asyncio.run(load(LOAD_PER_S, LOAD_S))
    served = statuses.get(200, 0)
    record(f"one project at {LOAD_PER_S} requests/s through the gateway, p50", sample.p50_ms, "ms", "goal", 25.0)
    record(f"one project at {LOAD_PER_S} requests/s through the gateway, p95", sample.p95_ms, "ms", "goal", 25.0)
    record("requests served", served / took, "1/s", "asked for", float(LOAD_PER_S))
    assert not {status for status in statuses if status >= 500}, statuses
