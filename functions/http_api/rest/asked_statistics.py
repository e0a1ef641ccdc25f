"""What is asked of the measures of a project, as the API takes and tells it."""

from pydantic import Field

from http_api.rest.answers import Answer, Body
from spheroseg.domain.asked_statistics import MAX_DOSES
from spheroseg.domain.statistics_question import OutlierRule, Unit, Wanted


class DoseIn(Body):
    """The dose of a condition."""

    condition: str = Field(description="As the images tell it", examples=["10 µM"])
    dose: float = Field(description="0 or above, all in the same unit", examples=[10.0])


class StatisticsQuestionIn(Body):
    """What is asked of the measures of a project."""

    measure: str = Field(
        default="equivalent_diameter",
        description="A measure; without its unit in µm where the pixel size of all images is known, else in px",
        examples=["area"],
    )
    groups: list[str] = Field(
        default=[],
        max_length=9,
        description="What parts the spheroids: `condition`, `time_point_h`, `replicate`, `plate`, `well`, or from the "
        "images' names `well_row`, `well_column`; `name` of the image, `page`",
        examples=[["condition", "time_point_h"]],
    )
    unit: Unit | None = Field(
        default=None,
        description="What counts as one observation; null: replicates where they are told, else images",
        examples=[None],
    )
    compare: str | None = Field(
        default=None,
        description="The factor whose levels are compared, within the other groups",
        examples=["condition"],
    )
    control: str | None = Field(
        default=None,
        description="Its level that the others are compared with; null: each with each",
        examples=["vehicle"],
    )
    growth: bool = Field(
        default=False, description="Fit growth over `time_point_h`, with doubling times", examples=[False]
    )
    doses: list[DoseIn] = Field(
        default=[],
        max_length=MAX_DOSES,
        description="Doses of conditions, for a dose response; empty: none",
        examples=[[]],
    )
    dose_column: str | None = Field(
        default=None, description="The factor that tells the dose, instead of `doses`", examples=[None]
    )
    positive: str | None = Field(
        default=None, description="Condition of the positive controls: Z′ of each plate", examples=[None]
    )
    negative: str | None = Field(default=None, description="Condition of the negative controls", examples=[None])
    outliers: OutlierRule = Field(
        default=OutlierRule.TUKEY, description="The rule that flags outliers; none is left out", examples=["tukey"]
    )
    inside_only: bool = Field(
        default=False, description="Leave spheroids out that reach the image's border", examples=[False]
    )

    def wanted(self) -> Wanted:
        """The domain's question."""
        return Wanted(
            measure=self.measure,
            groups=tuple(self.groups),
            unit=self.unit,
            compare=self.compare,
            control=self.control,
            growth=self.growth,
            doses={one.condition: one.dose for one in self.doses},
            dose_column=self.dose_column,
            positive=self.positive,
            negative=self.negative,
            outliers=self.outliers,
            inside_only=self.inside_only,
        )


class DoseOut(Answer):
    """The dose of a condition."""

    condition: str = Field(description="As the images tell it", examples=["10 µM"])
    dose: float = Field(description="0 or above", examples=[10.0])


class StatisticsQuestionOut(Answer):
    """What was asked of the measures of a project."""

    measure: str = Field(description="The measure", examples=["area"])
    groups: list[str] = Field(description="What parts the spheroids", examples=[["condition"]])
    unit: Unit | None = Field(description="What counts as one observation; null: what is told decides")
    compare: str | None = Field(description="The factor whose levels are compared")
    control: str | None = Field(description="Its level that the others are compared with")
    growth: bool = Field(description="Whether growth is fitted")
    doses: list[DoseOut] = Field(description="Doses of conditions")
    dose_column: str | None = Field(description="The factor that tells the dose")
    positive: str | None = Field(description="Condition of the positive controls")
    negative: str | None = Field(description="Condition of the negative controls")
    outliers: OutlierRule = Field(description="The rule that flags outliers")
    inside_only: bool = Field(description="Whether spheroids are left out that reach the image's border")

    @classmethod
    def of(cls, wanted: Wanted) -> "StatisticsQuestionOut":
        """The domain's question."""
        return cls(
            measure=wanted.measure,
            groups=list(wanted.groups),
            unit=wanted.unit,
            compare=wanted.compare,
            control=wanted.control,
            growth=wanted.growth,
            doses=[DoseOut(condition=name, dose=dose) for name, dose in wanted.doses.items()],
            dose_column=wanted.dose_column,
            positive=wanted.positive,
            negative=wanted.negative,
            outliers=wanted.outliers,
            inside_only=wanted.inside_only,
        )
