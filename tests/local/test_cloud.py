"""The local cloud as a whole, in processes of its own: two at once, killed, found again, stopped."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra_cdk.local.cloud import (
    AlreadyRunningError,
    LocalCloud,
    LocalCloudError,
    find_running,
    read_status,
    reset,
    start_local_cloud,
    stop_running,
)
from infra_cdk.local.emulator import Emulator
from infra_cdk.local.folders import DataFolder
from infra_cdk.local.postgres_programs import find_programs
from infra_cdk.local.processes import free_ports

pytestmark = [pytest.mark.flow, pytest.mark.synth]

STARTER = """
import sys
from pathlib import Path
from infra_cdk.local.cloud import start_local_cloud
with start_local_cloud(Path(sys.argv[1]), int(sys.argv[2])) as cloud:
    print("ready", flush=True)
    cloud.wait()
"""


class Starter:
    """A process that runs the local cloud of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports(1)[0]
        self.process = subprocess.Popen(
            [sys.executable, "-c", STARTER, str(folder), str(self.port)], stdout=subprocess.PIPE, text=True
        )

    def wait_until_ready(self) -> None:
        assert self.process.stdout
        if self.process.stdout.readline() != "ready\n":
            pytest.fail(f"It ended with exit code {self.end()}; its words are above")

    def family(self) -> list[psutil.Process]:
        return family_of(self.process.pid, self.folder)

    def end(self) -> int:
        self.process.terminate()
        code = self.process.wait(timeout=60)
        assert self.process.stdout
        self.process.stdout.close()
        return code


def family_of(pid: int, folder: Path) -> list[psutil.Process]:
    """Everything that runs for a folder: also the servers, which are nobody's children."""
    me = psutil.Process(pid)
    found = [me, *me.children(recursive=True)]
    for note in DataFolder(folder).postgres(find_programs()).glob("*/postmaster.pid"):
        with contextlib.suppress(psutil.NoSuchProcess):
            server = psutil.Process(int(note.read_text().split()[0]))
            found += [server, *server.children(recursive=True)]
    return found


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Starter]:
    started = Starter(folder)
    try:
        started.wait_until_ready()
        yield started
    finally:
        clear(folder)
        started.end()


@pytest.fixture(scope="module")
def first(open_folder: Path) -> Iterator[Starter]:
    with running(open_folder / "first") as started:
        yield started


@pytest.fixture(scope="module")
def second(open_folder: Path, first: Starter) -> Iterator[Starter]:
    with running(open_folder / "second") as started:
        yield started


def clear(folder: Path) -> None:
    stop_running(folder)
    reset(folder)


