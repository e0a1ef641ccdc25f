"""Who starts and stops the local cloud when several commands use it; the cloud itself is a few files here."""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spheroseg_client import local
from spheroseg_client.errors import LocalCloudError
from spheroseg_client.local import LocalClouds

Spawned = multiprocessing.get_context("spawn")


class StandInError(Exception):
    """What the real one raises for all its faults."""


class StandInAlreadyRunningError(StandInError):
    """What the real one raises when another process runs it."""


@dataclass
class StandIn:
    """The functions of ``infra_cdk.local.cloud`` over a folder: ``lock`` while one runs, ``ready`` once it can be used."""

    folder: Path
    start_s: float = 0.3
    LocalCloudError = StandInError
    AlreadyRunningError = StandInAlreadyRunningError

    def read_status(self, data_dir: Path) -> SimpleNamespace:
        return SimpleNamespace(data_dir=self.folder, running=(self.folder / "ready").exists())

    def find_running(self, data_dir: Path) -> "StandIn | None":
        return self if (self.folder / "ready").exists() else None

    def start_local_cloud(self, data_dir: Path, port: int | None, report: Callable[[str], None]) -> "StandIn":
        try:
            (self.folder / "lock").touch(exist_ok=False)
        except FileExistsError:
            raise StandInAlreadyRunningError("It runs already") from None
        self.note("start")
        time.sleep(self.start_s)
        (self.folder / "ready").touch()
        return self

    def stop(self) -> None:
        self.note("stop")
        for name in ("ready", "lock"):
            (self.folder / name).unlink()

    def note(self, line: str) -> None:
        with (self.folder / "log").open("a") as stream:
            stream.write(line + "\n")

    @property
    def log(self) -> list[str]:
        return (self.folder / "log").read_text().split()


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    stand_in = StandIn(folder)
    monkeypatch.setattr(local, "_imported", lambda: stand_in)
    return stand_in


def use(folder: Path, name: str, until: str = "", for_s: float = 0.0) -> None:
    """A command: it stays until that line stands in the log, and some time longer."""
    stand_in = StandIn(folder)
    local._imported = lambda: stand_in
    with LocalClouds(folder).used(None, lambda _: None) as found:
        assert isinstance(found, StandIn)
        stand_in.note(f"{name}-begins")
        deadline = time.monotonic() + 30
        while until and until not in stand_in.log:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(for_s)
        assert (folder / "ready").exists(), "it was stopped under our feet"
        stand_in.note(f"{name}-ends")


def in_process(*arguments: Any) -> Any:
    process = Spawned.Process(target=use, args=arguments)
    process.start()
    return process


def test_a_cloud_that_was_started_is_stopped_again(cloud: StandIn) -> None:
    use(cloud.folder, "a")
    assert cloud.log == ["start", "a-begins", "a-ends", "stop"]


def test_a_cloud_that_ran_before_goes_on_running(cloud: StandIn) -> None:
    (cloud.folder / "ready").touch()
    use(cloud.folder, "a")
    assert cloud.log == ["a-begins", "a-ends"]


def test_whoever_started_it_waits_for_the_others(cloud: StandIn) -> None:
    first = in_process(cloud.folder, "first", "second-begins")
    while not (cloud.folder / "ready").exists():
        time.sleep(0.01)
        assert first.is_alive()
    second = in_process(cloud.folder, "second", "first-ends", 1.0)
    for process in (first, second):
        process.join(timeout=30)
        assert process.exitcode == 0
    assert cloud.log.count("start") == cloud.log.count("stop") == 1
    assert cloud.log[-2:] == ["second-ends", "stop"]


def test_two_that_begin_at_once_start_one_cloud(cloud: StandIn) -> None:
    processes = [in_process(cloud.folder, name) for name in ("a", "b")]
    for process in processes:
        process.join(timeout=30)
        assert process.exitcode == 0
    log = cloud.log
    assert (log[0], log[-1]) == ("start", "stop")
    if log.count("start") > 1:  # one had ended before the other began
        assert log.index("stop") < len(log) - 1
    assert sum(line.endswith("-ends") for line in log) == 2


def test_a_cloud_that_somebody_is_starting_is_waited_for(cloud: StandIn) -> None:
    (cloud.folder / "lock").touch()
    told: list[str] = []

    def report(text: str) -> None:
        told.append(text)
        (cloud.folder / "ready").touch()

    with LocalClouds(cloud.folder).used(None, report) as found:
        assert isinstance(found, StandIn)
    assert told == ["Waiting for the local cloud that another command is starting"]


def test_a_cloud_that_does_not_start_is_told_and_not_stopped(cloud: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object) -> None:
        raise StandInError("Port 1 is used by another program")

    monkeypatch.setattr(cloud, "start_local_cloud", start)
    with pytest.raises(LocalCloudError, match="Port 1"), LocalClouds(cloud.folder).used(1, lambda _: None):
        raise AssertionError("there is nothing to use")
    assert not (cloud.folder / "log").exists()


def test_an_error_while_it_is_used_stops_it_too(cloud: StandIn) -> None:
    with pytest.raises(RuntimeError), LocalClouds(cloud.folder).used(None, lambda _: None):
        raise RuntimeError
    assert cloud.log == ["start", "stop"]
