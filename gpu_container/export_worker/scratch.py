"""A folder for files on their way that is one process's alone; what a killed worker left goes when one starts."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PREFIX = "spheroseg-export-worker-"


@dataclass(frozen=True)
class Scratch:
    """A process's own folder.

    Args:
        left: Folders of workers that were killed, which are gone now.
        kept: Those of them that could not be removed, each with why.
    """

    folder: Path
    left: tuple[Path, ...] = ()
    kept: tuple[tuple[Path, str], ...] = ()


@contextmanager
def own_scratch(parent: Path) -> Iterator[Scratch]:
    """A new folder in ``parent`` until the block ends, removed with all that is in it.

    The process holds a lock on it (flock), which the system takes back when the process ends, however that is; so a
    folder whose lock is free is nobody's. Of other accounts' folders none is touched, and nothing of another name.
    """
    # Between making a folder and locking it, another worker that starts would take it for one that was left.
    with _locked(parent):
        left, kept = _sweep(parent)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        descriptor = _opened(folder)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        yield Scratch(folder, left, kept)
    finally:
        with suppress(FileNotFoundError):  # somebody tidied up
            shutil.rmtree(folder)
        os.close(descriptor)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = _opened(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sweep(parent: Path) -> tuple[tuple[Path, ...], tuple[tuple[Path, str], ...]]:
    left: list[Path] = []
    kept: list[tuple[Path, str]] = []
    for folder in sorted(parent.glob(f"{PREFIX}*")):
        try:
            if _is_removed(folder):
                left.append(folder)
        except OSError as error:
            kept.append((folder, error.strerror or type(error).__name__))
    return tuple(left), tuple(kept)


def _is_removed(folder: Path) -> bool:
    """Remove a folder that no living process holds; False: one does, or it is none of this account's folders."""
    with suppress(FileNotFoundError):  # a worker that ended just now took it along
        if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.geteuid():
            return False
        descriptor = _opened(folder)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True
    return False


def _opened(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
