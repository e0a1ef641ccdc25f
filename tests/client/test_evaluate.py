import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from segmentation_worker.models import in_best_precision
from segmentation_worker.settings import MODEL_DIR
from spheroseg.model_registry import ModelRegistry
from spheroseg_client.command_line import app
from tests.unit.imaging.shapes import a_disk

DISK = a_disk(60)


def evaluated(*arguments: Any) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two dark disks on a bright ground."""
    for kind, pixels in (("images", np.where(DISK > 0, 50, 200)), ("masks", DISK)):
        (tmp_path / "lab" / kind).mkdir(parents=True)
        for name in ("a", "b"):
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "lab" / kind / f"{name}.png")
    return tmp_path / "lab"


@pytest.fixture
def card(tmp_path: Path) -> tuple[Path, Path]:
    """A model that is not registered: the first one under another name and in another file."""
    first = ModelRegistry.packaged().get("first")
    shutil.copy(MODEL_DIR / first.file, tmp_path / "mine.onnx")
    card = first.model_copy(update={"name": "mine", "version": "2"})
    (tmp_path / "mine.json").write_text(card.model_dump_json())
    return tmp_path / "mine.onnx", tmp_path / "mine.json"


def test_models_and_the_baseline_are_judged_in_one_run(data: Path, card: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "report"
    models = ("--model", "first", "--onnx", card[0], "--card", card[1], "--baseline", "otsu")
    result = evaluated("--data", data, *models, "--out", out, "--fold", "lab", "--jobs", 2, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert list(told["methods"]) == ["first@1", "mine@2", "otsu"]
    assert told["methods"]["first@1"]["figures"]["lab_foreground_iou_mean"] > 0.9
    assert told["methods"]["first@1"]["figures"] == told["methods"]["mine@2"]["figures"]
    assert (told["fold"], told["failures"], told["out"]) == ("lab", [], str(out))
    del told["out"]
    assert json.loads((out / "figures.json").read_text()) == told
    with (out / "per_image.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    named = [(row["method"], row["image"], row["fold"]) for row in rows[:2]]
    assert named == [("first@1", "a", "lab"), ("first@1", "b", "lab")]
    report = (out / "report.md").read_text()
    pictures = sorted(path.relative_to(out).as_posix() for path in out.glob("overlays/*/*.png"))
    assert len(pictures) == 6
    assert all(f"](<{picture}>)" in report for picture in pictures)  # names of methods have spaces
    reliability = ["reliability-first_1.png", "reliability-mine_2.png"]
    written = ["figures.json", "overlays", "per_image.csv", *reliability, "report.md"]
    assert sorted(path.name for path in out.iterdir()) == written
    assert all(f"]({picture})" in report for picture in reliability)


def test_a_second_report_replaces_the_first_and_leaves_other_files(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    arguments = ("--data", data, "--baseline", "otsu", "--out", out)
    assert evaluated(*arguments).exit_code == 0
    (out / "notes.txt").write_text("mine")
    for kind in ("images", "masks"):
        (data / kind / "b.png").unlink()
    assert evaluated(*arguments).exit_code == 0
    assert [path.name for path in out.glob("overlays/otsu/*")] == ["01-lab-a.png"]
    assert (out / "notes.txt").exists()


def test_the_table_names_source_method_and_figures(data: Path) -> None:
    result = evaluated("--data", data)
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    default = in_best_precision(ModelRegistry.packaged()).default
    assert ["lab", f"{default.name}@{default.version}", default.precision, "2"] in [line[:4] for line in lines]
    assert "Judging 2 images" in result.stderr


def test_images_that_cannot_be_judged_are_named_and_end_with_code_1(data: Path) -> None:
    (data / "masks" / "b.png").unlink()
    result = evaluated("--data", data, "--baseline", "otsu")
    assert result.exit_code == 1
    assert "lab/b: there is no mask" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "nobody"], "No model is called nobody"),
        (["--baseline", "magic"], "No baseline is called magic"),
        (["--onnx", "a.onnx"], "belong together"),
        (["--onnx", "a.onnx", "--card", "a.json"], "a.json: No such file"),
        (["--model", "first", "--model", "first@1"], "first@1 would be judged twice"),
        (["--data", "nowhere"], "no such folder"),
        (["--jobs", "1", "--data", "/"], "holds no source"),
    ],
    ids=["model", "baseline", "card", "no card", "twice", "no data", "no source"],
)
def test_wrong_use_ends_with_code_2_and_a_reason(data: Path, arguments: list[str], words: str) -> None:
    result = evaluated("--data", data, *arguments, "--json")
    assert result.exit_code == 2, result.output
    assert words in json.loads(result.stdout)["error"]["detail"]


def test_a_file_that_is_not_the_cards_is_refused(data: Path, card: tuple[Path, Path]) -> None:
    card[0].write_bytes(card[0].read_bytes() + b"x")
    result = evaluated("--data", data, "--onnx", card[0], "--card", card[1])
    assert result.exit_code == 2
    assert "is not the one that its card describes" in " ".join(result.stderr.split())


def test_data_without_an_image_that_can_be_judged_is_an_error(data: Path) -> None:
    for file in (data / "masks").iterdir():
        file.write_text("no image")
    result = evaluated("--data", data, "--baseline", "otsu", "--json")
    assert result.exit_code == 2
    assert "No image could be judged; the first, lab/a: a.png" in json.loads(result.stdout)["error"]["detail"]


def test_a_report_that_cannot_be_written_is_told_before_anything_is_judged(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("1")
    result = CliRunner().invoke(
        app, ["evaluate", "--data", str(tmp_path), "--baseline", "otsu", "--out", str(tmp_path / "file")]
    )
    assert result.exit_code == 2
    assert "is no folder" in " ".join(result.stderr.split())
    assert "Judging" not in result.stderr
