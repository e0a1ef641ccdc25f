import json

import shapely

from spheroseg.domain.review import ReviewReason
from spheroseg.imaging.geojson import feature_collection
from spheroseg.imaging.measures import spheroids_of
from tests.builders import a_spheroid
from tests.unit.imaging.shapes import drawn

PICTURE = """
    1111...2
    1..1....
    1111.3.3
"""


def test_geometry_is_read_back_with_holes_and_pieces() -> None:
    labels = drawn(PICTURE)
    features = json.loads(feature_collection(spheroids_of(labels)))["features"]
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in features]
    assert [shape.geom_type for shape in shapes] == ["Polygon", "Polygon", "MultiPolygon"]
    assert [shape.area for shape in shapes] == [10, 1, 2]
    assert all(shape.is_valid for shape in shapes)
    rings = features[0]["geometry"]["coordinates"]
    assert len(rings) == 2
    assert all(ring[0] == ring[-1] for ring in rings)


def test_properties_are_those_that_qupath_reads() -> None:
    collection = json.loads(feature_collection(spheroids_of(drawn(PICTURE)), pixel_size_um=2.0))
    assert collection["type"] == "FeatureCollection"
    properties = collection["features"][0]["properties"]
    assert properties["objectType"] == "annotation"
    assert properties["name"] == "Spheroid 1"
    assert properties["number"] == 1
    assert properties["confidence"] is None
    assert properties["rim_confidence"] is properties["review_reasons"] is None
    assert properties["touches_edge"] is True
    assert properties["measurements"]["area_px2"] == 10
    assert properties["measurements"]["area_um2"] == 40


def test_what_a_model_is_sure_of_is_told() -> None:
    reasons = (ReviewReason.EDGE_CONTACT,)
    collection = json.loads(feature_collection([a_spheroid(confidence=0.5, review_reasons=reasons)]))
    properties = collection["features"][0]["properties"]
    assert (properties["confidence"], properties["rim_confidence"]) == (0.5, 0.75)
    assert properties["review_reasons"] == ["edge-contact"]
    assert properties["measurements"]["rim_confidence"] == 0.75


def test_measures_stay_in_pixels_where_the_pixel_size_is_unknown() -> None:
    (feature, *_) = json.loads(feature_collection(spheroids_of(drawn(PICTURE))))["features"]
    assert not [name for name in feature["properties"]["measurements"] if "um" in name.rpartition("_")[2]]
