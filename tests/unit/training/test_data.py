"""What is learnt from: only what may be, at the scales that show something."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.data import LARGEST_PX, SIDES_PX, Example, examples, real_maps, scaled, shrunk, synthetic_maps
from training.targets import FOREGROUND, NEUTRAL, WEIGHT

COLUMNS = ["source", "file", "masks", "train"]


def labelled(diameter: int, height: int = 400, width: int = 600) -> np.ndarray:
    labels = np.zeros((height, width), np.uint16)
    for number, (x, y) in enumerate([(150, 200), (400, 150)], start=1):
        cv2.circle(labels, (x, y), diameter // 2, number, -1)
    return labels


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [
        {"source": "open", "file": "a.png", "masks": "expert", "train": "yes"},
        {"source": "rough", "file": "b.png", "masks": "silver", "train": "yes"},
        {"source": "closed", "file": "c.png", "masks": "expert", "train": "no"},
    ]
    for row in rows:
        for part in ("images", "masks"):
            (tmp_path / row["source"] / part).mkdir(parents=True)
        labels = labelled(80)
        noise = np.random.default_rng(0).integers(0, 20, labels.shape)
        pixels = (np.where(labels > 0, 60, 180) + noise).astype(np.uint8)
        cv2.imwrite(str(tmp_path / row["source"] / "images" / row["file"]), pixels)
        cv2.imwrite(str(tmp_path / row["source"] / "masks" / row["file"]), labels)
    with (tmp_path / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


def test_what_only_judges_is_never_learnt_from(data: Path) -> None:
    assert {example.source for example in examples(data)} == {"open", "rough"}
    assert set(real_maps(data)) == {"open", "rough"}
    assert {example.source for example in examples(data, trainable=False)} == {"open", "rough", "closed"}


def test_a_source_can_be_left_out(data: Path) -> None:
    assert set(real_maps(data, without=["rough"])) == {"open"}


def test_a_mask_of_another_size_is_refused(data: Path) -> None:
    cv2.imwrite(str(data / "open" / "masks" / "a.png"), labelled(80, 300, 600))
    with pytest.raises(ValueError, match=r"a\.png is \(300, 600\)"):
        real_maps(data)


def test_silver_masks_count_less_along_their_rims(data: Path) -> None:
    maps = real_maps(data)
    assert min(scale[..., WEIGHT].min() for scale in maps["rough"][0]) < NEUTRAL
    assert all((scale[..., WEIGHT] >= NEUTRAL).all() for scale in maps["open"][0])


def test_an_image_is_learnt_from_at_the_sides_that_it_has(data: Path) -> None:
    (scales,) = real_maps(data)["open"]
    sides = [max(scale.shape) for scale in scales]
    assert sides == [side for side in SIDES_PX if side <= 660 and 80 * side / 600 <= LARGEST_PX]
    for scale in scales:
        share = (scale[..., FOREGROUND] > 0).mean()
        assert share == pytest.approx(2 * np.pi * 40**2 / (400 * 600), rel=0.05)


def test_shrunk_labels_keep_their_places() -> None:
    labels = labelled(80).astype(np.int32)
    small = shrunk(labels, (100, 150))
    for number in (1, 2):
        before = np.argwhere(labels == number).mean(0) + 0.5
        after = np.argwhere(small == number).mean(0) + 0.5
        assert np.allclose(before / 4, after, atol=0.2)


def test_an_image_is_never_enlarged() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (90, 120), dtype=np.uint8)
    maps = scaled(Example("s", "n", pixels, np.ones((90, 120), np.int32), "expert"), 512)
    assert maps.shape == (90, 120, 4)


def test_synthetic_images_are_drawn_once(tmp_path: Path) -> None:
    drawn: list[int] = []
    first = synthetic_maps(tmp_path, 3, 5, 1, drawn.append)
    assert drawn == [1, 2, 3]
    assert first.large.shape == (3, 512, 512, 4)
    assert first.small.shape == (3, 256, 256, 4)
    again = synthetic_maps(tmp_path, 3, 5, 1, drawn.append)
    assert drawn == [1, 2, 3]
    assert np.array_equal(first.large, again.large)
    assert np.array_equal(np.unique(first.large[..., FOREGROUND]), [0, 255])