def ask(url: str, *, token: str | None = None, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(
        url,
        data=json.dumps(body).encode() if body else None,
        headers={"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {}),
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def token(folder: Path) -> str:
    cloud = find_running(folder)
    assert cloud
    answer = ask(
        f"{cloud.api_url}/v1/auth/sign-in", body={"email": cloud.sign_in.email, "password": cloud.sign_in.password}
    )
    text: str = answer["access_token"]
    return text


def projects(folder: Path) -> list[str]:
    cloud = find_running(folder)
    assert cloud
    return [each["name"] for each in ask(f"{cloud.api_url}/v1/projects", token=token(folder))["items"]]


def make_project(folder: Path, title: str) -> None:
    cloud = find_running(folder)
    assert cloud
    ask(f"{cloud.api_url}/v1/projects", token=token(folder), body={"name": title})


def wait_until_gone(processes: list[psutil.Process], within_s: float) -> list[psutil.Process]:
    _, alive = psutil.wait_procs(processes, timeout=within_s)
    return [each for each in alive if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def test_every_part_runs_and_somebody_can_sign_in(first: Starter) -> None:
    status = read_status(first.folder)
    assert status.running
    parts = ["postgres primary", "postgres standby", "emulator", "cache", "worker", "export worker"]
    assert status.parts == dict.fromkeys(parts, True)
    assert status.pid == first.process.pid
    make_project(first.folder, "Tumours")
    assert projects(first.folder) == ["Tumours"]


def test_everything_listens_on_loopback_only(first: Starter) -> None:
    listening = set()
    for process in first.family():
        with contextlib.suppress(psutil.NoSuchProcess):
            listening |= {each.laddr for each in process.net_connections("inet") if each.status == "LISTEN"}
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert len({address.port for address in listening}) == 4  # the emulator, two of PostgreSQL, the cache


def test_what_is_private_is_closed_to_others(first: Starter) -> None:
    private = ["credentials.json", "cloud.json", "emulator", "worker"]
    modes = {name: (first.folder / name).stat().st_mode & 0o077 for name in private}
    assert modes == dict.fromkeys(private, 0)


def test_a_second_one_of_the_same_folder_is_refused(first: Starter) -> None:
    with pytest.raises(AlreadyRunningError):
        start_local_cloud(first.folder)
    assert read_status(first.folder).running


def test_data_of_a_running_one_are_not_deleted(first: Starter) -> None:
    with pytest.raises(AlreadyRunningError):
        reset(first.folder)


def test_two_with_other_folders_do_not_know_each_other(first: Starter, second: Starter) -> None:
    make_project(second.folder, "Organoids")
    assert projects(second.folder) == ["Organoids"]
    assert "Organoids" not in projects(first.folder)


def test_when_the_starter_alone_is_killed_all_parts_end(second: Starter) -> None:
    family = second.family()
    os.kill(second.process.pid, signal.SIGKILL)
    second.process.wait()
    assert wait_until_gone(family, within_s=30) == []
    assert not read_status(second.folder).running
    assert find_running(second.folder) is None


def test_all_killed_at_once_start_again_with_their_data(first: Starter) -> None:
    time.sleep(2.5)  # the emulator saves every two seconds
    make_project(first.folder, "Kept")
    for process in first.family():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    first.process.wait()
    again = Starter(first.folder)
    try:
        again.wait_until_ready()
        assert again.port != first.port
        assert {"Tumours", "Kept"} <= set(projects(first.folder))
        family = again.family()
    finally:
        assert again.end() == 0
    assert wait_until_gone(family, within_s=5) == []
    assert not (first.folder / "cloud.json").exists()


def test_when_the_primary_is_killed_it_says_so_and_stops_the_rest(first: Starter, tmp_path: Path) -> None:
    said = tmp_path / "said"
    command = [Path(sys.executable).with_name("spheroseg"), "up", "--data-dir", first.folder]
    with said.open("wb") as output:
        up = subprocess.Popen(
            list(map(str, command)), stdout=output, stderr=output, env=os.environ | {"COLUMNS": "400"}
        )
    try:
        deadline = time.monotonic() + 90
        while not read_status(first.folder).running:
            assert up.poll() is None, said.read_text()
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.1)
        family = family_of(up.pid, first.folder)
        servers = DataFolder(first.folder).postgres(find_programs())
        os.kill(int((servers / "primary" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        assert up.wait(timeout=60) == 3
    finally:
        up.kill()
        up.wait()
    assert f"PostgreSQL (primary) has ended, see {servers / 'primary.log'}" in said.read_text()
    assert wait_until_gone(family, within_s=5) == []
    assert not (first.folder / "cloud.json").exists()


def test_when_the_emulator_is_killed_it_says_so(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path / "emulator", free_ports(1)[0], tmp_path / "postgres")
    cloud = LocalCloud(tmp_path)
    cloud._emulator = emulator
    emulator.start()
    try:
        assert emulator.pid
        os.kill(emulator.pid, signal.SIGKILL)
        with pytest.raises(LocalCloudError, match=re.escape(f"The emulator has ended, see {emulator.log}")):
            cloud.wait()
    finally:
        emulator.stop()


def test_reset_leaves_nothing_of_anybody(first: Starter) -> None:
    clear(first.folder)
    assert {path.name for path in first.folder.iterdir()} <= {"cloud.lock"}
    assert not DataFolder(first.folder).postgres(find_programs()).exists()
