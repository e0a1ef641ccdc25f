"""``spheroseg export`` and ``spheroseg import`` on files of this machine."""

import csv
import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from spheroseg.domain.segmentation import Parameters
from spheroseg.exchange.formats import FORMATS, READABLE
from spheroseg.exchange.results import Origin
from spheroseg.imaging.label_files import read_labels
from spheroseg.model_registry import ModelRegistry
from spheroseg_client.command_line import app
from spheroseg_client.inputs import find_inputs
from spheroseg_client.offline import bundles, exchanged, exporting
from spheroseg_client.offline.exporting import WRITTEN
from tests.unit.exchange.samples import disk_labels, pixels, result_of

DOCS = Path(__file__).parents[2] / "docs/formats.md"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two label images and their images."""
    monkeypatch.chdir(tmp_path)
    for folder in ("raw", "drawn"):
        (tmp_path / folder).mkdir()
    for name in ("a", "b"):
        cv2.imwrite(f"raw/{name}.png", pixels())
        cv2.imwrite(f"drawn/{name}_labels.png", disk_labels().astype(np.uint16))
    return tmp_path


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return done.output


def test_pixels_that_are_not_square_are_told_by_import_and_export(place: Path) -> None:
    for name, per_um in (("a", (2, 1.6)), ("b", (2, 2))):
        tifffile.imwrite(f"raw/{name}.tif", pixels(), imagej=True, resolution=per_um, metadata={"unit": "um"})
        Path(f"raw/{name}.png").unlink()
    told = run("import", "drawn", "--image", "raw", "--out", "results")
    assert "Note: raw/a.tif: the file says that a pixel is 0.5 µm wide and 0.625 µm high" in told
    assert told.count("Note:") == 1
    with Path("results/measures.csv").open(newline="") as stream:
        sizes = {(row["file"], row["pixel_size_um"]) for row in csv.DictReader(stream)}
    assert sizes == {("a.tif", ""), ("b.tif", "0.5")}
    (note,) = json.loads(run("export", "results", "--image", "raw", "-f", "csv", "-o", "m.csv", "--json"))["notes"]
    assert note["file"] == "raw/a.tif"
    again = run("export", "results", "--image", "raw", "-f", "csv", "-o", "n.csv", "--pixel-size", "0.5")
    assert "Note:" not in again


def test_the_file_that_says_so_is_named(place: Path) -> None:
    for folder, name, per_um in (("drawn", "a_labels", (2, 1.6)), ("raw", "a", (2, 2))):
        samples = disk_labels().astype(np.uint16) if folder == "drawn" else pixels()
        tifffile.imwrite(f"{folder}/{name}.tif", samples, imagej=True, resolution=per_um, metadata={"unit": "um"})
        Path(f"{folder}/{name}.png").unlink()
    told = run("import", "drawn/a_labels.tif", "--image", "raw", "--out", "results")
    assert "Note: drawn/a_labels.tif: the file says that a pixel is 0.5 µm wide and 0.625 µm high" in told


def test_label_images_become_results_and_those_any_format(place: Path) -> None:
    said = json.loads(run("import", "drawn", "--image", "raw", "--pixel-size", "0.5", "--out", "results", "--json"))
    assert (said["images"], said["spheroids"]) == (2, 6)
    with Path("results/measures.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["file"] for row in rows] == ["a.png"] * 3 + ["b.png"] * 3
    assert {row["pixel_size_um"] for row in rows} == {"0.5"}
    np.testing.assert_array_equal(read_labels(Path("results/labels/a.tif")), disk_labels())
    with Image.open("results/overlays/b.png") as picture:
        assert picture.size == (140, 90)
    assert [file.shown for file in find_inputs(["."]).files if "results" in file.shown] == []
    for name in WRITTEN:
        run("export", "results", "--image", "raw", "--format", name, "--out", f"out/{name}")  # a bundle without a model
        files = [path for path in (place / "out" / name).rglob("*") if path.is_file()]
        assert files, name
        if (one_file := WRITTEN[name].one_file) is not None:
            assert [path.name for path in files] == [one_file]
    assert Path("out/csv/measures.csv").read_bytes() == Path("results/measures.csv").read_bytes()


def test_what_is_exported_is_imported_again(place: Path) -> None:
    run("export", "drawn/a_labels.png", "--image", "raw", "-f", "coco", "-o", "a.json")
    run("export", "a.json", "-f", "geojson", "-o", "geo")
    run("export", "geo/a.geojson", "--image", "raw", "-f", "roi", "-o", "a_rois.zip")
    run("export", "a_rois.zip", "--image", "raw/a.png", "-f", "yolo", "-o", "yolo")
    run("export", "yolo", "-f", "labels", "-o", "labels.zip")
    with zipfile.ZipFile("labels.zip") as archive:
        assert archive.namelist() == ["a.ome.tif"]
        archive.extractall("labels")
    np.testing.assert_array_equal(read_labels(Path("labels/a.ome.tif")), disk_labels())


def test_what_is_read_is_never_written_over(place: Path) -> None:
    Path("results/labels").mkdir(parents=True)
    Path("drawn/a_labels.png").rename("results/labels/a.tif")
    run("export", "drawn/b_labels.png", "--image", "raw", "-f", "coco", "-o", "b.json")
    before = {file: file.read_bytes() for file in (Path("results/labels/a.tif"), Path("raw/b.png"), Path("b.json"))}
    for arguments in (
        ("import", "results/labels/a.tif", "--out", "results"),
        ("export", "drawn/b_labels.png", "--image", "raw", "-f", "masks", "-o", "raw"),
        ("export", "b.json", "-f", "coco", "-o", "b.json"),
    ):
        assert "would be lost" in " ".join(run(*arguments, code=2).split()), arguments
    assert {file: file.read_bytes() for file in before} == before


def test_overlays_are_drawn_on_the_image_with_the_numbers_of_the_table(place: Path) -> None:
    run("export", "drawn/a_labels.png", "--image", "raw", "-f", "overlays", "-o", "over")
    with Image.open("over/a.png") as opened:
        picture = np.asarray(opened)
    assert picture.shape == (90, 140, 3)
    coloured = np.ptp(picture.astype(int), axis=2) > 60
    assert coloured[:, :60].any()  # outlines and numbers in colours, on a grey picture
    assert not coloured[70:, :15].any()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["export"], "belong together"),
        (["export", "none", "-f", "csv", "-o", "x"], "none: no such file or folder"),
        (["export", "drawn", "-f", "word", "-o", "x"], "--format word is not known; there is csv"),
        (["export", "drawn", "--from", "csv", "-f", "coco", "-o", "x"], "--from csv is not known; there is coco"),
        (["export", "drawn", "-f", "overlays", "-o", "x"], "is not at hand"),
        (["export", "drawn", "--image", "empty", "-f", "csv", "-o", "x"], "has no image called a_labels"),
        (["export", "drawn", "-f", "coco", "-o", "x.txt"], "a .json file, a .zip archive, or a folder"),
        (["export", "drawn", "-f", "roi", "-o", "x.zip"], "would be a second file"),
        (["export", "bad.geojson", "-f", "csv", "-o", "x"], "bad.geojson: "),
        (["export", "notes.txt", "-f", "csv", "-o", "x"], "its name does not tell what it is"),
        (["export", "empty", "-f", "csv", "-o", "x"], "has neither results"),
        (["import", "drawn"], "belong together"),
    ],
)
def test_what_cannot_be_is_told(place: Path, arguments: list[str], told: str) -> None:
    Path("empty").mkdir()
    Path("bad.geojson").write_text("{")
    Path("notes.txt").write_text("notes")
    said = " ".join(run(*arguments, code=2).split())
    assert told in said
    assert not Path("x").exists() or not any(Path("x").iterdir())
    assert not list(place.rglob(".spheroseg-*"))


def test_every_format_is_listed_and_explained() -> None:
    listed = {one["name"]: one for one in json.loads(run("export", "--list", "--json"))["formats"]}
    assert set(listed) == set(WRITTEN) >= set(FORMATS)
    assert {name for name, one in listed.items() if one["read"]} == set(READABLE)
    text = DOCS.read_text(encoding="utf-8")
    assert [name for name in WRITTEN if f"| `{name}` |" not in text] == []


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of two images that the shipped model segmented with a threshold of its own."""
    folder = tmp_path_factory.mktemp("study")
    card = ModelRegistry.packaged().default
    results = []
    for name in ("a", "b"):
        path = folder / f"{name}.png"
        y, x = np.mgrid[:240, :320]
        dark = ((x - 150) ** 2 + (y - (110 if name == "a" else 130)) ** 2 < 60**2) * 90
        noise = np.random.default_rng(3).normal(0, 4, dark.shape)
        cv2.imwrite(str(path), np.clip(170 - dark + noise, 0, 255).astype(np.uint8))
        labels = bundles._found_by(card, path, 1, Parameters(threshold=0.4))
        assert labels.any()
        ran = Origin(
            ran_model=f"{card.name}@{card.version}",
            ran_precision=card.precision,
            ran_sha256=card.sha256,
            ran_runtime="onnxruntime 1.0.0" if name == "a" else "",
            ran_provider="CPUExecutionProvider" if name == "a" else "",
        )
        one = result_of(labels, path.name, name, 0.5)
        results.append(replace(one, origin=ran, original=exchanged.original_at(path)))
    exporting.import_results(results, folder / "results")
    out = folder / "study.zip"
    run(
        "export",
        str(folder / "results"),
        "--image",
        str(folder),
        "-f",
        "bundle",
        "-o",
        str(out),
        "--parameter",
        "threshold=0.4",
    )
    return out


