"""The worker's keeper: it starts a worker again, and ends it for good."""

import os
import threading
import time
from pathlib import Path

import psutil
import pytest

from infra_cdk.local.worker import Worker

STEADY = "import time\ntime.sleep(60)\n"


class Starts:
    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []
        self._more = threading.Condition()

    def __call__(self, pid: int, earlier: int) -> None:
        with self._more:
            self.seen.append((pid, earlier))
            self._more.notify()

    def wait_for(self, count: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.seen) >= count, timeout=10)


def worker(tmp_path: Path, code: str, starts: Starts) -> Worker:
    (tmp_path / "stand_in_worker.py").write_text(code)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    return Worker(tmp_path / "worker", environment, starts, module="stand_in_worker")


def test_a_killed_worker_is_started_again(tmp_path: Path) -> None:
    starts = Starts()
    kept = worker(tmp_path, STEADY, starts)
    kept.start()
    try:
        assert kept.pid
        psutil.Process(kept.pid).kill()
        starts.wait_for(2)
        assert [earlier for _, earlier in starts.seen] == [0, 1]
        assert starts.seen[0][0] != starts.seen[1][0] == kept.pid
    finally:
        kept.stop()


def test_one_that_cannot_start_is_tried_ever_more_slowly(tmp_path: Path) -> None:
    starts = Starts()
    kept = worker(tmp_path, "raise SystemExit('no model')", starts)
    began = time.monotonic()
    kept.start()
    starts.wait_for(3)
    took = time.monotonic() - began
    kept.stop()
    assert took >= 0.5 + 1.0
    assert "no model" in kept.log.read_text()


def test_a_stopped_one_stays_stopped(tmp_path: Path) -> None:
    starts = Starts()
    kept = worker(tmp_path, STEADY, starts)
    kept.start()
    pid = kept.pid
    kept.stop()
    time.sleep(0.8)
    assert kept.pid is None
    assert len(starts.seen) == 1
    assert pid
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize(
    "code", ["import signal, time\nsignal.signal(15, lambda *_: exit(0))\ntime.sleep(60)\n", STEADY]
)
def test_a_worker_whose_starter_dies_is_asked_to_end(tmp_path: Path, code: str) -> None:
    starts = Starts()
    kept = worker(tmp_path, code, starts)
    kept.start()
    assert kept._child
    assert kept._child.stdin
    kept._stopping.set()
    kept._child.stdin.close()
    assert kept._child.wait(timeout=10) in (0, -15)
    kept.stop()
