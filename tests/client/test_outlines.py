import json
from dataclasses import asdict
from pathlib import Path

import pytest

from spheroseg.domain.review import ReviewReason
from spheroseg.imaging.geojson import feature_collection
from spheroseg_client.errors import UnexpectedAnswerError
from spheroseg_client.outlines import read_outlines
from spheroseg_client.outputs import MEASURES
from tests.builders import a_spheroid

SQUARE = [(40.0, 40.0), (60.0, 40.0), (60.0, 60.0), (40.0, 60.0)]
HOLE = [(45.0, 45.0), (45.0, 50.0), (50.0, 50.0), (50.0, 45.0)]
PROPERTIES = {"confidence": 0.9, "touches_edge": True, "measurements": {"area_px2": 400.0}}


def test_outlines_are_read_in_order_of_their_numbers(tmp_path: Path) -> None:
    ring = [[*point] for point in [*SQUARE, SQUARE[0]]]
    hole = [[*point] for point in [*HOLE, HOLE[0]]]
    features = [
        {
            "type": "Feature",
            "properties": {**PROPERTIES, "number": 2},
            "geometry": {"type": "MultiPolygon", "coordinates": [[ring]]},
        },
        {
            "type": "Feature",
            "properties": {**PROPERTIES, "number": 1},
            "geometry": {"type": "Polygon", "coordinates": [ring, hole]},
        },
    ]
    file = tmp_path / "outlines.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    first, second = read_outlines(file)
    assert [first.number, second.number] == [1, 2]
    assert first.measures == {"area_px2": 400.0}
    assert (first.confidence, first.touches_edge) == (0.9, True)
    assert (first.rim_confidence, first.review_reasons) == (None, None)  # as earlier releases wrote it
    assert [len(list(outline.rings)) for outline in (first, second)] == [2, 1]


def test_what_the_service_writes_is_read_without_loss(tmp_path: Path) -> None:
    reasons = (ReviewReason.LOW_CONFIDENCE, ReviewReason.EDGE_CONTACT)
    spheroids = [
        a_spheroid(1, review_reasons=reasons),
        a_spheroid(2, confidence=None, rim_confidence=None, review_reasons=None),
    ]
    file = tmp_path / "outlines.geojson"
    file.write_bytes(feature_collection(spheroids, 0.65))
    for outline, spheroid in zip(read_outlines(file), spheroids, strict=True):
        assert outline.number == spheroid.number
        assert outline.confidence == spheroid.confidence
        assert outline.rim_confidence == spheroid.rim_confidence
        assert outline.review_reasons == (spheroid.review_reasons and [*map(str, spheroid.review_reasons)])
        assert outline.measures["area_um2"] == spheroid.measures.in_um(0.65)["area_um2"]
        assert {name: outline.measures[name] for name in MEASURES} == asdict(spheroid.measures)
        assert next(iter(outline.rings))[:-1] == list(spheroid.polygons[0].exterior)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"features": [{}]}', '{"features": [{"geometry": null}]}'])
def test_a_file_without_outlines_is_told(tmp_path: Path, content: str) -> None:
    file = tmp_path / "outlines.geojson"
    file.write_text(content)
    with pytest.raises(UnexpectedAnswerError, match="holds no outlines"):
        read_outlines(file)
