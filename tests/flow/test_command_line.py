"""The command line as its user runs it: a process of its own, real images, files that come out."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from shapely.geometry import shape

from infra_cdk.local.cloud import LocalCloud
from tests.flow.conftest import SAMPLES

pytestmark = pytest.mark.flow


def spheroseg(cloud: LocalCloud, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    """The command line beside the running local cloud, which it finds by its data folder."""
    return subprocess.run(
        [Path(sys.executable).with_name("spheroseg"), *map(str, words)],
        env=os.environ | {"SPHEROSEG_DATA_DIR": str(cloud.data_dir), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "measures.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def sixteen_bit(path: Path, pixel_size_um: float) -> Path:
    """A 12-bit range in 16-bit samples, with its pixel size as OME-TIFF."""
    with Image.open(SAMPLES / "spheroids-1.png") as image:
        pixels = np.asarray(image.convert("L")).astype(np.uint16) * 16
    physical = {"PhysicalSizeX": pixel_size_um, "PhysicalSizeY": pixel_size_um}
    tifffile.imwrite(path, pixels, metadata={"axes": "YX"} | physical)
    return path


def test_images_become_measures_outlines_labels_and_overlays(cloud: LocalCloud, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    ome = sixteen_bit(folder / "day 3 žluť.ome.tif", 0.65)
    out = tmp_path / "out"

    ended = spheroseg(cloud, "segment", ome, SAMPLES / "spheroids-1.png", "--out", out)

    assert ended.returncode == 0, ended.stderr
    by_file: dict[str, list[dict[str, str]]] = {}
    for row in rows(out):
        by_file.setdefault(row["name"], []).append(row)
    assert len(by_file) == 2
    for name, spheroids in by_file.items():
        labels = tifffile.imread(out / "labels" / f"{name}.tif")
        assert labels.shape == (1000, 1000)
        assert labels.dtype == np.uint16
        areas = np.bincount(labels.ravel())[1:].tolist()
        assert [float(row["area_px2"]) for row in spheroids] == areas
        geojson = json.loads((out / "outlines" / f"{name}.geojson").read_text())
        assert [shape(feature["geometry"]).area for feature in geojson["features"]] == areas
        with Image.open(out / "overlays" / f"{name}.png") as overlay:
            assert overlay.size == (1000, 1000)
    (sized,) = [found for name, found in by_file.items() if "day 3" in name]
    (unsized,) = [found for name, found in by_file.items() if "day 3" not in name]
    assert {row["pixel_size_source"] for row in sized} == {"file"}
    assert all(float(row["area_um2"]) == pytest.approx(float(row["area_px2"]) * 0.65**2) for row in sized)
    assert all(row["area_um2"] == "" and row["pixel_size_um"] == "" for row in unsized)


def test_a_bad_file_is_listed_with_its_reason_and_stops_nothing(cloud: LocalCloud, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image at all")
    out = tmp_path / "out"

    ended = spheroseg(cloud, "segment", bad, SAMPLES / "spheroids-2.png", tmp_path / "absent.tif", "-o", out, "--json")

    assert ended.returncode == 1
    report: dict[str, Any] = json.loads(ended.stdout)
    assert {row["name"] for row in rows(out)} == {"spheroids-2"}
    text = json.dumps(report)
    assert "undecodable-image" in text
    assert "absent.tif" in text


def test_what_the_user_sets_is_what_is_run(cloud: LocalCloud, tmp_path: Path) -> None:
    for out, words in (("all", ()), ("large", ("--min-diameter-px", "200")), ("sized", ("--pixel-size", "0.5"))):
        ended = spheroseg(cloud, "segment", SAMPLES / "spheroids-1.png", "-o", tmp_path / out, *words)
        assert ended.returncode == 0, ended.stderr
    everything, large, sized = (rows(tmp_path / out) for out in ("all", "large", "sized"))
    assert 0 < len(large) < len(everything)
    assert min(float(row["equivalent_diameter_px"]) for row in large) >= 200
    assert [row["area_px2"] for row in sized] == [row["area_px2"] for row in everything]
    assert all(float(row["area_um2"]) == float(row["area_px2"]) * 0.25 for row in sized)
    assert {row["pixel_size_source"] for row in sized} == {"user"}

    with Image.open(SAMPLES / "spheroids-1.png") as image:
        pixels = np.asarray(image.convert("L"))
    tifffile.imwrite(tmp_path / "z.tif", np.stack([pixels, pixels[::-1]]), imagej=True, metadata={"axes": "ZYX"})
    ended = spheroseg(cloud, "segment", tmp_path / "z.tif", "-o", tmp_path / "pages", "--pages", "all")
    assert ended.returncode == 0, ended.stderr
    found = rows(tmp_path / "pages")
    assert [row["area_px2"] for row in found if row["page"] == "1"] == [row["area_px2"] for row in everything]
    assert {(row["name"], row["page"]) for row in found} == {("z_p1", "1"), ("z_p2", "2")}


def test_status_tells_what_runs(cloud: LocalCloud) -> None:
    ended = spheroseg(cloud, "status")
    assert ended.returncode == 0
    assert cloud.api_url in ended.stdout + ended.stderr
