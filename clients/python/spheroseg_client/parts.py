"""Folders for files on their way, beside where they go; what killed commands left goes when the next one runs."""

import hashlib
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

PREFIX = ".spheroseg-"
LEFT_AFTER_S = 24 * 3600.0


def _own_prefix() -> str:
    """Begins the names of this computer's folders: no lock tells what happens on another one that shares the disk."""
    return f"{PREFIX}{hashlib.sha256(platform.node().encode()).hexdigest()[:8]}."


@contextmanager
def own_parts(parent: Path) -> Iterator[Path]:
    """A new hidden folder in ``parent`` until the block ends, removed with all that is in it.

    The process holds a lock on it (flock), which the system takes back when the process ends, however that is; so a
    folder whose lock is free is nobody's; such are removed, by each process once in a folder. Where the disk or the
    system has no locks, none is.

    Raises:
        OSError: nothing can be made in ``parent``.
    """
    _remove_left_once(parent)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    lock = _locked(folder)
    if lock is not None:
        # Only now does it get a name by which others look for it: none is seen before it is locked.
        named = folder.with_name(_own_prefix() + folder.name.removeprefix(PREFIX))
        with suppress(OSError):
            folder = folder.rename(named)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


@cache
def _remove_left_once(parent: Path) -> None:
    """Thousands of files may be written into one folder, each by way of such a folder."""
    remove_left(parent)


def remove_left(parent: Path) -> None:
    """Remove the folders of commands of this computer and account that are no more; others stay, as all else does."""
    for folder in parent.glob(f"{_own_prefix()}*"):
        with suppress(OSError):  # gone meanwhile, or somebody else's
            if sys.platform == "win32" or folder.stat(follow_symlinks=False).st_uid != os.geteuid():
                continue
            lock = _locked(folder)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def remove_old(parent: Path) -> None:
    """Remove folders of a day ago of which no lock tells: made by another computer, without locks, or long ago.

    Raises:
        OSError: one cannot be removed.
    """
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError):  # named otherwise or removed meanwhile
            is_old = time.time() - folder.stat().st_mtime > LEFT_AFTER_S
            if is_old and folder.is_dir() and not folder.name.startswith(_own_prefix()):
                shutil.rmtree(folder)


def _locked(folder: Path) -> int | None:
    """The open folder, locked for this process; None: another one holds it, it is none, or nothing can be locked."""
    if sys.platform == "win32":
        return None
    import fcntl  # noqa: PLC0415 - not everywhere

    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
