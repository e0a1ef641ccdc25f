"""The way of one image by stage, of many images together, and the worker against the bare model."""

import io
import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from statistics import median

import numpy as np
import pytest
from PIL import Image
from websockets.sync.client import ClientConnection, connect

from infra_cdk.local.cloud import LocalCloud
from tests.benchmarks.baselines import bare_runs
from tests.benchmarks.conftest import Record
from tests.flow.api_user import ApiUser, eventually
from tests.flow.conftest import SAMPLES

pytestmark = pytest.mark.benchmark

SINGLE_IMAGES = 15
MANY_IMAGES = 100


@pytest.fixture(scope="module")
def sample() -> bytes:
    return (SAMPLES / "spheroids-1.png").read_bytes()


@pytest.fixture
def watched(cloud: LocalCloud, user: ApiUser) -> Iterator[ClientConnection]:
    ticket = user.post("/socket-tickets")
    with connect(ticket["url"]) as socket:
        yield socket


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def pushed(socket: ClientConnection, image_id: str) -> float:
    """When the socket heard that the image's run succeeded."""
    while True:
        update = json.loads(socket.recv(timeout=60))
        if update["image_id"] == image_id and update["status"] == "succeeded":
            return time.time()


def test_one_image_by_stage(user: ApiUser, watched: ClientConnection, sample: bytes, record: Record) -> None:
    project_id = user.project("By stage")
    stages: dict[str, list[float]] = {}
    for number in range(SINGLE_IMAGES + 2):
        begun = time.time()
        (announced,) = user.announce(project_id, [f"{number}.png"])
        user.send(announced, sample)
        sent = time.time()
        heard = pushed(watched, announced["id"])
        image = user.get(f"/images/{announced['id']}")
        run = image["segmentation"]
        spent = {
            "announce and upload": sent - begun,
            "event to queue": moment(run["queued_at"]) - sent,
            "queue to worker": moment(run["started_at"]) - moment(run["queued_at"]),
            **run["result"]["stages_s"],
            "notify": heard - moment(run["finished_at"]),
            "whole": heard - begun,
        }
        if number >= 2:  # the first ones start processes
            for stage, seconds in spent.items():
                stages.setdefault(stage, []).append(1000 * seconds)
    whole = median(stages["whole"])
    for stage, milliseconds in stages.items():
        record(f"one image, {stage}, p50", median(milliseconds), "ms", "one image, whole, p50", whole)


def bare_rate(sample: bytes, threads: int) -> float:
    """Images that the model's session alone gets through in a second, prepared and waiting in memory."""
    run = bare_runs(np.asarray(Image.open(io.BytesIO(sample)).convert("L")), threads)
    begun = time.perf_counter()
    for _ in range(MANY_IMAGES):
        run()
    return MANY_IMAGES / (time.perf_counter() - begun)


def test_many_images_against_the_bare_model(user: ApiUser, sample: bytes, record: Record) -> None:
    cores = os.cpu_count() or 1
    baselines = {
        "bare ONNX session, same image, 1 thread": bare_rate(sample, 1),
        f"bare ONNX session, same image, all {cores} cores": bare_rate(sample, cores),
    }
    project_id = user.project("Many")
    begun = time.time()
    announced = user.announce(project_id, [f"{number}.png" for number in range(MANY_IMAGES)])
    for item in announced:
        user.send(item, sample)
    runs = [user.settled(item["id"], 300) for item in announced]
    assert {run["status"] for run in runs} == {"succeeded"}
    ended = max(moment(run["finished_at"]) for run in runs)
    worked = ended - min(moment(run["started_at"]) for run in runs)
    for baseline, bare in baselines.items():
        record("whole local path, upload to last result", MANY_IMAGES / (ended - begun), "images/s", baseline, bare)
        record("worker, while uploads go on", MANY_IMAGES / worked, "images/s", baseline, bare)

    for item in announced:
        user.post(f"/images/{item['id']}/segmentations", {"parameters": {"threshold": 0.51}, "priority": "low"})
    asked = time.time()

    def done() -> bool | None:
        queue = user.get("/queue")
        return True if queue["queued"] + queue["running"] == 0 else None

    eventually(done, 300, pause_s=2)  # asking more often would cost the worker its processor
    ended_at = [moment(user.get(f"/images/{item['id']}")["segmentation"]["finished_at"]) for item in announced]
    undisturbed = [at for at in ended_at if at > asked]
    assert len(undisturbed) > MANY_IMAGES / 3
    rate = len(undisturbed) / (max(undisturbed) - asked)
    for baseline, bare in baselines.items():
        record("worker, with nothing else to do on the machine", rate, "images/s", baseline, bare)
