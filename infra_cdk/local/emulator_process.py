"""The emulator's own process: `ministack` with its state saved while it runs, not only at a clean end.

Everything private that we call of it stands in this file; pyproject.toml pins its version, and a test kills it.
"""

import argparse
import contextlib
import hashlib
import json
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
from ministack import app
from ministack.core import persistence
from ministack.services import cloudwatch_logs

from infra_cdk.local.lifeline import on_end_of_starter, terminate_myself

SAVE_EVERY_S = 2.0
LOG_LINES_KEPT = 1_000
"""Per stream. The emulator never drops one, and writes all of them at each save."""

logger = logging.getLogger("spheroseg.emulator")


def main() -> None:
    """Serve until SIGTERM, or until the process that started us is gone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--saved-stamp", type=Path, required=True, help="file that holds when the last save began")
    parser.add_argument("--folder", type=Path, required=True, help="folder with its state and objects")
    parser.add_argument("--servers", type=Path, required=True, help="folder of the PostgreSQL servers beside it")
    arguments = parser.parse_args()
    sys.argv = ["ministack"]
    drop_half_written(arguments.folder / "s3")
    settle_stacks(arguments.folder / "state" / "cloudformation.json")
    orphaned = threading.Event()

    def lost() -> None:
        orphaned.set()
        terminate_myself()

    on_end_of_starter(lost)
    save_now = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: save_now.set())
    threading.Thread(target=keep_saving, args=(arguments.saved_stamp, save_now), name="saver", daemon=True).start()
    try:
        app.main()
    finally:
        if orphaned.is_set():
            stop_servers(arguments.servers)


def keep_saving(stamp: Path, save_now: threading.Event) -> None:
    """Save every two seconds what has changed, and at once when asked to."""
    saved: dict[str, bytes] = {}
    while True:
        save_now.wait(SAVE_EVERY_S)
        save_now.clear()
        began = time.time_ns()
        if save_changed(saved):
            new = stamp.with_suffix(".new")
            new.write_text(str(began))
            new.replace(stamp)


def save_changed(saved: dict[str, bytes]) -> bool:
    """Save the services whose state differs from ``saved``, their digests, which are brought up to date.

    Each service is one file, put in place as a whole, so a kill at any moment leaves the old or the new one.

    Returns:
        Whether all could be read: a service may change while it is read, and is then taken at the next time.
    """
    trim_logs()
    complete = True
    for name, get_state in app._build_persistence_save_dict().items():  # noqa: SLF001
        try:
            state = get_state()
            text = json.dumps(state, default=persistence._json_default)  # noqa: SLF001
        except RuntimeError:
            logger.info("%s changed while it was saved", name)
            complete = False
            continue
        digest = hashlib.sha256(text.encode()).digest()
        if state is not None and saved.get(name) != digest:
            persistence.save_state(name, state)
            saved[name] = digest
    return complete


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
        new = file.with_suffix(".settled")
        new.write_text(text)
        new.replace(file)


def stop_servers(folder: Path) -> None:
    """Ask the PostgreSQL servers to stop; they are known by the folder that each works in."""
    for note in folder.glob("*/postmaster.pid"):
        with contextlib.suppress(psutil.Error, ValueError, OSError):
            server = psutil.Process(int(note.read_text().split()[0]))
            if os.path.realpath(server.cwd()) == os.path.realpath(note.parent):
                server.send_signal(signal.SIGINT)


if __name__ == "__main__":
    os.umask(0o077)
    main()
