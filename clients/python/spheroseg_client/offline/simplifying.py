"""Outlines of ``segment`` with fewer corners: the file's geometry alone changes."""

import json
from pathlib import Path
from typing import Any

from spheroseg.domain.spheroid import Polygon, Ring
from spheroseg.imaging.geojson import geometry_of
from spheroseg.imaging.simplify import simplified
from spheroseg_client.errors import UnexpectedAnswerError

TOLERANCE_MEMBER = "simplified_px"
"""What the file says beside its features: the tolerance, in px (a foreign member, RFC 7946, section 6.1)."""


def simplify_file(path: Path, tolerance_px: float) -> None:
    """Write a file of outlines anew, each no farther than the tolerance from the exact one.

    Everything else in the file stays, measures among it: they are those of the exact outlines.

    Args:
        path: GeoJSON as the service gives it.
        tolerance_px: Above 0.

    Raises:
        UnexpectedAnswerError: the file holds something else than outlines along pixel edges.
    """
    try:
        collection: dict[str, Any] = json.loads(path.read_bytes())
        features = {int(feature["properties"]["number"]): feature for feature in collection["features"]}
        outlines = {number: _polygons(feature["geometry"]) for number, feature in features.items()}
        fewer = simplified(outlines, tolerance_px)
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedAnswerError(f"{path.name} holds no outlines along pixel edges") from error
    for number, feature in features.items():
        feature["geometry"] = geometry_of(fewer[number])
    path.write_text(json.dumps(collection | {TOLERANCE_MEMBER: tolerance_px}, separators=(",", ":")), encoding="utf-8")


def _polygons(geometry: dict[str, Any]) -> tuple[Polygon, ...]:
    coordinates = geometry["coordinates"]
    if geometry["type"] not in {"Polygon", "MultiPolygon"}:
        raise ValueError(f"{geometry['type']} is no area")
    parts = [coordinates] if geometry["type"] == "Polygon" else coordinates
    return tuple(Polygon(_ring(rings[0]), tuple(map(_ring, rings[1:]))) for rings in parts)


def _ring(closed: list[list[float]]) -> Ring:
    return tuple((float(x), float(y)) for x, y in closed[:-1])
