"""Two label images, or two folders of them: which objects agree. The work behind ``spheroseg compare``."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from spheroseg.errors import InvalidInputError
from spheroseg.imaging.label_files import read_labels
from spheroseg.imaging.matching import Matching, Overlaps, match, overlaps_of
from spheroseg.statistics.names_tell import stem_of
from spheroseg_client.errors import LocalFileError

LABEL_SUFFIXES = frozenset({".tif", ".tiff", ".png"})

COLUMNS = (
    "image",
    "status",
    "a",
    "b",
    "iou",
    "a_area_px2",
    "b_area_px2",
    "area_difference_px2",
    "area_difference_percent",
)


@dataclass(frozen=True)
class ObjectRow:
    """One object, or two that are partners.

    Args:
        status: ``matched``, ``missed`` (in A alone) or ``added`` (in B alone).
        a, b: Numbers in the two label images; None where there is none.
        iou: Of partners.
        a_area_px2, b_area_px2: Pixels.
    """

    status: str
    a: int | None
    b: int | None
    iou: float | None
    a_area_px2: int | None
    b_area_px2: int | None

    @property
    def area_difference_px2(self) -> int | None:
        """B less A, of partners."""
        return None if self.a_area_px2 is None or self.b_area_px2 is None else self.b_area_px2 - self.a_area_px2

    @property
    def area_difference_percent(self) -> float | None:
        """The same in percent of A."""
        difference = self.area_difference_px2
        return None if difference is None or self.a_area_px2 is None else 100 * difference / self.a_area_px2

    def as_json(self) -> dict[str, object]:
        """All fields and both differences."""
        return {column: getattr(self, column) for column in COLUMNS[1:]}


@dataclass(frozen=True)
class ImageComparison:
    """Two label images of one image.

    Args:
        name: What both files are called, without suffix.
        a, b: The files.
        notes: What a reader of the figures should know.
    """

    name: str
    a: Path
    b: Path
    overlaps: Overlaps
    matching: Matching
    notes: tuple[str, ...]

    @property
    def mean_iou(self) -> float | None:
        """Over the partners; None without any."""
        return float(self.matching.iou.mean()) if self.matching.iou.size else None

    def rows(self) -> Iterator[ObjectRow]:
        """Partners in order of A's numbers, then what is missed, then what is added."""
        found, overlaps = self.matching, self.overlaps
        columns = (found.first, found.second, found.iou, found.first_areas, found.second_areas)
        for a, b, iou, a_area, b_area in zip(*(column.tolist() for column in columns), strict=True):
            yield ObjectRow("matched", a, b, iou, a_area, b_area)
        for number, area in _with_areas(found.missed, overlaps.first, overlaps.first_areas):
            yield ObjectRow("missed", number, None, None, area, None)
        for number, area in _with_areas(found.added, overlaps.second, overlaps.second_areas):
            yield ObjectRow("added", None, number, None, None, area)

    def as_json(self) -> dict[str, object]:
        """Everything, object by object."""
        return {
            "image": self.name,
            "a": str(self.a),
            "b": str(self.b),
            "a_objects": self.overlaps.first.size,
            "b_objects": self.overlaps.second.size,
            "matched": self.matching.iou.size,
            "missed": self.matching.missed.size,
            "added": self.matching.added.size,
            "mean_iou": self.mean_iou,
            "average_precision": self.matching.average_precision,
            "precision": self.matching.precision,
            "recall": self.matching.recall,
            "f1": self.matching.f1,
            "panoptic_quality": self.matching.panoptic_quality,
            "foreground_iou": self.overlaps.foreground_iou,
            "foreground_dice": self.overlaps.foreground_dice,
            "notes": list(self.notes),
            "objects": [row.as_json() for row in self.rows()],
        }


@dataclass(frozen=True)
class Failure:
    """An image that could not be compared, and why."""

    name: str
    code: str
    detail: str


@dataclass(frozen=True)
class Pair:
    """The files of one image."""

    name: str
    a: Path
    b: Path


