"""The local cloud, as commands use it: found or started, shared by commands that run at the same time, stopped."""

import hashlib
import importlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import platformdirs
from filelock import FileLock, ReadWriteLock, Timeout

from spheroseg_client.errors import LocalCloudError

Report = Callable[[str], None]

START_TIMEOUT_S = 180.0
LOOK_AGAIN_S = 0.5
MISSING = (
    "The local cloud is not part of this installation. Run the command in a clone of the repository with "
    "`uv run spheroseg …`, or name a service with --api"
)


class SignIn(Protocol):
    """Somebody who can sign in."""

    @property
    def email(self) -> str:
        """E-mail address."""

    @property
    def password(self) -> str:
        """Password."""


class RunningCloud(Protocol):
    """A local cloud that runs."""

    @property
    def api_url(self) -> str:
        """The API's address."""

    @property
    def docs_url(self) -> str:
        """A page that describes the API."""

    @property
    def data_dir(self) -> Path:
        """Where its data lie."""

    @property
    def sign_in(self) -> SignIn:
        """Somebody who can sign in."""


class StartedCloud(RunningCloud, Protocol):
    """A local cloud that this process runs."""

    def wait(self) -> None:
        """Keep running until Ctrl-C or SIGTERM."""

    def stop(self) -> None:
        """Stop it."""


class CloudStatus(Protocol):
    """What a look from outside shows."""

    data_dir: Path
    running: bool
    parts: dict[str, bool]
    pid: int | None
    port: int | None
    api_url: str | None
    socket_url: str | None
    docs_url: str | None
    worker_restarts: int


class LocalClouds:
    """The local cloud of one data folder.

    Args:
        data_dir: Where its data lie; None: the usual folder.
    """

    def __init__(self, data_dir: Path | None) -> None:
        self._cloud = _imported()
        self._data_dir = data_dir.absolute() if data_dir else None

    def status(self) -> CloudStatus:
        """What runs now."""
        with self.translated():
            status: CloudStatus = self._cloud.read_status(self._data_dir)
            return status

    def running(self) -> RunningCloud | None:
        """The local cloud, if it runs and is ready."""
        with self.translated():
            found: RunningCloud | None = self._cloud.find_running(self._data_dir)
            return found

    def start(self, port: int | None, report: Report) -> StartedCloud:
        """Start it in this process.

        Raises:
            LocalCloudError: a part does not start; the code is ``already-running`` when another process runs it.
        """
        with self.translated():
            started: StartedCloud = self._cloud.start_local_cloud(self._data_dir, port, report)
            return started

    def stop(self) -> bool:
        """Stop it, whoever runs it; False when none ran."""
        with self.translated():
            return bool(self._cloud.stop_running(self._data_dir))

    def reset(self) -> None:
        """Delete all its data."""
        with self.translated():
            self._cloud.reset(self._data_dir)

    @contextmanager
    def used(self, port: int | None, report: Report) -> Iterator[RunningCloud]:
        """The local cloud, started if none runs; then it is stopped at the end, once no other command uses it.

        Args:
            port: Where it is to be found if it has to be started.
        """
        locks = _lock_folder(self.status().data_dir)
        users = ReadWriteLock(locks / "users.lock")
        started: StartedCloud | None = None
        try:
            with users.read_lock():
                with FileLock(locks / "start.lock", timeout=START_TIMEOUT_S):
                    found = self.running()
                    if found is None:
                        found, started = self._start_or_find(port, report)
                yield found
        finally:
            if started is not None:
                _stop_when_unused(started, users, report)

    def _start_or_find(self, port: int | None, report: Report) -> tuple[RunningCloud, StartedCloud | None]:
        try:
            started = self.start(port, report)
        except LocalCloudError as error:
            if error.code != "already-running":
                raise
        else:
            return started, started
        report("Waiting for the local cloud that another command is starting")
        deadline = time.monotonic() + START_TIMEOUT_S
        while (found := self.running()) is None:
            if time.monotonic() > deadline:
                raise LocalCloudError(f"Another process has {self.status().data_dir} and does not get ready")
            time.sleep(LOOK_AGAIN_S)
        return found, None

    @contextmanager
    def translated(self) -> Iterator[None]:
        """What the local cloud reports, as ``LocalCloudError``."""
        try:
            yield
        except self._cloud.AlreadyRunningError as error:
            raise LocalCloudError(str(error), "already-running") from error
        except self._cloud.LocalCloudError as error:
            raise LocalCloudError(str(error)) from error


def _stop_when_unused(started: StartedCloud, users: ReadWriteLock, report: Report) -> None:
    """Stop what this process started, but not under the feet of other commands; Ctrl-C stops it all the same."""
    told = False
    try:
        while True:
            try:
                with users.write_lock(timeout=0):
                    report("Stopping the local cloud")
                    stop_undisturbed(started)
                    return
            except Timeout:
                if not told:
                    report("Another command uses the local cloud; it is stopped when that one ends")
                    told = True
                time.sleep(LOOK_AGAIN_S)
    except KeyboardInterrupt:
        stop_undisturbed(started)
        raise


def stop_undisturbed(started: StartedCloud) -> None:
    """Stop it to the end, even while a user who is in a hurry presses Ctrl-C again."""
    if threading.current_thread() is not threading.main_thread():
        started.stop()
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        started.stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _lock_folder(data_dir: Path) -> Path:
    """Where commands of one data folder meet; not in that folder, which is not theirs to make."""
    name = hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]
    folder = Path(platformdirs.user_cache_dir("spheroseg")) / "commands" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _imported() -> Any:  # noqa: ANN401 - a module that may not be installed
    try:
        return importlib.import_module("infra_cdk.local.cloud")
    except ImportError as error:
        raise LocalCloudError(f"{MISSING} ({error})", "local-cloud-missing") from error
