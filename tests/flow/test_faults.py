"""What breaks on the way of an image, and that nothing is lost or done twice.

What takes half a minute because a message is lent for that long is begun first and judged last: it waits beside others.
"""

import io
import json
import os
import secrets
import signal
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image

from http_api.idempotency import HEADER, REPLAYED
from infra_cdk.config import LOCAL
from infra_cdk.local.cloud import LocalCloud
from tests.events import object_created
from tests.flow.api_user import ApiUser, eventually

pytestmark = pytest.mark.flow

AT_ONCE = LOCAL.limits.http_api_concurrency
"""Each request at a time takes a process of its own, which the emulator starts when it is first needed."""
BAD_IMAGES = Path(__file__).parents[3] / "shared" / "bad_images"


def a_slow_image(sample: bytes) -> bytes:
    """The sample many times side by side: as PNG small to send, yet seconds of work."""
    tile = np.asarray(Image.open(io.BytesIO(sample)).convert("L"))
    content = io.BytesIO()
    Image.fromarray(np.tile(tile, (6, 6))).save(content, "PNG", compress_level=1)
    return content.getvalue()


def result_prefixes(cloud: LocalCloud, segmentation_id: str) -> set[str]:
    """The attempts that left objects in the bucket."""
    listed = cloud.clients.s3.list_objects_v2(Bucket=cloud.outputs["BucketName"], Prefix=f"results/{segmentation_id}/")
    return {found["Key"].split("/")[2] for found in listed.get("Contents", [])}


@dataclass(frozen=True)
class Outage:
    """What happened while the database was gone.

    Args:
        image_ids: Images whose files arrived in that time.
        refused: The answer to somebody who asked in that time.
    """

    image_ids: Sequence[str]
    refused: httpx.Response


@pytest.fixture(scope="module")
def outage(cloud: LocalCloud, user: ApiUser, sample: bytes) -> Outage:
    """The database was gone for a while, and answers again."""
    project_id = user.project()
    announced = user.announce(project_id, [f"{number}.png" for number in range(4)])
    cloud.postgres.stop_primary()
    try:
        for item in announced:
            assert user.send(item, sample).status_code == 204
        refused = user.request("POST", "/projects", {"name": "Not now"})
        time.sleep(8)  # all that waits for the database has tried by then
    finally:
        cloud.postgres.start_primary()
    eventually(lambda: user.request("GET", "/projects").is_success or None)
    return Outage([item["id"] for item in announced], refused)


@pytest.fixture(scope="module")
def interrupted(cloud: LocalCloud, user: ApiUser, sample: bytes) -> dict[str, Any]:
    """The run that a worker was at when it was killed; another worker is there."""
    image_id = user.upload(user.project(), "slow.png", a_slow_image(sample))

    def running() -> dict[str, Any] | None:
        run = user.get(f"/images/{image_id}")["segmentation"]
        return dict(run) if run and run["status"] == "running" else None

    run = eventually(running, pause_s=0.02)
    killed = cloud.state.children["worker"].pid
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: cloud.state.children["worker"].pid != killed or None)
    return run


@pytest.mark.usefixtures("outage", "interrupted")
def test_the_same_event_five_times_gives_one_result(cloud: LocalCloud, user: ApiUser, sample: bytes) -> None:
    image_id = user.upload(user.project(), "a.png", sample)
    key = f"originals/{image_id}"
    s3, sqs = cloud.clients.s3, cloud.clients.sqs
    head = s3.head_object(Bucket=cloud.outputs["BucketName"], Key=key)
    body = object_created(key, head["ETag"].strip('"'), head["ContentLength"])
    for _ in range(5):
        sqs.send_message(QueueUrl=cloud.outputs["UploadsQueueUrl"], MessageBody=body)

    run = user.settled(image_id)
    time.sleep(2)

    assert run["status"] == "succeeded"
    runs = user.get(f"/images/{image_id}/segmentations")["items"]
    assert [(again["id"], again["attempt"], again["status"]) for again in runs] == [(run["id"], 1, "succeeded")]
    assert result_prefixes(cloud, run["id"]) == {"1"}


def test_fifty_equal_requests_at_once_make_one_project(cloud: LocalCloud, user: ApiUser) -> None:
    """Through the gateway, as many at a time as it serves; each asks until it is told what was made."""
    name = f"once-{secrets.token_hex(4)}"
    headers = {"Authorization": f"Bearer {user.token}", HEADER: name}
    limits = httpx.Limits(max_connections=AT_ONCE)
    with httpx.Client(headers=headers, limits=limits, timeout=120) as http, ThreadPoolExecutor(50) as pool:

        def ask(_: int) -> httpx.Response:
            while True:
                answer = http.post(f"{cloud.api_url}/v1/projects", json={"name": name})
                if answer.status_code != 409:
                    return answer
                assert answer.json()["code"] == "request-under-way"
                time.sleep(float(answer.headers["Retry-After"]))

        answers = list(pool.map(ask, range(50)))
    assert {answer.status_code for answer in answers} == {201}, {answer.text for answer in answers}
    assert len({answer.content for answer in answers}) == 1
    assert sum(REPLAYED in answer.headers for answer in answers) == 49
    assert [project["name"] for project in user.get("/projects?limit=200")["items"]].count(name) == 1


