"""``spheroseg export --project``, against the real API over fakes."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO
from typer.testing import CliRunner

from spheroseg.domain.pages import Pages
from spheroseg.domain.segmentation import Failure
from spheroseg_client.client import Client
from spheroseg_client.command_line import app
from spheroseg_client.models import Order, Parameters
from tests.client.service import EMAIL, PASSWORD, SIZE_PX, SQUARES, Service


@pytest.fixture
def exported(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gives what a command said, and its exit code 0."""
    for name, value in {"EMAIL": EMAIL, "PASSWORD": PASSWORD, "API": service.url}.items():
        monkeypatch.setenv(f"SPHEROSEG_{name}", value)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, code: int = 0) -> Any:
        done = CliRunner().invoke(app, [*arguments, "--json"])
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    return run


def a_project(service: Service, folder: Path) -> None:
    """Two images with a result, one of them with two pages, one whose run failed, one without a run."""
    service.pages = lambda name: Pages(2 if name == "stack.tif" else 1)
    service.fails = lambda name: Failure("undecodable-image", "damaged") if name == "broken.png" else None
    with Client(service.url, email=EMAIL, password=PASSWORD) as client:
        project = client.create_project("Day 7", pixel_size_um=0.5)
        for name in ("a.png", "stack.tif", "broken.png"):
            path = folder / name
            path.write_bytes(name.encode() * 100)
            image = client.upload(project.id, path, Order(), pixel_size_um=0.5)
            if name == "stack.tif":
                client.segment(image.id, Order(parameters=Parameters(page=2)))


def test_pixels_that_are_not_square_are_told(service: Service, tmp_path: Path, exported: Any) -> None:
    service.unequal_edges_um = (0.65, 0.7)
    (tmp_path / "a.tif").write_bytes(b"pixels")
    with Client(service.url, email=EMAIL, password=PASSWORD) as client:
        client.upload(client.create_project("Day 7").id, tmp_path / "a.tif", Order())
    (note,) = exported("export", "--project", "Day 7", "-f", "csv", "-o", "m.csv")["notes"]
    assert note["file"] == "a.tif"
    assert "0.65 µm wide and 0.7 µm high" in note["note"]
    assert exported("export", "--project", "Day 7", "-f", "csv", "-o", "n.csv", "--pixel-size", "0.5")["notes"] == []


def test_a_project_is_exported_with_what_its_runs_say(service: Service, tmp_path: Path, exported: Any) -> None:
    a_project(service, tmp_path)
    said = exported("export", "--project", "Day 7", "-f", "coco", "-o", "day7.json")
    assert (said["images"], said["spheroids"], said["without_result"]) == (3, 3 * len(SQUARES), ["broken.png"])
    dataset = COCO("day7.json")
    images = dataset.loadImgs(dataset.getImgIds())
    assert [(image["file_name"], image["page"]) for image in images] == [
        ("stack.tif", 1),
        ("stack.tif", 2),
        ("a.png", 1),
    ]
    assert {(image["width"], image["height"]) for image in images} == {SIZE_PX}
    exported("export", "--project", "Day 7", "-f", "csv", "-o", "out")
    with Path("out/measures.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["name"] for row in rows} == {"stack_p1", "stack_p2", "a"}
    assert {row["pixel_size_um"] for row in rows} == {"0.5"}
    assert all(row["segmentation_id"] and row["ran_sha256"] for row in rows)
    assert [float(row["area_um2"]) for row in rows] == [float(row["area_px2"]) / 4 for row in rows]


def test_outlines_come_back_as_a_revision(service: Service, tmp_path: Path, exported: Any) -> None:
    a_project(service, tmp_path)
    exported("export", "--project", "Day 7", "-f", "geojson", "-o", "geo")
    same = exported("import", "geo/a.geojson", "--project", "Day 7")["images"]
    assert [(one["file"], one["revision"]) for one in same] == [("a", None)]
    document = json.loads(Path("geo/a.geojson").read_bytes())
    first, *others = document["features"]
    corners = first["geometry"]["coordinates"][0]
    left, top = min(x for x, _ in corners), min(y for _, y in corners)
    first["geometry"] = {
        "type": "Polygon",
        "coordinates": [[[left, top], [left + 5.25, top], [left + 5.25, top + 4], [left, top + 4], [left, top]]],
    }
    Path("geo/a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [first, *others[1:]]}))
    (one,) = exported("import", "geo/a.geojson", "--project", "Day 7", "--note", "in QuPath")["images"]
    assert (one["revision"], one["added"], one["changed"], one["removed"]) == (1, 0, 1, 1)
    exported("export", "--project", "Day 7", "-f", "csv", "-o", "out")
    with Path("out/measures.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["name"] == "a"]
    assert len(rows) == len(SQUARES) - 1
    assert float(rows[0]["area_px2"]) == 5 * 4


def test_what_does_not_match_an_image_changes_nothing(service: Service, tmp_path: Path, exported: Any) -> None:
    a_project(service, tmp_path)
    exported("export", "--project", "Day 7", "-f", "coco", "-o", "all.json")
    document = json.loads(Path("all.json").read_bytes())
    document["images"][-1]["file_name"] = "other.png"
    Path("all.json").write_text(json.dumps(document))
    said = exported("import", "all.json", "--project", "Day 7", code=2)
    assert "The project has no image called other.png" in said["error"]["detail"]
    said = exported("import", "all.json", "--project", "Day 7", "--out", "x", code=2)
    assert "--out or --project" in said["error"]["detail"]


def test_files_and_a_project_at_once_are_refused(service: Service, tmp_path: Path, exported: Any) -> None:
    said = exported("export", "a.json", "--project", "Day 7", "-f", "csv", "-o", "out", code=2)
    assert "SOURCES or --project" in said["error"]["detail"]
    said = exported("export", "--project", "none", "-f", "csv", "-o", "out", code=3)
    assert "0 projects named 'none'" in said["error"]["detail"]
    assert not Path("out").exists()
