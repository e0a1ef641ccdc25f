"""Which models there are: their cards, without their weights, and the rules that choose between them."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Self

from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.model_choice import ChoosingModel, ModelChoice
from spheroseg.errors import ModelNotFoundError

CARDS = "model_cards"
"""Folder of this package with one JSON file for each card. The name says nothing; name and version stand inside."""

CHOICES = "model_choices"
"""The same for rules that choose between models."""

DEFAULT = "fast"
"""The model of an order that names none: its latest version."""


@dataclass(frozen=True)
class ModelRegistry:
    """Model cards by name and version, and rules by name.

    Args:
        cards: In order of name, each name's versions from old to new.
        choices: Rules; one whose usual model has no card cannot be selected.
    """

    cards: tuple[ModelCard, ...]
    choices: tuple[ModelChoice, ...] = ()

    @classmethod
    def packaged(cls) -> Self:
        """The cards and rules that come with this package."""
        found = [ModelCard.model_validate_json(content) for content in _packaged(CARDS)]
        choices = [ModelChoice.model_validate_json(content) for content in _packaged(CHOICES)]
        return cls(
            tuple(sorted(found, key=lambda card: (card.name, _version_key(card.version)))),
            tuple(sorted(choices, key=lambda choice: choice.name)),
        )

    def all(self) -> tuple[ModelCard, ...]:
        """Every card."""
        return self.cards

    def get(self, name: str, version: str | None = None) -> ModelCard:
        """The card of a model, of its latest version unless one is named, or raise ``ModelNotFoundError``."""
        matching = [card for card in self.cards if card.name == name and version in {None, card.version}]
        if not matching:
            raise self._unknown(name, version)
        return matching[-1]

    def choosing(self) -> tuple[ChoosingModel, ...]:
        """Every rule with the latest versions of its models."""
        latest = {card.name: card for card in self.cards}
        return tuple(
            ChoosingModel(choice, latest[choice.usual], latest.get(choice.thorough))
            for choice in self.choices
            if choice.usual in latest
        )

    def selectable(self) -> tuple[ModelCard | ChoosingModel, ...]:
        """Whatever an order may name."""
        return (*self.cards, *self.choosing())

    def select(self, name: str, version: str | None = None) -> ModelCard | ChoosingModel:
        """A model or a rule, in its latest version unless one is named, or raise ``ModelNotFoundError``."""
        for choosing in self.choosing():
            if choosing.name == name and version in {None, choosing.version}:
                return choosing
        return self.get(name, version)

    @property
    def default(self) -> ModelCard:
        """The card of the model that is used when none is named."""
        return self.get(DEFAULT)

    def _unknown(self, name: str, version: str | None) -> ModelNotFoundError:
        wanted = name if version is None else f"{name}, version {version}"
        known = ", ".join(f"{one.name} (version {one.version})" for one in self.selectable())
        return ModelNotFoundError(f"No model is called {wanted}; there are {known}")


def _packaged(folder: str) -> list[bytes]:
    return [file.read_bytes() for file in files("spheroseg").joinpath(folder).iterdir() if file.name.endswith(".json")]


def _version_key(version: str) -> tuple[int | str, ...]:
    """Sorts version 10 after version 9."""
    return tuple(int(part) if part.isdigit() else part for part in version.split("."))
