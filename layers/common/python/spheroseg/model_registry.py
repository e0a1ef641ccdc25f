"""Which models there are: their cards, without their weights."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Self

from spheroseg.domain.model_card import ModelCard
from spheroseg.errors import ModelNotFoundError

CARDS = "model_cards"
"""Folder of this package with one JSON file for each card. The name says nothing; name and version stand inside."""

DEFAULT = "fast"
"""The model of an order that names none: its latest version."""


@dataclass(frozen=True)
class ModelRegistry:
    """Model cards by name and version.

    Args:
        cards: In order of name, each name's versions from old to new.
    """

    cards: tuple[ModelCard, ...]

    @classmethod
    def packaged(cls) -> Self:
        """The cards that come with this package."""
        found = [
            ModelCard.model_validate_json(file.read_bytes())
            for file in files("spheroseg").joinpath(CARDS).iterdir()
            if file.name.endswith(".json")
        ]
        return cls(tuple(sorted(found, key=lambda card: (card.name, _version_key(card.version)))))

    def all(self) -> tuple[ModelCard, ...]:
        """Every card."""
        return self.cards

    def get(self, name: str, version: str | None = None) -> ModelCard:
        """The card of a model, of its latest version unless one is named, or raise ``ModelNotFoundError``."""
        matching = [card for card in self.cards if card.name == name and version in {None, card.version}]
        if not matching:
            wanted = name if version is None else f"{name}, version {version}"
            raise ModelNotFoundError(f"No model is called {wanted}; there are {', '.join(self._names())}")
        return matching[-1]

    @property
    def default(self) -> ModelCard:
        """The card of the model that is used when none is named."""
        return self.get(DEFAULT)

    def _names(self) -> list[str]:
        return [f"{card.name} (version {card.version})" for card in self.cards]


def _version_key(version: str) -> tuple[int | str, ...]:
    """Sorts version 10 after version 9."""
    return tuple(int(part) if part.isdigit() else part for part in version.split("."))
