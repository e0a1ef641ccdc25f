"""The local cloud as a whole, run by this process; one at a time for each data folder."""

import contextlib
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from infra_cdk.local.assembly import local_assembly
from infra_cdk.local.cache import CacheServer
from infra_cdk.local.deploy import Assembly, Deployment
from infra_cdk.local.emulator import Emulator
from infra_cdk.local.errors import AlreadyRunningError, LocalCloudError
from infra_cdk.local.folders import DataFolder, Ports, SignIn, default_cache_dir, default_data_dir
from infra_cdk.local.postgres import APPLICATION_ROLE, DATABASE, HOST, PostgresPair
from infra_cdk.local.postgres_programs import find_programs
from infra_cdk.local.preparation import CACHE_SECRET, DATABASE_SECRET, ensure_secret, ensure_user, migrate
from infra_cdk.local.processes import ProcessMark, is_free
from infra_cdk.local.running import (
    CloudStatus,
    RunningCloud,
    clear_up,
    find_running,
    read_status,
    reset,
    stop_running,
)
from infra_cdk.local.state import CloudState
from infra_cdk.local.worker import EXPORT_MODULE, Worker, export_worker_environment, worker_environment

__all__ = [
    "AlreadyRunningError",
    "CloudStatus",
    "LocalCloud",
    "LocalCloudError",
    "RunningCloud",
    "SignIn",
    "find_running",
    "read_status",
    "reset",
    "start_local_cloud",
    "stop_running",
]

Report = Callable[[str], None]

READY_TIMEOUT_S = 60


