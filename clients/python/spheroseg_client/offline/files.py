"""Files of commands on local files."""

import os
from collections.abc import Iterable
from pathlib import Path

from spheroseg_client.errors import LocalFileError
from spheroseg_client.parts import own_parts

STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/")
"""Names of what is open already, also where that is a file: written to, never replaced."""


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that is there under its name when it is complete, and not before; its folder is made.

    Where a link stands, the file that it leads to is written. A device or pipe takes the content as it comes.

    Raises:
        LocalFileError: it cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        if str(path).startswith(STREAMS) or (path.exists() and not path.is_file() and not path.is_dir()):
            with path.open("wb") as stream:
                stream.write(data)
            return
        place = path.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        with own_parts(place.parent) as parts:
            part = parts / place.name
            part.write_bytes(data)
            part.replace(place)
    except (OSError, RuntimeError) as error:  # resolve() finds loops of links, until Python 3.12 as a RuntimeError
        reason = error.strerror if isinstance(error, OSError) else None
        raise LocalFileError(f"{path} cannot be written: {reason or error}", "unwritable-file") from error


def check_place(path: Path | None) -> None:
    """Tell before long work that a file cannot be written after it. Nothing is made.

    Raises:
        LocalFileError: the path is a folder, leads through a file, or stands in a folder that cannot be written to.
    """
    if path is None or (path.exists() and not path.is_dir()):
        return
    if path.is_dir():
        raise LocalFileError(f"{path} is a folder; the name of a file is needed", "unwritable-file")
    place = next(parent for parent in path.absolute().parents if parent.exists())
    if not place.is_dir():
        raise LocalFileError(f"{path} cannot be written: {place} is no folder", "unwritable-file")
    if not os.access(place, os.W_OK | os.X_OK):
        raise LocalFileError(f"{path} cannot be written: nothing may be put into {place}", "unwritable-file")


def keep_what_is_read(written: Path | None, read: Iterable[Path | None]) -> None:
    """Refuse to write over a file that the same command reads.

    Args:
        written: Where something will be written; None: nowhere.
        read: Files, and folders, of which every file is meant.

    Raises:
        LocalFileError: ``written`` is one of them, under this or another name; or it cannot be written at all.
    """
    check_place(written)
    if written is None or not written.is_file():
        return
    for path in read:
        if path is None or not path.exists():
            continue
        same = (
            any(one.is_file() and written.samefile(one) for one in path.iterdir())
            if path.is_dir()
            else written.samefile(path)
        )
        if same:
            raise LocalFileError(
                f"{written} is one of the files that are read and would be lost; write to another one", "same-file"
            )
