"""Spheroids as a GeoJSON file that QuPath and other programs open."""

from typing import Any

import orjson

from spheroseg.domain.spheroid import Polygon, Spheroid


def feature_collection(spheroids: list[Spheroid], pixel_size_um: float | None = None) -> bytes:
    """One feature for each spheroid, in pixels of the image, x to the right and y down.

    Outer rings have a positive shoelace area, holes follow as inner rings the other way round, and all rings are
    closed (RFC 7946). ``objectType``, ``name``, ``classification`` and ``measurements`` are what QuPath reads.
    ``brightness_due_since`` is there where brightness, or its local background alone, waits to be measured.

    Args:
        pixel_size_um: Edge of one pixel; with it the measures are there in µm as well.
    """
    features = [feature(spheroid, pixel_size_um) for spheroid in spheroids]
    # Outlines lie in arrays where nobody asked for their points yet.
    return orjson.dumps({"type": "FeatureCollection", "features": features}, option=orjson.OPT_SERIALIZE_NUMPY)


def geometry_of(polygons: tuple[Polygon, ...]) -> dict[str, Any]:
    """A GeoJSON geometry: a Polygon, or a MultiPolygon for an object in pieces."""
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0].coordinates(closed=True)}
    return {"type": "MultiPolygon", "coordinates": [polygon.coordinates(closed=True) for polygon in polygons]}


def feature(spheroid: Spheroid, pixel_size_um: float | None = None) -> dict[str, Any]:
    """One spheroid of the collection."""
    measures: dict[str, float] = dict(vars(spheroid.measures))
    if pixel_size_um is not None:
        measures |= spheroid.measures.in_um(pixel_size_um)
    measures |= {name: value for name, value in (spheroid.intensities or {}).items() if value is not None}
    if spheroid.confidence is not None:
        measures["confidence"] = spheroid.confidence
    if spheroid.rim_confidence is not None:
        measures["rim_confidence"] = spheroid.rim_confidence
    return {
        "type": "Feature",
        "geometry": geometry_of(spheroid.polygons),
        "properties": {
            "objectType": "annotation",
            "name": f"Spheroid {spheroid.number}",
            "classification": {"name": "Spheroid", "color": [0, 170, 90]},
            "number": spheroid.number,
            "confidence": spheroid.confidence,
            "rim_confidence": spheroid.rim_confidence,
            "review_reasons": spheroid.review_reasons,
            "touches_edge": spheroid.touches_edge,
            **(
                {} if spheroid.brightness_due_since is None else {"brightness_due_since": spheroid.brightness_due_since}
            ),
            "measurements": measures,
        },
    }
