"""Spheroids as rows: one column per measure, the outline as JSON that nothing searches in."""

from dataclasses import fields
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

import orjson

from spheroseg.adapters.postgres.access import access_to
from spheroseg.adapters.postgres.database import Row
from spheroseg.domain.review import ReviewReason
from spheroseg.domain.spheroid import Measures, Polygon, Ring, Spheroid

MEASURES = tuple(field.name for field in fields(Measures))
"""The measures' columns have the measures' names; only pixels are stored, micrometres follow from the run."""

_measures_of = attrgetter(*MEASURES)
_measures_in = itemgetter(*MEASURES)

COPY = f"""
COPY spheroids (segmentation_id, number, confidence, touches_edge, rim_confidence, review_reasons, polygons,
    {", ".join(MEASURES)}) FROM STDIN
"""

COLUMNS = f"""segmentation_id, number, confidence, touches_edge, rim_confidence, review_reasons, polygons,
    {", ".join(MEASURES)}"""

PAGE = f"""
SELECT {COLUMNS}
FROM spheroids JOIN segmentations ON segmentations.id = spheroids.segmentation_id
{access_to("segmentations.project_id")}
WHERE segmentation_id = %(segmentation_id)s AND number > %(after_number)s
ORDER BY number LIMIT %(limit)s
"""


RIM = """
SELECT coalesce(sum(perimeter_with_holes_px), 0) AS rim_px FROM spheroids WHERE segmentation_id = ANY(%(ids)s)
"""


def row_of(segmentation_id: UUID, spheroid: Spheroid) -> tuple[Any, ...]:
    """The row of a spheroid, in the order of ``COPY``."""
    polygons = [[polygon.exterior, *polygon.holes] for polygon in spheroid.polygons]
    return (
        segmentation_id,
        spheroid.number,
        spheroid.confidence,
        spheroid.touches_edge,
        spheroid.rim_confidence,
        None if spheroid.review_reasons is None else [reason.value for reason in spheroid.review_reasons],
        orjson.dumps(polygons).decode(),
        *_measures_of(spheroid.measures),
    )


def spheroid_of(row: Row) -> Spheroid:
    """The spheroid in a row."""
    return Spheroid(
        number=row["number"],
        polygons=tuple(
            Polygon(exterior=_ring(rings[0]), holes=tuple(_ring(ring) for ring in rings[1:]))
            for rings in row["polygons"]
        ),
        measures=Measures(*_measures_in(row)),
        confidence=row["confidence"],
        touches_edge=row["touches_edge"],
        rim_confidence=row["rim_confidence"],
        review_reasons=reasons_of(row["review_reasons"]),
    )


def reasons_of(codes: list[str] | None) -> tuple[ReviewReason, ...] | None:
    """Reasons by their codes; None where nobody judged."""
    return None if codes is None else tuple(map(ReviewReason, codes))


def _ring(corners: list[list[float]]) -> Ring:
    return tuple(map(tuple, corners))  # type: ignore[arg-type]
