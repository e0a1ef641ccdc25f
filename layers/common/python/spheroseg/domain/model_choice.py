"""ModelChoice: a name under which one of two models runs, by image."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from spheroseg.domain.model_card import ModelCard

ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class ModelChoice(BaseModel):
    """A rule that chooses between two models; one JSON file, in which every threshold stands.

    The usual model looks at the image. Its objects are the result unless it found none, or they look uncertain, or
    too many of them touch; then the thorough model is run, and its objects are the result.

    Args:
        rule: Version of the rule and its thresholds; another one whenever they change.
        usual: Name of the model that looks first.
        thorough: Name of the model that is run where that was not enough.
        min_confidence: Mean calibrated probability over the pixels of all objects, as the usual model sees them, below
            which it is not sure enough.
        most_touching: Share of the objects that touch another one from which on they are not told apart surely.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ModelName
    rule: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}$")]
    title: str
    description: str
    intended_use: str
    limits: list[str]
    usual: ModelName
    thorough: ModelName
    min_confidence: float = Field(ge=0, le=1)
    most_touching: float = Field(gt=0, le=1)

    @property
    def thresholds(self) -> dict[str, float]:
        """What the choice goes by."""
        return {"min_confidence": self.min_confidence, "most_touching": self.most_touching}


@dataclass(frozen=True)
class ChoosingModel:
    """A choice between models as they are registered now.

    Args:
        thorough: None where no such model is registered: the usual one then always runs.
    """

    choice: ModelChoice
    usual: ModelCard
    thorough: ModelCard | None

    @property
    def name(self) -> str:
        """What it is selected by."""
        return self.choice.name

    @property
    def version(self) -> str:
        """Rule and models, such as ``1-fast2-accurate1``: a run of other models is another run, with another id."""
        return "-".join([self.choice.rule, *(f"{card.name}{card.version}" for card in self.members)])

    @property
    def members(self) -> tuple[ModelCard, ...]:
        """The models that it chooses between, the usual one first."""
        return (self.usual,) if self.thorough is None else (self.usual, self.thorough)
