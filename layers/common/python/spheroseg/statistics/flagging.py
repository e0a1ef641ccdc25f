"""Outliers: told by a stated rule, never removed."""

from collections.abc import Sequence

import numpy as np

from spheroseg.domain.statistics import MOST_NAMED, Flagged, Outlier
from spheroseg.domain.statistics_question import OutlierRule
from spheroseg.statistics.describing import Floats

TUKEY_REACH = 1.5
"""Of the interquartile range beyond the quartiles: Tukey, J. W. (1977), Exploratory Data Analysis, inner fences."""

MODIFIED_Z, MAD_TO_SD = 3.5, 0.6745
"""Iglewicz, B. & Hoaglin, D. C. (1993), How to Detect and Handle Outliers: 0.6745·|x − median|/MAD above 3.5."""

JUDGED_FROM = 5
"""A choice: quartiles of fewer values are mixtures of two neighbours, and say little of a spread."""


def flagged(values: Floats, names: Sequence[str], rule: OutlierRule) -> Flagged:
    """Which values the rule flags.

    Args:
        values: Without NaN.
        names: Of the values.
    """
    if values.size < JUDGED_FROM:
        return Flagged(None, None, 0, (), f"{values.size} values; {JUDGED_FROM} are needed to judge one of them")
    q1, median, q3 = np.percentile(values, [25, 50, 75]).tolist()
    if rule is OutlierRule.TUKEY:
        low, high = q1 - TUKEY_REACH * (q3 - q1), q3 + TUKEY_REACH * (q3 - q1)
    else:
        reach = MODIFIED_Z / MAD_TO_SD * float(np.median(np.abs(values - median)))
        low, high = median - reach, median + reach
    if low == high:
        return Flagged(None, None, 0, (), "half of the values or more are the same: there is no spread to judge by")
    outside = np.flatnonzero((values < low) | (values > high))
    farthest = outside[np.argsort(-np.abs(values[outside] - median), kind="stable")]
    first = tuple(
        Outlier(names[place], float(values[place]), low if values[place] < low else high)
        for place in farthest[:MOST_NAMED].tolist()
    )
    return Flagged(low, high, int(outside.size), first)
