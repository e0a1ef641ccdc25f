"""Files of commands on local files."""

import tempfile
from pathlib import Path, PurePath

from spheroseg_client.errors import LocalFileError


def stem_of(path: PurePath) -> str:
    """A file's name without its suffix, and without ``.ome`` before it."""
    return path.stem.removesuffix(".ome")


def write_whole(path: Path, content: str) -> None:
    """Write a file that is there under its name when it is complete, and not before; its folder is made.

    Raises:
        LocalFileError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".spheroseg-", dir=path.parent) as parts:
            part = Path(parts) / path.name
            part.write_text(content, encoding="utf-8", newline="")
            part.replace(path)
    except OSError as error:
        raise LocalFileError(f"{path} cannot be written: {error.strerror or error}", "unwritable-file") from error
