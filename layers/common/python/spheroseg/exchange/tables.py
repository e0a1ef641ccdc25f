"""One row for each spheroid: the columns of every table, as of ``measures.csv`` of ``spheroseg segment``."""

from collections.abc import Iterator, Mapping, Sequence

from spheroseg.domain.measurement import INTENSITIES
from spheroseg.domain.spheroid import Spheroid
from spheroseg.exchange.results import Result
from spheroseg.imaging.definitions import DEFINITIONS, INTENSITY_DEFINITIONS, Definition

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

Cell = str | float | int | bool | None

_EMPTY = "; where it is empty, intensity_not_given says why"

NOTES: Mapping[str, Definition] = {
    "file": Definition("", "The image as its owner calls it", ""),
    "name": Definition("", "What the image's files are called in this export", ""),
    "page": Definition("", "Page of the file, the first is 1", ""),
    "spheroid": Definition("", "Number of the spheroid in its image: its value in label images and on overlays", ""),
    "confidence": Definition(
        "1",
        "Mean calibrated foreground probability inside; empty where no model made it",
        "spheroseg.imaging.certainty",
    ),
    "touches_edge": Definition("", "It reaches the image's border, so that its measures are of a part only", ""),
    "pixel_size_um": Definition("µm", "Edge of one pixel; empty: unknown, and so are all columns in µm", ""),
    "pixel_size_source": Definition("", "Who said so: user, file, project or profile", ""),
    "model": Definition("", "Model that was asked for", ""),
    "model_version": Definition("", "Its version", ""),
    "image_id": Definition("", "Id of the image in the service", ""),
    "segmentation_id": Definition("", "Id of the run in the service", ""),
    "ran_model": Definition("", "Model and version that ran", ""),
    "ran_precision": Definition("", "Precision of the model file that ran", ""),
    "ran_sha256": Definition("", "SHA-256 of the model file that ran", ""),
    "ran_runtime": Definition(
        "",
        "Program that computed the model file, with its version; empty: no model made the outlines, or the run is of "
        "before this was noted",
        "",
    ),
    "ran_provider": Definition(
        "", "What of that program computed first, as it calls it (execution provider); empty where ran_runtime is", ""
    ),
    "rim_confidence": Definition(
        "1",
        "Mean calibrated probability that a pixel along the rim is on the right side",
        "spheroseg.imaging.certainty",
    ),
    "review_reasons": Definition(
        "", "Codes of why somebody should look at the spheroid, separated by spaces", "spheroseg.domain.review"
    ),
    "image_confidence": Definition("1", "Confidence of the whole result", "spheroseg.domain.review"),
    "image_needs_review": Definition("", "Somebody should look at the result", "spheroseg.domain.review"),
    "image_review_reasons": Definition("", "Codes of why, separated by spaces", "spheroseg.domain.review"),
    **{name: Definition("grey value", INTENSITY_DEFINITIONS[name] + _EMPTY, "") for name in INTENSITIES},
    "intensity_not_given": Definition(
        "",
        "Why cells of brightness are empty. waits-to-be-measured: its outline was corrected, and its brightness is "
        "measured again in the background, so export again in a while; local-background-waits: the same of the local "
        "background alone, because outlines near it were corrected; no-local-background: there is none, as its "
        "definition says; not-measured: the result is of before brightness was measured, or was made without the "
        "image. Empty: none of them is",
        "",
    ),
    "brightness_due_since": Definition(
        "", "Revision of the outlines since which brightness waits to be measured; empty: it does not wait", ""
    ),
}
"""Columns beside the measures."""

WHOLE = frozenset({"page", "spheroid", "hole_count", "brightness_due_since"})
TRUTHS = frozenset({"touches_edge", "image_needs_review"})
FRACTIONS = frozenset({"confidence", "rim_confidence", "image_confidence", "pixel_size_um", *INTENSITIES})