def test_a_bundle_is_verified_by_making_it_again(bundle: Path) -> None:
    verdict = json.loads(run("verify", str(bundle), "--all", "--json"))
    assert verdict["sound"]
    assert verdict["measured"] == ["a", "b"]
    assert min(verdict["overlaps"].values()) >= 0.99
    with zipfile.ZipFile(bundle) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert verdict["checked"] == len(archive.namelist()) - 1
    assert manifest["parameters"]["threshold"] == 0.4
    assert manifest["model"]["sha256"] == ModelRegistry.packaged().default.sha256
    told = [(image["runtime"], image["provider"], image["runtime_not_given"]) for image in manifest["images"]]
    assert told == [
        ("onnxruntime 1.0.0", "CPUExecutionProvider", None),
        (None, None, "the run is of before this was noted"),
    ]
    (note,) = verdict["notes"]
    assert note.startswith(
        "The model was computed by onnxruntime 1.0.0 (CPUExecutionProvider) then, and by onnxruntime"
    )
    assert len(json.loads(run("verify", str(bundle), "--sample", "1", "--json"))["measured"]) == 1


def test_a_bundle_with_other_parameters_is_refused(bundle: Path, tmp_path: Path) -> None:
    results, images, out = str(bundle.parent / "results"), str(bundle.parent), str(tmp_path / "other.zip")
    said = run(
        "export", results, "--image", images, "-f", "bundle", "-o", out, "--parameter", "min_diameter_px=200", code=2
    )
    assert "the run had other parameters" in " ".join(said.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("measures.csv", lambda content: content.replace(b"true", b"false", 1) + b"\n", "measures.csv was altered"),
        ("model_card.json", None, "model_card.json is missing"),
        ("outlines/a.geojson", lambda content: content.replace(b"1", b"2", 1), "outlines/a.geojson was altered"),
    ],
)
def test_what_was_altered_is_named(
    bundle: Path, tmp_path: Path, name: str, change: Callable[[bytes], bytes] | None, told: str
) -> None:
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path)
    if change is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(change((tmp_path / name).read_bytes()))
    said = json.loads(run("verify", str(tmp_path), "--json", code=1))
    assert not said["sound"]
    assert told in " ".join(said["faults"])


def test_figures_that_were_altered_with_their_checksum_are_found(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path)
    table, sums = tmp_path / "measures.csv", tmp_path / "checksums.sha256"
    before = hashlib.sha256(table.read_bytes()).hexdigest()
    rows = list(csv.DictReader(table.read_text().splitlines()))
    table.write_bytes(table.read_bytes().replace(rows[0]["area_px2"].encode(), b"12345.0", 1))
    sums.write_text(sums.read_text().replace(before, hashlib.sha256(table.read_bytes()).hexdigest()))
    said = json.loads(run("verify", str(tmp_path), "--all", "--json", code=1))
    assert f"area_px2 is {rows[0]['area_px2']}, measures.csv says 12345.0" in " ".join(said["faults"])


def test_what_is_no_bundle_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"no")
    assert "is no bundle" in run("verify", str(tmp_path / "a.zip"), code=2)
    assert "is no bundle" in run("verify", str(tmp_path), code=2)
    assert "no such file" in run("verify", str(tmp_path / "b.zip"), code=2)
