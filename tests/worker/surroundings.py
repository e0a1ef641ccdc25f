"""A worker's real surroundings, PostgreSQL and the emulator, and the worker itself as a process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import numpy as np
import psycopg
import tifffile
from numpy.typing import NDArray

from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.sqs import SqsSegmentationQueue
from spheroseg.domain.image import original_key
from spheroseg.domain.segmentation import Order, Priority, Segmentation, SegmentationStatus
from spheroseg.messages import SegmentationRequested
from spheroseg.model_registry import ModelRegistry
from tests.builders import a_project, a_segmentation, an_id, an_image
from tests.postgres import CREDENTIALS, Servers

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

VISIBILITY_S = 30
RECEIVES = 3
WORKER = (sys.executable, "-m", "segmentation_worker")


def spheroids_tiff(path: Path, side_px: int, *, objects: int = 3, seed: int = 0) -> bytes:
    """A grey 16-bit image of dark discs on a noisy bright ground."""
    chance = np.random.default_rng(seed)
    pixels: NDArray[np.float64] = chance.normal(9000, 250, (side_px, side_px))
    rows, columns = np.ogrid[:side_px, :side_px]
    for number in range(objects):
        x, y = (number + 0.5) * side_px / objects, side_px * chance.uniform(0.3, 0.7)
        radius = side_px / objects * 0.3
        pixels[(columns - x) ** 2 + (rows - y) ** 2 < radius**2] -= 5000
    tifffile.imwrite(path, pixels.clip(0, 65535).astype(np.uint16))
    return path.read_bytes()


@dataclass
class Process:
    """A running worker."""

    child: "subprocess.Popen[bytes]"
    log: Path

    def stop(self, timeout_s: float = 20) -> int:
        """Its exit code after SIGTERM."""
        self.child.terminate()
        return self.child.wait(timeout=timeout_s)

    def kill(self) -> None:
        self.child.kill()
        self.child.wait(timeout=10)

    def lines(self) -> list[dict[str, object]]:
        """Its log lines, those of metrics left out."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if "_aws" not in line]


