"""What is to be run: model, parameters, priority; in requests and in answers."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from http_api.rest.answers import Answer, Body
from http_api.use_cases import Models
from spheroseg.domain.segmentation import Failure, Order, Parameters, Priority

MAX_PAGE = 100_000
MAX_DIAMETER_PX = 100_000


def without_control_characters(text: str) -> str:
    """The text, if it can be shown in one line."""
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text):
        raise ValueError("Line breaks and other control characters are not allowed")
    if not text.strip():
        raise ValueError("A name needs at least one visible character")
    return text


PixelSizeUm = Annotated[
    float,
    Field(ge=0.001, le=1000, description="Edge of one pixel in µm, 0.001 to 1000", examples=[0.65]),
]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(without_control_characters)]
ProjectName = Annotated[
    str, StringConstraints(min_length=1, max_length=100), AfterValidator(without_control_characters)
]


class ParametersIn(Body):
    """How the model is run."""

    threshold: float = Field(
        default=0.5,
        ge=0.1,
        le=0.9,
        description="Foreground probability from which a pixel belongs to a spheroid, 0.1 to 0.9",
        examples=[0.5],
    )
    min_diameter_px: float | None = Field(
        default=None,
        gt=0,
        le=MAX_DIAMETER_PX,
        description="Objects of a smaller equivalent diameter are dropped, in px of the image; null: the model's own",
        examples=[20],
    )
    holes: bool = Field(default=True, description="Keep holes (true) or fill them (false)", examples=[True])
    page: int = Field(
        default=1, ge=1, le=MAX_PAGE, description="Page of a multi-page file, the first is 1", examples=[1]
    )
    out_of_focus: bool = Field(
        default=False,
        description="Keep objects out of focus (true) or leave them out where the model tells them (false); those left "
        "out are counted in dropped_count",
        examples=[False],
    )

    def parameters(self) -> Parameters:
        """The same for the domain."""
        return Parameters(
            threshold=self.threshold,
            min_diameter_px=self.min_diameter_px,
            holes=self.holes,
            page=self.page,
            out_of_focus=self.out_of_focus,
        )


class OrderIn(Body):
    """Which model is to run, how, and how soon."""

    model: str | None = Field(
        default=None,
        max_length=40,
        description="Name of a model of GET /v1/models; `auto`: the one that each image needs; null: the default one",
        examples=[None],
    )
    model_version: str | None = Field(
        default=None, max_length=40, description="Its version; null: the latest", examples=[None]
    )
    parameters: ParametersIn = Field(default_factory=ParametersIn, description="How it is run")
    priority: Priority = Field(default=Priority.NORMAL, description="Which queue it waits in; none of them starves")

    def order(self, models: Models) -> Order:
        """The order with a model that exists.

        Raises:
            ModelNotFoundError: it names none.
        """
        name = models.default.name if self.model is None else self.model
        selected = models.select(name, self.model_version)
        return Order(
            model=selected.name,
            model_version=selected.version,
            parameters=self.parameters.parameters(),
            priority=self.priority,
        )


class ParametersOut(Answer):
    """How a model is run."""

    threshold: float = Field(description="Foreground probability from which a pixel belongs to a spheroid")
    min_diameter_px: float | None = Field(
        description="Equivalent diameter below which objects are dropped, in px; null: the model's own"
    )
    holes: bool = Field(description="Whether holes are kept")
    page: int = Field(description="Page of a multi-page file, the first is 1")
    out_of_focus: bool = Field(
        description="Whether objects out of focus are kept; true in runs of before they could be left out"
    )

    @classmethod
    def of(cls, parameters: Parameters) -> "ParametersOut":
        """The domain's parameters."""
        return cls(
            threshold=parameters.threshold,
            min_diameter_px=parameters.min_diameter_px,
            holes=parameters.holes,
            page=parameters.page,
            out_of_focus=parameters.out_of_focus,
        )


class FailureOut(Answer):
    """Why something ended badly."""

    code: str = Field(description="Stable name of the reason; /problems/{code} explains it", examples=["empty-upload"])
    detail: str = Field(description="What went wrong, for people", examples=["a.tif holds no bytes; upload it again"])

    @classmethod
    def of(cls, failure: Failure | None) -> "FailureOut | None":
        """The domain's failure."""
        return cls(code=failure.code, detail=failure.detail) if failure else None
