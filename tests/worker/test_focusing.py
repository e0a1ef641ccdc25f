"""Objects out of focus, from drawn views and labels, so that what must stay is known."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import segmentation_worker
from segmentation_worker import tiles
from segmentation_worker.focusing import in_focus, rim_sharpness
from segmentation_worker.instances import Labels, Probability, Seen
from segmentation_worker.onnx_segmenter import OnnxSegmenter
from segmentation_worker.postprocessing import FocusRule
from spheroseg.domain.segmentation import Parameters
from spheroseg.model_registry import ModelRegistry

MODELS = Path(segmentation_worker.__file__).parent / "models"
RULE = FocusRule(least=0.25, size_power=0.5, reference=0.3)
View = NDArray[np.float32]


def blurred_disks(size: int, *placed: tuple[float, float, float, float]) -> tuple[View, Labels]:
    """Dark disks (x, y, radius, σ of their blur) on a bright ground, and their labels in this order."""
    y, x = np.mgrid[:size, :size] + 0.5
    view, labels = np.ones((size, size), np.float32), np.zeros((size, size), np.int32)
    for number, (cx, cy, radius, sigma) in enumerate(placed, start=1):
        inside = np.hypot(x - cx, y - cy) < radius
        labels[inside] = number
        view -= cv2.GaussianBlur(inside.astype(np.float32), (0, 0), sigma)
    return view, labels


def seen(view: View, labels: Labels, count: int) -> Seen:
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1 : count + 1]
    boxes = np.array([cv2.boundingRect((labels == number).view(np.uint8)) for number in range(1, count + 1)], np.int32)
    sharpness = rim_sharpness(view, labels, count)
    return Seen(view, labels.copy(), boxes, np.sqrt(areas * 4 / np.pi), sharpness=sharpness)


def test_sharpness_is_the_slope_of_the_rim() -> None:
    """A Gaussian edge of height 1 has a largest slope of 1 / (σ √(2π))."""
    view, labels = blurred_disks(200, (50, 50, 30, 2), (150, 150, 30, 6))
    expected = 1 / (np.array([2, 6]) * np.sqrt(2 * np.pi))
    assert rim_sharpness(view, labels, 2) == pytest.approx(expected, rel=0.1)


def test_the_border_of_the_view_is_no_rim() -> None:
    labels = np.zeros((40, 60), np.int32)
    labels[:, :30] = 1
    view = np.where(labels == 1, 0, 1).astype(np.float32)
    assert rim_sharpness(view, labels, 1) == pytest.approx(0.5)  # a step over two pixels, at all of its rim
    assert np.isnan(rim_sharpness(view, np.ones((40, 60), np.int32), 1)).all()


def test_a_blurred_object_beside_a_sharp_one_counts_as_dropped_and_keeps_its_ground() -> None:
    view, labels = blurred_disks(240, (120, 50, 30, 12), (60, 160, 30, 1), (180, 160, 30, 1.5))
    before = replace(seen(view, labels, 3), dropped_count=4)
    after = in_focus(before, RULE)
    assert (after.count, after.dropped_count) == (2, 5)
    assert (after.labels == np.array([0, 3, 1, 2])[labels]).all()
    assert after.boxes.tolist() == before.boxes[1:].tolist()
    assert after.diameters_px == pytest.approx(before.diameters_px[1:])


def test_what_is_equally_blurred_stays() -> None:
    view, labels = blurred_disks(240, (60, 60, 30, 12), (180, 180, 30, 12))
    assert in_focus(seen(view, labels, 2), RULE).count == 2


def test_an_object_alone_or_without_a_rim_stays() -> None:
    view, labels = blurred_disks(200, (100, 100, 30, 12))
    assert in_focus(seen(view, labels, 1), RULE).count == 1
    frame = np.where(labels == 1, 2, 1).astype(np.int32)  # reaches every border, and has the disk for a rim
    assert in_focus(seen(view, frame, 2), RULE).count == 2
    without_rim = replace(seen(view, frame, 2), sharpness=np.array([np.nan, 0.2], np.float32))
    assert in_focus(without_rim, RULE).count == 2


def test_a_sharp_speck_does_not_stand_for_the_plane_in_focus() -> None:
    view, labels = blurred_disks(240, (90, 90, 60, 8), (200, 200, 6, 0.7))
    assert in_focus(seen(view, labels, 2), RULE).count == 2
    by_the_speck = in_focus(seen(view, labels, 2), RULE.model_copy(update={"reference": 0.0}))
    assert by_the_speck.diameters_px == pytest.approx([12], rel=0.02)


def test_small_objects_have_to_be_sharper_where_the_rule_says_so() -> None:
    view, labels = blurred_disks(240, (90, 90, 60, 1), (200, 200, 10, 2.5))
    found = seen(view, labels, 2)
    assert in_focus(replace(found, labels=labels.copy()), RULE).count == 1
    assert in_focus(found, RULE.model_copy(update={"size_power": 0.0})).count == 2


def test_a_run_may_keep_what_the_card_would_leave_out() -> None:
    card = ModelRegistry.packaged().get("first", "1")
    rule = card.postprocessing | {"focus": RULE.model_dump() | {"least": 0.6}}
    segmenter = OnnxSegmenter(MODELS / card.file, card.model_copy(update={"postprocessing": rule}))
    random = np.random.default_rng(7)
    y, x = np.mgrid[:512, :512]
    image = 170 + random.normal(0, 4, (512, 512))
    for cx, radius, sigma in ((150, 80, 1), (380, 70, 8)):
        depth = np.sqrt(np.clip(1 - ((x - cx) ** 2 + (y - 256) ** 2) / radius**2, 0, 1))
        image -= cv2.GaussianBlur(depth * (90 + 12 * random.normal(0, 1, (512, 512))), (0, 0), sigma)
    pixels = np.clip(image, 0, 255).astype(np.uint8)
    left_out, kept = (segmenter.segment(pixels, Parameters(out_of_focus=each)) for each in (False, True))
    plain = OnnxSegmenter(MODELS / card.file, card).segment(pixels, Parameters())
    assert (left_out.labels.max(), kept.labels.max()) == (1, 2)
    assert left_out.labels[256, 150] == 1
    assert left_out.view.dropped_count == kept.view.dropped_count + 1
    assert (kept.labels == plain.labels).all()


def test_tiles_give_the_sharpness_that_the_whole_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "CORE_PX", 96)
    monkeypatch.setattr(tiles, "MARGIN_PX", 64)
    view, labels = blurred_disks(300, (100, 100, 25, 1), (200, 100, 25, 9), (100, 210, 25, 2), (215, 215, 25, 1))
    whole = seen(view, labels, 4)

    def look(rows: slice, columns: slice) -> tuple[Probability, Seen]:
        part, window = labels[rows, columns], np.ascontiguousarray(view[rows, columns])
        present = np.unique(part[part > 0])
        number = np.zeros(5, np.int32)
        number[present] = np.arange(1, present.size + 1)
        return window, seen(window, number[part], present.size)

    joined, _ = tiles.objects_in_tiles((300, 300), look, tmp_path)
    places = [(100, 100), (100, 200), (210, 100), (215, 215)]
    order = [int(joined.labels[place]) - 1 for place in places]
    assert joined.sharpness is not None
    assert whole.sharpness is not None
    assert joined.sharpness[order] == pytest.approx(whole.sharpness, rel=0.02)
    after = in_focus(joined, RULE)
    assert [int(after.labels[place]) <= after.count for place in places] == [True, False, True, True]
