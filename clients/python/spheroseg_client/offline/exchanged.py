"""Results on this machine as the exchange sees them: folders of ``segment``, label images, files of other programs."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path, PurePath
from typing import Any, BinaryIO, cast

from spheroseg.domain.review import ReviewReason
from spheroseg.domain.spheroid import Brightness, Measures, Polygon, Spheroid
from spheroseg.errors import InvalidInputError
from spheroseg.exchange.formats import READABLE, format_of
from spheroseg.exchange.measured import spheroids_from
from spheroseg.exchange.names import unique_name
from spheroseg.exchange.results import Origin, Original, ReadImage, Result
from spheroseg.imaging.decode import read_header
from spheroseg.imaging.header import DecodeLimits
from spheroseg.imaging.label_files import LABEL_ENDINGS
from spheroseg.statistics.names_tell import stem_of
from spheroseg_client.errors import LocalFileError, UnexpectedAnswerError
from spheroseg_client.inputs import IMAGE_SUFFIXES, MEASURES_FILE
from spheroseg_client.names import result_names
from spheroseg_client.notes import not_square
from spheroseg_client.outlines import Outline, read_outlines
from spheroseg_client.outputs import LABELS, OUTLINES, SUFFIXES

LIMITS = DecodeLimits(max_pixels=2**32, max_decoded_bytes=2**36, max_file_bytes=2**36)


@dataclass(frozen=True)
class How:
    """What a user says beside the files.

    Args:
        format_name: What the files are; None: their names tell.
        images: The image, or the folder of the images, that the outlines belong to.
        pixel_size_um: Goes before what files say.
        size_px: Width and height of an image by its name, for files that do not say it; None where it is not known.
        notes: What a reader of the measures should know, file by file, once all results were gone through.
    """

    format_name: str | None = None
    images: Path | None = None
    pixel_size_um: float | None = None
    size_px: Callable[[str], tuple[int, int] | None] = lambda _: None
    notes: list[tuple[str, str]] = field(default_factory=list)


def results_of(sources: Sequence[Path], how: How) -> Iterator[Result]:
    """The results in files and folders, one after another.

    Raises:
        LocalFileError: one of them cannot be taken, and why.
    """
    taken: set[str] = set()
    for source in sources:
        if not source.exists():
            raise LocalFileError(f"{source}: no such file or folder", "file-not-found")
        try:
            for result in _of_one(source, how):
                name = unique_name(result.name, taken)
                original = result.original
                if original is not None:
                    original = replace(original, file_name=name + PurePath(original.file_name).suffix)
                yield replace(result, name=name, original=original)
        except (InvalidInputError, UnexpectedAnswerError) as error:
            told = str(error) if str(error).startswith(source.name) else f"{source}: {error}"
            raise LocalFileError(told, error.code) from error
        except OSError as error:
            raise LocalFileError(f"{source} cannot be read: {error.strerror or error}", "unreadable-file") from error


def _of_one(source: Path, how: How) -> Iterator[Result]:
    if how.format_name is None and (source / MEASURES_FILE).is_file() and (source / OUTLINES).is_dir():
        yield from _of_folder(source, how)
        return
    format_name = how.format_name or format_of(source)
    if format_name is None and source.is_dir():
        files = [path for path in sorted(source.rglob("*")) if path.is_file() and format_of(path) is not None]
        if not files:
            raise LocalFileError(
                f"{source} has neither results of «segment» nor files of a format that is read", "no-results"
            )
        for file in files:
            yield from _of_one(file, how)
        return
    if format_name is None:
        known = ", ".join(READABLE)
        raise LocalFileError(f"{source}: its name does not tell what it is; say it by --from ({known})", "no-format")
    for image in READABLE[format_name].read(source):
        yield _of_read(source, image, how)


def _of_read(source: Path, image: ReadImage, how: How) -> Result:
    original = image_called(image.name, how.images, source)
    width, height, file_size_um = image.width_px, image.height_px, image.pixel_size_um
    unequal_um = image.unequal_edges_um
    if original is not None:
        header = read_header(original, LIMITS)
        if width is not None and (width, height) != (header.width_px, header.height_px):
            raise LocalFileError(
                f"{source} says that {image.name} has {width} × {height} px; {original} has {header.width_px} × "
                f"{header.height_px}",
                "different-sizes",
            )
        width, height = header.width_px, header.height_px
        unequal_um = unequal_um or header.unequal_edges_um
        if image.unequal_edges_um is None:  # else the two contradict each other, and neither is taken
            file_size_um = file_size_um or header.pixel_size_um
    if width is None and (known := how.size_px(image.name)) is not None:
        width, height = known
    if width is None or height is None:
        raise LocalFileError(
            f"{source} does not say how large the image is: give the image, or the folder it is in, by --image",
            "unknown-size",
        )
    size_um = how.pixel_size_um or file_size_um
    if unequal_um is not None and how.pixel_size_um is None:
        said_by = source if original is None or image.unequal_edges_um else original
        how.notes.append((str(said_by), not_square(unequal_um, size_um, "other file")))
    return Result(
        file=image.name if original is None else original.name,
        name=result_names([Path(image.name) if original is None else original])[0],
        width_px=width,
        height_px=height,
        spheroids=_Again(lambda: spheroids_from(image, width, height)),
        pixel_size_um=size_um,
        pixel_size_source="user" if how.pixel_size_um else "file" if size_um else "",
        original=None if original is None else original_at(original),
    )


@dataclass(frozen=True)
class _Again:
    """Spheroids that are made anew whenever they are gone through, so that one image's are in memory at a time."""

    make: Callable[[], Iterator[Spheroid]]

    def __iter__(self) -> Iterator[Spheroid]:
        return self.make()


