import subprocess
import sys
from dataclasses import replace

import pytest

from spheroseg.domain.model_card import ModelVariant
from spheroseg.domain.model_choice import ChoosingModel
from spheroseg.errors import ModelNotFoundError
from spheroseg.model_registry import ModelRegistry
from tests.builders import a_model_choice


def versions(*names: str) -> ModelRegistry:
    card = ModelRegistry.packaged().default
    return ModelRegistry(tuple(card.model_copy(update={"version": name}) for name in names))


def test_the_packaged_cards_are_found_by_name_and_version() -> None:
    registry = ModelRegistry.packaged()
    card = registry.get("first", "1")
    assert card == registry.get("first")
    assert card in registry.all()
    assert registry.default in registry.all()
    assert {card.licence for card in registry.all()} == {"MIT"}


@pytest.mark.parametrize(("name", "version"), [("second", None), ("first", "0"), ("", None)])
def test_a_model_that_is_not_registered_is_not_found(name: str, version: str | None) -> None:
    with pytest.raises(ModelNotFoundError, match="first"):
        ModelRegistry.packaged().get(name, version)


def test_without_a_version_the_latest_is_given() -> None:
    assert versions("1", "2").get("fast").version == "2"


def test_a_rule_is_selected_by_name_and_changes_its_version_with_its_models() -> None:
    choice = a_model_choice(usual="fast", thorough="accurate")
    alone = ModelRegistry(versions("1", "2").cards, (choice,))
    assert alone.select("auto").version == "1-fast2"
    accurate = alone.get("fast").model_copy(update={"name": "accurate", "version": "1"})
    both = replace(alone, cards=(accurate, *alone.cards))
    assert both.select("auto") == both.select("auto", "1-fast2-accurate1") == both.choosing()[0]
    assert both.select("fast") == both.get("fast")
    assert {(one.name, one.version) for one in both.selectable()} == {
        ("accurate", "1"),
        ("fast", "1"),
        ("fast", "2"),
        ("auto", "1-fast2-accurate1"),
    }
    with pytest.raises(ModelNotFoundError, match=r"auto \(version 1-fast2-accurate1\)"):
        both.select("auto", "1-fast2")
    assert replace(both, cards=(accurate,)).choosing() == ()


def test_the_packaged_rule_chooses_from_the_default_model_on() -> None:
    auto = ModelRegistry.packaged().select("auto")
    assert isinstance(auto, ChoosingModel)
    assert auto.usual == ModelRegistry.packaged().default


def test_a_card_names_the_file_of_each_precision() -> None:
    small = ModelVariant(precision="int8", file="small.onnx", sha256="0" * 64, size_bytes=7)
    card = ModelRegistry.packaged().get("first").model_copy(update={"variants": (small,)})
    chosen = card.in_precision("int8")
    assert (chosen.precision, chosen.file, chosen.sha256, chosen.size_bytes) == ("int8", "small.onnx", "0" * 64, 7)
    assert (chosen.name, chosen.version, chosen.variants) == (card.name, card.version, ())
    for without in ("float16", "float32"):
        assert card.in_precision(without) == card.model_copy(update={"variants": ()})


def test_cards_are_read_without_numpy() -> None:
    program = "import sys; from spheroseg.model_registry import ModelRegistry as R; R.packaged(); print('numpy' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"
    )
