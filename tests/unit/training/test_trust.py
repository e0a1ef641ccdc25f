from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spheroseg.domain.model_card import Calibration
from spheroseg.domain.review import Review, ReviewReason, Signs
from spheroseg.imaging.certainty import View
from spheroseg.ports import SegmentedPixels
from training.evaluation import trust_report
from training.evaluation.assurance import Assurance, Reliability, assurance_of
from training.evaluation.judging import ImageFigures, Judgement, judge_image
from training.evaluation.running import Judged
from training.evaluation.trust import area_under_curve, reliability_of, trust_of


def test_reliability_is_what_came_true_of_what_was_told() -> None:
    told = np.array([0.5] * 10 + [0.9] * 10)
    found = Reliability.of(told, np.array([1.0] * 5 + [0.0] * 5 + [1.0] * 6 + [0.0] * 4))
    assert found.error == pytest.approx(0.3 / 2)  # right at 0.5, off by 0.3 at 0.9
    assert (found + found).error == pytest.approx(0.15)
    assert Reliability.of(np.array([]), np.array([])).error is None
    assert Reliability.of(np.array([0.0, 1.0]), np.array([0.0, 1.0])).error == 0


def test_an_area_under_the_curve_counts_pairs() -> None:
    score, is_bad = np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, True, False, True])
    assert area_under_curve(score, is_bad) == pytest.approx(3.5 / 4)
    assert area_under_curve(score, np.zeros(4, bool)) is None


def a_found_square(probability: float, calibration: Calibration | None = None) -> tuple[np.ndarray, SegmentedPixels]:
    """A square of which the lower half was not drawn, in a view at half of the image's size."""
    labels = np.zeros((40, 40), np.int32)
    labels[10:30, 10:30] = 1
    drawn = labels.copy()
    drawn[20:] = 0
    view = np.full((20, 20), 0.001, np.float32)
    view[5:15, 5:15] = probability
    return drawn, SegmentedPixels(labels, View(view, (40, 40), calibration))


def test_what_a_model_says_is_held_against_what_was_drawn() -> None:
    drawn, found = a_found_square(0.9)
    said = assurance_of(drawn, found)
    assert said.doubt == pytest.approx(0.1)
    assert said.spheroids.error == pytest.approx(0.4)  # 0.9 was said, half is right
    assert said.raw.count.sum() == pytest.approx(1)
    near = 18 * 18
    assert said.raw.error == pytest.approx((100 * 0.4 + (near - 100) * 0.001) / near, rel=1e-3)
    half = Calibration(slope=1e-9, intercept=0)
    mended = assurance_of(drawn, a_found_square(0.9, half)[1])
    assert mended.raw.error == said.raw.error
    assert mended.review.signs.confidence == pytest.approx(0.5)


def test_nothing_found_leaves_all_doubt() -> None:
    drawn, found = a_found_square(0.9)
    said = assurance_of(drawn, replace(found, labels=np.zeros_like(found.labels)))
    assert said.doubt == 1
    assert said.review.reasons == (ReviewReason.NOTHING_FOUND,)
    assert said.raw.error is said.spheroids.error is None


def an_image(name: str, iou: float, confidence: float) -> ImageFigures:
    """Figures of an image whose result was said to be that sure."""
    signs = Signs(
        spheroid_count=1, confidence=confidence, blur=0.1, dropped_count=0, touching_count=0, edge_area_share=0.0
    )
    one = Reliability.of(np.array([confidence]), np.array([iou]))
    labels = np.ones((4, 4), np.int32)
    said = Assurance(Review.of(signs), one, one, one)
    return replace(judge_image(name, labels, labels), foreground_iou=iou, assurance=said)


def judged(source: str, method: str, *images: ImageFigures) -> Judged:
    return Judged(method, source, (), Judgement(images))


def test_the_flag_is_judged_by_source_and_over_all(tmp_path: Path) -> None:
    sure = [an_image(f"good {place}", 0.9 + place / 100, 0.95) for place in range(6)]
    bad = [an_image(f"bad {place}", 0.5, 0.6 + place / 10) for place in range(4)]
    silent = replace(sure[0], assurance=None)
    results = [
        judged("one", "model", *sure, *bad),
        judged("one", "otsu", silent),
        judged("two", "model", *sure[:2]),
        judged("two", "otsu", silent),
    ]
    one, two, every = trust_of(results)
    assert (one.key, one.method, one.images, one.bad) == ("one", "model", 10, 4)
    assert (one.auc, one.auc_low, one.auc_high) == (1, 1, 1)
    assert one.sensitivity == pytest.approx(3 / 4)  # 0.9 is above the limit
    assert one.specificity == 1
    # Of two images the one below the 10th percentile is bad, whatever its IoU.
    assert (two.bad, two.auc, two.auc_low) == (1, 0.5, None)
    assert (every.key, every.images, every.bad) == ("all", 12, 5)
    figures = trust_report.figures_of(results, "model")
    assert figures["one_review_auc"] == 1
    assert {"all_calibration_error_before", "all_calibration_spheroid_error", "all_review_bad"} < figures.keys()
    assert trust_report.figures_of(results, "otsu") == {}
    (plot,) = trust_report.write_plots(results, tmp_path)
    assert plot.read_bytes().startswith(b"\x89PNG")
    text = "\n".join(trust_report.section(results, [plot.name]))
    assert "| low-confidence | model | 3 of 12 | 0.500 |" in text
    assert f"![{plot.name}]({plot.name})" in text
    assert reliability_of(results, "otsu") is None
    assert trust_report.section(results[1:2]) == []
