"""What ``spheroseg export`` and ``spheroseg import`` do: results into files, files into a folder of results."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from spheroseg.domain.spheroid import Spheroid
from spheroseg.errors import SpherosegError
from spheroseg.exchange.files import Files, FolderFiles, OneFile, ZipFiles
from spheroseg.exchange.formats import FORMATS, READABLE, Format
from spheroseg.exchange.results import Result
from spheroseg.exchange.writers.measures import write_csv
from spheroseg.exchange.writers.outlines import write_geojson
from spheroseg.exchange.writers.overlays import write_overlays
from spheroseg.exchange.writers.pictures import write_label_tiffs
from spheroseg_client.errors import LocalFileError
from spheroseg_client.offline.files import keep_what_is_read
from spheroseg_client.outputs import LABELS, OUTLINES, OVERLAYS, SUFFIXES
from spheroseg_client.parts import own_parts

BUNDLE = "bundle"

WRITTEN: Mapping[str, Format] = FORMATS
"""What can be written on this machine."""

__all__ = ["READABLE", "WRITTEN", "Counted", "export", "import_results"]


@dataclass
class Counted:
    """Results as they pass by, counted."""

    results: Iterable[Result]
    images: int = 0
    spheroids: int = 0

    def __iter__(self) -> Iterator[Result]:
        for result in self.results:
            self.images += 1
            yield Result(**{**vars(result), "spheroids": self._counted(result.spheroids)})

    def _counted(self, spheroids: Iterable[Spheroid]) -> Iterator[Spheroid]:
        for spheroid in spheroids:
            self.spheroids += 1
            yield spheroid


def _files_in(paths: Sequence[Path]) -> frozenset[Path]:
    """The files that are meant by files, and by folders with all that is in them; links are followed."""
    found = (file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]))
    return frozenset(file.resolve() for file in found if not file.is_dir())


class KeepingFiles:
    """A folder in which no file is written over that is read meanwhile.

    Args:
        read: As ``_files_in`` gives them.
    """

    def __init__(self, folder: Path, read: frozenset[Path]) -> None:
        self._folder = folder
        self._files = FolderFiles(folder)
        self._read = read

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """See ``Files``.

        Raises:
            LocalFileError: the file is one of those that are read.
        """
        path = self._folder / name
        if path.resolve() in self._read:
            raise LocalFileError(
                f"{path} is one of the files that are read and would be lost; choose another folder", "same-file"
            )
        return self._files.open(name)


def export(
    results: Iterable[Result],
    format_name: str,
    out: Path,
    parameters: Mapping[str, Any] | None = None,
    read: Sequence[Path] = (),
) -> Counted:
    """Write results in a format.

    Args:
        parameters: For a bundle, what the run was made with where that was not the usual.
        out: A folder; or a file, where the format has one for all images; or a name that ends in ``.zip``.
        read: Files and folders that the results are read from, which are never written over.

    Raises:
        LocalFileError: they cannot be written so, and why.
    """
    counted = Counted(results)
    with told(out), destination(WRITTEN[format_name], out, read) as files:
        if format_name == BUNDLE:
            from spheroseg_client.offline import bundles  # noqa: PLC0415 - it loads the worker

            bundles.write(counted, files, parameters or {})
        else:
            WRITTEN[format_name].write(counted, files)
    if not counted.images:
        raise LocalFileError("There are no results in what was given", "no-results")
    return counted


@contextmanager
def told(out: Path) -> Iterator[None]:
    """Errors of writers as errors of this command."""
    try:
        yield
    except SpherosegError as error:
        raise LocalFileError(str(error), error.code) from error
    except ValueError as error:
        raise LocalFileError(str(error), "not-expressible") from error
    except OSError as error:
        raise LocalFileError(f"{out} cannot be written: {error.strerror or error}", "unwritable-file") from error


@contextmanager
def destination(chosen: Format, out: Path, read: Sequence[Path] = ()) -> Iterator[Files]:
    """Where files go; a file appears under its name when it is complete."""
    suffix = out.suffix.lower()
    own = Path(chosen.one_file).suffix if chosen.one_file else ".zip" if chosen is FORMATS["roi"] else None
    if out.is_dir() or suffix not in {own, ".zip"}:
        if suffix and not out.is_dir() and chosen.one_file:
            raise LocalFileError(f"{out}: this format is a {own} file, a .zip archive, or a folder", "wrong-suffix")
        yield KeepingFiles(out, _files_in(read))
        return
    keep_what_is_read(out, read)
    out.parent.mkdir(parents=True, exist_ok=True)
    with own_parts(out.parent) as parts:
        part = parts / out.name
        with part.open("wb") as stream:
            if suffix == own:
                yield OneFile(stream)
            else:
                archive = ZipFiles(stream)
                try:
                    yield archive
                finally:
                    archive.close()
        part.replace(out)


def import_results(results: Iterable[Result], out: Path, read: Sequence[Path] = ()) -> Counted:
    """Write results as ``segment`` does: ``measures.csv``, ``outlines/``, ``labels/`` and ``overlays/``.

    Args:
        read: Files and folders that the results are read from, which are never written over.

    Raises:
        LocalFileError: they cannot be written so, such as when objects overlap, and why.
    """
    counted = Counted(results)
    kept_files = _files_in(read)

    def kept() -> Iterator[Result]:
        for result in counted:
            whole = Result(**{**vars(result), "spheroids": list(result.spheroids)})
            write_geojson([whole], KeepingFiles(out / OUTLINES, kept_files))
            with tempfile.TemporaryDirectory(prefix="spheroseg-") as parts:
                write_label_tiffs([whole], FolderFiles(Path(parts)))
                content = (Path(parts) / f"{result.name}.ome.tif").read_bytes()
            with KeepingFiles(out / LABELS, kept_files).open(result.name + SUFFIXES[LABELS]) as stream:
                stream.write(content)
            # The folder is there as well where no image is: the three together tell a folder of results.
            (out / OVERLAYS).mkdir(exist_ok=True)
            if whole.original is not None:
                write_overlays([whole], KeepingFiles(out / OVERLAYS, kept_files))
            yield whole

    with told(out):
        write_csv(kept(), KeepingFiles(out, kept_files))
    if not counted.images:
        raise LocalFileError("There are no results in what was given", "no-results")
    return counted
