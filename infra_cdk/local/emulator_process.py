"""The emulator's own process: `ministack` with its state saved while it runs, not only at a clean end.

Everything private that we call of it stands in this file; pyproject.toml pins its version, and a test kills it.
"""

import argparse
import contextlib
import json
import logging
import os
import re
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from ministack import app
from ministack.core import persistence
from ministack.services import cloudwatch_logs

from infra_cdk.local.cache import PID_FILE
from infra_cdk.local.lifeline import on_end_of_starter, terminate_myself

SAVE_EVERY_S = 2.0
LOG_LINES_KEPT = 1_000
"""Per stream. The emulator never drops one, and writes all of them at each save."""

PORT = "port"
"""The line of a snapshot that tells where the emulator was found; no service is called so."""

logger = logging.getLogger("spheroseg.emulator")


def main() -> None:
    """Serve until SIGTERM, or until the process that started us is gone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--saved-stamp", type=Path, required=True, help="file that holds when the last save began")
    parser.add_argument("--folder", type=Path, required=True, help="folder with its state and objects")
    parser.add_argument("--servers", type=Path, required=True, help="folder of the PostgreSQL servers beside it")
    parser.add_argument("--cache", type=Path, help="folder of the cache server beside it")
    arguments = parser.parse_args()
    sys.argv = ["ministack"]
    drop_half_written(arguments.folder / "s3")
    snapshot = Snapshot(arguments.folder / "snapshot", arguments.folder / "state", arguments.saved_stamp)
    snapshot.unpack(int(os.environ["GATEWAY_PORT"]))
    settle_stacks(arguments.folder / "state" / "cloudformation.json")
    orphaned = threading.Event()

    def lost() -> None:
        orphaned.set()
        terminate_myself()

    on_end_of_starter(lost)
    save_between_load_and_end(snapshot)
    try:
        app.main()
    finally:
        if orphaned.is_set():
            stop_servers(arguments.servers, "*/postmaster.pid")
            if arguments.cache:
                stop_servers(arguments.cache, PID_FILE)


def save_between_load_and_end(snapshot: "Snapshot") -> None:
    """Save while it runs and when it ends, but never before the state of the last run is loaded: it would be lost."""
    loaded, save_now, load = threading.Event(), threading.Event(), app._load_persisted_state  # noqa: SLF001

    def load_and_tell() -> None:
        load()
        loaded.set()

    def save_at_end(_: object) -> None:
        if loaded.is_set():
            snapshot.save()

    def keep_saving() -> None:
        loaded.wait()
        while True:
            save_now.wait(SAVE_EVERY_S)
            save_now.clear()
            snapshot.save()

    app._load_persisted_state = load_and_tell  # noqa: SLF001
    app.save_all = save_at_end
    signal.signal(signal.SIGUSR1, lambda *_: save_now.set())
    threading.Thread(target=keep_saving, name="saver", daemon=True).start()


@dataclass
class Snapshot:
    """The state of all services in one file, so that a kill at any moment leaves a state that agrees with itself.

    Each line is a service's name, a space, and what the emulator reads from a file of that name.

    Args:
        file: The snapshot.
        folder: Where the emulator reads the files from when it starts.
        stamp: Told when the last save began, in ns since 1970.
    """

    file: Path
    folder: Path
    stamp: Path
    _lines: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    _saving: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def unpack(self, port: int) -> None:
        """Lay the services' files out for the emulator.

        Args:
            port: Where it will be found. Queues are named by their address, in stacks and functions too: with another
                port than at the last save, the old names would be those of queues that nobody can reach.
        """
        if self.file.exists():
            for line in self.file.read_text().splitlines():
                name, _, text = line.partition(" ")
                self._lines[name] = text
        before = self._lines.get(PORT, str(port))
        for name, text in self._lines.items():
            if name != PORT:
                self._lines[name] = re.sub(rf"\b(localhost|127\.0\.0\.1):{before}\b", rf"\g<1>:{port}", text)
                (self.folder / f"{name}.json").write_text(self._lines[name])
        self._lines[PORT] = str(port)

    def save(self) -> None:
        """Save what has changed since the last time."""
        with self._saving:
            began = time.time_ns()
            trim_logs()
            before = dict(self._lines)
            complete = self._read()
            if self._lines != before:
                _replace(self.file, "".join(f"{name} {text}\n" for name, text in self._lines.items()))
            if complete:
                _replace(self.stamp, str(began))

    def _read(self) -> bool:
        """Bring the lines up to date, and say whether every service could be read.

        Stacks are read first: what they list is then in the other services' states too, or the stack is still changing
        and is settled at the next start. A service may change while it is read, and is then taken at the next time.
        """
        complete = True
        services = app._build_persistence_save_dict()  # noqa: SLF001
        for name in sorted(services, key=lambda each: each != "cloudformation"):
            try:
                state = services[name]()
                wrapped = {
                    "__ministack_format__": persistence._state_format_version(name),  # noqa: SLF001
                    "payload": state,
                }
                text = json.dumps(wrapped, default=persistence._json_default)  # noqa: SLF001
            except RuntimeError:
                logger.info("%s changed while it was saved", name)
                complete = False
                continue
            if state is not None:
                self._lines[name] = text
        return complete


def _replace(file: Path, text: str) -> None:
    new = file.with_name(f"{file.name}.new")
    new.write_text(text)
    new.replace(file)


def trim_logs() -> None:
    """Keep the last lines of each log stream."""
    for _, group in list(cloudwatch_logs._log_groups.all_items()):  # noqa: SLF001
        for stream in list(group["streams"].values()):
            if len(stream["events"]) > LOG_LINES_KEPT:
                stream["events"] = stream["events"][-LOG_LINES_KEPT:]


def drop_half_written(data: Path) -> None:
    """Remove what a killed emulator had begun to write; it would be read as an object of that name.

    A real object whose key ends in `.tmp` has its metadata beside it.
    """
    for path in data.rglob("*.tmp"):
        if path.is_file() and (path.name.endswith(".meta.json.tmp") or not Path(f"{path}.meta.json").exists()):
            path.unlink()


def settle_stacks(file: Path) -> None:
    """Mark stacks whose change a kill cut short: nothing goes on with them, and as they stand they refuse the next."""
    if file.exists():
        text = file.read_text()
        for unfinished, settled in (
            ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"),
            ("CREATE_IN_PROGRESS", "CREATE_FAILED"),
            ("DELETE_IN_PROGRESS", "DELETE_FAILED"),
        ):
            text = text.replace(f'"StackStatus": "{unfinished}"', f'"StackStatus": "{settled}"')
        _replace(file, text)


def stop_servers(folder: Path, notes: str) -> None:
    """Ask servers to stop; they are known by their notes, and by the folder that each works in."""
    for note in folder.glob(notes):
        with contextlib.suppress(psutil.Error, ValueError, OSError):
            server = psutil.Process(int(note.read_text().split()[0]))
            if os.path.realpath(server.cwd()) == os.path.realpath(note.parent):
                server.send_signal(signal.SIGINT)


if __name__ == "__main__":
    os.umask(0o077)
    main()
