"""Where the files of an export go: a folder, or an archive that is written front to back."""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, cast

STORED = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".zip", ".xlsx", ".parquet", ".onnx"})
"""What is compressed already is not compressed again."""


class Files(Protocol):
    """Takes files one after another."""

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A new file to be written front to back; it is there when the block ends well.

        Args:
            name: Its path, parts separated by ``/``.

        Raises:
            ValueError: the name leads out of the place, or was used before.
        """


def checked(name: str, taken: set[str]) -> PurePosixPath:
    """A file's path, remembered.

    Raises:
        ValueError: it leads out of its place, or was used before, in another case of letters too.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\\" in name:
        raise ValueError(f"{name!r} is no name for a file of an export")
    if str(path).lower() in taken:
        raise ValueError(f"{name} would be written twice")
    taken.add(str(path).lower())
    return path


class FolderFiles:
    """A folder; each file appears under its name when it is complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken: set[str] = set()

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """See ``Files``."""
        path = self._folder / checked(name, self._taken)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(prefix=".spheroseg-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                yield stream
            Path(part).chmod(0o644)
            Path(part).replace(path)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise


class ZipFiles:
    """A ZIP archive on a stream that need not be seekable, such as an upload in parts; ``close`` completes it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._archive = zipfile.ZipFile(stream, "w", allowZip64=True)
        self._taken: set[str] = set()

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """See ``Files``."""
        path = checked(name, self._taken)
        # A fixed moment: the same results give the same bytes.
        entry = zipfile.ZipInfo(str(path), date_time=(1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o644 << 16
        entry.compress_type = zipfile.ZIP_STORED if path.suffix.lower() in STORED else zipfile.ZIP_DEFLATED
        with self._archive.open(entry, "w", force_zip64=True) as stream:
            yield cast(BinaryIO, stream)

    def close(self) -> None:
        """Write the archive's directory."""
        self._archive.close()


class OneFile:
    """A single file on a stream, for formats that write one; a second one is an error."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._taken: set[str] = set()

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """See ``Files``."""
        if self._taken:
            raise ValueError(f"{name} would be a second file beside {', '.join(self._taken)}")
        checked(name, self._taken)
        yield self._stream


@contextmanager
def spooled(files: Files, name: str) -> Iterator[Path]:
    """A path for libraries that write to paths or jump about in the file; copied into its place when the block ends."""
    with tempfile.TemporaryDirectory(prefix="spheroseg-") as folder:
        path = Path(folder) / PurePosixPath(name).name
        yield path
        with path.open("rb") as source, files.open(name) as target:
            shutil.copyfileobj(source, target, 2**20)
