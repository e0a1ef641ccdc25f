"""A local cloud seen from any process: found, looked at, stopped and reset."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from infra_cdk.local.emulator import EmulatorClients
from infra_cdk.local.errors import AlreadyRunningError, LocalCloudError
from infra_cdk.local.folders import DataFolder, SignIn, default_data_dir
from infra_cdk.local.postgres import PostgresPair
from infra_cdk.local.postgres_programs import find_programs
from infra_cdk.local.processes import LOOPBACK, end_process
from infra_cdk.local.state import CloudState

STOP_TIMEOUT_S = 90
SOCKET_STAGE = "live"


@dataclass(frozen=True)
class CloudStatus:
    """What a look from outside shows.

    Args:
        data_dir: The data folder.
        running: Whether it can be used.
        parts: Each part, and whether it runs.
        pid: The process that runs it.
        port: Where clients find it.
        api_url, socket_url, docs_url: Addresses of the API, of live updates and of the API's description.
        worker_restarts: How often the worker ended by itself and was started again.
    """

    data_dir: Path
    running: bool
    parts: dict[str, bool]
    pid: int | None = None
    port: int | None = None
    api_url: str | None = None
    socket_url: str | None = None
    docs_url: str | None = None
    worker_restarts: int = 0


class RunningCloud:
    """A local cloud that runs, seen from this or another process."""

    def __init__(self, folder: DataFolder, state: CloudState | None) -> None:
        self._folder = folder
        self._state = state

    @property
    def state(self) -> CloudState:
        """What the starting process wrote."""
        if self._state is None:
            raise LocalCloudError("The local cloud is not started")
        return self._state

    @property
    def outputs(self) -> dict[str, str]:
        """Outputs of all stacks, by name."""
        return dict(self.state.outputs or {})

    @property
    def data_dir(self) -> Path:
        """The data folder."""
        return self._folder.path

    @property
    def api_url(self) -> str:
        """The API's address; its paths are added to it."""
        return f"{self.clients.url}/_aws/execute-api/{self.outputs['ApiId']}"

    @property
    def socket_url(self) -> str:
        """The address of live updates."""
        return f"ws://{self.clients.address}/_aws/execute-api/{self.outputs['SocketApiId']}/{SOCKET_STAGE}"

    @property
    def docs_url(self) -> str:
        """A page that describes the API."""
        return f"{self.api_url}/docs"

    @property
    def sign_in(self) -> SignIn:
        """Somebody who can sign in."""
        return self._folder.sign_in()

    @property
    def clients(self) -> EmulatorClients:
        """boto3 clients of its emulator."""
        return EmulatorClients(f"{LOOPBACK}:{self.state.ports.api}")

    @property
    def postgres(self) -> PostgresPair:
        """Its database servers, which may be stopped and started one by one."""
        return self._folder.postgres_pair(find_programs(), self.state.ports)

    def status(self) -> CloudStatus:
        """What runs of it now."""
        return read_status(self.data_dir)

    def stop(self) -> None:
        """Stop it, whoever started it."""
        stop_running(self.data_dir)


def find_running(data_dir: Path | None = None) -> RunningCloud | None:
    """The local cloud of a data folder, if one runs and is ready."""
    folder = DataFolder((data_dir or default_data_dir()).absolute())
    state = CloudState.read(folder)
    return RunningCloud(folder, state) if state and state.ready and state.runs else None


def read_status(data_dir: Path | None = None) -> CloudStatus:
    """What runs of the local cloud of a data folder."""
    folder = DataFolder((data_dir or default_data_dir()).absolute())
    state = CloudState.read(folder)
    if state is None or not state.runs:
        return CloudStatus(folder.path, running=False, parts={})
    servers = folder.postgres_pair(find_programs(), state.ports).running()
    parts = {f"postgres {name}": runs for name, runs in servers.items()}
    parts |= {name: mark.process() is not None for name, mark in state.children.items()}
    if not state.ready:
        return CloudStatus(folder.path, running=False, parts=parts, pid=state.starter.pid, port=state.ports.api)
    cloud = RunningCloud(folder, state)
    return CloudStatus(
        folder.path,
        running=True,
        parts=parts,
        pid=state.starter.pid,
        port=state.ports.api,
        api_url=cloud.api_url,
        socket_url=cloud.socket_url,
        docs_url=cloud.docs_url,
        worker_restarts=state.worker_restarts,
    )


def stop_running(data_dir: Path | None = None) -> bool:
    """Stop the local cloud of a data folder, also what a killed one left, and say whether one ran."""
    folder = DataFolder((data_dir or default_data_dir()).absolute())
    if not folder.path.is_dir():
        return False
    state = CloudState.read(folder)
    starter = state.starter.process() if state else None
    if starter and starter.pid == os.getpid():
        raise LocalCloudError("This process runs the local cloud itself: stop it by its handle")
    if starter:
        with contextlib.suppress(psutil.NoSuchProcess):
            starter.terminate()
    with _alone(folder, STOP_TIMEOUT_S):
        clear_up(folder)
    return starter is not None


def reset(data_dir: Path | None = None) -> None:
    """Delete all data of a data folder: projects, images, results, users.

    Raises:
        AlreadyRunningError: it runs.
    """
    folder = DataFolder((data_dir or default_data_dir()).absolute())
    if not folder.path.is_dir():
        return
    with _alone(folder, 0):
        clear_up(folder)
        for path in (
            folder.postgres(find_programs()),
            folder.emulator,
            folder.worker,
            folder.export_worker,
            folder.cache,
        ):
            shutil.rmtree(path, ignore_errors=True)
        for name in ("credentials.json", "ports.json"):
            (folder.path / name).unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(folder: DataFolder, timeout_s: float) -> Iterator[None]:
    try:
        with FileLock(folder.lock, timeout=timeout_s):
            yield
    except Timeout:
        raise AlreadyRunningError(f"The local cloud of {folder.path} is running") from None


def clear_up(folder: DataFolder) -> None:
    """End what a killed run left, and only that: processes are known by number, start and command line."""
    state = CloudState.read(folder)
    if state is None:
        return
    for mark in state.children.values():
        process = mark.process()
        if process:
            end_process(process, patience_s=5)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if any(word.startswith(f"{folder.emulator / 'tmp'}{os.sep}") for word in process.cmdline()[1:2]):
                process.kill()
    folder.postgres_pair(find_programs(), state.ports).stop()
    folder.state.unlink(missing_ok=True)