def original_at(path: Path, name: str | None = None) -> Original:
    """An image file of this machine.

    Args:
        name: What it is called without its suffix; None: as it is.
    """
    opened = cast(Callable[[], AbstractContextManager[BinaryIO]], lambda: path.open("rb"))
    return Original(path.name if name is None else name + path.suffix, opened)


def image_called(name: str, images: Path | None, source: Path | None = None) -> Path | None:
    """The image that outlines belong to, by its name; None where no images are given.

    Args:
        images: The image, or a folder with it.
        source: The file of the outlines, which is not it.

    Raises:
        LocalFileError: it is not there, or there are several.
    """
    if images is None:
        return None
    if not images.exists():
        raise LocalFileError(f"{images}: no such file or folder", "file-not-found")
    if not images.is_dir():
        return images
    if (images / name).is_file():
        return images / name
    stem = stem_of(PurePath(name)) if PurePath(name).suffix.lower() in IMAGE_SUFFIXES else PurePath(name).name
    stems = {stem, *(stem.removesuffix(ending) for ending in LABEL_ENDINGS)}
    found = [
        path
        for path in sorted(images.iterdir())
        if path.suffix.lower() in IMAGE_SUFFIXES
        and stem_of(path) in stems
        and (source is None or path.resolve() != source.resolve())
    ]
    if len(found) != 1:
        told = "no image" if not found else f"{len(found)} images"
        raise LocalFileError(f"{images} has {told} called {stem}", "no-image" if not found else "ambiguous-name")
    return found[0]


@dataclass(frozen=True)
class _Row:
    """What the first row of an image says about it in ``measures.csv``."""

    file: str
    page: int
    pixel_size_um: float | None
    pixel_size_source: str
    origin: Origin


LOCAL = "intensity_local_background"


