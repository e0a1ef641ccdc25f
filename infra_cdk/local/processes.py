"""Child processes: how they are started, known again by a later run, and ended."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

MAX_LOG_BYTES = 5_000_000
LOOPBACK = "127.0.0.1"


EXEC_PATIENCE_S = 1.0


@dataclass(frozen=True)
class ProcessMark:
    """What tells a process from a later one of the same number.

    Args:
        pid: Its number.
        started_at: When it started, in seconds since 1970, as the system says.
        words: Words of its command line.
    """

    pid: int
    started_at: float
    words: tuple[str, ...]

    @classmethod
    def of(cls, pid: int) -> "ProcessMark | None":
        """The mark of a running process; None if it has ended."""
        try:
            process = psutil.Process(pid)
            deadline = time.monotonic() + EXEC_PATIENCE_S
            # A process that has just been started has no words for a moment: the system tells us that its program was
            # found before it lays out the program's arguments.
            while not (words := tuple(process.cmdline())) and time.monotonic() < deadline:
                if process.status() == psutil.STATUS_ZOMBIE:
                    return None
                time.sleep(0.001)
            return cls(pid, process.create_time(), words)
        except psutil.NoSuchProcess:
            return None

    def process(self) -> psutil.Process | None:
        """The very process, if it still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at) < 1 and tuple(process.cmdline()) == self.words
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return None


def start_child(
    command: Sequence[str], *, environment: Mapping[str, str], log: Path, folder: Path
) -> "subprocess.Popen[bytes]":
    """Start a process that hears from us by its standard input: when we die, that closes.

    It is in a session of its own, so that Ctrl-C reaches us alone and we end the children in order.

    Args:
        command: Program and arguments.
        environment: Its whole environment.
        log: File that its output is added to.
        folder: Where it works.
    """
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.unlink()
    log.touch(mode=0o600)
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )


def end_child(child: "subprocess.Popen[bytes]", patience_s: float) -> None:
    """Ask a child to end, and after ``patience_s`` seconds end it; its own children with it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        end_process(psutil.Process(child.pid), patience_s)
    child.wait()
    if child.stdin:
        child.stdin.close()


def end_process(process: psutil.Process, patience_s: float) -> None:
    """Ask a process to end, and after ``patience_s`` seconds end it; what it started goes with it."""
    try:
        family = process.children(recursive=True)
        process.terminate()
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(patience_s)
    except psutil.NoSuchProcess:
        return
    for each in (process, *family):
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs([process, *family], timeout=5)


def is_free(port: int) -> bool:
    """Whether nobody listens on that port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_ports(count: int) -> list[int]:
    """As many ports of loopback that nobody uses now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]
