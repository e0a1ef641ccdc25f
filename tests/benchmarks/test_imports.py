"""How long each function takes to import, against the bare interpreter: what a cold start pays before its first line."""

import os
import subprocess
import sys
import time

import pytest

from tests.benchmarks.conftest import Record, Sample

pytestmark = pytest.mark.benchmark

FUNCTIONS = (
    "http_api",
    "accept_upload",
    "requeue_stalled",
    "dead_letters",
    "migrate_database",
    "watch_updates",
    "work_on_projects",
    "push_updates",
)
RUNS = 7


def started(code: str) -> Sample:
    sample = Sample()
    keeps_bytecode = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    # Elsewhere than in Lambda the X-Ray SDK makes a client of its own while it is imported.
    in_lambda = keeps_bytecode | {"LAMBDA_TASK_ROOT": "/var/task"}
    for _ in range(RUNS + 1):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=in_lambda)
        sample.seconds.append(time.perf_counter() - begun)
    sample.seconds = sample.seconds[1:]  # the first wrote bytecode and warmed the disk
    return sample


@pytest.mark.parametrize("function", FUNCTIONS)
def test_import_time(function: str, record: Record) -> None:
    bare = started("import boto3")
    whole = started(f"import {function}.entry, {function}.wiring, {function}.settings")
    record(f"import of {function}, p50", whole.p50_ms, "ms", "import boto3", bare.p50_ms)
