"""Files of other programs, as they were uploaded: by themselves, or packed into a ZIP archive."""

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from spheroseg.domain.outline_import import (
    MAX_OBJECTS,
    MAX_PIXELS,
    MAX_TEXT_BYTES,
    ImportFormat,
    ImportOptions,
    is_text,
)
from spheroseg.errors import ImportFileTooLargeError, InvalidExchangeFileError, InvalidInputError
from spheroseg.exchange.formats import READABLE
from spheroseg.exchange.names import name_of_image
from spheroseg.exchange.readers.faults import fault
from spheroseg.exchange.readers.rois import DAMAGED_ZIP
from spheroseg.exchange.readers.yolo import read_yolo
from spheroseg.exchange.results import ReadImage
from spheroseg.imaging.decode import read_header
from spheroseg.imaging.header import DecodeLimits
from spheroseg.imaging.label_files import LABEL_ENDINGS
from spheroseg.ports import SizeOf

MAX_ENTRIES = 100_000
MAX_UNPACKED_BYTES = 4 * 2**30
"""On disk, while an archive is read."""
ENDINGS = (*LABEL_ENDINGS, "_rois")
"""What programs append to an image's name for what belongs to it."""
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
YOLO_SUFFIXES = frozenset({".txt", ".yaml", ".yml", ".csv"})


class ExchangeFiles:
    """Every format that is read."""

    def read(self, path: Path, options: ImportOptions, size_of: SizeOf, scratch: Path) -> Sequence[ReadImage]:
        """What a file, or every file of an archive, says about images.

        Raises:
            InvalidExchangeFileError: what is wrong with which entry of it.
            ImportFileTooLargeError: it is more than can be read.
        """
        format_ = options.format
        if format_ is ImportFormat.ROI and not _holds(path, (".zip",)):
            return READABLE[format_].read(path)
        if not zipfile.is_zipfile(path):
            return self._one(path, format_)
        suffixes = YOLO_SUFFIXES if format_ is ImportFormat.YOLO else frozenset(READABLE[format_].suffixes)
        files = _unpacked(path, suffixes | (IMAGE_SUFFIXES if format_ is ImportFormat.YOLO else frozenset()), scratch)
        if format_ is ImportFormat.YOLO:
            return read_yolo(_dataset(path, files), size_of)
        found: list[ReadImage] = []
        for file in files:
            found += self._one(file, format_)
            if sum(len(image.objects) for image in found) > MAX_OBJECTS:
                raise ImportFileTooLargeError(f"{path.name} has more than {MAX_OBJECTS:,} outlines")
        if not found:
            raise fault(path, "", "no file of the format is in the archive", f"{', '.join(sorted(suffixes))} are read")
        return found

    def keys(self, name: str) -> Sequence[str]:
        """The name without folders, suffix and unusual characters, then without what programs append."""
        key = name_of_image(_image_name(PurePosixPath(name.replace("\\", "/")).name))
        return [key, *(key.removesuffix(ending) for ending in ENDINGS if key.endswith(ending))]

    def _one(self, path: Path, format_: ImportFormat) -> Sequence[ReadImage]:
        if format_ is ImportFormat.YOLO:
            raise fault(path, "", "it is one file", "a YOLO dataset is a folder with «labels», here as a ZIP archive")
        if format_ is ImportFormat.LABELS:
            _require_few_pixels(path)
        elif is_text(path.name) and path.stat().st_size > MAX_TEXT_BYTES:
            raise ImportFileTooLargeError(f"{path.name} has more than {MAX_TEXT_BYTES:,} bytes")
        try:
            return READABLE[format_].read(path)
        except RecursionError as error:
            raise fault(path, "", "it is nested too deeply", "no format needs that") from error


def _require_few_pixels(path: Path) -> None:
    """Return for a label image that can be read, before anything of it is decoded."""
    try:
        header = read_header(path, DecodeLimits())
    except InvalidInputError as error:
        raise fault(path, "", str(error), "a label image has one whole number for each pixel") from error
    pixels = header.width_px * header.height_px * header.pages
    if pixels > MAX_PIXELS:
        raise ImportFileTooLargeError(f"{path.name} has {pixels:,} pixels; up to {MAX_PIXELS:,} are read")


def _image_name(name: str) -> str:
    """With something that may be cut off as a suffix: other dots belong to the name."""
    return name if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES else f"{name}.tif"


def _holds(path: Path, suffixes: tuple[str, ...]) -> bool:
    """Whether it is an archive of such files."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.lower().endswith(suffixes) for name in archive.namelist())
    except DAMAGED_ZIP:
        return False


def _unpacked(path: Path, suffixes: frozenset[str], folder: Path) -> list[Path]:
    """The files with such suffixes, in order of their names; none leaves the folder, whatever the archive calls it."""
    found = []
    left = MAX_UNPACKED_BYTES
    place = ""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise ImportFileTooLargeError(f"{path.name} has more than {MAX_ENTRIES:,} files")
            for entry in entries:
                place = entry.filename
                inside = PurePosixPath(place)
                if entry.is_dir() or inside.suffix.lower() not in suffixes or _is_hidden(inside):
                    continue
                if inside.is_absolute() or ".." in inside.parts:
                    raise fault(path, place, "it lies outside of the archive", "names lead downwards only")
                left -= entry.file_size
                if left < 0:
                    raise ImportFileTooLargeError(f"{path.name} has more than {MAX_UNPACKED_BYTES:,} bytes unpacked")
                target = folder.joinpath(*inside.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                # zipfile gives no more bytes than the entry says, and then checks them.
                with archive.open(entry) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
                found.append(target)
    except InvalidExchangeFileError:
        raise
    except DAMAGED_ZIP as error:
        raise fault(path, place, " ".join(str(error).split())[:200], "the archive must be sound") from error
    return sorted(found)


def _is_hidden(inside: PurePosixPath) -> bool:
    """What systems put into archives by themselves: macOS's copies of attributes, and files with a dot."""
    return "__MACOSX" in inside.parts or inside.name.startswith(".")


def _dataset(path: Path, files: Sequence[Path]) -> Path:
    """The folder with «labels», at the top of the archive or further down."""
    roots = {file.parents[at + 1] for file in files for at, one in enumerate(file.parents[:-1]) if one.name == "labels"}
    if len(roots) != 1:
        raise fault(path, "", f"{len(roots)} folders have «labels»", "the archive holds one YOLO dataset")
    return roots.pop()