class LocalCloud(RunningCloud):
    """The local cloud of one data folder, run by this process.

    Args:
        data_dir: Where its data lie; None is the default folder.
        port: Where clients find it, on loopback; None is 4566, the port of the last start, or a free one.
        report: Told in a few words what is being done.
    """

    def __init__(self, data_dir: Path | None = None, port: int | None = None, report: Report | None = None) -> None:
        super().__init__(DataFolder((data_dir or default_data_dir()).absolute()), None)
        self._port = port
        self._report = report or (lambda _: None)
        self._lock = FileLock(self._folder.lock)
        self._emulator: Emulator | None = None
        self._worker: Worker | None = None
        self._export_worker: Worker | None = None
        self._pair: PostgresPair | None = None
        self._cache: CacheServer | None = None
        self._writing = threading.Lock()

    def start(self) -> None:
        """Start everything and return when it can be used.

        Raises:
            AlreadyRunningError: another process runs it.
            LocalCloudError: a part does not start; nothing is left running then.
        """
        self._folder.create()
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise AlreadyRunningError(f"The local cloud of {self.data_dir} is already running") from None
        try:
            clear_up(self._folder)
            self._start_parts()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop all parts, those first that use the others."""
        if not self._lock.is_locked:
            return
        with contextlib.ExitStack() as last:
            last.callback(self._lock.release)
            last.callback(self._folder.state.unlink, missing_ok=True)
            for part in (self._pair, self._cache, self._emulator, self._worker, self._export_worker):
                if part:
                    last.callback(part.stop)
        self._emulator = self._worker = self._export_worker = self._pair = self._cache = None

    def wait(self) -> None:
        """Keep running until Ctrl-C, SIGTERM, or a part ends that nothing goes on without.

        A worker or cache server that ends is started again, and without the standby reads go to the primary.

        Raises:
            LocalCloudError: the emulator or the primary of PostgreSQL has ended.
        """
        asked = threading.Event()
        before = {number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            while not asked.wait(1):
                if self._emulator and self._emulator.pid is None:
                    raise LocalCloudError(f"The emulator has ended, see {self._emulator.log}")
                if self._cache and self._cache.pid is None:
                    self._cache.start()
                    self._note("cache", self._cache.pid)
                if self._pair and self._pair.pid("primary") is None:
                    raise LocalCloudError(f"PostgreSQL (primary) has ended, see {self._pair.log('primary')}")
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_parts(self) -> None:
        ports = self._folder.choose_ports(self._port)
        if not is_free(ports.api):
            raise LocalCloudError(f"Port {ports.api} is used by another program; choose another one with --port")
        programs = find_programs()
        self._pair = self._folder.postgres_pair(programs, ports)
        self._emulator = Emulator(self._folder.emulator, ports.api, self._pair.folder, self._folder.cache)
        self._cache = self._folder.cache_server(ports)
        self._write(CloudState(_own_mark(), {}, ports))
        self._report("Starting PostgreSQL and the emulator")
        starts = [part.start for part in (self._pair, self._emulator, self._cache) if part]
        with ThreadPoolExecutor(max_workers=4) as pool:
            parts = [pool.submit(start) for start in starts]
            assembly = pool.submit(local_assembly, default_cache_dir(), report=self._report)
        for part in parts:
            part.result()
        self._note("emulator", self._emulator.pid)
        self._note("cache", self._cache.pid if self._cache else None)
        self._deploy(assembly.result(), ports)

    def _deploy(self, assembly: Path, ports: Ports) -> None:
        if self._emulator is None:
            raise LocalCloudError("The emulator is not started")
        clients = self._emulator.clients
        credentials = self._folder.credentials()
        signed_in = {"username": APPLICATION_ROLE, "password": credentials.database_password}
        secret = ensure_secret(clients, DATABASE_SECRET, signed_in)
        parameters = {
            "EmulatorAddress": clients.address,
            "DatabaseWriterHost": HOST,
            "DatabaseWriterPort": str(ports.primary),
            "DatabaseReaderHost": HOST,
            "DatabaseReaderPort": str(ports.standby),
            "DatabaseName": DATABASE,
            "DatabaseSecretArn": secret,
            "CacheHost": HOST if self._cache else "",
            "CachePort": str(ports.cache),
            "CacheSecretArn": ensure_secret(clients, CACHE_SECRET, {"password": credentials.cache_password}),
        }
        self._report("Deploying the stacks")
        outputs = Deployment(clients, parameters).deploy(Assembly(assembly))
        self._state = replace(self.state, outputs=outputs)
        environment = worker_environment(self._folder.worker, outputs, parameters, clients.environment())
        self._worker = Worker(self._folder.worker, environment, self._worker_started)
        exports = self._folder.export_worker
        environment = export_worker_environment(exports, outputs, parameters, clients.environment())
        self._export_worker = Worker(
            exports, environment, lambda pid, _: self._note("export worker", pid), module=EXPORT_MODULE
        )
        self._report("Starting the API and the workers")
        ensure_user(clients, outputs["UserPoolId"], self.sign_in)
        with ThreadPoolExecutor(max_workers=1) as pool:
            api = pool.submit(_wait_for, f"{self.api_url}/health", self._emulator.log)
            migrate(clients, outputs["MigrateDatabaseFunctionName"])
            self._worker.start()
            self._export_worker.start()
            self._worker.wait_until_ready()
        api.result()
        self._emulator.flush()
        with self._writing:
            self._write(replace(self.state, ready=True))

    def _worker_started(self, pid: int, restarts: int) -> None:
        self._note("worker", pid)
        with self._writing:
            self._write(replace(self.state, worker_restarts=restarts))

    def _note(self, name: str, pid: int | None) -> None:
        mark = ProcessMark.of(pid) if pid else None
        if mark:
            with self._writing:
                self._write(replace(self.state, children={**self.state.children, name: mark}))

    def _write(self, state: CloudState) -> None:
        self._state = state
        state.write(self._folder)


def start_local_cloud(
    data_dir: Path | None = None, port: int | None = None, report: Report | None = None
) -> LocalCloud:
    """Start the local cloud; use it in ``with``, which stops it.

    Args:
        data_dir: Where its data lie; None is SPHEROSEG_DATA_DIR or the user's folder for data.
        port: Where clients find it, on loopback; None is 4566, the port of the last start, or a free one.
        report: Told in a few words what is being done.

    Raises:
        AlreadyRunningError: another process runs it: see ``find_running``.
        LocalCloudError: a part does not start.
    """
    cloud = LocalCloud(data_dir, port, report)
    cloud.start()
    return cloud


def _own_mark() -> ProcessMark:
    mark = ProcessMark.of(os.getpid())
    if mark is None:
        raise LocalCloudError("The system does not say when this process started")
    return mark


def _wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    answer = "no answer"
    while time.monotonic() < deadline:
        try:
            # Who asks again while the first is being served starts another process of the function.
            with urllib.request.urlopen(url, timeout=READY_TIMEOUT_S) as response:  # noqa: S310 - our own loopback
                json.load(response)
                return
        except urllib.error.HTTPError as error:
            answer = f"{error.code}: {error.read(500).decode(errors='replace')}"
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            answer = str(error)
        time.sleep(0.1)
    raise LocalCloudError(f"The API does not answer at {url} ({answer}), see {log}")
