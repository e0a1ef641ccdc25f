import subprocess
import sys

import pytest

from spheroseg.domain.model_card import ModelVariant
from spheroseg.errors import ModelNotFoundError
from spheroseg.model_registry import ModelRegistry


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
