"""The folder that results go to: ``measures.csv``, ``outlines/``, ``labels/``, ``overlays/``.

A file appears under its name when it is complete and not before. Until then it lies in a hidden folder beside, which
goes when the run ends; one that a killed run left goes with the next run of the same computer, or a day later.
"""

import csv
import io
import shutil
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from spheroseg_client.errors import LocalFileError, UnexpectedAnswerError
from spheroseg_client.inputs import MEASURES_FILE
from spheroseg_client.models import Segmentation
from spheroseg_client.outlines import Outline
from spheroseg_client.parts import own_parts, remove_old

MEASURES: Sequence[str] = (
    "area_px2",
    "perimeter_px",
    "perimeter_with_holes_px",
    "equivalent_diameter_px",
    "feret_max_px",
    "feret_min_px",
    "major_axis_px",
    "minor_axis_px",
    "circularity",
    "roundness",
    "solidity",
    "convexity",
    "compactness",
    "extent",
    "aspect_ratio",
    "sphericity",
    "sphere_volume_px3",
    "ellipsoid_volume_px3",
    "centroid_x_px",
    "centroid_y_px",
    "bbox_x_px",
    "bbox_y_px",
    "bbox_width_px",
    "bbox_height_px",
    "hole_count",
    "hole_area_px2",
)
"""In the order of the columns; one that has a unit stands there twice, in pixels and in µm."""

ORIGIN: Sequence[str] = (
    "model",
    "model_version",
    "image_id",
    "segmentation_id",
    "ran_model",
    "ran_precision",
    "ran_sha256",
    "ran_runtime",
    "ran_provider",
)
"""Columns that say where a spheroid comes from: what was asked for, the model file that ran, and what computed it."""

TRUST: Sequence[str] = (
    "rim_confidence",
    "review_reasons",
    "image_confidence",
    "image_needs_review",
    "image_review_reasons",
)
"""Columns that say how sure the model was, and whether somebody should look; codes are separated by spaces."""

INTENSITIES: Sequence[str] = (
    "intensity_mean",
    "intensity_sd",
    "intensity_min",
    "intensity_max",
    "intensity_median",
    "intensity_integrated",
    "intensity_local_background",
    "intensity_above_local_background",
    "intensity_integrated_above_local_background",
)
"""Columns of brightness in the image's own grey values."""

WHY_NOT: Sequence[str] = ("intensity_not_given", "brightness_due_since")
"""Columns that say why some of those are empty, and since which revision they wait to be measured."""

ROOM_PER_IMAGE_BYTES = 1_000_000
ROOM_AT_LEAST_BYTES = 16_000_000
OUTLINES, LABELS, OVERLAYS = "outlines", "labels", "overlays"
SUFFIXES = {OUTLINES: ".geojson", LABELS: ".tif", OVERLAYS: ".png"}


@dataclass(frozen=True)
class ResultFiles:
    """Where one image's results lie."""

    outlines: Path
    labels: Path
    overlay: Path


def columns() -> list[str]:
    """The header of ``measures.csv``."""
    return [*shape_columns(), *INTENSITIES, *WHY_NOT]


def shape_columns() -> list[str]:
    """The same without brightness, of which a label image alone says nothing."""
    measures = [column for name in MEASURES for column in (name, in_um(name)) if column]
    return [
        *("file", "name", "page", "spheroid"),
        *measures,
        *("confidence", "touches_edge", "pixel_size_um", "pixel_size_source"),
        *ORIGIN,
        *TRUST,
    ]


def in_um(name: str) -> str | None:
    """The name of the same measure in µm, None for one without a unit."""
    stem, _, unit = name.rpartition("_")
    return f"{stem}_{unit.replace('px', 'um')}" if unit in {"px", "px2", "px3"} else None


