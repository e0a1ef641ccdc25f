"""GeoJSON: what QuPath exports, and what this project writes."""

import json
import math
from pathlib import Path
from typing import Any

import shapely

from spheroseg.domain.spheroid import Polygon
from spheroseg.exchange.readers.faults import judged
from spheroseg.exchange.readers.shapes import number_of, share_of
from spheroseg.exchange.results import ReadImage, ReadObject
from spheroseg.exchange.rings import polygons_from

RIGHT = "GeoJSON here is a FeatureCollection, a list of Features, or one Feature (RFC 7946)"
AREA = "a Feature has a geometry of type Polygon or MultiPolygon, its coordinates in pixels"


def read_geojson(path: Path) -> list[ReadImage]:
    """The one image that a GeoJSON file is about, with its objects in the file's order.

    Raises:
        InvalidExchangeFileError: what is wrong with which feature.
    """
    with judged(path, "", RIGHT):
        document = json.loads(path.read_bytes())
        if isinstance(document, list):
            features = document
        elif document["type"] == "FeatureCollection":
            features = document["features"]
        elif document["type"] == "Feature":
            features = [document]
        else:
            raise ValueError(f"the type is {document['type']!r}")
        if not isinstance(features, list):
            raise TypeError("«features» is no list")
    objects = []
    for place, feature in enumerate(features, start=1):
        with judged(path, f"feature {place}", AREA):
            objects.append(_object(feature))
    return [ReadImage(path.name.removesuffix(".geojson").removesuffix(".json"), tuple(objects))]


def _object(feature: dict[str, Any]) -> ReadObject:
    geometry, properties = feature["geometry"], feature.get("properties") or {}
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind not in {"Polygon", "MultiPolygon"}:
        raise ValueError(f"a {kind} is no area")
    classification = properties.get("classification")
    parts = [coordinates] if kind == "Polygon" else coordinates
    if not parts:
        raise ValueError("the geometry is empty")
    polygons = tuple(_polygon(rings) for rings in parts)
    if len(polygons) > 1:
        whole = shapely.MultiPolygon([(polygon.exterior, polygon.holes) for polygon in polygons])
        if not whole.is_valid:
            raise ValueError(f"its parts overlap ({shapely.is_valid_reason(whole)})")
    return ReadObject(
        polygons=polygons,
        number=number_of(properties.get("number")),
        confidence=share_of(properties.get("confidence")),
        category=str(classification.get("name", "")) if isinstance(classification, dict) else "",
    )


def _polygon(rings: list[list[list[float]]]) -> Polygon:
    found = polygons_from([[_corner(corner) for corner in ring] for ring in rings])
    if len(found) != 1 or len(found[0].holes) != len(rings) - 1:
        raise ValueError("a ring after the first does not lie in the first as a hole")
    return found[0]


def _corner(corner: list[float]) -> tuple[float, float]:
    x, y = float(corner[0]), float(corner[1])
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError("a corner is no number")
    return x, y
