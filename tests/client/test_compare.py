import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner, Result

from spheroseg_client import offline
from spheroseg_client.command_line import app
from tests.unit.imaging.shapes import drawn

A = drawn("11.22.33 11.22.33 ........")
B = drawn("77.5...9 77.5.... ......44")


def compared(*arguments: Any) -> Result:
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    a, b = tmp_path / "a.tif", tmp_path / "b.png"
    tifffile.imwrite(a, A.astype(np.uint32), photometric="minisblack")
    Image.fromarray(B.astype(np.uint8)).save(b)
    return a, b


def test_partners_missed_and_added_are_listed(files: tuple[Path, Path], tmp_path: Path) -> None:
    result = compared(*files, "--threshold", 0.4, "--out", tmp_path / "new" / "pairs.csv")
    assert result.exit_code == 0, result.output
    with (tmp_path / "new" / "pairs.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["image"], row["status"], row["a"], row["b"], row["iou"]) for row in rows] == [
        ("a", "matched", "1", "7", "1.0"),
        ("a", "matched", "2", "5", "0.5"),
        ("a", "missed", "3", "", ""),
        ("a", "added", "", "4", ""),
        ("a", "added", "", "9", ""),
    ]
    assert [(row["a_area_px2"], row["b_area_px2"], row["area_difference_percent"]) for row in rows[1:4]] == [
        ("4", "2", "-50.0"),
        ("4", "", ""),
        ("", "2", ""),
    ]
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["matched", "2", "5", "0.500", "4", "2", "-2", "-50.0"] in lines
    assert lines[-1][:6] == ["a", "3", "4", "2", "1", "2"]
    assert list((tmp_path / "new").iterdir()) == [tmp_path / "new" / "pairs.csv"]


def test_json_holds_everything(files: tuple[Path, Path]) -> None:
    told = json.loads(compared(*files, "--json").stdout)
    (image,) = told["images"]
    assert (image["a_objects"], image["b_objects"], image["matched"], image["missed"], image["added"]) == (
        3,
        4,
        1,
        2,
        3,
    )
    assert image["average_precision"] == pytest.approx(1 / 6)
    assert image["foreground_iou"] == pytest.approx(7 / 14)
    assert [one["status"] for one in image["objects"]] == ["matched"] + ["missed"] * 2 + ["added"] * 3
    assert told["total"] == {
        "images": 1, "matched": 1, "missed": 2, "added": 3, "mean_iou": 1.0, "average_precision": pytest.approx(1 / 6)
    }  # fmt: skip


def test_folders_are_compared_by_name_and_what_has_no_partner_is_told(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    for folder in (a, b):
        folder.mkdir()
    for name, labels in (("one.tif", A), ("two.tif", A), ("alone.tif", A), ("small.tif", A)):
        tifffile.imwrite(a / name, labels, photometric="minisblack")
    Image.fromarray(A.astype(np.uint8)).save(b / "one.png")
    tifffile.imwrite(b / "two.ome.tif", B, photometric="minisblack")
    tifffile.imwrite(b / "small.tif", A[:2], photometric="minisblack")
    (b / "notes.txt").write_text("no image")
    result = compared(a, b, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert [(image["image"], image["matched"]) for image in told["images"]] == [("one", 3), ("two", 1)]
    assert [(one["image"], one["code"]) for one in told["failures"]] == [
        ("alone", "no-partner"),
        ("small", "different-size"),
    ]
    assert (told["total"]["matched"], told["total"]["missed"], told["total"]["added"]) == (4, 2, 3)
    shown = compared(a, b)
    assert "8 × 3 and 8 × 2 px" in shown.stderr
    assert shown.stdout.splitlines()[-1].split()[:4] == ["all", "4", "2", "3"]


@pytest.mark.parametrize(
    ("second", "code"),
    [("missing.tif", "file-not-found"), ("folder", "not-comparable"), ("text.tif", "undecodable-image")],
)
def test_wrong_files_end_with_code_2_and_a_reason(
    files: tuple[Path, Path], tmp_path: Path, second: str, code: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.tif").write_text("no image")
    result = compared(files[0], tmp_path / second, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["code"] == code


def test_images_of_different_size_are_an_error(files: tuple[Path, Path], tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "c.tif", A[:, :4], photometric="minisblack")
    result = compared(files[0], tmp_path / "c.tif")
    assert result.exit_code == 2
    assert "different size: 8 × 3 and 4 × 3 px" in result.stderr


def test_a_mask_whose_objects_have_one_number_is_pointed_out(files: tuple[Path, Path], tmp_path: Path) -> None:
    Image.fromarray(((A > 0) * 255).astype(np.uint8)).save(tmp_path / "mask.png")
    result = compared(files[0], tmp_path / "mask.png")
    assert result.exit_code == 0
    assert "3 pieces" in result.stderr


@pytest.mark.parametrize("threshold", ["nan", "1", "-0.1"])
def test_a_threshold_is_from_0_to_below_1(files: tuple[Path, Path], threshold: str) -> None:
    assert compared(*files, f"--threshold={threshold}").exit_code == 2


def test_where_the_csv_cannot_be_written_is_told(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    result = compared(*files, "--out", tmp_path / "taken" / "pairs.csv", "--json")
    assert (result.exit_code, json.loads(result.stdout)["error"]["code"]) == (2, "unwritable-file")


def test_missing_libraries_are_named(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(offline, "comparison", raising=False)
    monkeypatch.setitem(sys.modules, "spheroseg_client.offline.comparison", None)
    result = compared(*files, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["error"]["code"] == "not-installed"