def _of_folder(folder: Path, how: How) -> Iterator[Result]:
    rows = _rows(folder / MEASURES_FILE)
    for path in sorted((folder / OUTLINES).glob(f"*{SUFFIXES[OUTLINES]}")):
        name = path.name.removesuffix(SUFFIXES[OUTLINES])
        labels = folder / LABELS / (name + SUFFIXES[LABELS])
        if not labels.is_file():
            raise LocalFileError(f"{labels} is missing: it says how large the image is", "no-labels")
        header = read_header(labels, LIMITS)
        row = rows.get(name) or _Row(name, 1, header.pixel_size_um, "file" if header.pixel_size_um else "", Origin())
        image = image_called(row.file, how.images, path)
        if image is None and Path(row.file).is_file():
            image = Path(row.file)
        if image is not None and not how.pixel_size_um and not row.pixel_size_um:
            _note_unequal(image, how)
        yield Result(
            file=row.file,
            name=name,
            page=row.page,
            width_px=header.width_px,
            height_px=header.height_px,
            spheroids=_Again(lambda path=path: map(spheroid_of, read_outlines(path))),  # type: ignore[misc]
            pixel_size_um=how.pixel_size_um or row.pixel_size_um,
            pixel_size_source="user" if how.pixel_size_um else row.pixel_size_source,
            origin=row.origin,
            original=None if image is None else original_at(image),
        )


def _note_unequal(image: Path, how: How) -> None:
    """Say so where it is the image's file that leaves µm unknown."""
    with suppress(InvalidInputError, OSError):  # nothing else is read of it here
        if (unequal_um := read_header(image, LIMITS).unequal_edges_um) is not None:
            how.notes.append((str(image), not_square(unequal_um)))


def _rows(path: Path) -> dict[str, _Row]:
    """The first row of each image."""
    found: dict[str, _Row] = {}
    try:
        with io.TextIOWrapper(path.open("rb"), encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if row["name"] not in found:
                    found[row["name"]] = _row(row)
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise LocalFileError(f"{path} is no table of measures of «segment»: {error}", "no-measures") from error
    return found


def _row(row: dict[str, str]) -> _Row:
    def number(column: str) -> float | None:
        return float(row[column]) if row[column] else None

    return _Row(
        file=row["file"],
        page=int(row["page"]),
        pixel_size_um=number("pixel_size_um"),
        pixel_size_source=row["pixel_size_source"],
        origin=Origin(
            model=row["model"],
            model_version=row["model_version"],
            image_id=row["image_id"],
            segmentation_id=row["segmentation_id"],
            ran_model=row["ran_model"],
            ran_precision=row["ran_precision"],
            ran_sha256=row["ran_sha256"],
            ran_runtime=row.get("ran_runtime") or "",  # tables of before it was noted have no such columns
            ran_provider=row.get("ran_provider") or "",
            image_confidence=number("image_confidence"),
            image_needs_review={"true": True, "false": False}.get(row["image_needs_review"]),
            image_review_reasons=row["image_review_reasons"],
        ),
    )


def spheroid_of(outline: Outline) -> Spheroid:
    """As ``segment`` wrote it, its measures among it."""
    try:
        found: dict[str, Any] = {field.name: outline.measures[field.name] for field in fields(Measures)}
    except KeyError as error:
        raise UnexpectedAnswerError(f"Spheroid {outline.number} has no measure {error.args[0]}") from error
    measures = Measures(**found)
    reasons = outline.review_reasons
    return Spheroid(
        number=outline.number,
        polygons=tuple(
            Polygon(_ring(rings[0]), tuple(_ring(ring) for ring in rings[1:])) for rings in outline.polygons
        ),
        measures=measures,
        confidence=outline.confidence,
        touches_edge=outline.touches_edge,
        rim_confidence=outline.rim_confidence,
        review_reasons=None if reasons is None else tuple(map(ReviewReason, reasons)),
        brightness=_brightness(outline),
        brightness_due_since=outline.brightness_due_since,
    )


def _brightness(outline: Outline) -> Brightness | None:
    """None where ``segment`` found none; only the local background may be missing alone."""
    if "intensity_mean" not in outline.measures:
        return None
    try:
        required = {field.name: outline.measures[field.name] for field in fields(Brightness) if field.name != LOCAL}
    except KeyError as error:
        raise UnexpectedAnswerError(f"Spheroid {outline.number} has no {error.args[0]}") from error
    return Brightness(**required, intensity_local_background=outline.measures.get(LOCAL))


def _ring(ring: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    return tuple(ring[:-1] if ring[0] == ring[-1] else ring)
