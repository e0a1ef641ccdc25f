"""``segment --simplify-px``: the outlines alone have fewer corners."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely.geometry import shape
from typer.testing import CliRunner

from spheroseg.imaging.geojson import feature_collection
from spheroseg.imaging.measures import spheroids_of
from spheroseg_client.command_line import app
from spheroseg_client.errors import UnexpectedAnswerError
from spheroseg_client.offline.simplifying import simplify_file
from spheroseg_client.outlines import read_outlines
from tests.client.service import EMAIL, PASSWORD, Service

TOLERANCE_PX = 1.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A disk with a hole, and another one that touches it."""
    y, x = np.ogrid[:160, :200]
    labels = np.zeros((160, 200), np.int32)
    labels[np.hypot(x - 60, y - 80) < 45] = 1
    labels[np.hypot(x - 60, y - 80) < 12] = 0
    labels[(np.hypot(x - 135, y - 80) < 40) & (labels == 0)] = 2
    path = tmp_path / "a.geojson"
    path.write_bytes(feature_collection(spheroids_of(labels), 0.65))
    return path


def test_corners_go_and_areas_stay_and_lines_keep_to_the_tolerance(file: Path) -> None:
    exact = [shape(feature["geometry"]) for feature in json.loads(file.read_bytes())["features"]]
    simplify_file(file, TOLERANCE_PX)
    fewer = [shape(feature["geometry"]) for feature in json.loads(file.read_bytes())["features"]]
    assert len(fewer) == len(exact) == 2
    for before, after in zip(exact, fewer, strict=True):
        assert after.is_valid
        assert len(after.interiors) == len(before.interiors)
        assert shapely.get_num_coordinates(after) < shapely.get_num_coordinates(before) / 3
        assert after.area == pytest.approx(before.area, rel=0.001)
        assert shapely.hausdorff_distance(after.boundary, before.boundary, densify=0.01) <= TOLERANCE_PX
    assert shapely.area(shapely.intersection(*fewer)) < 1e-3


def test_everything_else_in_the_file_stays_and_the_tolerance_is_told(file: Path) -> None:
    before = json.loads(file.read_bytes())
    exact = read_outlines(file)
    simplify_file(file, TOLERANCE_PX)
    after = json.loads(file.read_bytes())
    assert after.pop("simplified_px") == TOLERANCE_PX
    for collection in (before, after):
        for feature in collection["features"]:
            del feature["geometry"]
    assert after == before
    assert [outline.measures for outline in read_outlines(file)] == [outline.measures for outline in exact]


@pytest.mark.parametrize(
    "content", ["{}", '{"features": [{"properties": {"number": 1}, "geometry": null}]}', "no JSON"]
)
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "b.geojson"
    path.write_text(content)
    with pytest.raises(UnexpectedAnswerError):
        simplify_file(path, TOLERANCE_PX)
    assert path.read_text() == content


def test_the_command_changes_the_outlines_alone(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"EMAIL": EMAIL, "PASSWORD": PASSWORD, "API": service.url}.items():
        monkeypatch.setenv(f"SPHEROSEG_{name}", value)
    image = tmp_path / "a.png"
    image.write_bytes(b"pixels")
    results = []
    for folder, options in (("exact", []), ("fewer", ["--simplify-px", "2"])):
        out = tmp_path / folder
        result = CliRunner().invoke(app, ["segment", str(image), "--out", str(out), *options])
        assert result.exit_code == 0, result.output
        with (out / "measures.csv").open(newline="", encoding="utf-8") as stream:
            measures = [(row["spheroid"], row["area_px2"], row["perimeter_px"]) for row in csv.DictReader(stream)]
        pictures = [(out / name).read_bytes() for name in ("labels/a.tif", "overlays/a.png")]
        results.append((measures, *pictures))
        outlines = json.loads((out / "outlines/a.geojson").read_text())
        assert outlines.get("simplified_px") == (2 if options else None)
    assert results[0] == results[1]