@dataclass
class Surroundings:
    """A bucket, queues and rows of one test's own."""

    aws: Mapping[str, str]
    servers: Servers
    database: Database
    folder: Path
    processes: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.s3: S3Client = boto3.client("s3")
        self.sqs: SQSClient = boto3.client("sqs")
        self.bucket = f"bucket-{an_id()}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.dead_letters = self._queue("dead")
        arn = self.sqs.get_queue_attributes(QueueUrl=self.dead_letters, AttributeNames=["QueueArn"])["Attributes"]
        redrive = {"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": RECEIVES}
        self.queues = {priority: self._queue(priority) for priority in Priority}
        for url in self.queues.values():
            self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(redrive)})
        self.updates = self._queue("updates")
        secret = {"username": CREDENTIALS.username, "password": CREDENTIALS.password}
        self.secret_arn = boto3.client("secretsmanager").create_secret(
            Name=f"secret-{an_id()}", SecretString=json.dumps(secret)
        )["ARN"]
        self.rows = PostgresSegmentations(self.database)
        self.images = PostgresImages(self.database)
        self.project = a_project()
        PostgresProjects(self.database).add(self.project)
        card = ModelRegistry.packaged().all()[0]
        self.order = Order(model=card.name, model_version=card.version)
        self.queue = SqsSegmentationQueue(self.sqs, self.queues)

    def environment(self, **settings: str) -> dict[str, str]:
        """The whole environment of a worker."""
        server = self.servers.settings()
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            **self.aws,
            "SPHEROSEG_STAGE": "test",
            "SPHEROSEG_DATABASE_WRITER_HOST": server.database_writer_host,
            "SPHEROSEG_DATABASE_WRITER_PORT": str(server.database_writer_port),
            "SPHEROSEG_DATABASE_NAME": server.database_name,
            "SPHEROSEG_DATABASE_SECRET_ARN": self.secret_arn,
            "SPHEROSEG_DATABASE_TLS": "disable",
            "SPHEROSEG_BUCKET": self.bucket,
            "SPHEROSEG_QUEUE_URL_HIGH": self.queues[Priority.HIGH],
            "SPHEROSEG_QUEUE_URL_NORMAL": self.queues[Priority.NORMAL],
            "SPHEROSEG_QUEUE_URL_LOW": self.queues[Priority.LOW],
            "SPHEROSEG_UPDATES_QUEUE_URL": self.updates,
            "SPHEROSEG_SCRATCH_DIR": str(self.folder),
            "SPHEROSEG_HEALTH_FILE": str(self.folder / "progress"),
            "SPHEROSEG_LONG_POLL_S": "2",
            **settings,
        }

    def start(self, command: Sequence[str] = WORKER, folder: Path | None = None, **settings: str) -> Process:
        """A worker as a process; it is killed at the end of the test if it still runs."""
        log = self.folder / f"worker-{len(self.processes)}.log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                list(command),
                env=self.environment(**settings),
                cwd=folder or self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(Process(child, log))
        return self.processes[-1]

    def end(self) -> None:
        for process in self.processes:
            if process.child.poll() is None:
                process.kill()

    def add(self, content: bytes, priority: Priority = Priority.NORMAL, copies: int = 1) -> Segmentation:
        """A queued run of a stored image, and as many messages for it."""
        image = an_image(self.project, order=self.order)
        run = a_segmentation(image)
        self.s3.put_object(Bucket=self.bucket, Key=original_key(image.id), Body=content)
        self.images.add_many([image])
        self.rows.add(run)
        self.queue.send([(priority, SegmentationRequested.of(run))] * copies)
        return run

    def get(self, runs: Sequence[Segmentation]) -> list[Segmentation]:
        """The runs as they stand now."""
        return [self.rows.get(run.id) for run in runs]

    def statuses(self, runs: Sequence[Segmentation]) -> list[SegmentationStatus]:
        return [run.status for run in self.get(runs)]

    def spheroid_rows(self, run: Segmentation) -> int:
        """How many spheroids are stored for a run, whichever attempt stored them."""
        settings = self.servers.settings()
        with psycopg.connect(self.servers.pair.address(settings.database_writer_port)) as connection:
            row = connection.execute("SELECT count(*) FROM spheroids WHERE segmentation_id = %s", (run.id,)).fetchone()
        assert row is not None
        return int(row[0])

    def result_keys(self, run: Segmentation) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"results/{run.id}/")
        return sorted(item["Key"] for item in listed.get("Contents", []))

    def depth(self, url: str) -> tuple[int, int]:
        """Messages that can be received now, and those that are lent out."""
        counts = self.sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        )["Attributes"]
        return int(counts["ApproximateNumberOfMessages"]), int(counts["ApproximateNumberOfMessagesNotVisible"])

    def is_empty(self) -> bool:
        return all(self.depth(url) == (0, 0) for url in self.queues.values())

    def empty(self, within_s: float) -> None:
        """Wait until no message is left. Each look costs the emulator as much as a small image costs the worker."""
        until(self.is_empty, within_s, pause_s=0.3)

    def require_whole(self, runs: Sequence[Segmentation]) -> None:
        """Every run succeeded exactly once: rows, objects and messages say the same."""
        for run in self.get(runs):
            assert run.status is SegmentationStatus.SUCCEEDED
            assert run.result is not None
            assert self.spheroid_rows(run) == run.result.spheroid_count
            kept = [key for key in self.result_keys(run) if key.startswith(f"results/{run.id}/{run.attempt}/")]
            assert len(kept) == 3
        assert self.depth(self.dead_letters) == (0, 0)

    def _queue(self, name: str) -> str:
        attributes: dict[QueueAttributeNameType, str] = {"VisibilityTimeout": str(VISIBILITY_S)}
        return self.sqs.create_queue(QueueName=f"{name}-{an_id()}", Attributes=attributes)["QueueUrl"]


def until(condition: Callable[[], object], seconds: float, pause_s: float = 0.05) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(pause_s)