def pairs_of(a: Path, b: Path) -> tuple[list[Pair], list[Failure]]:
    """What is to be compared: two files, or the files of the same name (without suffix) in two folders.

    Raises:
        LocalFileError: one of the two does not exist, they are of different kinds, or there is no pair at all.
    """
    for path in (a, b):
        if not path.exists():
            raise LocalFileError(f"{path}: no such file or folder", "file-not-found")
    if a.is_dir() != b.is_dir():
        raise LocalFileError("Give two files or two folders, not one of each", "not-comparable")
    if not a.is_dir():
        return [Pair(stem_of(a), a, b)], []
    in_a, in_b = _by_stem(a), _by_stem(b)
    pairs, failures = [], []
    for name in sorted(in_a.keys() | in_b.keys()):
        of_a, of_b = in_a.get(name, []), in_b.get(name, [])
        if len(of_a) == len(of_b) == 1:
            pairs.append(Pair(name, of_a[0], of_b[0]))
        elif not of_a or not of_b:
            failures.append(Failure(name, "no-partner", f"there is no such label image in {a if not of_a else b}"))
        else:
            files = ", ".join(path.name for path in (*of_a, *of_b))
            failures.append(Failure(name, "ambiguous-name", f"several label images share this name: {files}"))
    if not pairs:
        suffixes = ", ".join(sorted(LABEL_SUFFIXES))
        raise LocalFileError(f"{a} and {b} have no files of the same name in common ({suffixes})", "no-images")
    return pairs, failures


def compare_pair(pair: Pair, threshold: float) -> ImageComparison:
    """Compare two label images.

    Args:
        threshold: IoU above which two objects are partners, from 0 to below 1.

    Raises:
        LocalFileError: a file cannot be read or is no label image, or the two differ in size.
    """
    first, second = (_read(path) for path in (pair.a, pair.b))
    try:
        overlaps = overlaps_of(first, second)
    except ValueError as error:
        raise LocalFileError(f"{pair.a} and {pair.b}: {error}", "different-size") from error
    notes = tuple(
        note
        for path, labels, numbers in ((pair.a, first, overlaps.first), (pair.b, second, overlaps.second))
        for note in _notes(path, labels, numbers.size)
    )
    return ImageComparison(pair.name, pair.a, pair.b, overlaps, match(overlaps, threshold), notes)


def csv_of(comparisons: Iterable[ImageComparison]) -> str:
    """One row for each object or pair of all images, with a header; numbers in full."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for comparison in comparisons:
        for row in comparison.rows():
            writer.writerow([comparison.name, *row.as_json().values()])
    return text.getvalue()


def totals(comparisons: Sequence[ImageComparison]) -> dict[str, object]:
    """All images together, as if they were one."""
    matched, missed, added = (
        sum(getattr(comparison.matching, part).size for comparison in comparisons)
        for part in ("iou", "missed", "added")
    )
    ious = [comparison.matching.iou for comparison in comparisons]
    every = matched + missed + added
    return {
        "images": len(comparisons),
        "matched": matched,
        "missed": missed,
        "added": added,
        "mean_iou": float(np.concatenate(ious).mean()) if matched else None,
        "average_precision": matched / every if every else 1.0 if comparisons else None,
    }


def _by_stem(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith(".") and path.suffix.lower() in LABEL_SUFFIXES:
            found.setdefault(stem_of(path), []).append(path)
    return found


def _read(path: Path) -> NDArray[np.int32]:
    try:
        return read_labels(path)
    except InvalidInputError as error:
        raise LocalFileError(f"{path}: {error}", error.code) from error
    except OSError as error:
        raise LocalFileError(f"{path}: {error.strerror or error}", "unreadable-file") from error


def _notes(path: Path, labels: NDArray[np.int32], objects: int) -> Iterator[str]:
    if objects == 1:
        pieces = cv2.connectedComponents((labels > 0).view(np.uint8), connectivity=8)[0] - 1
        if pieces > 1:
            yield (
                f"{path} holds one number only, in {pieces} pieces that do not touch: it is compared as one object; "
                "a mask needs its pieces numbered first"
            )


def _with_areas(
    numbers: NDArray[np.int64], all_numbers: NDArray[np.int64], areas: NDArray[np.int64]
) -> Iterator[tuple[int, int]]:
    yield from zip(numbers.tolist(), areas[np.searchsorted(all_numbers, numbers)].tolist(), strict=True)
