"""Which model an image gets, and that the answer says so."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from segmentation_worker import choosing
from segmentation_worker.choosing import ChoosingSegmenter, Sight
from segmentation_worker.instances import Labels, Seen
from segmentation_worker.models import load_segmenters
from segmentation_worker.onnx_segmenter import OnnxSegmenter
from segmentation_worker.settings import MODEL_DIR
from spheroseg.domain.model_card import Calibration
from spheroseg.domain.segmentation import Parameters
from spheroseg.imaging.mapped import steps
from spheroseg.imaging.windowing import Grey
from spheroseg.model_registry import ModelRegistry
from spheroseg.ports import SegmentedPixels
from tests.builders import a_model_card, a_model_choice, an_order
from tests.fakes import InMemorySegmenter

PIXELS = np.arange(64, dtype=np.uint8).reshape(8, 8)


def seen(labels: list[list[int]], probability: float = 0.9, kept: int | None = None) -> Seen:
    """What a model saw, with the same probability in every object and little around."""
    found: Labels = np.array(labels, np.int32)
    count = int(found.max(initial=0)) if kept is None else kept
    foreground = np.where(found > 0, probability, 0.01).astype(np.float32)
    return Seen(foreground, found, np.zeros((count, 4), np.int32), np.ones(count))


@dataclass
class Looking(InMemorySegmenter):
    """A model that sees what it is told to see."""

    sees: Seen = field(default_factory=lambda: seen([[0, 1]]))
    drawn: int = 0

    def segment_if(
        self, pixels: Grey, parameters: Parameters, is_enough: Callable[[Seen], bool]
    ) -> SegmentedPixels | None:
        if not is_enough(self.sees):
            return None
        self.drawn += 1
        return self.segment(pixels, parameters)


def chooser(sees: Seen, *, thorough: bool = True) -> ChoosingSegmenter:
    other = InMemorySegmenter(card=a_model_card(name="other", version="3")) if thorough else None
    return ChoosingSegmenter(a_model_choice(min_confidence=0.9, most_touching=0.5), Looking(sees=sees), other)


APART = [[1, 1, 0, 2, 2], [1, 1, 0, 2, 2], [0, 0, 0, 0, 0], [3, 3, 0, 4, 4], [3, 3, 0, 4, 4]]
PAIRED = [[1, 1, 2, 2, 2], [1, 1, 2, 2, 2], [0, 0, 0, 0, 0], [3, 3, 0, 4, 4], [3, 3, 0, 4, 4]]
STACKED = [[1, 1, 0, 2, 2], [3, 3, 0, 4, 4]]


@pytest.mark.parametrize(
    ("sees", "model", "words"),
    [
        (seen(APART, 0.95), "spheroid-unet", "was sure: confidence 0.950, 0% of 4 touch"),
        (seen(APART, 0.85), "other", "confidence 0.850, less than 0.9"),
        (seen(PAIRED, 0.95), "other", "50% of 4 touch, 50% or more"),
        (seen([[0, 0]]), "other", "it found nothing"),
    ],
    ids=["sure", "unsure", "touching", "nothing"],
)
def test_the_thorough_model_runs_where_the_usual_one_is_not_sure(sees: Seen, model: str, words: str) -> None:
    segmenter = chooser(sees)
    chosen = segmenter.segment(PIXELS, Parameters()).chosen
    assert chosen is not None
    assert (chosen.card.name, words in str(chosen.reason)) == (model, True), chosen.reason
    assert isinstance(segmenter.usual, Looking)
    assert segmenter.usual.drawn == (model == "spheroid-unet")


def test_without_a_thorough_model_the_usual_one_runs_and_says_so() -> None:
    chosen = chooser(seen([[0, 0]]), thorough=False).segment(PIXELS, Parameters()).chosen
    assert chosen is not None
    assert chosen.card.name == "spheroid-unet"
    assert chosen.reason == "other is not registered, so spheroid-unet runs for every image"


def test_what_was_dropped_counts_for_nothing() -> None:
    sight = Sight.of(seen(PAIRED, 0.8, kept=1))
    assert (sight.count, sight.touching) == (1, 0.0)
    assert sight.confidence == pytest.approx(0.8)


def test_confidence_is_that_of_calibrated_probabilities() -> None:
    found = seen(APART, 0.8)
    assert Sight.of(found).confidence == pytest.approx(0.8)
    calibration = Calibration(slope=0.5, intercept=-0.2)
    expected = 1 / (1 + np.exp(-(0.5 * np.log(4) - 0.2)))
    assert Sight.of(found, calibration).confidence == pytest.approx(float(expected))
    card = a_model_card(calibration=calibration)
    segmenter = ChoosingSegmenter(
        a_model_choice(min_confidence=0.7),
        Looking(card=card, sees=found),
        InMemorySegmenter(card=a_model_card(name="other")),
    )
    chosen = segmenter.segment(PIXELS, Parameters()).chosen
    assert chosen is not None
    assert chosen.reason == "spheroid-unet was not sure: confidence 0.621, less than 0.7"


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_a_look_is_summed_up_the_same_in_steps(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = seen(STACKED, 0.8)
    found.foreground[0] /= 2
    monkeypatch.setattr(choosing, "steps", lambda *arrays: steps(*arrays, step_px=rows * found.labels.shape[1]))
    sight = Sight.of(found)
    assert (sight.count, sight.touching) == (4, 1.0)
    assert sight.confidence == pytest.approx(0.6)
    in_255ths = Seen(np.rint(found.foreground * 255).astype(np.uint8), found.labels, found.boxes, found.diameters_px)
    assert Sight.of(in_255ths).confidence == pytest.approx(0.6, abs=0.002)


def test_a_worker_has_the_rule_beside_its_models() -> None:
    packaged = ModelRegistry.packaged()
    registry = ModelRegistry(
        (packaged.get("first"),), (a_model_choice(usual="first", thorough="missing", min_confidence=1),)
    )
    (rule,) = registry.choosing()
    auto = load_segmenters(MODEL_DIR, registry=registry).of(an_order(model="auto", model_version=rule.version))
    assert isinstance(auto, ChoosingSegmenter)
    y, x = np.mgrid[:256, :256]
    disk = np.where(np.hypot(x - 128, y - 128) < 60, 60, 180).astype(np.uint8)
    assert isinstance(auto.usual, OnnxSegmenter)
    found = auto.segment(disk, Parameters())
    assert found.chosen is not None
    assert (found.labels.max(), found.chosen.card.sha256) == (1, packaged.get("first").sha256)
    sights: list[Sight] = []

    def never_enough(look: Seen) -> bool:
        sights.append(Sight.of(look))
        return False

    assert auto.usual.segment_if(disk, Parameters(), never_enough) is None
    assert (sights[0].count, sights[0].touching) == (1, 0.0)
    assert 0.8 < (sights[0].confidence or 0) <= 1
