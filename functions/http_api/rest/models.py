"""Models: what can be run."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from http_api.rest.answers import Answer, Wired, problems
from http_api.use_cases import Models
from http_api.viewer import CurrentViewer
from spheroseg.domain.model_card import ModelCard, Precision
from spheroseg.domain.model_choice import ChoosingModel

router = APIRouter(prefix="/v1/models", tags=["models"])
KEPT_FOR = "private, max-age=300"
"""Models change with a release only."""


class ModelVariantOut(Answer):
    """The same model in another precision."""

    precision: Precision = Field(description="Of weights and of what is computed with them", examples=["int8"])
    size_bytes: int = Field(description="Size of its file, in bytes")
    sha256: str = Field(description="Digest of its file")


class ModelOut(Answer):
    """What one must know about a model before relying on it; or a rule that chooses between models, such as `auto`."""

    name: str = Field(description="Names the model in requests", examples=["fast"])
    version: str = Field(description="Its version", examples=["1"])
    is_default: bool = Field(description="Whether it runs when no model is named")
    chooses_between: list[str] = Field(
        description="For a rule: the models, NAME@VERSION, the usual one first; with one only, that always runs. "
        "Empty for a model",
        examples=[[]],
    )
    title: str = Field(description="What to call it in a list")
    description: str = Field(description="What it does")
    rule: dict[str, float] = Field(
        description="For a rule: the limits that it goes by; `intended_use` and `limits` tell what they mean. "
        "Empty for a model",
        examples=[{}],
    )
    intended_use: str = Field(description="What it was made for")
    limits: list[str] = Field(description="Where it is known to fail")
    figures: dict[str, float] = Field(description="Measured quality and cost; the keys say what, where, in which unit")
    training_data: str = Field(description="What it learnt from")
    licence: str = Field(description="On what terms it may be used")
    input: str = Field(description="What the network takes")
    output: str = Field(description="What the network gives")
    parameter_count: int = Field(description="Trained parameters, of all its models", examples=[1_090_000])
    size_bytes: int = Field(description="Size of its file, in bytes; of a rule those of its models together")
    sha256: str | None = Field(
        description="Digest of its file, which workers check before they load it; null for a rule: its models have one"
    )
    precision: Precision | None = Field(description="Precision of that file", examples=["float32"])
    variants: list[ModelVariantOut] = Field(
        description="Its files in other precisions; a segmentation's `result.ran` says which one ran"
    )

    @classmethod
    def of(cls, selectable: ModelCard | ChoosingModel, models: Models) -> "ModelOut":
        """The registry's card or rule."""
        default = models.default
        is_default = (selectable.name, selectable.version) == (default.name, default.version)
        if isinstance(selectable, ChoosingModel):
            return cls(**_of_rule(selectable), is_default=is_default)
        return cls(
            **selectable.model_dump(include=set(cls.model_fields) - {"variants"}),
            is_default=is_default,
            chooses_between=[],
            rule={},
            variants=[
                ModelVariantOut(**variant.model_dump(include=set(ModelVariantOut.model_fields)))
                for variant in selectable.variants
            ],
        )


def _of_rule(model: ChoosingModel) -> dict[str, Any]:
    members = model.members
    choice = model.choice
    return {
        **choice.model_dump(include={"name", "title", "description", "intended_use", "limits"}),
        "version": model.version,
        "chooses_between": [f"{card.name}@{card.version}" for card in members],
        "rule": choice.thresholds,
        "figures": {},
        **{
            name: " · ".join(dict.fromkeys(getattr(card, name) for card in members))
            for name in ("training_data", "licence", "input", "output")
        },
        "parameter_count": sum(card.parameter_count for card in members),
        "size_bytes": sum(card.size_bytes for card in members),
        "sha256": None,
        "precision": None,
        "variants": [],
    }


class ModelList(Answer):
    """Every model and version that can be run."""

    items: list[ModelOut] = Field(description="The models")


@router.get("", summary="List the models", response_description="All of them", responses=problems())
async def list_models(_viewer: CurrentViewer, use_cases: Wired, response: Response) -> ModelList:
    """Every registered model with its card, and `auto`, which takes the one that each image needs."""
    response.headers["Cache-Control"] = KEPT_FOR
    return ModelList(items=[ModelOut.of(one, use_cases.models) for one in use_cases.models.selectable()])


@router.get("/{name}", summary="Get a model", response_description="Its card", responses=problems("model-not-found"))
async def read_model(
    name: str,
    _viewer: CurrentViewer,
    use_cases: Wired,
    response: Response,
    version: Annotated[str | None, Query(max_length=40, description="Which version; the latest if left away")] = None,
) -> ModelOut:
    """One model's card."""
    selected = use_cases.models.select(name, version)
    response.headers["Cache-Control"] = KEPT_FOR
    return ModelOut.of(selected, use_cases.models)
