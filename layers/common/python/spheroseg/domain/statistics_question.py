"""What is asked of a table of measures; definitions in ``domain/statistics_terms.py``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Level = str | float | int | None
"""Value of a factor such as the condition; None: nobody said."""


class Unit(StrEnum):
    """What counts as one observation where groups are compared."""

    REPLICATE = "replicate"
    WELL = "well"
    IMAGE = "image"
    OBJECT = "object"


class OutlierRule(StrEnum):
    """How outliers are told; both only flag."""

    TUKEY = "tukey"
    MODIFIED_Z = "modified-z"


@dataclass(frozen=True)
class Question:
    """What is wanted of a table of measures.

    Args:
        groups: Factors that part the rows, such as ``condition`` and ``time_point_h``; none: one group.
        unit: What counts once in a comparison; None: replicates where they are given, else images, else objects.
        compare: The factor, one of ``groups``, whose levels are compared within each combination of the others.
        control: Its level that the others are compared with; None: each with each.
        growth: Fit growth over ``time_point_h``.
        doses: Dose of each level of ``dose_of``, by the level as text; None: no dose response.
        dose_of: The factor that tells the dose.
        positive: Condition of the positive controls, for Z′.
        negative: Condition of the negative controls, for Z′.
        outliers: The rule that flags.
    """

    groups: tuple[str, ...] = ()
    unit: Unit | None = None
    compare: str | None = None
    control: Level = None
    growth: bool = False
    doses: Mapping[str, float] | None = None
    dose_of: str = "condition"
    positive: str | None = None
    negative: str | None = None
    outliers: OutlierRule = OutlierRule.TUKEY


@dataclass(frozen=True)
class Wanted:
    """What people ask of a table of measures, in the words that they use.

    Args:
        measure: A column; without its unit the one in µm where every row has it, else in px.
        groups, unit, compare, growth, positive, negative, outliers: As in ``Question``; time may be called ``time``.
        control: The level as it is written.
        doses: Of conditions, by name; empty: none.
        dose_column: Factor that tells the dose, instead of ``doses``.
        inside_only: Leave objects out that reach the image's border.
    """

    measure: str = "equivalent_diameter"
    groups: tuple[str, ...] = ()
    unit: Unit | None = None
    compare: str | None = None
    control: str | None = None
    growth: bool = False
    doses: Mapping[str, float] = field(default_factory=dict)
    dose_column: str | None = None
    positive: str | None = None
    negative: str | None = None
    outliers: OutlierRule = OutlierRule.TUKEY
    inside_only: bool = False
