"""Spheroids of a segmentation: pages of outlines and measures, or all of them as GeoJSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Query, Response
from pydantic import Field

from http_api.cursors import ListCursors
from http_api.rest.answers import Answer, CursorText, Limit, Wired, problems
from http_api.viewer import CurrentViewer
from spheroseg.domain.review import ReviewReason
from spheroseg.domain.spheroid import Measures, Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import RevisionTooLargeError
from spheroseg.imaging.definitions import INTENSITY_DEFINITIONS
from spheroseg.imaging.geojson import feature_collection
from spheroseg.use_cases.read_segmentations import ReadSegmentations, SpheroidPage

router = APIRouter(prefix="/v1/segmentations/{segmentation_id}", tags=["segmentations"])

GEOJSON = "application/geo+json"
REVISION_HEADER = "Spheroseg-Revision"
DEFAULT_LIMIT = 100
MAX_ANSWER_BYTES = 4_000_000
"""A Lambda answer holds 6 MB, quoted as a JSON string; the rest is for the quotes."""
MAX_INLINE = 2_000
"""Spheroids that are read to be answered directly; with more the stored file is the better way."""

Point = Annotated[tuple[float, float], Field(description="x to the right, y down, in px from the top left corner")]


RevisionNumber = Annotated[
    int | None,
    Query(ge=0, le=2**31 - 1, description="Revision of its outlines; 0: the segmenter's own, left away: the newest"),
]


class PolygonOut(Answer):
    """One connected area."""

    exterior: list[Point] = Field(description="Corners of its outer ring along pixel edges, the first not repeated")
    holes: list[list[Point]] = Field(description="Its inner rings")


class IntensitiesOut(Answer):
    """How bright one object is, in the image's own grey values, colours as luminance (ITU-R BT.601)."""

    intensity_mean: float = Field(description=INTENSITY_DEFINITIONS["intensity_mean"], examples=[812.5])
    intensity_sd: float = Field(description=INTENSITY_DEFINITIONS["intensity_sd"], examples=[96.25])
    intensity_min: float = Field(description=INTENSITY_DEFINITIONS["intensity_min"], examples=[540.0])
    intensity_max: float = Field(description=INTENSITY_DEFINITIONS["intensity_max"], examples=[1_204.0])
    intensity_median: float = Field(description=INTENSITY_DEFINITIONS["intensity_median"], examples=[801.0])
    intensity_integrated: float = Field(description=INTENSITY_DEFINITIONS["intensity_integrated"], examples=[68_250.0])
    intensity_local_background: float | None = Field(
        description=INTENSITY_DEFINITIONS["intensity_local_background"] + "; null also where outlines near it were "
        "corrected since",
        examples=[230.0],
    )
    intensity_above_local_background: float | None = Field(
        description=INTENSITY_DEFINITIONS["intensity_above_local_background"] + "; null: there is none",
        examples=[582.5],
    )
    intensity_integrated_above_local_background: float | None = Field(
        description=INTENSITY_DEFINITIONS["intensity_integrated_above_local_background"] + "; null: there is none",
        examples=[48_930.0],
    )


class SpheroidOut(Answer):
    """One object of a segmentation."""

    number: int = Field(description="Its value in the label image, from 1", examples=[1])
    confidence: float | None = Field(
        description="Mean calibrated foreground probability of its pixels, 0 to 1", examples=[0.94]
    )
    rim_confidence: float | None = Field(
        description="Mean calibrated probability that a pixel within 2 px (of the network's view) of its outline is on "
        "the right side of it, 0 to 1; null: not measured, or its rim lies at other spheroids or the image's border",
        examples=[0.78],
    )
    review_reasons: list[ReviewReason] | None = Field(
        description="Why somebody should look at it; null in segmentations of before that was judged, whose confidence "
        "is not calibrated",
        examples=[["edge-contact"]],
    )
    touches_edge: bool = Field(description="True when it reaches the image's border: measures are of a part only")
    polygons: list[PolygonOut] = Field(description="Its area in px; more than one only where it is in pieces")
    measures: Measures = Field(description="Lengths in px, areas in px², volumes in px³; ratios have no unit")
    measures_um: dict[str, float] | None = Field(
        description="The measures that have a unit in µm, µm² and µm³; null: the pixel size is unknown",
        examples=[{"area_um2": 35.49, "perimeter_um": 26.0, "equivalent_diameter_um": 6.72}],
    )
    intensities: IntensitiesOut | None = Field(
        description="How bright it is in the image's own grey values; null: it waits to be measured, see "
        "`brightness_due_since`, or the run is of before brightness was measured"
    )
    brightness_due_since: int | None = Field(
        description="Not yet measured since its outline, or one near it, changed in this revision: until then "
        "`intensities`, or its local background alone, is null; null: nothing is waited for",
        examples=[2],
    )


class SpheroidPageOut(Answer):
    """Some spheroids of a run in order of their numbers."""

    segmentation_id: UUID = Field(description="The run that found them")
    revision: int = Field(description="Of its outlines: 0 is the segmenter's own, later ones are corrected")
    spheroid_count: int = Field(description="All that are in the revision", examples=[12])
    pixel_size_um: float | None = Field(description="Edge of one pixel in µm; null: unknown", examples=[0.65])
    items: list[SpheroidOut] = Field(description="The spheroids")
    next_cursor: str | None = Field(description="Where the next page begins; null: this is the last one")


