"""ModelCard: what a user and a worker must know about a model."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from spheroseg.domain.review import LOW_CONFIDENCE, LOW_SPHEROID_CONFIDENCE

Precision = Literal["float32", "float16", "int8"]
"""Of weights and of what is computed with them."""

FileName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*\.onnx$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ModelVariant(BaseModel):
    """The same model in another precision: smaller, faster on some processors, its figures a little apart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    precision: Precision
    file: FileName
    sha256: Sha256
    size_bytes: int


class Calibration(BaseModel):
    """What makes foreground probabilities come true as often as they say: p' = σ(slope · logit(p) + intercept).

    Source: Platt, J. (1999), Probabilistic outputs for support vector machines, Advances in Large Margin Classifiers,
    61-74, on the logits of a network: Guo, C. et al. (2017), On calibration of modern neural networks, ICML.

    Args:
        slope: Above 0, so the order of pixels stays; below 1 where the network is too sure of itself.
        intercept: Below 0 where it finds too much.
        low_confidence, low_spheroid_confidence: Confidence of a result, and of a spheroid, below which somebody should
            look; see ``training.calibration`` for how they are chosen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: float = Field(gt=0)
    intercept: float
    low_confidence: float = Field(default=LOW_CONFIDENCE, ge=0, le=1)
    low_spheroid_confidence: float = Field(default=LOW_SPHEROID_CONFIDENCE, ge=0, le=1)


class ModelCard(BaseModel):
    """A registered model; one JSON file beside its weights' name.

    ``preprocessing`` and ``postprocessing`` are the segmenter's own settings, documented in the segmenter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    version: str
    title: str
    description: str
    file: FileName = Field(description="Name of the ONNX file in the model folder")
    sha256: Sha256
    size_bytes: int
    precision: Precision = "float32"
    variants: tuple[ModelVariant, ...] = ()
    parameter_count: int
    opset: int
    input: str
    output: str
    licence: str
    training_data: str
    intended_use: str
    limits: list[str]
    figures: dict[str, float] = Field(
        description="Measured quality and cost; the keys say what, where and in which unit"
    )
    preprocessing: dict[str, Any]
    postprocessing: dict[str, Any]
    calibration: Calibration | None = Field(
        default=None,
        description="Fitted by `training.calibration`; null: confidences are the network's own probabilities",
    )

    def in_precision(self, wanted: Precision) -> Self:
        """The card of this model's file in one precision, without other variants; as it is where there is none."""
        for variant in self.variants:
            if variant.precision == wanted:
                return self.model_copy(update={**variant.model_dump(), "variants": ()})
        return self.model_copy(update={"variants": ()})
