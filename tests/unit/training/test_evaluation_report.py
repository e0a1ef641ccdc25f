import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.certainty import View
from spheroseg.imaging.windowing import Grey
from spheroseg.ports import ChosenModel, SegmentedPixels
from tests.builders import a_model_card
from tests.unit.imaging.shapes import a_disk
from training.evaluation import report
from training.evaluation.methods import Method, otsu, registered
from training.evaluation.overlays import DRAWN, FOUND, overlay, worst, write_worst
from training.evaluation.running import Judged, evaluate
from training.evaluation.sources import EvaluationError, find_cases

DISK = a_disk(20)


def save(path: Path, pixels: Labels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two sources, six images; the images are their own masks times 100."""
    for source, names in (("one", ("a", "b", "c", "d", "e")), ("two", ("f",))):
        for name in names:
            save(tmp_path / "data" / source / "images" / f"{name}.bmp", DISK * 100)
            save(tmp_path / "data" / source / "masks" / f"{name}.png", DISK)
    return tmp_path / "data"


def threshold(pixels: Grey) -> Labels:
    return (pixels > 50).astype(np.int32)


def sure(pixels: Grey) -> SegmentedPixels:
    """What ``threshold`` finds, with 0.9 inside and 0.1 outside."""
    labels = threshold(pixels)
    height, width = labels.shape
    return SegmentedPixels(labels, View(np.where(labels > 0, 0.9, 0.1).astype(np.float32), (height, width)))


def nothing(pixels: Grey) -> Labels:
    return np.zeros(pixels.shape, np.int32)


RIGHT, WRONG = Method("right", threshold, "finds all"), Method("wrong", nothing, "finds nothing")


def judged(data: Path, *methods: Method) -> list[Judged]:
    results, failures = evaluate(find_cases(data)[0], methods, jobs=2)
    assert failures == []
    return results


def test_how_often_each_model_was_chosen_is_told(data: Path) -> None:
    save(data / "one" / "images" / "b.bmp", DISK * 200)

    def choose(pixels: Grey) -> SegmentedPixels:
        card = a_model_card(name="b") if pixels.max() > 150 else a_model_card(name="a", version="2")
        return replace(sure(pixels), chosen=ChosenModel(card, "for a test"))

    auto = Method("auto", threshold, "", choose)
    results = judged(data, auto, RIGHT)
    groups = report.groups_of(results)
    table = report.choice_table(groups)
    assert table is not None
    assert table.header == ("images", "method", "a@2", "b@1")
    assert table.rows[:3] == (
        ("one", "auto", "4 (80%)", "1 (20%)"),
        ("two", "auto", "1 (100%)", "0 (0%)"),
        ("all", "auto", "5 (83%)", "1 (17%)"),
    )
    chosen = [row["chosen"] for row in csv.DictReader(io.StringIO(report.per_image_csv(results, None)))]
    assert chosen[:10] == ["a@2", "b@1", "a@2", "a@2", "a@2", "", "", "", "", ""]
    about = {"auto": "", "right": ""}
    methods = report.document(groups, about, [], report.Circumstances("", datetime.now(UTC), None))["methods"]
    assert isinstance(methods, dict)
    assert methods["auto"]["chosen"]["all"] == {"a@2": 5, "b@1": 1}
    assert methods["right"]["chosen"] == {}
    assert report.choice_table(report.groups_of(judged(data, RIGHT))) is None


def test_a_source_and_a_folder_of_sources_are_told_apart(data: Path) -> None:
    cases, failures = find_cases(data)
    assert [(case.source, case.name) for case in cases] == [("one", name) for name in "abcde"] + [("two", "f")]
    assert failures == []
    assert find_cases(data / "two")[0] == cases[5:]


def test_images_and_masks_without_the_other_are_told(data: Path) -> None:
    save(data / "two" / "images" / "g.png", DISK)
    save(data / "two" / "masks" / "h.png", DISK)
    save(data / "two" / "masks" / "f.tif", DISK)
    save(data / "two" / "images" / ".hidden.png", DISK)
    cases, failures = find_cases(data)
    assert len(cases) == 5
    assert [(one.name, one.reason) for one in failures] == [
        ("f", "several files share this name: images/f.bmp, masks/f.png, masks/f.tif"),
        ("g", "there is no mask"),
        ("h", "there is no image"),
    ]


@pytest.mark.parametrize("folder", ["missing", "."])
def test_a_folder_without_a_source_is_an_error(tmp_path: Path, folder: str) -> None:
    with pytest.raises(EvaluationError, match=r"no such folder|holds no source"):
        find_cases(tmp_path / folder)


def test_every_method_is_judged_on_the_same_images(data: Path) -> None:
    Image.new("L", (9, 9)).save(data / "one" / "masks" / "b.png")
    (data / "one" / "images" / "c.bmp").write_text("no image")
    Image.new("RGB", (48, 48)).save(data / "one" / "masks" / "d.png")
    done: list[int] = []
    results, failures = evaluate(find_cases(data)[0], [RIGHT, registered("first")], 1, lambda: done.append(1))
    assert len(done) == 6
    assert [(one.method, one.source, [case.name for case in one.cases]) for one in results] == [
        ("right", "one", ["a", "e"]), ("first@1", "one", ["a", "e"]), ("right", "two", ["f"]), ("first@1", "two", ["f"])
    ]  # fmt: skip
    assert [one.name for one in failures] == ["b", "c", "d"]
    assert "48 × 48 px and 9 × 9 px" in failures[0].reason
    assert [image.foreground_iou for image in results[0].judgement.images] == [1, 1]


def test_an_image_that_a_model_refuses_counts_for_none(data: Path) -> None:
    save(data / "one" / "images" / "a.bmp", DISK * 0)
    results, failures = evaluate(find_cases(data)[0], [RIGHT, registered("first")], jobs=1)
    assert len(results[0].cases) == 4
    assert "first@1 gave no answer" in failures[0].reason


def test_a_method_that_breaks_is_not_taken_for_a_bad_image(data: Path) -> None:
    def broken(pixels: Grey) -> Labels:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        evaluate(find_cases(data)[0], [Method("broken", broken, "")], jobs=2)


def test_groups_are_sources_all_and_single_round_ones(data: Path) -> None:
    groups = report.groups_of(judged(data, RIGHT, WRONG))
    assert [(group.key, group.summary.images) for group in groups if group.method == "right"] == [
        ("one", 5), ("two", 1), ("all", 6), ("one_single_round", 5), ("two_single_round", 1), ("single_round", 6)
    ]  # fmt: skip
    figures = report.figures_of(groups, "right")
    assert figures["one_images"] == 5
    assert figures["all_foreground_iou_mean"] == 1
    assert figures["single_round_boundary_f1_2px_mean"] == 1
    assert (figures["one_foreground_iou_low"], figures["one_foreground_iou_high"]) == (1, 1)
    assert "two_foreground_iou_low" not in figures
    assert report.figures_of(groups, "wrong")["all_object_iou_mean"] == 0
    assert all(isinstance(value, float | int) for value in figures.values())


def test_the_report_holds_tables_differences_and_what_was_left_out(data: Path) -> None:
    results = judged(data, RIGHT, WRONG)
    groups = report.groups_of(results)
    circumstances = report.Circumstances("spheroseg evaluate", datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "one")
    about = {"right": "finds all", "wrong": "finds nothing"}
    text = report.markdown(results, groups, about, [], circumstances, {"right": ["overlays/right int8/01.png"]})
    assert "| one | wrong - right | -1.000 (-1.000 to -1.000) |" in text
    assert "| two | wrong - right | -1.000 |" in text  # one image: no interval
    assert "one (5 images, 5 objects), two (1 images, 1 objects)" in text
    assert "![overlays/right int8/01.png](<overlays/right int8/01.png>)" in text
    assert "2026-01-02 03:04 UTC" in text
    for table in report.tables_of(groups):
        assert {len(row) for row in table.rows} == {len(table.header)}
    assert len(report.score_table(groups, short=True).header) < len(report.score_table(groups).header)
    assert report.difference_table(report.groups_of(judged(data, RIGHT))) is None
    rows = list(csv.DictReader(io.StringIO(report.per_image_csv(results, "one"))))
    assert len(rows) == 12
    assert (rows[0]["fold"], rows[0]["method"], rows[0]["source"], rows[0]["image"]) == ("one", "right", "one", "a")
    assert (rows[0]["object_iou"], rows[0]["single_round"], rows[5]["count_error"]) == ("1.0", "true", "-1")


def test_the_worst_images_come_first_and_are_drawn(data: Path, tmp_path: Path) -> None:
    def only_small(pixels: Grey) -> Labels:
        return threshold(pixels) if pixels.shape[0] < 60 else nothing(pixels)

    save(data / "one" / "images" / "c.bmp", a_disk(40) * 100)
    save(data / "one" / "masks" / "c.png", a_disk(40))
    method = Method("some", only_small, "")
    results = judged(data, method)
    assert [case.name for case, _ in worst(results, 2)] == ["c", "a"]
    files = write_worst(results, method, tmp_path / "out")
    assert [file.name for file in files][:2] == ["01-one-c.png", "02-one-a.png"]
    assert len(files) == 6


def test_an_overlay_shows_both_outlines_beside_the_bare_image() -> None:
    pixels = (DISK * 100).astype(np.uint8)
    picture = overlay(pixels, DISK, np.roll(DISK, 5, axis=1), "a caption")
    assert picture.shape == (900 + 44, 1800, 3)
    bare, lined = picture[:900, :900], picture[:900, 900:]
    assert np.array_equal(bare[..., 0], bare[..., 2])
    for colour in (DRAWN, FOUND):
        assert (lined == colour).all(axis=2).any()
    # The left end of the drawn disk lies at x = 4 of 48 pixels; the line is centred there.
    columns = np.flatnonzero((lined == DRAWN).all(axis=2).any(axis=0))
    assert columns[0] == pytest.approx(900 * 4 / 48, abs=3)


def test_a_flat_image_can_be_looked_at_too() -> None:
    assert overlay(np.full((10, 40), 7, np.uint16), np.zeros((10, 40), np.int32), np.ones((10, 40), np.int32), "").any()


def test_models_and_the_baseline_are_methods() -> None:
    pixels = np.where(a_disk(60) > 0, 40, 200).astype(np.uint8)
    for method in (registered("first"), registered("first@1"), otsu()):
        assert method.find(pixels).max() == 1
    for wrong in ("nobody", "first@999"):
        with pytest.raises(EvaluationError, match="No model is called"):
            registered(wrong)