def in_um(name: str) -> str | None:
    """The name of the same measure in µm, None for one without a unit."""
    stem, _, unit = name.rpartition("_")
    return f"{stem}_{unit.replace('px', 'um')}" if unit in {"px", "px2", "px3"} else None


MEASURE_COLUMNS: Sequence[str] = tuple(column for name in MEASURES for column in (name, in_um(name)) if column)

_POWERS = {"px": 1, "px2": 2, "px3": 3}

_SOURCES: Sequence[tuple[str, int | None]] = tuple(
    (name, power)
    for name in MEASURES
    for power in ((None, _POWERS[name.rpartition("_")[2]]) if in_um(name) else (None,))
)
"""For each column of measures its measure, and the power of the pixel size that turns it into µm; None: in pixels."""

COLUMNS: Sequence[str] = (
    *("file", "name", "page", "spheroid"),
    *MEASURE_COLUMNS,
    *("confidence", "touches_edge", "pixel_size_um", "pixel_size_source"),
    *("model", "model_version", "image_id", "segmentation_id", "ran_model", "ran_precision", "ran_sha256"),
    *("ran_runtime", "ran_provider"),
    *("rim_confidence", "review_reasons", "image_confidence", "image_needs_review", "image_review_reasons"),
    *INTENSITIES,
    *("intensity_not_given", "brightness_due_since"),
)


def kind_of(column: str) -> type[str] | type[int] | type[float] | type[bool]:
    """What the cells of a column are, where they are not empty."""
    if column in WHOLE:
        return int
    if column in TRUTHS:
        return bool
    return float if column in FRACTIONS or column in MEASURE_COLUMNS else str


def definitions() -> Iterator[tuple[str, Definition]]:
    """Every column with its unit, meaning and source."""
    for column in COLUMNS:
        if column in NOTES:
            yield column, NOTES[column]
        elif column in DEFINITIONS:
            yield column, DEFINITIONS[column]
        else:
            pixels = next(name for name in MEASURES if in_um(name) == column)
            power = pixels.removesuffix("px")[-1:] if pixels.endswith("px") else pixels[-1]
            unit = {"2": "µm²", "3": "µm³"}.get(power, "µm")
            factor = {"µm": "the pixel size", "µm²": "the square of the pixel size", "µm³": "its cube"}[unit]
            yield column, Definition(unit, f"{pixels} times {factor}", DEFINITIONS[pixels].source)


def rows(result: Result) -> Iterator[list[Cell]]:
    """The cells of an image's spheroids, in the order of ``COLUMNS``; None where there is nothing to say."""
    for spheroid in result.spheroids:
        yield row(result, spheroid)


def row(result: Result, spheroid: Spheroid) -> list[Cell]:
    """The cells of one spheroid."""
    measures = vars(spheroid.measures)
    size = result.pixel_size_um
    origin = result.origin
    bright = spheroid.intensities or {}
    return [
        *(result.file, result.name, result.page, spheroid.number),
        *(
            measures[name] if power is None else None if size is None else measures[name] * size**power
            for name, power in _SOURCES
        ),
        *(spheroid.confidence, spheroid.touches_edge, result.pixel_size_um, result.pixel_size_source),
        *(origin.model, origin.model_version, origin.image_id, origin.segmentation_id),
        *(origin.ran_model, origin.ran_precision, origin.ran_sha256, origin.ran_runtime, origin.ran_provider),
        *(spheroid.rim_confidence, " ".join(spheroid.review_reasons or ())),
        *(origin.image_confidence, origin.image_needs_review, origin.image_review_reasons),
        *(bright.get(name) for name in INTENSITIES),
        *(why.value if (why := spheroid.intensity_not_given) else None, spheroid.brightness_due_since),
    ]


def text_of(cell: Cell) -> str:
    """A cell as text, numbers in full: reading it back gives the same number; empty where there is none."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return cell if isinstance(cell, str) else repr(cell)
