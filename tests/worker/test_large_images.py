"""Images that are looked at in tiles or drawn in parts give what they give in one piece."""

import math
from dataclasses import replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest

from segmentation_worker import drawing, onnx_segmenter, tiles
from segmentation_worker.enlargement import Probability, enlarged
from segmentation_worker.instances import Labels, Seen, draw_objects, find_objects
from segmentation_worker.onnx_segmenter import OnnxSegmenter
from segmentation_worker.postprocessing import Postprocessing
from segmentation_worker.preparation import Preprocessing, prepared
from segmentation_worker.settings import MODEL_DIR
from segmentation_worker.tuning import Tuning
from segmentation_worker.views import reduced, shrink_for, view_of, window_of_view
from spheroseg.domain.segmentation import Parameters
from spheroseg.imaging.certainty import certainty_of
from spheroseg.imaging.measures import spheroids_of
from spheroseg.imaging.windowing import Grey, windowed
from spheroseg.model_registry import ModelRegistry

SETTINGS = Postprocessing(
    core_threshold=0.5, seed_peak=0.65, min_diameter_px=6, min_hole_diameter_px=3, min_certainty=0.6
)


@pytest.fixture(scope="module")
def segmenter() -> OnnxSegmenter:
    card = ModelRegistry.packaged().get("first", "1")
    return OnnxSegmenter(MODEL_DIR / card.file, card, tuning=Tuning(threads=2))


def many_spheroids(side_px: int, radius_px: float, *, seed: int = 1, share: float = 1.0) -> Grey:
    """Dark grainy disks of about one size, some of which touch, on an uneven ground: (side, side) uint16."""
    random = np.random.default_rng(seed)
    image = 40_000 + 4_000 * np.linspace(0, 1, side_px)[None, :] + random.normal(0, 900, (side_px, side_px))
    step = round(2.6 * radius_px)
    for top in range(0, side_px, step):
        for left in range(0, side_px, step):
            if random.random() > share:
                continue
            radius = radius_px * random.uniform(0.8, 1.15)
            cy, cx = np.array([top, left]) + step / 2 + random.uniform(-0.35, 0.35, 2) * radius_px
            if max(cy, cx) > side_px:
                continue
            low, high = (max(0, round(c - radius - 2)) for c in (cy, cx))
            y, x = np.mgrid[low : min(side_px, round(cy + radius + 2)), high : min(side_px, round(cx + radius + 2))]
            depth = np.sqrt(np.clip(1 - ((x - cx) ** 2 + (y - cy) ** 2) / radius**2, 0, 1))
            image[y, x] -= depth * (20_000 + 2_000 * random.normal(0, 1, depth.shape))
    return cast("Grey", image.clip(0, 65_535).astype(np.uint16))


def worst_match(found: Labels, expected: Labels) -> float:
    """The lowest IoU over the objects of both, each with its best counterpart."""
    worst = 1.0
    for one, other in ((found, expected), (expected, found)):
        areas, areas_other = np.bincount(one.ravel()), np.bincount(other.ravel())
        both = (one > 0) & (other > 0)
        pairs, overlaps = np.unique(one[both].astype(np.int64) * areas_other.size + other[both], return_counts=True)
        best = np.zeros(areas.size)
        for pair, overlap in zip(pairs.tolist(), overlaps.tolist(), strict=True):
            a, b = divmod(pair, areas_other.size)
            best[a] = max(best[a], overlap / (areas[a] + areas_other[b] - overlap))
        worst = min(worst, best[1:].min(initial=1.0))
    return float(worst)


def test_tiles_find_the_objects_that_are_found_at_once(segmenter: OnnxSegmenter, tmp_path: Path) -> None:
    pixels = many_spheroids(1300, 28)
    settings = segmenter._preprocessing
    low, high = window_of_view(pixels, settings.window_percent)
    view = np.clip(windowed(pixels, low, high), *settings.clip)
    foreground, whole = segmenter._seen(view, Parameters())

    def look(rows: slice, columns: slice) -> tuple[Probability, Seen]:
        return segmenter._seen(np.ascontiguousarray(view[rows, columns]), Parameters())

    seen, probability = tiles.objects_in_tiles((1300, 1300), look, tmp_path)
    assert whole.count > 200
    assert seen.count == whole.count
    assert worst_match(np.where(seen.labels <= seen.count, seen.labels, 0), whole_labels(whole)) >= 0.99
    assert np.abs(probability / 255 - foreground).mean() < 0.002
    assert sorted(map(tuple, seen.boxes.tolist())) == sorted(map(tuple, boxes_of(seen)))
    assert seen.typical_diameter_px == pytest.approx(whole.typical_diameter_px, rel=0.002)


def whole_labels(seen: Seen) -> Labels:
    return np.where(seen.labels <= seen.count, seen.labels, 0)


def boxes_of(seen: Seen) -> list[tuple[int, int, int, int]]:
    spheroids = spheroids_of(whole_labels(seen))
    return [
        (int(m.bbox_x_px), int(m.bbox_y_px), int(m.bbox_width_px), int(m.bbox_height_px))
        for m in (spheroid.measures for spheroid in spheroids)
    ]


