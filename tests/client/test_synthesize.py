import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner, Result

from spheroseg.imaging.label_files import read_labels
from spheroseg_client.command_line import app
from spheroseg_client.offline import synthetic_set
from spheroseg_client.offline.synthesize import KindChoice
from training.synthesis import Kind, synthesize


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(app, ["synthesize", *map(str, arguments)])


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_set_holds_the_images_that_its_manifest_tells(tmp_path: Path) -> None:
    out = tmp_path / "new" / "set"
    result = run("--out", out, "--count", 12, "--seed", 3, "--size", "96x64", "--json")
    assert result.exit_code == 0, result.output

    with (out / "manifest.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [Path(row["file"]).stem for row in rows] == [f"{number:04d}" for number in range(1, 13)]
    assert set(files_of(out)) == {"manifest.csv", *(row["file"] for row in rows), *(row["mask"] for row in rows)}
    assert {row["dtype"] for row in rows} == {"uint8", "uint16"}
    for row in rows:
        is_png = row["dtype"] == "uint8"
        path = out / row["file"]
        pixels = np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if is_png else tifffile.imread(path))
        labels = read_labels(out / row["mask"])
        drawn = synthesize(int(row["seed"]), height_px=64, width_px=96)
        assert path.suffix == (".png" if is_png else ".tif")
        assert np.array_equal(pixels, drawn.pixels)
        assert pixels.dtype == drawn.pixels.dtype
        assert np.array_equal(labels, drawn.labels)
        assert (row["kind"], int(row["objects"])) == (drawn.recipe.kind.value, int(labels.max()))
    told = json.loads(result.stdout)
    assert told["objects"] == sum(int(row["objects"]) for row in rows)
    assert told["without_objects"] == sum(row["objects"] == "0" for row in rows)


def test_the_same_seed_gives_the_same_bytes_by_any_number_of_processes(tmp_path: Path) -> None:
    arguments = ("--count", 2 * synthetic_set.WORTH_A_PROCESS, "--size", "48x40")
    for name, jobs in (("one", 1), ("two", 2)):
        assert run("--out", tmp_path / name, *arguments, "--seed", 5, "--jobs", jobs).exit_code == 0
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_sets_of_different_seeds_have_no_image_in_common() -> None:
    def seeds(seed: int) -> set[int]:
        order = synthetic_set.Order(Path(), 50, seed, 64, 64, None)
        return {order.image_seed(number) for number in range(1, 51)}

    assert len(seeds(0) | seeds(1)) == 100


def test_one_kind_can_be_asked_for_and_all_are_offered(tmp_path: Path) -> None:
    result = run("--out", tmp_path, "--count", 2, "--size", "64x64", "--kind", "cystic")
    assert result.exit_code == 0, result.output
    assert "objects in 2 images" in result.stdout
    with (tmp_path / "manifest.csv").open(newline="") as stream:
        assert {row["kind"] for row in csv.DictReader(stream)} == {"cystic"}
    assert [kind.value for kind in KindChoice] == [kind.value for kind in Kind]


def test_a_folder_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    result = run("--out", tmp_path, "--count", 1, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["code"] == "folder-not-empty"
    assert files_of(tmp_path) == {"notes.txt": b"mine"}

    result = run("--out", tmp_path / "notes.txt", "--count", 1)
    assert result.exit_code == 2
    assert "is a file" in result.stderr


@pytest.mark.parametrize("size", ["512", "31x64", "64x8193", "0x0", "-5x64", "64.5x64"])
def test_sizes_that_cannot_be_drawn_are_refused(tmp_path: Path, size: str) -> None:
    result = run("--out", tmp_path / "set", "--count", 1, "--size", size)
    assert result.exit_code == 2
    assert not (tmp_path / "set").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "set/masks/0001.tif"))

    monkeypatch.setattr(synthetic_set, "labels_tiff", full)
    result = run("--out", tmp_path / "set", "--count", 1, "--size", "64x64")
    assert result.exit_code == 2
    assert "0001.tif cannot be written: No space left" in result.stderr


def test_a_file_that_could_not_be_finished_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(path: Path, content: bytes) -> int:
        with path.open("wb") as stream:
            stream.write(content[:10])
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", half)
    assert run("--out", tmp_path / "set", "--count", 1, "--size", "64x64").exit_code == 2
    monkeypatch.undo()
    assert sorted(path.name for path in (tmp_path / "set").rglob("*")) == ["images", "manifest.csv", "masks"]
