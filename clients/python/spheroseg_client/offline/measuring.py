"""Label images of any program to measures. The work behind ``spheroseg measure``."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from spheroseg.domain.spheroid import Spheroid
from spheroseg.errors import InvalidInputError
from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.decode import decode, read_header
from spheroseg.imaging.geojson import feature_collection
from spheroseg.imaging.header import DecodeLimits
from spheroseg.imaging.intensities import Intensities, intensities_of
from spheroseg.imaging.invasion import Invasion, core_of, invasion_of
from spheroseg.imaging.label_files import LABEL_ENDINGS, is_array, read_labels
from spheroseg.imaging.measures import spheroids_of
from spheroseg.imaging.pixel_size import SQUARE_WITHIN
from spheroseg.imaging.simplify import simplified
from spheroseg.statistics.names_tell import stem_of
from spheroseg_client.errors import LocalFileError
from spheroseg_client.inputs import IMAGE_SUFFIXES
from spheroseg_client.names import result_names
from spheroseg_client.notes import not_square
from spheroseg_client.outputs import ORIGIN, TRUST, cell, in_um, measure_cells, shape_columns

LIMITS = DecodeLimits(max_pixels=2**32, max_decoded_bytes=2**36, max_file_bytes=2**36)
"""What lies on this machine is taken however large it is, as long as it fits into memory."""

MASK_VALUES = frozenset({255, 65_535})
"""What programs write for «inside» into masks without numbers."""

IMAGE_CHANGES, IMAGE_FROM_PX = 0.2, 1000
"""Where more than this share of pixels has a neighbour of another number, objects would be under 5 px wide: it is a
photo taken for a label image. Small drawings are left alone."""

SPHEROID_NOT_CELL = 0.2
"""A piece with more than this share of the largest one's area is no loose cell or small cluster; that is told."""

Value = float | int | None


@dataclass(frozen=True)
class How:
    """What is asked for.

    Args:
        page: Of label files with several pages, the first is 1; None: there is one, or all are the same.
        image_page: Likewise of the images.
        binary: Files are masks: pieces that hang together, corners counting as contact, become objects.
        together: All numbers of a file are one object.
        pixel_size_um: For all files; goes before what they say.
        invasion: Measure core, whole and reach of each object.
        core_opening_px: What is thinner than two of these is not core; None: half of what the largest disk has.
        simplify_px: Tolerance of the outlines that are written; None: exact ones.
    """

    page: int | None = None
    image_page: int | None = None
    binary: bool = False
    together: bool = False
    pixel_size_um: float | None = None
    invasion: bool = False
    core_opening_px: float | None = None
    simplify_px: float | None = None


@dataclass(frozen=True)
class MeasuredFile:
    """One label image's objects.

    Args:
        file: As it was named.
        name: What its outlines are called.
        page: Which page of it was measured; of several that are the same, the first.
        spheroids: In order of number; their confidence is unknown.
        extras: By number what comes beside the measures of ``segment``, by column.
        pixel_size_source: ``user``, ``file`` (the label image) or ``image``; None when the size is unknown.
        notes: What a reader of the figures should know.
    """

    file: str
    name: str
    page: int
    width_px: int
    height_px: int
    spheroids: Sequence[Spheroid]
    extras: Mapping[int, dict[str, Value]]
    pixel_size_um: float | None
    pixel_size_source: str | None
    notes: Sequence[str]

    def measures(self, spheroid: Spheroid) -> dict[str, Any]:
        """In pixels, and in µm when the pixel size is known."""
        measures = asdict(spheroid.measures)
        return measures if self.pixel_size_um is None else measures | spheroid.measures.in_um(self.pixel_size_um)

    def rows(self) -> Iterable[list[str]]:
        """Cells of ``measures.csv``."""
        size, source = cell(self.pixel_size_um), self.pixel_size_source or ""
        for spheroid in self.spheroids:
            yield [
                *(self.file, self.name, str(self.page), str(spheroid.number)),
                *measure_cells(self.measures(spheroid)),
                *("", cell(spheroid.touches_edge), size, source),
                *("" for _ in (*ORIGIN, *TRUST)),
                *(cell(value) for value in self.extras[spheroid.number].values()),
            ]

    def as_json(self) -> dict[str, object]:
        """Everything, object by object."""
        return {
            "file": self.file,
            "name": self.name,
            "status": "succeeded",
            "failure": None,
            "spheroid_count": len(self.spheroids),
            "width_px": self.width_px,
            "height_px": self.height_px,
            "pixel_size_um": self.pixel_size_um,
            "pixel_size_source": self.pixel_size_source,
            "notes": list(self.notes),
            "spheroids": [
                {
                    "number": spheroid.number,
                    "touches_edge": spheroid.touches_edge,
                    **self.measures(spheroid),
                    **self.extras[spheroid.number],
                }
                for spheroid in self.spheroids
            ],
        }

    def geojson(self, simplify_px: float | None) -> str:
        """The outlines; with fewer corners where a tolerance is given. Measures are those of the pixels."""
        spheroids = list(self.spheroids)
        if simplify_px is not None:
            outlines = simplified({spheroid.number: spheroid.polygons for spheroid in spheroids}, simplify_px)
            spheroids = [replace(spheroid, polygons=outlines[spheroid.number]) for spheroid in spheroids]
        return feature_collection(spheroids, self.pixel_size_um).decode()