class ResultFolder:
    """The folder and what goes on in it; may be used from several threads, ends with ``close``.

    Only files that this run makes are replaced; everything else in the folder stays as it is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held = ExitStack()
        self._parts = parts = self._held.enter_context(own_parts(folder))
        self._rows = (parts / "rows").open("w+b")
        self._places: dict[tuple[int, int], tuple[int, int]] = {}
        self._lock = threading.Lock()

    @classmethod
    def prepare(cls, folder: Path, image_count: int) -> Self:
        """The folder, made if it is not there, after a look at whether it takes what will come.

        Raises:
            LocalFileError: it is a file, cannot be written to, or its disk is nearly full.
        """
        try:
            for name in SUFFIXES:
                (folder / name).mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=folder / name) as probe:
                    probe.write(bytes(64 * 1024))
            if (folder / MEASURES_FILE).is_dir():
                raise LocalFileError(f"{folder / MEASURES_FILE} is a folder", "unwritable-folder")
            needed = ROOM_AT_LEAST_BYTES + ROOM_PER_IMAGE_BYTES * image_count
            if (free := shutil.disk_usage(folder).free) < needed:
                raise LocalFileError(
                    f"{folder} has room for {free / 1e6:.0f} MB only; {needed / 1e6:.0f} MB are needed", "disk-full"
                )
            remove_old(folder)
            return cls(folder)
        except OSError as error:
            raise LocalFileError(
                f"Results cannot be written to {folder}: {error.strerror or error}", "unwritable-folder"
            ) from error

    def part(self, name: str) -> Path:
        """Where a file is made before it is complete.

        Args:
            name: Unique within this run.
        """
        return self._parts / name

    def publish(self, name: str, *, outlines: Path, labels: Path, overlay: Path) -> ResultFiles:
        """Put an image's complete files in their places."""
        try:
            return ResultFiles(
                outlines=outlines.replace(self.folder / OUTLINES / (name + SUFFIXES[OUTLINES])),
                labels=labels.replace(self.folder / LABELS / (name + SUFFIXES[LABELS])),
                overlay=overlay.replace(self.folder / OVERLAYS / (name + SUFFIXES[OVERLAYS])),
            )
        except OSError as error:
            raise LocalFileError(
                f"Results of {name} cannot be put in place: {error.strerror or error}", "unwritable-file"
            ) from error

    def add_measures(
        self, index: int, file: str, name: str, segmentation: Segmentation, outlines: Iterable[Outline]
    ) -> None:
        """Keep an image's rows; they reach ``measures.csv`` at the end, in the order of the images and pages.

        Args:
            index: The image's place among the others.
            file: The image as the user named it.
            name: What its result files are called.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for outline in outlines:
            writer.writerow(_row(file, name, segmentation, outline))
        content = text.getvalue().encode("utf-8", "replace")
        try:
            with self._lock:
                place = self._rows.seek(0, io.SEEK_END)
                self._rows.write(content)
                self._rows.flush()
                self._places[index, segmentation.parameters.page] = (place, len(content))
        except OSError as error:
            raise LocalFileError(
                f"Measures of {name} cannot be kept: {error.strerror or error}", "unwritable-file"
            ) from error

    def write_measures(self) -> Path:
        """Write ``measures.csv`` with the rows of all images kept so far.

        Raises:
            LocalFileError: it cannot be written.
        """
        path, part = self.folder / MEASURES_FILE, self.part(MEASURES_FILE)
        try:
            with self._lock, part.open("wb") as stream:
                stream.write((",".join(columns()) + "\n").encode())
                for _, (place, length) in sorted(self._places.items()):
                    self._rows.seek(place)
                    stream.write(self._rows.read(length))
            return part.replace(path)
        except OSError as error:
            raise LocalFileError(f"{path} cannot be written: {error.strerror or error}", "unwritable-file") from error

    def close(self) -> None:
        """Remove what is not complete."""
        with suppress(OSError):  # what could not be written was reported when it was tried
            self._rows.close()
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def measure_cells(measures: Mapping[str, float]) -> list[str]:
    """One spheroid's cells for the columns of ``MEASURES``, in pixels and, where they are there, in µm.

    Raises:
        KeyError: a measure is missing.
    """
    cells: list[str] = []
    for measure in MEASURES:
        cells.append(cell(measures[measure]))
        if um := in_um(measure):
            cells.append(cell(measures.get(um)))
    return cells


def _row(file: str, name: str, segmentation: Segmentation, outline: Outline) -> list[str]:
    try:
        measures = measure_cells(outline.measures)
    except KeyError as error:
        missing = error.args[0]
        raise UnexpectedAnswerError(f"The service sent no {missing} for spheroid {outline.number} of {file}") from error
    result = segmentation.result
    ran = result.ran if result else None
    review = result.review if result else None
    return [
        *(file, name, str(segmentation.parameters.page), str(outline.number)),
        *measures,
        *(cell(outline.confidence), cell(outline.touches_edge)),
        *(cell(result.pixel_size_um if result else None), (result.pixel_size_source if result else None) or ""),
        *(segmentation.model, segmentation.model_version, str(segmentation.image_id), str(segmentation.id)),
        *((f"{ran.model}@{ran.model_version}", ran.precision, ran.sha256) if ran else ("", "", "")),
        *((ran.runtime or "", ran.provider or "") if ran else ("", "")),
        *(cell(outline.rim_confidence), " ".join(outline.review_reasons or ())),
        *((cell(review.confidence), cell(review.needed), " ".join(review.reasons)) if review else ("", "", "")),
        *(cell(outline.measures.get(name)) for name in INTENSITIES),
        *(_not_given(outline), cell(outline.brightness_due_since)),
    ]


def _not_given(outline: Outline) -> str:
    """The code of why cells of brightness are empty; empty where none is."""
    waits = outline.brightness_due_since is not None
    if "intensity_mean" not in outline.measures:
        return "waits-to-be-measured" if waits else "not-measured"
    if "intensity_local_background" not in outline.measures:
        return "local-background-waits" if waits else "no-local-background"
    return ""


def cell(value: float | bool | None) -> str:
    """A value in full: reading it back gives the same number; empty where there is none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)
