"""The picture of how trainings went."""

from pathlib import Path

import cv2
import pytest

from training.curves import draw_curves


def test_every_training_is_drawn(tmp_path: Path) -> None:
    for name, losses in {"fast-seed-0": [2.0, 1.0, 0.5], "accurate-seed-0": [1.5] * 60}.items():
        (tmp_path / name).mkdir()
        rows = [f"{25 * (place + 1)},{loss}" for place, loss in enumerate(losses)]
        (tmp_path / name / "curve.csv").write_text("\n".join(["step,loss", *rows]) + "\n")
    picture = cv2.imread(str(draw_curves(tmp_path)))
    assert picture is not None
    assert len({tuple(pixel) for pixel in picture.reshape(-1, 3)[::7].tolist()}) > 20


def test_a_folder_without_a_training_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no training"):
        draw_curves(tmp_path)
