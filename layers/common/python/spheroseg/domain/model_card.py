"""ModelCard: what a user and a worker must know about a model."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class ModelCard(BaseModel):
    """A registered model; one JSON file beside its weights' name.

    ``preprocessing`` and ``postprocessing`` are the segmenter's own settings, documented in the segmenter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    version: str
    title: str
    description: str
    file: str = Field(description="Name of the ONNX file in the model folder")
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    size_bytes: int
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
