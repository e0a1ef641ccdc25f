"""What a table of measures answers; what it is asked is in ``domain/statistics_question.py``.

Definitions are in ``domain/statistics_terms.py``.

Where a figure cannot be given, its field is None and ``not_given`` says why, by the field's name: nothing is invented,
clipped or dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from spheroseg.domain.statistics_question import Level, Unit

CONFIDENCE = 0.95
"""Of every interval."""

SEED = 20_211
"""Of the bootstrap, so that the same values give the same interval; any number does."""


@dataclass(frozen=True)
class Interval:
    """From ``low`` to ``high``, at the level ``CONFIDENCE``."""

    low: float
    high: float


@dataclass(frozen=True)
class Summary:
    """Values described; all but the counts in the measure's unit.

    Args:
        n: How many values there are.
        missing: How many rows have none; they are left out of everything else, never replaced.
        mean: Arithmetic mean.
        sd: Standard deviation of a sample (divided by n − 1).
        sem: Standard error of the mean.
        t_interval: For the mean, by Student's t.
        bootstrap_interval: For the mean, by the bootstrap (BCa).
        not_given: Field -> why it is None.
    """

    n: int
    missing: int
    mean: float | None
    sd: float | None
    sem: float | None
    minimum: float | None
    q1: float | None
    median: float | None
    q3: float | None
    maximum: float | None
    t_interval: Interval | None
    bootstrap_interval: Interval | None
    not_given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outlier:
    """A value that the rule flags; it counts everywhere like any other.

    Args:
        name: Which object, or which unit.
        limit: The limit that it passes.
    """

    name: str
    value: float
    limit: float


@dataclass(frozen=True)
class Flagged:
    """Outliers of a group.

    Args:
        low: Values below it are flagged; None: too few values, or no spread to judge by.
        high: Values above it are flagged.
        count: How many are flagged.
        first: Up to ``MOST_NAMED`` of them, farthest from the median first.
    """

    low: float | None
    high: float | None
    count: int
    first: tuple[Outlier, ...]
    not_given: str | None = None


MOST_NAMED = 100


@dataclass(frozen=True)
class Group:
    """Rows that agree in the factors.

    Args:
        levels: Factor -> its level here.
        objects: Of all objects, each counted once.
        units: Of the units of comparison, each the mean of its objects.
        outliers: Among the objects.
        unit_outliers: Among the units.
    """

    levels: Mapping[str, Level]
    objects: Summary
    units: Summary
    outliers: Flagged
    unit_outliers: Flagged


@dataclass(frozen=True)
class UnitsUsed:
    """What counted as one observation, and why.

    Args:
        unit: Its name.
        reason: Why that.
        cautions: What a reader of p-values should know.
    """

    unit: Unit
    reason: str
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Significance:
    """One test of significance.

    Args:
        name: Such as ``welch-t``.
        statistic: Its t, U, F or H.
        df: Degrees of freedom (of the numerator where there are two); None for U.
        df_within: Degrees of freedom of the denominator of F.
        p: Two-sided.
        p_holm: Corrected by Holm over all p-values of this test in the answer.
    """

    name: str
    statistic: float
    p: float
    df: float | None = None
    df_within: float | None = None
    p_holm: float | None = None


@dataclass(frozen=True)
class Pair:
    """Two levels compared.

    Args:
        difference: Mean of ``second`` less mean of ``first``, in the measure's unit.
        interval: Of the difference, by Welch.
        hedges_g: Difference in standard deviations, corrected for few values; above 0 where ``second`` is larger.
        cliffs_delta: P(second > first) − P(second < first), −1 to 1.
    """

    first: Level
    second: Level
    n_first: int
    n_second: int
    difference: float | None
    interval: Interval | None
    welch: Significance | None
    mann_whitney: Significance | None
    hedges_g: float | None
    cliffs_delta: float | None
    not_given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """Levels of one factor compared.

    Args:
        factor: Whose levels.
        within: Levels of the other factors.
        n: Units of each level, as pairs.
        anova: F of the classic analysis of variance, for equal variances.
        welch_anova: F without that assumption.
        kruskal_wallis: H, by ranks.
        eta_squared: Share of the variance between the levels, 0 to 1, too large on average.
        epsilon_squared: The same without that bias; may fall below 0.
        rank_epsilon_squared: H/(n − 1), the share for ranks.
        pairs: Two by two.
    """

    factor: str
    within: Mapping[str, Level]
    n: tuple[tuple[Level, int], ...]
    anova: Significance | None
    welch_anova: Significance | None
    kruskal_wallis: Significance | None
    eta_squared: float | None
    epsilon_squared: float | None
    rank_epsilon_squared: float | None
    pairs: tuple[Pair, ...]
    not_given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Point:
    """The units at one time or dose.

    Args:
        at: Hours, or the dose.
        interval: Of the mean, by t.
    """

    at: float
    n: int
    mean: float
    sd: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Growth:
    """Exponential growth of one group.

    Args:
        levels: Factor -> its level.
        points: By time.
        per_replicate: True: a rate for each replicate, and their mean; False: one line through all points.
        n: Rates, or points on the line.
        rate_per_h: Of ln(value).
        rate_interval: Of the rate.
        start: Value of the fitted curve at 0 h; None without a rate.
        r_squared: Share of the variance of ln(mean) over time that the line explains.
        doubling_time_h: ln 2 divided by the rate; below 0 for what halves in that time. None where a fit is not
            warranted; ``not_given`` says why.
        doubling_interval: From the ends of the rate's interval.
    """

    levels: Mapping[str, Level]
    points: tuple[Point, ...]
    per_replicate: bool
    n: int
    rate_per_h: float | None
    rate_interval: Interval | None
    start: float | None
    r_squared: float | None
    doubling_time_h: float | None
    doubling_interval: Interval | None
    not_given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a fit, with standard error and interval."""

    value: float
    se: float
    interval: Interval


