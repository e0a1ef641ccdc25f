"""The function as Lambda starts it: what it imports, what it reads, what it makes."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from http_api.health import Part
from http_api.settings import Settings
from http_api.wiring import wire
from infra_cdk.local.emulator import EmulatorClients
from spheroseg.errors import UnavailableError

ENVIRONMENT = {
    "SPHEROSEG_STAGE": "local",
    "SPHEROSEG_DATABASE_WRITER_HOST": "127.0.0.1",
    "SPHEROSEG_DATABASE_WRITER_PORT": "1",
    "SPHEROSEG_DATABASE_READER_HOST": "127.0.0.1",
    "SPHEROSEG_DATABASE_READER_PORT": "1",
    "SPHEROSEG_DATABASE_NAME": "spheroseg",
    "SPHEROSEG_DATABASE_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:000000000000:secret:database",
    "SPHEROSEG_DATABASE_TLS": "disable",
    "SPHEROSEG_USER_REQUESTS_PER_S": "50",
    "SPHEROSEG_USER_BURST": "300",
    "SPHEROSEG_ADDRESS_REQUESTS_PER_S": "100",
    "SPHEROSEG_ADDRESS_BURST": "600",
    "SPHEROSEG_CACHE_HOST": "127.0.0.1",
    "SPHEROSEG_CACHE_PORT": "1",
    "SPHEROSEG_CACHE_TLS": "disable",
    "SPHEROSEG_BUCKET": "images",
    "SPHEROSEG_QUEUE_URL_HIGH": "http://127.0.0.1:1/000000000000/high",
    "SPHEROSEG_QUEUE_URL_NORMAL": "http://127.0.0.1:1/000000000000/normal",
    "SPHEROSEG_QUEUE_URL_LOW": "http://127.0.0.1:1/000000000000/low",
    "SPHEROSEG_UPDATES_QUEUE_URL": "http://127.0.0.1:1/000000000000/updates",
    "SPHEROSEG_UPLOADS_QUEUE_URL": "http://127.0.0.1:1/000000000000/uploads",
    **{
        f"SPHEROSEG_DEAD_LETTERS_URL_{name}": "http://127.0.0.1:1/000000000000/dead"
        for name in ("UPLOADS", "HIGH", "NORMAL", "LOW", "UPDATES", "PROJECT_WORK", "EXPORTS")
    },
    "SPHEROSEG_LINKS": "s3",
    "SPHEROSEG_PROJECT_WORK_QUEUE_URL": "https://sqs.invalid/work",
    "SPHEROSEG_EXPORTS_QUEUE_URL": "https://sqs.invalid/exports",
    "SPHEROSEG_USER_POOL_ID": "pool",
    "SPHEROSEG_USER_POOL_CLIENT_ID": "client",
    "SPHEROSEG_SOCKET_URL": "ws://127.0.0.1:1/live",
}
AWS = EmulatorClients("127.0.0.1:1").environment()
HEAVY = ("numpy", "cv2", "PIL", "scipy", "tifffile", "onnxruntime", "sqlalchemy", "alembic")

STARTED = f"""
import json, sys
from http_api.handler import handler
from psycopg_pool import ConnectionPool
heavy = [name for name in {HEAVY!r} if name in sys.modules]
print(json.dumps([heavy, type(ConnectionPool._connect).__name__]))
"""


@pytest.mark.parametrize("without_traces", ["true", "false"])
def test_it_starts_with_nothing_behind_it_and_without_what_others_need(without_traces: str, tmp_path: Path) -> None:
    """Clients are made, nothing is asked: what is down is met by the request that needs it.

    The X-Ray SDK wraps libraries when it finds itself in Lambda; the pool of connections must stay as it is.
    """
    lambda_ = {"LAMBDA_TASK_ROOT": str(tmp_path), "POWERTOOLS_TRACE_DISABLED": without_traces}
    environment = {**ENVIRONMENT, **AWS, **lambda_}
    started = subprocess.run(
        [sys.executable, "-W", "error", "-c", STARTED], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(started.stdout) == [[], "function"]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("value", "has_sign_in"), [("true", True), ("false", False), (None, False)])
def test_only_the_local_stage_has_a_sign_in(aws: None, value: str | None, has_sign_in: bool) -> None:
    environment = ENVIRONMENT | ({"SPHEROSEG_LOCAL_SIGN_IN": value} if value else {})
    assert (wire(Settings.from_env(environment)).sign_in is not None) is has_sign_in


def test_every_part_that_is_down_says_so(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    parts = wire(Settings.from_env(ENVIRONMENT)).parts
    assert [(part.name, part.is_needed) for part in parts] == [
        ("database_writer", True),
        ("database_reader", False),
        ("cache", False),
        ("bucket", True),
        ("segmentation_queues", True),
    ]

    def is_refused(part: Part) -> None:
        with pytest.raises(UnavailableError):
            part.check()

    with ThreadPoolExecutor() as pool:  # a pool of connections waits 5 s for its first
        list(pool.map(is_refused, parts))


def test_links_by_the_cdn_ask_for_their_key_when_the_first_is_needed(aws: None) -> None:
    cdn: dict[str, Any] = {
        "SPHEROSEG_LINKS": "cdn",
        "SPHEROSEG_CDN_DOMAIN": "d111111abcdef8.cloudfront.net",
        "SPHEROSEG_CDN_KEY_PAIR_ID": "K2JCJMDEHXQW5F",
        "SPHEROSEG_CDN_PRIVATE_KEY_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:000000000000:secret:key",
    }
    assert wire(Settings.from_env(ENVIRONMENT | cdn)).socket_url == "ws://127.0.0.1:1/live"
