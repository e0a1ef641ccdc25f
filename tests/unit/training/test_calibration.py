import json
from pathlib import Path

import numpy as np
import pytest

from segmentation_worker.settings import MODEL_DIR
from spheroseg.domain.model_card import Calibration, ModelCard
from spheroseg.imaging.certainty import calibrated
from spheroseg.model_registry import ModelRegistry
from training import calibration
from training.calibration import FoundInside, calibration_of, fitted, limits_of
from training.cards import write_card
from training.data import examples

DATA = Path(__file__).parents[4] / "shared/data"

Pairs = list[tuple[np.ndarray, np.ndarray]]


def overconfident(slope: float, intercept: float, images: int = 4) -> Pairs:
    """Probabilities of pixels that come true as a calibration says."""
    random = np.random.default_rng(2)
    pairs = []
    for _ in range(images):
        told = (1 / (1 + np.exp(-random.normal(0, 3, 20_000)))).astype(np.float32)
        true = calibrated(told, Calibration(slope=slope, intercept=intercept))
        pairs.append((told, (random.random(told.size) < true).astype(np.float32)))
    return pairs


def test_a_known_calibration_is_found_again() -> None:
    found = fitted(overconfident(0.6, -0.5))
    assert found.slope == pytest.approx(0.6, abs=0.02)
    assert found.intercept == pytest.approx(-0.5, abs=0.03)


def test_each_image_weighs_the_same_however_many_pixels_it_has() -> None:
    few, many = overconfident(0.5, 0, 1), overconfident(1.5, 0, 1)
    told, true = many[0]
    alike = fitted([*few, *many])
    assert fitted([*few, (np.tile(told, 3), np.tile(true, 3))]).slope == pytest.approx(alike.slope, abs=0.001)


def test_limits_are_those_that_part_bad_results_from_others() -> None:
    def a_result(confidence: float, iou: float) -> FoundInside:
        """Two objects of one pixel each."""
        return FoundInside(np.array([1, 2], np.int32), np.full(2, confidence, np.float32), iou)

    good = [a_result(0.80 + place / 200, 0.9) for place in range(20)]
    bad = [a_result(0.60 + place / 200, 0.5) for place in range(10)]
    nothing = FoundInside(np.zeros(0, np.int32), np.zeros(0, np.float32), 0.0)
    plain = Calibration(slope=1, intercept=0)
    found = limits_of([*good, *bad, nothing], plain)
    assert 0.645 < found["low_confidence"] <= 0.8
    assert found["low_spheroid_confidence"] == pytest.approx(0.635, abs=0.006)
    assert limits_of([*good, *bad[:4]], plain).keys() == {"low_spheroid_confidence"}
    assert limits_of([nothing], plain) == {}


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ([], "Nothing was found"),
        ([(np.array([0.2, 0.8], np.float32), np.ones(2, np.float32))], "of one kind"),
        ([(told, 1 - true) for told, true in overconfident(1, 0, 1)], "no probabilities"),
    ],
)
def test_what_cannot_be_fitted_is_refused(seen: Pairs, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fitted(seen)


def test_a_model_is_calibrated_on_images_that_may_be_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    if not (DATA / "manifest.csv").exists():
        pytest.skip(f"the data are not beside the repository: {DATA}")
    few = [example for example in examples(DATA) if example.source == "lguertle"][:2]
    monkeypatch.setattr(calibration, "examples", lambda _: iter(few))
    monkeypatch.setattr(calibration, "SIDES_PX", (256,))
    found = calibration_of(ModelRegistry.packaged().get("fast"), MODEL_DIR, DATA, synthetic_images=2)
    assert 0.3 < found.slope < 1.5
    assert -2 < found.intercept < 1


def test_cards_without_a_calibration_stay_valid_and_one_with_it_is_read_again(tmp_path: Path) -> None:
    card = ModelRegistry.packaged().get("first")
    told = card.model_dump(mode="json")
    del told["calibration"]
    assert ModelCard.model_validate(told).calibration is None
    mended = card.model_copy(update={"calibration": Calibration(slope=0.7, intercept=-0.4)})
    write_card(mended, tmp_path / "card.json")
    assert ModelCard.model_validate_json((tmp_path / "card.json").read_bytes()) == mended
    assert json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))["calibration"]["slope"] == 0.7
