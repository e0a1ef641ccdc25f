"""Spheroids as rows: one column per measure, the outline as JSON that nothing searches in."""

from dataclasses import fields
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

import orjson

from spheroseg.adapters.postgres.access import access_to
from spheroseg.adapters.postgres.database import Row
from spheroseg.domain.packed_outlines import packed, unpacked
from spheroseg.domain.review import ReviewReason
from spheroseg.domain.spheroid import Brightness, Measures, Polygon, Ring, Spheroid

MEASURES = tuple(field.name for field in fields(Measures))
"""The measures' columns have the measures' names; only pixels are stored, micrometres follow from the run."""

BRIGHTNESS = tuple(field.name for field in fields(Brightness))
"""The same for brightness; all of them are null where it was not measured."""

_measures_of = attrgetter(*MEASURES)
_measures_in = itemgetter(*MEASURES)
_brightness_of = attrgetter(*BRIGHTNESS)
_brightness_in = itemgetter(*BRIGHTNESS)

COPY = f"""
COPY spheroids (segmentation_id, number, confidence, touches_edge, rim_confidence, review_reasons, polygons, outline,
    {", ".join(MEASURES)}, {", ".join(BRIGHTNESS)}) FROM STDIN
"""

_DESCRIBED = "segmentation_id, number, confidence, touches_edge, rim_confidence, review_reasons"

COLUMNS = f"{_DESCRIBED}, polygons, outline, replaced_in, {', '.join((*MEASURES, *BRIGHTNESS))}"
"""Of the table ``spheroids``: what the segmenter found."""

TABLES = ("spheroids", "revised_spheroids")


def _since(table: str, what: str) -> str:
    return f"""(SELECT {what} FROM surroundings AS since
        WHERE since.segmentation_id = {table}.segmentation_id AND since.number = {table}.number
            AND since.revision <= {{revision}} ORDER BY since.revision DESC LIMIT 1)"""


BACKGROUNDS = {
    table: f"CASE WHEN background_voided_in <= {{revision}} THEN {_since(table, 'since.intensity_local_background')} "
    "ELSE intensity_local_background END"
    for table in TABLES
}
"""The local background as it is right in a revision, by table: null while it waits to be measured among the outlines
that are near it there."""

DUE = {
    table: f"CASE WHEN background_voided_in <= {{revision}} THEN "
    f"{_since(table, 'CASE WHEN since.measured_at IS NULL THEN since.revision END')} END"
    for table in TABLES
}
"""The revision since which brightness, or the local background alone, waits to be measured, by table."""

_MEASURED = {
    table: ", ".join(
        [
            *MEASURES,
            *(
                f"{BACKGROUNDS[table]} AS {name}" if name == "intensity_local_background" else name
                for name in BRIGHTNESS
            ),
            f"{DUE[table]} AS brightness_due_since",
        ]
    )
    for table in TABLES
}
FOUND = f"{_DESCRIBED}, polygons, NULL::bytea AS outline, {_MEASURED['spheroids']}"
REVISED = f"{_DESCRIBED}, NULL::json AS polygons, outline, {_MEASURED['revised_spheroids']}"
"""The same columns of ``spheroids`` and ``revised_spheroids``, for one list of both; see ``at_revision``."""

FOUND_PACKED = FOUND.replace(
    "polygons, NULL::bytea AS outline", "CASE WHEN outline IS NULL THEN polygons END AS polygons, outline"
)
"""``FOUND`` in the smaller form, where it was stored: half the time to read, see docs/results.md."""


_SHARED = f"{_DESCRIBED.removeprefix('segmentation_id, ')}, outline, {', '.join((*MEASURES, *BRIGHTNESS))}"

REVISION_COLUMNS = """author_id, created_at, note, restored_from, added, changed, removed, spheroid_count,
    highest_number"""


def at_revision(found: str, revised: str, segmentation_id: str, revision: str, condition: str = "true") -> str:
    """SQL for the spheroids of a revision, in order of number, up to ``%(limit)s`` of them.

    Each table is read in the order of its own index, so that neither gives more than ``limit`` rows.

    Args:
        found, revised: Columns of the two tables, with ``number`` among them; ``{revision}`` in them is the revision.
        segmentation_id, revision: SQL for them, such as ``runs.id``; never text from outside.
        condition: SQL that rows of either table must fulfil.
    """
    stands = f"(replaced_in IS NULL OR replaced_in > {revision})"
    found, revised = (columns.replace("{revision}", revision) for columns in (found, revised))
    return f"""
    (SELECT {found} FROM spheroids
     WHERE segmentation_id = {segmentation_id} AND {stands} AND {condition}
     ORDER BY number LIMIT %(limit)s)
    UNION ALL
    (SELECT {revised} FROM revised_spheroids
     WHERE segmentation_id = {segmentation_id} AND revised_spheroids.revision <= {revision} AND {stands}
        AND {condition}
     ORDER BY number LIMIT %(limit)s)
    ORDER BY number LIMIT %(limit)s
    """


