"""Models: what can be run."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from http_api.rest.answers import Answer, Wired, problems
from http_api.use_cases import Models
from http_api.viewer import CurrentViewer
from spheroseg.domain.model_card import ModelCard, Precision

router = APIRouter(prefix="/v1/models", tags=["models"])
KEPT_FOR = "private, max-age=300"
"""Models change with a release only."""


class ModelVariantOut(Answer):
    """The same model in another precision."""

    precision: Precision = Field(description="Of weights and of what is computed with them", examples=["int8"])
    size_bytes: int = Field(description="Size of its file, in bytes")
    sha256: str = Field(description="Digest of its file")


class ModelOut(Answer):
    """What one must know about a model before relying on it."""

    name: str = Field(description="Names the model in requests", examples=["fast"])
    version: str = Field(description="Its version", examples=["1"])
    is_default: bool = Field(description="Whether it runs when no model is named")
    title: str = Field(description="What to call it in a list")
    description: str = Field(description="What it does")
    intended_use: str = Field(description="What it was made for")
    limits: list[str] = Field(description="Where it is known to fail")
    figures: dict[str, float] = Field(description="Measured quality and cost; the keys say what, where, in which unit")
    training_data: str = Field(description="What it learnt from")
    licence: str = Field(description="On what terms it may be used")
    input: str = Field(description="What the network takes")
    output: str = Field(description="What the network gives")
    parameter_count: int = Field(description="Trained parameters", examples=[1_090_000])
    size_bytes: int = Field(description="Size of its file, in bytes")
    sha256: str = Field(description="Digest of its file, which workers check before they load it")
    precision: Precision = Field(description="Precision of that file", examples=["float32"])
    variants: list[ModelVariantOut] = Field(
        description="Its files in other precisions; a segmentation's `result.ran` says which one ran"
    )

    @classmethod
    def of(cls, card: ModelCard, models: Models) -> "ModelOut":
        """The registry's card."""
        default = models.default
        return cls(
            **card.model_dump(include=set(cls.model_fields) - {"variants"}),
            variants=[
                ModelVariantOut(**variant.model_dump(include=set(ModelVariantOut.model_fields)))
                for variant in card.variants
            ],
            is_default=(card.name, card.version) == (default.name, default.version),
        )


class ModelList(Answer):
    """Every model and version that can be run."""

    items: list[ModelOut] = Field(description="The models")


@router.get("", summary="List the models", response_description="All of them", responses=problems())
async def list_models(_viewer: CurrentViewer, use_cases: Wired, response: Response) -> ModelList:
    """Every registered model with its card."""
    response.headers["Cache-Control"] = KEPT_FOR
    return ModelList(items=[ModelOut.of(card, use_cases.models) for card in use_cases.models.all()])


@router.get("/{name}", summary="Get a model", response_description="Its card", responses=problems("model-not-found"))
async def read_model(
    name: str,
    _viewer: CurrentViewer,
    use_cases: Wired,
    response: Response,
    version: Annotated[str | None, Query(max_length=40, description="Which version; the latest if left away")] = None,
) -> ModelOut:
    """One model's card."""
    card = use_cases.models.get(name, version)
    response.headers["Cache-Control"] = KEPT_FOR
    return ModelOut.of(card, use_cases.models)
