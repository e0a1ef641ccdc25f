"""Which files are meant: files, folders and glob patterns become a list of files, and what cannot be taken a reason."""

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff"})
"""What a folder is searched for; a file that is named itself is taken whatever its suffix."""

OUTPUT_FOLDERS = frozenset({"outlines", "labels", "overlays"})
MEASURES_FILE = "measures.csv"


@dataclass(frozen=True)
class InputFile:
    """One file to be segmented.

    Args:
        path: Where it lies.
        shown: How it was named: as given, or below the folder that was given.
        size_bytes: Its size when it was looked at.
    """

    path: Path
    shown: str
    size_bytes: int


@dataclass(frozen=True)
class UnusableInput:
    """What was named and cannot be uploaded, and why.

    Args:
        shown: How it was named.
        code: ``file-not-found``, ``no-match``, ``no-images``, ``unreadable-file``, ``not-a-file`` or ``empty-file``.
        detail: The reason in words.
    """

    shown: str
    code: str
    detail: str


@dataclass(frozen=True)
class Inputs:
    """What a command was given, in the order it was given; a file named twice stands here once.

    Args:
        passed_over: How many files in the folders have another suffix than images have, by suffix in small letters.
    """

    files: Sequence[InputFile]
    unusable: Sequence[UnusableInput]
    passed_over: Mapping[str, int] = field(default_factory=dict)


def find_inputs(arguments: Iterable[str | os.PathLike[str]], out: Path | None = None) -> Inputs:
    """The files that the arguments mean.

    Folders are searched with everything below them for files with an image's suffix, in the order of their names;
    hidden files and folders are left out, and so are the results of an earlier run (``out``, and any folder that
    holds ``measures.csv`` beside ``outlines``, ``labels`` and ``overlays``). A pattern (``*``, ``?``, ``[…]``, ``**``)
    that no shell expanded is expanded here. Symbolic links are followed to files, not to folders.

    Args:
        arguments: Paths of files or folders, or glob patterns.
        out: Folder that results are written to.
    """
    files: dict[Path, InputFile] = {}
    unusable: list[UnusableInput] = []
    passed_over: set[Path] = set()
    left_out = out.resolve() if out is not None else None
    for argument in arguments:
        for found in _of_argument(os.fspath(argument), left_out, passed_over):
            if isinstance(found, UnusableInput):
                unusable.append(found)
            else:
                files.setdefault(found.path.resolve(), found)
    kinds = Counter(path.suffix.lower() for path in passed_over if Path(os.path.realpath(path)) not in files)
    return Inputs(list(files.values()), unusable, dict(sorted(kinds.items())))


def _of_argument(argument: str, left_out: Path | None, passed_over: set[Path]) -> Iterator[InputFile | UnusableInput]:
    path = Path(argument)
    try:
        exists = path.exists()
        is_folder = path.is_dir()
    except (OSError, ValueError) as error:  # a name longer than the system allows, or a NUL in it
        yield UnusableInput(_shown(argument), "file-not-found", f"cannot be looked up: {_reason(error)}")
        return
    if is_folder:
        yield from _of_folder(path, left_out, passed_over)
    elif exists:
        yield _checked(path)
    elif glob.has_magic(argument):
        matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 - patterns may be absolute
        if not matches:
            yield UnusableInput(_shown(argument), "no-match", "no file matches this pattern")
        for match in matches:
            if not Path(match).is_dir():
                yield _checked(Path(match))
    elif path.is_symlink():
        yield UnusableInput(_shown(argument), "file-not-found", "a link to a file that does not exist")
    else:
        yield UnusableInput(_shown(argument), "file-not-found", "no such file or folder")


def _of_folder(folder: Path, left_out: Path | None, passed_over: set[Path]) -> Iterator[InputFile | UnusableInput]:
    found_any = False
    errors: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=errors.append):
        here = Path(parent)
        if here.resolve() == left_out or _holds_results(folders, names):
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith("."):
                continue
            if Path(name).suffix.lower() in IMAGE_SUFFIXES:
                found_any = True
                yield _checked(here / name)
            else:
                passed_over.add(here / name)
    for error in errors:
        found_any = True
        yield UnusableInput(_shown(error.filename), "unreadable-file", f"folder cannot be read: {_reason(error)}")
    if not found_any:
        suffixes = ", ".join(sorted(IMAGE_SUFFIXES))
        yield UnusableInput(_shown(folder), "no-images", f"no images in this folder (looked for {suffixes})")


def _holds_results(folders: Sequence[str], names: Sequence[str]) -> bool:
    return MEASURES_FILE in names and set(folders) >= OUTPUT_FOLDERS


def _checked(path: Path) -> InputFile | UnusableInput:
    shown = _shown(path)
    if not path.is_file():
        if path.is_symlink() and not path.exists():
            return UnusableInput(shown, "file-not-found", "a link to a file that does not exist")
        return UnusableInput(shown, "not-a-file", "neither a file nor a folder")
    try:
        with path.open("rb") as stream:
            size_bytes = os.fstat(stream.fileno()).st_size
    except OSError as error:
        return UnusableInput(shown, "unreadable-file", f"cannot be read: {_reason(error)}")
    if size_bytes == 0:
        return UnusableInput(shown, "empty-file", "holds no bytes")
    return InputFile(path, shown, size_bytes)


def _shown(path: object) -> str:
    """A path as text that can be written anywhere: bytes of a name that are no UTF-8 become question marks."""
    return str(path).encode("utf-8", "replace").decode()


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