def drawn_maps(shape: tuple[int, int], *placed: tuple[float, float, float]) -> tuple[Probability, Probability]:
    """Foreground and core of disks (x, y, radius)."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    foreground, core = np.full(shape, 0.02), np.full(shape, 0.02)
    for cx, cy, radius in placed:
        inward = radius - np.hypot(x - cx, y - cy)
        foreground = np.maximum(foreground, 0.98 / (1 + np.exp(-3 * np.maximum(inward, -9))))
        core = np.maximum(core, 0.98 / (1 + np.exp(-2 * np.maximum(inward - 0.4 * radius, -9))))
    return foreground.astype(np.float32), core.astype(np.float32)


def test_an_object_larger_than_a_tile_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in (("CORE_PX", 60), ("MARGIN_PX", 40), ("STRIP_PX", 20)):
        monkeypatch.setattr(tiles, name, size)
    foreground, core = drawn_maps(
        (300, 340), (150, 150, 88), (290, 60, 30), (300, 250, 9), (20, 280, 15), (255, 160, 20)
    )
    at_once = find_objects(foreground, core, 0.5, 6, SETTINGS)

    def look(rows: slice, columns: slice) -> tuple[Probability, Seen]:
        window = foreground[rows, columns].copy(), core[rows, columns].copy()
        return window[0], find_objects(*window, 0.5, 6, SETTINGS)

    seen, _ = tiles.objects_in_tiles((300, 340), look, tmp_path)
    assert seen.count == at_once.count == 5
    assert worst_match(whole_labels(seen), whole_labels(at_once)) >= 0.97
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("holes", [True, False])
@pytest.mark.parametrize(("part", "min_diameter_px"), [(64, 0.0), (97, 70.0), (2048, 0.0)])
def test_parts_are_drawn_as_the_whole(
    part: int, min_diameter_px: float, holes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "PART_PX", part)
    foreground, core = drawn_maps((90, 130), (40, 40, 26), (92, 40, 27), (20, 80, 8), (100, 75, 10))
    hole, _ = drawn_maps((90, 130), (40, 40, 12))
    island, island_core = drawn_maps((90, 130), (40, 40, 5))
    foreground = np.maximum(np.minimum(foreground, 1 - hole), island).astype(np.float32)
    core = np.maximum(np.minimum(core, 1 - hole), island_core).astype(np.float32)
    # Two bodies joined by a thread that is cut when it is enlarged, and a pinhole.
    foreground[70:72, 28:90] = 0.51
    foreground[40:42, 110] = 0.2
    seen = find_objects(foreground, core, 0.5, 0, SETTINGS)
    shape = (413, 601)
    expected = draw_objects(seen, enlarged(seen.foreground, shape) > 0.5, min_diameter_px, holes=holes)
    drawn = drawing.draw_in_parts(seen, shape, shape, 0.5, min_diameter_px, tmp_path, holes=holes)
    assert expected.max() >= 2
    assert drawn.max() == expected.max()
    assert worst_match(drawn, expected) > 0.999


@pytest.mark.parametrize("shrink", [1.0, 1.25, 1.75, 3.0, 6.5])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_view_is_what_the_network_sees_otherwise(
    shrink: float, dtype: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segmentation_worker.views.IN_MEMORY_PX", 20_000)
    card = ModelRegistry.packaged().get("first", "1")
    settings = Preprocessing.model_validate(card.preprocessing)
    random = np.random.default_rng(0)
    side = round(420 * shrink)
    coarse = random.integers(20, 220, (12, 12)).astype(np.uint8)
    pixels = cast("Grey", cv2.resize(coarse, (side, side), interpolation=cv2.INTER_NEAREST).astype(dtype))
    view = view_of(pixels, shrink, settings, tmp_path)
    low, high = window_of_view(view, settings.window_percent)
    expected = prepared(pixels, math.ceil(pixels.shape[0] / shrink), settings)
    assert view.shape == expected.shape
    assert np.abs(np.clip(windowed(view, low, high), *settings.clip) - expected).mean() < 0.01
    assert list(tmp_path.iterdir()) == []


def test_views_shrink_in_quarters_and_never_grow() -> None:
    assert [shrink_for(1000, side) for side in (2000, 1000, 999, 800, 500, 300)] == [1, 1, 1, 1.25, 2, 3.25]


@pytest.mark.parametrize(("radius", "count"), [(24, 150), (300, 4)])
def test_an_image_that_fits_in_memory_gives_the_same_from_files(
    segmenter: OnnxSegmenter, radius: float, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = many_spheroids(2300, radius, share=0.15 if radius < 100 else 0.5)
    in_memory = segmenter.segment(pixels, Parameters())
    monkeypatch.setattr(onnx_segmenter, "IN_MEMORY_PX", 0)
    from_files = segmenter.segment(pixels, Parameters())
    assert in_memory.labels.max() == from_files.labels.max() > count
    assert worst_match(from_files.labels, in_memory.labels) >= 0.99
    certainty = certainty_of(from_files.labels, from_files.view)
    in_both = certainty.inside.keys() & certainty.rim.keys()
    assert len(in_both) >= 0.99 * from_files.labels.max()
    assert from_files.view.blur == pytest.approx(in_memory.view.blur, abs=0.02)
    if radius < 100:
        assert from_files.view.probability.dtype == np.uint8
        spheroids = spheroids_of(from_files.labels, certainty)
        assert np.median([one.measures.equivalent_diameter_px for one in spheroids]) == pytest.approx(46, rel=0.1)
        assert all(one.confidence is not None and one.confidence > 0.6 for one in spheroids)


@pytest.mark.parametrize(("radius", "share", "is_crowd"), [(15, 0.7, True), (300, 0.5, False)])
def test_a_crowd_is_told_from_large_objects(
    segmenter: OnnxSegmenter, radius: float, share: float, is_crowd: bool, tmp_path: Path
) -> None:
    pixels = many_spheroids(3100, radius, share=share)
    parameters = Parameters()
    look = segmenter._looked_at(reduced(pixels, 1536, tmp_path), parameters)
    look = replace(look, covered=(3100, 3100))
    crowd_px = segmenter._crowd(pixels, look, parameters)
    assert crowd_px == (pytest.approx(30, rel=0.15) if is_crowd else None)
