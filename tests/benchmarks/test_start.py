"""How long the local cloud takes to start: from nothing, and again."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra_cdk.local.cloud import start_local_cloud
from infra_cdk.local.processes import free_ports
from tests.benchmarks.conftest import Record

pytestmark = pytest.mark.benchmark


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="spheroseg-start-"))
    made.chmod(0o755)
    monkeypatch.setenv("SPHEROSEG_CACHE_DIR", str(made / "cache"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def started_in(folder: Path, port: int) -> float:
    begun = time.perf_counter()
    with start_local_cloud(folder / "data", port):
        return time.perf_counter() - begun


def test_up_cold_and_warm(folder: Path, record: Record) -> None:
    (port,) = free_ports(1)
    cold = started_in(folder, port)
    record("up, cold (nothing synthesised, no data)", cold, "s", "the same", cold)
    record("up, warm (synthesis cached, data there)", started_in(folder, port), "s", "up, cold", cold)