PAGE = f"""
SELECT {COLUMNS}
FROM spheroids JOIN segmentations ON segmentations.id = spheroids.segmentation_id
{access_to("segmentations.project_id")}
WHERE segmentation_id = %(segmentation_id)s AND number > %(after_number)s
ORDER BY number LIMIT %(limit)s
"""


_KNOWN = "(SELECT revision FROM segmentations WHERE id = %(copy_id)s)"
_REPLACED = f"CASE WHEN replaced_in <= {_KNOWN} THEN replaced_in END"
_VOIDED = f"CASE WHEN background_voided_in <= {_KNOWN} THEN background_voided_in END"

COPIES = (
    f"""
INSERT INTO spheroids (segmentation_id, replaced_in, background_voided_in, polygons, {_SHARED})
SELECT %(copy_id)s, {_REPLACED}, {_VOIDED}, polygons, {_SHARED} FROM spheroids WHERE segmentation_id = %(source_id)s
""",
    f"""
INSERT INTO revisions (segmentation_id, number, {REVISION_COLUMNS}, operations)
SELECT %(copy_id)s, number, {REVISION_COLUMNS}, operations FROM revisions
WHERE segmentation_id = %(source_id)s AND number <= {_KNOWN}
""",
    f"""
INSERT INTO revised_spheroids (segmentation_id, revision, replaced_in, background_voided_in, {_SHARED})
SELECT %(copy_id)s, revision, {_REPLACED}, {_VOIDED}, {_SHARED} FROM revised_spheroids
WHERE segmentation_id = %(source_id)s AND revision <= {_KNOWN}
""",
    f"""
INSERT INTO surroundings (segmentation_id, number, revision, measured_at, intensity_local_background, asked_at)
SELECT %(copy_id)s, number, revision, measured_at, intensity_local_background, asked_at FROM surroundings
WHERE segmentation_id = %(source_id)s AND revision <= {_KNOWN}
""",
)
"""Statements that give a run the spheroids of another one, in all revisions up to its own."""


def row_of(segmentation_id: UUID, spheroid: Spheroid) -> tuple[Any, ...]:
    """The row of a spheroid, in the order of ``COPY``."""
    polygons = [polygon.coordinates() for polygon in spheroid.polygons]
    return (
        segmentation_id,
        *described(spheroid),
        orjson.dumps(polygons, option=orjson.OPT_SERIALIZE_NUMPY).decode(),
        packed(spheroid.polygons),
        *measures_in_order(spheroid),
    )


def described(spheroid: Spheroid) -> tuple[Any, ...]:
    """Number, confidence, whether it touches the edge, confidence of the rim, and reasons to look at it."""
    return (
        spheroid.number,
        spheroid.confidence,
        spheroid.touches_edge,
        spheroid.rim_confidence,
        None if spheroid.review_reasons is None else [reason.value for reason in spheroid.review_reasons],
    )


def measures_in_order(spheroid: Spheroid) -> tuple[Any, ...]:
    """The measures in the order of ``MEASURES``, then of ``BRIGHTNESS``."""
    values: tuple[Any, ...] = _measures_of(spheroid.measures)
    bright = (None,) * len(BRIGHTNESS) if spheroid.brightness is None else _brightness_of(spheroid.brightness)
    return (*values, *bright)


def spheroid_of(row: Row) -> Spheroid:
    """The spheroid in a row."""
    return Spheroid(
        number=row["number"],
        polygons=unpacked(bytes(row["outline"])) if row["polygons"] is None else polygons_in(row["polygons"]),
        measures=Measures(*_measures_in(row)),
        confidence=row["confidence"],
        touches_edge=row["touches_edge"],
        rim_confidence=row["rim_confidence"],
        review_reasons=reasons_of(row["review_reasons"]),
        brightness=None if row["intensity_mean"] is None else Brightness(*_brightness_in(row)),
        brightness_due_since=row.get("brightness_due_since"),
    )


def polygons_in(stored: list[list[list[list[float]]]]) -> tuple[Polygon, ...]:
    """Outlines as they lie in JSON."""
    return tuple(Polygon(_ring(rings[0]), tuple(_ring(ring) for ring in rings[1:])) for rings in stored)


def reasons_of(codes: list[str] | None) -> tuple[ReviewReason, ...] | None:
    """Reasons by their codes; None where nobody judged."""
    return None if codes is None else tuple(map(ReviewReason, codes))


def _ring(corners: list[list[float]]) -> Ring:
    return tuple(map(tuple, corners))  # type: ignore[arg-type]