def names_of(files: Sequence[Path]) -> list[str]:
    """What the results of each file are called."""
    return result_names(files)


def extra_columns(how: How, *, with_image: bool) -> list[str]:
    """What stands behind the columns of ``segment``."""
    found = ["pieces"]
    if with_image:
        found += [field.name for field in fields(Intensities)]
    if how.invasion:
        found += [name for field in fields(Invasion) for name in (field.name, in_um(field.name)) if name]
    return found


def csv_of(measured: Iterable[MeasuredFile], how: How, *, with_image: bool) -> str:
    """One row for each object of all files, with a header; numbers in full."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*shape_columns(), *extra_columns(how, with_image=with_image)])
    for one in measured:
        writer.writerows(one.rows())
    return text.getvalue()


def image_for(label_file: Path, images: Path) -> Path:
    """The image that a label image was made from.

    Args:
        images: The image itself, or a folder: there, the file that is called as the label image, or as it without the
            ending that programs give to label images.

    Raises:
        LocalFileError: there is none, or several.
    """
    if not images.is_dir():
        return images
    stem = stem_of(label_file)
    names = [stem, *(stem.removesuffix(ending) for ending in LABEL_ENDINGS if stem.endswith(ending))]
    present = [path for path in sorted(images.iterdir()) if path.suffix.lower() in IMAGE_SUFFIXES]
    for name in names:
        found = [path for path in present if stem_of(path) == name and path.resolve() != label_file.resolve()]
        if len(found) > 1:
            raise LocalFileError(
                f"{images} has several images called {name}: {', '.join(path.name for path in found)}", "ambiguous-name"
            )
        if found:
            return found[0]
    raise LocalFileError(f"{images} has no image called {' or '.join(names)}", "no-image")


def measure_file(path: Path, shown: str, name: str, image: Path | None, how: How) -> MeasuredFile:
    """Measure one label image.

    Args:
        shown: How the file was named.
        name: What its results are called.
        image: Whose brightness is measured as well.

    Raises:
        LocalFileError: a file cannot be read, is no label image, or the two do not belong together.
    """
    try:
        labels, notes = _objects(read_labels(path, how.page), how)
        spheroids = spheroids_of(labels)
        extras: dict[int, dict[str, Value]] = {one.number: {"pieces": len(one.polygons)} for one in spheroids}
        if image is not None:
            brightness, more = _brightness(labels, image, how)
            notes += more
            for number, found in brightness.items():
                extras[number] |= asdict(found)
        size, source, why_not = _pixel_size(path, image, how)
        notes += why_not
        if how.invasion:
            notes += _add_invasion(labels, spheroids, extras, size, how)
    except InvalidInputError as error:
        raise LocalFileError(str(error), error.code) from error
    except OSError as error:
        raise LocalFileError(f"{error.filename or path}: {error.strerror or error}", "unreadable-file") from error
    height, width = labels.shape
    return MeasuredFile(shown, name, how.page or 1, width, height, spheroids, extras, size, source, notes)


def _objects(labels: Labels, how: How) -> tuple[Labels, list[str]]:
    """The objects that are meant by the numbers of a file, and what is to be said about them."""
    inside = labels != 0
    if how.together:
        return inside.astype(np.int32), []
    numbers = np.unique(labels[inside])
    if how.binary:
        if numbers.size > 1:
            raise LocalFileError(
                f"The file holds {numbers.size} different numbers, {numbers[0]} to {numbers[-1]}: it is no mask of "
                "inside and outside; without --binary each number is an object",
                "not-binary",
            )
        return _pieces(inside)[1], []
    changes = np.count_nonzero((labels[:, 1:] != labels[:, :-1]) & inside[:, 1:] & inside[:, :-1])
    if labels.size >= IMAGE_FROM_PX and changes > IMAGE_CHANGES * labels.size:
        raise LocalFileError(
            f"The file holds {numbers.size} different numbers, which change from pixel to pixel: it looks like an "
            "image, not like a label image",
            "looks-like-an-image",
        )
    if numbers.size == 1 and (pieces := _pieces(inside)[0]) > 1:
        if int(numbers[0]) in MASK_VALUES:
            raise LocalFileError(
                f"The file holds one number only, {numbers[0]}, in {pieces} pieces: it looks like a mask of inside and "
                "outside. --binary measures each piece as an object, --together all of them as one",
                "looks-like-a-mask",
            )
        note = f"one number only, {numbers[0]}, in {pieces} pieces: measured as one object; --binary numbers the pieces"
        return labels, [note]
    return labels, [] if numbers.size else ["no objects"]


def _pieces(inside: NDArray[np.bool_]) -> tuple[int, Labels]:
    """How many pieces there are, corners counting as contact, and their numbers."""
    count, numbered = cv2.connectedComponents(inside.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    return count - 1, numbered.astype(np.int32, copy=False)


def _areas(inside: NDArray[np.bool_]) -> list[int]:
    """Pixels of each piece, corners counting as contact."""
    stats = cv2.connectedComponentsWithStats(inside.view(np.uint8), connectivity=8)[2]
    areas: list[int] = stats[1:, cv2.CC_STAT_AREA].tolist()
    return areas


def _brightness(labels: Labels, image: Path, how: How) -> tuple[dict[int, Intensities], list[str]]:
    try:
        header = read_header(image, LIMITS)
        if header.pages > 1 and how.image_page is None:
            raise LocalFileError(f"{image} has {header.pages} pages; say which one with --image-page", "page-not-given")
        page = decode(image, how.image_page or 1, LIMITS)
        found = intensities_of(labels, page.pixels)
    except InvalidInputError as error:
        raise LocalFileError(f"{image}: {error}", error.code) from error
    except ValueError as error:
        raise LocalFileError(f"{image}: {error}", "different-size") from error
    notes = []
    if header.channels > 1:
        notes.append(f"{image.name} has colours: brightness is their luminance (ITU-R BT.601)")
    return found, notes


def _pixel_size(path: Path, image: Path | None, how: How) -> tuple[float | None, str | None, list[str]]:
    """Edge of a pixel in µm, who says so, and what is to be said about that."""
    if how.pixel_size_um is not None:
        return how.pixel_size_um, "user", []
    of_labels = None if is_array(path) else _edges_um(path)
    of_image = None if image is None else _edges_um(image)
    edges = of_labels or of_image
    if edges is None:
        return None, None, []
    if of_image and any(abs(a - b) > SQUARE_WITHIN * a for a, b in zip(edges, of_image, strict=True)):
        raise LocalFileError(
            f"The label image says that a pixel is {_size_in_words(edges)}, the image {image} that it is "
            f"{_size_in_words(of_image)}; say which is right with --pixel-size",
            "different-pixel-sizes",
        )
    if edges[0] != edges[1]:
        said_by = "the file" if of_labels or image is None else f"the image {image.name}"
        return None, None, [not_square(edges, said_by=said_by)]
    return edges[0], "file" if of_labels else "image", []


def _edges_um(path: Path) -> tuple[float, float] | None:
    """Edges of a pixel along x and y in µm, as a file says them; the same number twice where they are equal."""
    header = read_header(path, LIMITS)
    size = header.pixel_size_um
    return header.unequal_edges_um if size is None else (size, size)


def _size_in_words(edges_um: tuple[float, float]) -> str:
    x, y = edges_um
    return f"{x:g} µm" if x == y else f"{x:.6g} × {y:.6g} µm"


def _add_invasion(
    labels: Labels,
    spheroids: Sequence[Spheroid],
    extras: Mapping[int, dict[str, Value]],
    pixel_size_um: float | None,
    how: How,
) -> list[str]:
    notes = []
    for spheroid in spheroids:
        measures = spheroid.measures
        left, top = int(measures.bbox_x_px), int(measures.bbox_y_px)
        right, bottom = left + int(measures.bbox_width_px), top + int(measures.bbox_height_px)
        whole = labels[top:bottom, left:right] == spheroid.number
        areas = sorted(_areas(whole), reverse=True)
        if len(areas) > 1 and areas[1] > SPHEROID_NOT_CELL * areas[0]:
            notes.append(
                f"the second largest piece of spheroid {spheroid.number} has {areas[1] / areas[0]:.0%} of the largest "
                "one's area: perhaps a spheroid of its own, not loose cells"
            )
        values: dict[str, Value] = {field.name: None for field in fields(Invasion)}
        try:
            values = asdict(invasion_of(whole, core_of(whole, how.core_opening_px)))
        except ValueError as error:
            notes.append(f"no measures of invasion for spheroid {spheroid.number}: {error}")
        for name, value in values.items():
            extras[spheroid.number][name] = value
            if um := in_um(name):
                power = {"px": 1, "px2": 2}[name.rpartition("_")[2]]
                known = value is not None and pixel_size_um is not None
                extras[spheroid.number][um] = value * pixel_size_um**power if known else None  # type: ignore[operator]
    if len(spheroids) > 1:
        notes.append(
            "several objects, each with a core of its own; --together takes them as one spheroid and what came loose "
            "from it"
        )
    return notes