def test_a_cancelled_run_writes_nothing(cloud: LocalCloud, user: ApiUser, sample: bytes) -> None:
    image_id = user.upload(user.project(), "slow.png", a_slow_image(sample))

    def begun() -> str | None:
        run = user.get(f"/images/{image_id}")["segmentation"]
        return str(run["id"]) if run else None

    segmentation_id = eventually(begun, pause_s=0.02)
    assert user.post(f"/segmentations/{segmentation_id}/cancel")["status"] == "cancelled"

    again = user.post(f"/images/{image_id}/segmentations", {})
    assert again["id"] != segmentation_id
    assert user.settled(image_id)["status"] == "succeeded"

    # It was begun before the second, and would have taken as long.
    assert user.get(f"/segmentations/{segmentation_id}")["status"] == "cancelled"
    assert result_prefixes(cloud, segmentation_id) == set()


def test_a_dead_letter_becomes_a_failure_that_its_owner_sees(cloud: LocalCloud, user: ApiUser, sample: bytes) -> None:
    (announced,) = user.announce(user.project(), ["a.png"])
    cloud.clients.sqs.send_message(
        QueueUrl=cloud.outputs["UploadsDeadLettersUrl"], MessageBody=object_created(f"originals/{announced['id']}")
    )

    image = user.settled(announced["id"])

    assert (image["status"], image["failure"]["code"]) == ("refused", "upload-not-accepted")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"not an image at all", "undecodable-image"),
        (b"", "empty-upload"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 100, "undecodable-image"),
    ],
    ids=["garbage", "empty", "damaged"],
)
def test_a_bad_file_ends_with_a_reason(user: ApiUser, content: bytes, code: str) -> None:
    (announced,) = user.announce(user.project(), ["bad.png"])
    sent = user.send(announced, content)
    if not content:
        assert sent.status_code == 400  # the form takes 1 byte at least
        return
    settled = user.settled(announced["id"])
    assert settled["failure"]["code"] == code


def test_every_malformed_file_ends_clearly_and_the_worker_lives(cloud: LocalCloud, user: ApiUser) -> None:
    if not BAD_IMAGES.is_dir():
        pytest.skip(f"{BAD_IMAGES} is not here: the malformed images are not part of the repository")
    manifest = json.loads((BAD_IMAGES / "manifest.json").read_text())
    paths = [BAD_IMAGES / entry["file"] for entry in manifest if (BAD_IMAGES / entry["file"]).stat().st_size]
    worker = cloud.state.children["worker"].pid
    sizes = [path.stat().st_size for path in paths]
    announced = user.announce(user.project("Malformed"), [path.name for path in paths], sizes)
    for item, path in zip(announced, paths, strict=True):
        assert user.send(item, path.read_bytes()).status_code == 204

    settled = {path.name: user.settled(item["id"], 240) for item, path in zip(announced, paths, strict=True)}

    unclear = {
        name: run
        for name, run in settled.items()
        if run["status"] != "succeeded" and (run["failure"] is None or run["failure"]["code"] == "retries-exhausted")
    }
    assert unclear == {}
    assert all(run["attempt"] == 1 for run in settled.values())
    assert cloud.state.children["worker"].pid == worker
    assert psutil.pid_exists(worker)


def test_a_killed_worker_is_replaced_and_nothing_is_done_twice(
    cloud: LocalCloud, user: ApiUser, interrupted: dict[str, Any]
) -> None:
    run = user.settled(interrupted["image_id"], timeout_s=120)

    assert (run["id"], run["status"], run["attempt"]) == (interrupted["id"], "succeeded", 2)
    assert len(user.get(f"/images/{interrupted['image_id']}/segmentations")["items"]) == 1
    assert result_prefixes(cloud, run["id"]) == {"2"}


def test_a_database_that_is_gone_for_a_while_loses_nothing(user: ApiUser, outage: Outage) -> None:
    assert (outage.refused.status_code, outage.refused.json()["type"]) == (503, "/problems/database-unavailable")

    runs = [user.settled(image_id, timeout_s=150) for image_id in outage.image_ids]

    assert {run["status"] for run in runs} == {"succeeded"}
    assert all(len(user.get(f"/images/{image_id}/segmentations")["items"]) == 1 for image_id in outage.image_ids)
