"""Lists and gets through the local gateway: 100,000 images must cost what 100 cost."""

import time
from uuid import uuid4

import psycopg
import pytest

from infra_cdk.local.cloud import LocalCloud
from tests.benchmarks.conftest import Record, Sample
from tests.flow.api_user import ApiUser

pytestmark = pytest.mark.benchmark

SMALL, LARGE = 100, 100_000
REQUESTS = 200

COPIES = """
INSERT INTO images
SELECT (jsonb_populate_record(image, jsonb_build_object(
    'id', gen_random_uuid(), 'created_at', image.created_at - number * interval '1 second'))).*
FROM images AS image, generate_series(1, %(copies)s) AS number
WHERE image.id = %(image_id)s
"""


def filled_project(cloud: LocalCloud, user: ApiUser, count: int) -> tuple[str, str]:
    """A project with so many images, and the id of one of them; the rows are copied inside the database."""
    project_id = user.project(f"{count} images")
    image_id = str(user.announce(project_id, ["first.png"])[0]["id"])
    with psycopg.connect(cloud.postgres.address(cloud.state.ports.primary)) as connection:
        connection.execute("SET statement_timeout = 0")
        connection.execute(COPIES, {"copies": count - 1, "image_id": image_id})
        connection.commit()
        connection.autocommit = True
        connection.execute("ANALYZE images")
    return project_id, image_id


def timed(user: ApiUser, path: str) -> Sample:
    for _ in range(20):
        user.get(path)
    sample = Sample()
    for _ in range(REQUESTS):
        begun = time.perf_counter()
        user.get(path)
        sample.seconds.append(time.perf_counter() - begun)
    return sample


def test_lists_and_gets_do_not_grow_with_the_project(cloud: LocalCloud, user: ApiUser, record: Record) -> None:
    small_project, small_image = filled_project(cloud, user, SMALL)
    large_project, large_image = filled_project(cloud, user, LARGE)
    for what, small, large in (
        ("list 50 images", f"/projects/{small_project}/images?limit=50", f"/projects/{large_project}/images?limit=50"),
        ("get an image", f"/images/{small_image}", f"/images/{large_image}"),
    ):
        few, many = timed(user, small), timed(user, large)
        record(f"{what} of {LARGE:,}, p50", many.p50_ms, "ms", f"the same of {SMALL}", few.p50_ms)
        record(f"{what} of {LARGE:,}, p95", many.p95_ms, "ms", f"the same of {SMALL}", few.p95_ms)
    assert user.request("GET", f"/images/{uuid4()}").status_code == 404