@dataclass(frozen=True)
class DoseResponse:
    """Four-parameter logistic curve: lower + (upper − lower)/(1 + (dose/EC50)^slope).

    Args:
        points: By dose.
        n: Units that were fitted.
        upper: Response at dose 0.
        lower: Response at endless dose; above ``upper`` where the response rises with the dose.
        ec50: Dose half way, in the doses' unit.
        slope: Above 0.
        residual_sd: In the measure's unit.
        df: n − 4.
        no_effect_p: Of the F-test against one mean for all doses.
        lack_of_fit_p: Of the F-test against a mean for each dose; small: the curve has another shape.
        refused: Why there is no curve; None: there is one.
    """

    points: tuple[Point, ...]
    n: int
    lower: Parameter | None
    upper: Parameter | None
    ec50: Parameter | None
    slope: Parameter | None
    residual_sd: float | None
    df: int | None
    no_effect_p: float | None
    lack_of_fit_p: float | None
    refused: str | None
    not_given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlateQuality:
    """How well a plate parts its controls.

    Args:
        positive: Of the wells of the positive control.
        negative: Of the wells of the negative control.
        z_prime: At most 1; None where ``not_given`` says why.
    """

    plate: Level
    positive: Summary
    negative: Summary
    z_prime: float | None
    not_given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What a table of measures says.

    Args:
        rows: Objects.
        missing: Objects without a value.
        units: What counted as one observation.
        overall: Of all objects.
        notes: What a reader should know.
    """

    rows: int
    missing: int
    units: UnitsUsed
    overall: Summary
    groups: tuple[Group, ...]
    comparisons: tuple[Comparison, ...]
    growth: tuple[Growth, ...]
    dose_response: DoseResponse | None
    plates: tuple[PlateQuality, ...]
    notes: tuple[str, ...] = ()
    confidence: float = CONFIDENCE
    bootstrap_seed: int = SEED
