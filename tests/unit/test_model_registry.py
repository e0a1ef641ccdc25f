import subprocess
import sys

import pytest

from spheroseg.errors import ModelNotFoundError
from spheroseg.model_registry import ModelRegistry


def versions(*names: str) -> ModelRegistry:
    card = ModelRegistry.packaged().default
    return ModelRegistry(tuple(card.model_copy(update={"version": name}) for name in names))


def test_the_packaged_cards_are_found_by_name_and_version() -> None:
    registry = ModelRegistry.packaged()
    card = registry.get("first", "1")
    assert card == registry.get("first")
    assert card == registry.default
    assert card in registry.all()
    assert card.licence == "MIT"


@pytest.mark.parametrize(("name", "version"), [("second", None), ("first", "0"), ("", None)])
def test_a_model_that_is_not_registered_is_not_found(name: str, version: str | None) -> None:
    with pytest.raises(ModelNotFoundError, match="first"):
        ModelRegistry.packaged().get(name, version)


def test_without_a_version_the_latest_is_given() -> None:
    assert versions("1", "2").get("first").version == "2"


def test_cards_are_read_without_numpy() -> None:
    program = "import sys; from spheroseg.model_registry import ModelRegistry as R; R.packaged(); print('numpy' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"
    )
