"""Files of commands on local files."""

import tempfile
from pathlib import Path

from spheroseg_client.errors import LocalFileError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that is there under its name when it is complete, and not before; its folder is made.

    Raises:
        LocalFileError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".spheroseg-", dir=path.parent) as parts:
            part = Path(parts) / path.name
            part.write_bytes(content.encode() if isinstance(content, str) else content)
            part.replace(path)
    except OSError as error:
        raise LocalFileError(f"{path} cannot be written: {error.strerror or error}", "unwritable-file") from error
