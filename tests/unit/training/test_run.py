"""From images to files that ship, in one command. Needs torch: ``uv sync --group training``."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.recipes import RECIPES

torch = pytest.importorskip("torch", reason="torch is not installed: uv sync --group training")

from spheroseg.domain.model_card import Calibration, ModelCard  # noqa: E402
from training.cards import CARDS  # noqa: E402
from training.network import Unet, parameter_count  # noqa: E402
from training.run import main  # noqa: E402 - imports torch

pytestmark = pytest.mark.filterwarnings("ignore")  # the exporter and the quantiser warn of their own future

TINY = replace(RECIPES["fast"], widths=(4, 4, 8, 8, 8), batch=2, crop_px=64)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    lines = ["source,file,masks,train"]
    for source, train in (("organoid_id", "yes"), ("elsewhere", "no")):
        for part in ("images", "masks"):
            (folder / source / part).mkdir(parents=True)
        labels = np.zeros((200, 260), np.uint16)
        cv2.circle(labels, (130, 100), 60, 1, -1)
        noise = np.random.default_rng(0).integers(0, 20, labels.shape)
        cv2.imwrite(str(folder / source / "images" / "a.png"), (np.where(labels > 0, 60, 180) + noise).astype(np.uint8))
        cv2.imwrite(str(folder / source / "masks" / "a.png"), labels)
        lines.append(f"{source},a.png,expert,{train}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_one_command_leads_from_images_to_models_cards_and_reports(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "fast", TINY)
    monkeypatch.setitem(RECIPES, "longer", replace(TINY, name="longer", after="fast"))
    # A network that learnt for a second finds nothing to calibrate on, which is an error; see test_calibration.
    monkeypatch.setattr("training.package.calibration_of", lambda *_: Calibration(slope=1.0, intercept=0.0))
    out = tmp_path / "run"
    words = ["--data", str(data), "--out", str(out), "--seeds", "0", "1", "--steps", "4"]
    assert main([*words, "--jobs", "1", "--synthetic-images", "52", "--folds"]) == 0
    for name, seeds in (("fast", 1), ("accurate", 3)):
        card = ModelCard.model_validate_json((out / "cards" / f"{name}-{CARDS[name].version}.json").read_bytes())
        assert card.parameter_count == seeds * parameter_count(Unet(TINY.widths))
        assert {one.precision for one in card.variants} == {"int8", "float16"}
        for file in (card.file, *(one.file for one in card.variants)):
            assert (out / "models" / file).is_file()
        assert card.figures["elsewhere_images"] == 1
        assert "int8_less_float32_foreground_iou_worst" in card.figures
    members = json.loads((out / "accurate" / "training.json").read_text())["seeds"]
    assert members == [0, 1, 0]  # two of fast, one that goes on with the first
    assert not (out / "longer-seed-1").exists()
    assert json.loads((out / "fast-seed-0" / "training.json").read_text())["recipe"]["steps"] == 4
    assert "elsewhere (1 images, 1 objects)" in (out / "fast-seed-0" / "report.md").read_text(encoding="utf-8")
    assert (out / "curves.png").is_file()
    told = json.loads((out / "fast-without-organoid_id-seed-1" / "training.json").read_text())
    assert told["without"] == ["organoid_id"]
    assert told["recipe"]["real_shares"] == {}
    table = (out / "folds.md").read_text(encoding="utf-8")
    assert "| organoid_id | fast | 2 | 1 |" in table
    assert "| organoid_id | accurate | 1 | 1 |" in table
    assert "| elsewhere | accurate | 1 | 1 |" in table


def test_what_cannot_be_trained_on_is_told_at_once(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, reason in (
        (["--data", str(data), "--synthetic-images", "48"], "must be above 48"),
        (["--data", str(tmp_path)], "has no manifest.csv"),
    ):
        with pytest.raises(SystemExit):
            main([*words, "--out", str(tmp_path / "run")])
        assert reason in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
