"""Which file of a model runs on which processor."""

import hashlib

import onnxruntime
import pytest

from segmentation_worker.models import in_best_precision
from segmentation_worker.settings import MODEL_DIR
from spheroseg.domain.model_card import Precision
from spheroseg.model_registry import ModelRegistry


@pytest.mark.parametrize(
    ("providers", "precision"),
    [
        (["CPUExecutionProvider"], "int8"),
        (["AzureExecutionProvider", "CPUExecutionProvider"], "int8"),
        (["CUDAExecutionProvider", "CPUExecutionProvider"], "float16"),
        (["CPUExecutionProvider", "TensorrtExecutionProvider", "CUDAExecutionProvider"], "float16"),
    ],
)
def test_a_model_runs_in_what_suits_the_processor(
    providers: list[str], precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    chosen = in_best_precision(ModelRegistry.packaged())
    assert chosen.get("fast").precision == precision
    assert chosen.get("first").precision == "float32"  # it has no other file
    assert [(card.name, card.version) for card in chosen.all()] == [
        (card.name, card.version) for card in ModelRegistry.packaged().all()
    ]


def test_every_file_that_a_card_names_is_there_as_it_was_judged() -> None:
    cards = ModelRegistry.packaged().all()
    files = {(card.file, card.sha256, card.size_bytes) for card in cards}
    files |= {(one.file, one.sha256, one.size_bytes) for card in cards for one in card.variants}
    for name, sha256, size_bytes in files:
        content = (MODEL_DIR / name).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (sha256, size_bytes), name
    assert {path.name for path in MODEL_DIR.glob("*.onnx")} == {name for name, _, _ in files}


def test_8_bits_save_nearly_three_quarters_and_change_the_mean_by_little() -> None:
    """As the cards say, whose figures ``training.package`` measured."""
    for card in ModelRegistry.packaged().all():
        if card.variants:
            assert card.in_precision("int8").size_bytes <= 0.27 * card.size_bytes
            assert abs(card.figures["int8_less_float32_foreground_iou_mean"]) <= 0.002