@router.get(
    "/spheroids",
    summary="List a segmentation's spheroids",
    response_class=Response,
    responses={
        200: {
            "model": SpheroidPageOut,
            "description": "A page of outlines and measures; all of them if GeoJSON is accepted",
            "content": {GEOJSON: {"schema": {"type": "object"}}},
        },
        307: {"description": "The whole GeoJSON is too large for an answer and lies at `Location` for an hour"},
        **problems(
            "segmentation-not-found", "revision-not-found", "not-finished", "revision-too-large", "invalid-cursor"
        ),
    },
)
async def list_spheroids(
    segmentation_id: UUID,
    viewer: CurrentViewer,
    use_cases: Wired,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
    revision: RevisionNumber = None,
    accept: Annotated[
        str, Header(description="`application/geo+json` gives what `.geojson` gives: all, whatever the page")
    ] = "application/json",
) -> Response:
    """Outlines and measures, page by page. A page holds fewer than `limit` when outlines are very long.

    Without `revision` each page is of the newest one, which may be another one by the next page: `revision` tells, and
    taken from the first page it keeps the others to it.
    """
    read = use_cases.read_segmentations
    if GEOJSON in accept.lower():
        return _geojson(read, viewer, segmentation_id, revision)
    cursors = use_cases.cursors.of_list(viewer, "spheroids", segmentation_id)
    page = read.spheroids(viewer, segmentation_id, cursors.number(cursor), limit, revision)
    return Response(_page(page, cursors), media_type="application/json", headers={"Vary": "Accept"})


@router.get(
    "/spheroids.geojson",
    summary="Get all spheroids as GeoJSON",
    response_class=Response,
    responses={
        200: {
            "description": "A FeatureCollection that QuPath opens, coordinates in px",
            "content": {GEOJSON: {"schema": {"type": "object"}}},
        },
        307: {"description": "It is too large for an answer and lies at `Location` for an hour"},
        **problems("segmentation-not-found", "revision-not-found", "not-finished", "revision-too-large"),
    },
)
async def read_geojson(
    segmentation_id: UUID, viewer: CurrentViewer, use_cases: Wired, revision: RevisionNumber = None
) -> Response:
    """All outlines and measures in one file, holes as inner rings; follow redirects.

    A corrected revision lies in no file: what is too large for an answer is refused, and `/spheroids` or `/outlines`
    give it in parts.
    """
    return _geojson(use_cases.read_segmentations, viewer, segmentation_id, revision)


def _geojson(read: ReadSegmentations, viewer: Viewer, segmentation_id: UUID, revision: int | None) -> Response:
    page = read.spheroids(viewer, segmentation_id, 0, MAX_INLINE, revision)
    headers = {"Vary": "Accept", REVISION_HEADER: str(page.revision)}
    if page.next_after is None:
        result = page.segmentation.result
        content = feature_collection(list(page.spheroids), result.pixel_size_um if result else None)
        if len(content) <= MAX_ANSWER_BYTES:
            return Response(content, media_type=GEOJSON, headers=headers)
    if page.revision:
        raise RevisionTooLargeError(
            f"Revision {page.revision} has {page.spheroid_count:,} spheroids, too many for one answer; "
            "take them in parts from /spheroids or /outlines"
        )
    links = read.result_links(page.segmentation)
    if links is None:
        raise RuntimeError("A page of spheroids is of a run that succeeded")
    return Response(status_code=307, headers={"Location": links.outlines, **headers})


def _page(page: SpheroidPage, cursors: ListCursors) -> bytes:
    result = page.segmentation.result
    pixel_size_um = result.pixel_size_um if result else None
    items, next_after = _fitting(page.spheroids, pixel_size_um), page.next_after
    if len(items) < len(page.spheroids):
        next_after = page.spheroids[len(items) - 1].number
    return orjson.dumps(
        {
            "segmentation_id": page.segmentation.id,
            "revision": page.revision,
            "spheroid_count": page.spheroid_count,
            "pixel_size_um": pixel_size_um,
            "items": items,
            "next_cursor": cursors.following(next_after),
        }
    )


def _fitting(spheroids: Sequence[Spheroid], pixel_size_um: float | None) -> list[orjson.Fragment]:
    """As many as fit into one answer, at least one."""
    fitting: list[orjson.Fragment] = []
    size_bytes = 0
    for spheroid in spheroids:
        content = orjson.dumps(_item(spheroid, pixel_size_um))
        size_bytes += len(content)
        if fitting and size_bytes > MAX_ANSWER_BYTES:
            break
        fitting.append(orjson.Fragment(content))
    return fitting


def _item(spheroid: Spheroid, pixel_size_um: float | None) -> dict[str, Any]:
    return {
        "number": spheroid.number,
        "confidence": spheroid.confidence,
        "rim_confidence": spheroid.rim_confidence,
        "review_reasons": spheroid.review_reasons,
        "touches_edge": spheroid.touches_edge,
        "polygons": [{"exterior": polygon.exterior, "holes": polygon.holes} for polygon in spheroid.polygons],
        "measures": asdict(spheroid.measures),
        "measures_um": spheroid.measures.in_um(pixel_size_um) if pixel_size_um is not None else None,
        "intensities": spheroid.intensities,
        "brightness_due_since": spheroid.brightness_due_since,
    }
