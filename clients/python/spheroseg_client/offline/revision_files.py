"""One revision of a run's outlines as files: measures.csv, outlines.geojson and labels.tif, each with its number."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spheroseg.domain.review import ReviewReason
from spheroseg.domain.spheroid import Measures, Polygon, Spheroid
from spheroseg.imaging.geojson import feature_collection
from spheroseg.imaging.labels import labels_tiff
from spheroseg.imaging.rasterising import labels_of
from spheroseg_client import models
from spheroseg_client.errors import LocalFileError, UnexpectedAnswerError
from spheroseg_client.revisions import RevisedSpheroids

MEASURES_FILE, OUTLINES_FILE, LABELS_FILE = "measures.csv", "outlines.geojson", "labels.tif"
REVISION_MEMBER = "revision"
"""What the GeoJSON says beside its features (a foreign member, RFC 7946, section 6.1)."""


@dataclass(frozen=True)
class RevisionFiles:
    """What was written: the paths by what they hold."""

    segmentation_id: str
    revision: int
    spheroids: int
    files: Mapping[str, str]


def write_revision(found: RevisedSpheroids, size_px: tuple[int, int], folder: Path) -> RevisionFiles:
    """Write the files of a revision; the label image holds the pixels that the measures were taken of.

    Args:
        found: All its spheroids.
        size_px: Width and height of the image.
        folder: Made where it is not there.

    Raises:
        UnexpectedAnswerError: the outlines cannot be drawn.
        LocalFileError: the folder cannot be written to.
    """
    spheroids = [_spheroid(item) for item in found.items]
    try:
        labels = labels_of({one.number: one.polygons for one in spheroids}, (size_px[1], size_px[0]))
    except ValueError as error:
        raise UnexpectedAnswerError(f"The outlines of revision {found.revision} cannot be drawn: {error}") from error
    collection = json.loads(feature_collection(spheroids, found.pixel_size_um)) | {REVISION_MEMBER: found.revision}
    contents = {
        "measures": (MEASURES_FILE, _table(found).encode()),
        "outlines": (OUTLINES_FILE, json.dumps(collection, separators=(",", ":")).encode()),
        "labels": (LABELS_FILE, labels_tiff(labels, found.pixel_size_um)),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.values():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise LocalFileError(f"{folder} cannot be written to: {error.strerror or error}", "unwritable-file") from error
    paths = {what: str(folder / name) for what, (name, _) in contents.items()}
    return RevisionFiles(str(found.segmentation_id), found.revision, len(spheroids), paths)


def _spheroid(item: models.Spheroid) -> Spheroid:
    reasons = None if item.review_reasons is None else tuple(map(ReviewReason, item.review_reasons))
    return Spheroid(
        number=item.number,
        polygons=tuple(Polygon(tuple(one.exterior), tuple(tuple(hole) for hole in one.holes)) for one in item.polygons),
        measures=_measures(item.measures),
        confidence=item.confidence,
        touches_edge=item.touches_edge,
        rim_confidence=item.rim_confidence,
        review_reasons=reasons,
    )


def _measures(values: Mapping[str, float]) -> Measures:
    named: dict[str, Any] = {**values, "hole_count": int(values["hole_count"])}
    return Measures(**named)


def _table(found: RevisedSpheroids) -> str:
    """A row for each spheroid: an empty cell where there is no number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    named = ("segmentation_id", "revision", "number", "confidence", "rim_confidence", "touches_edge")
    first = found.items[0] if found.items else None
    measures = list(first.measures) if first else []
    in_um = list(first.measures_um or ()) if first else []
    writer.writerow([*named, *measures, *in_um])
    for item in found.items:
        row = [found.segmentation_id, found.revision, item.number, item.confidence, item.rim_confidence]
        values = [item.measures[name] for name in measures]
        micrometres = [(item.measures_um or {}).get(name) for name in in_um]
        writer.writerow([*row, item.touches_edge, *values, *micrometres])
    return text.getvalue()
