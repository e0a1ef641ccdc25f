"""Growth curves: rate and doubling time, where the values bear them out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt

import numpy as np
from scipy import stats

from spheroseg.domain.statistics import Growth, Interval, Point
from spheroseg.domain.statistics_question import Level
from spheroseg.statistics.describing import Floats, t_interval_of

LEAST_TIMES = 3
"""Two times have a line through them whatever they are."""

CURVED_P, CURVED_SHARE = 0.05, 0.5
"""A choice: growth is not called exponential where ln(value) is bent (t-test of the square, p below 0.05) and the rate
at the last time differs from that at the first by more than half of the mean rate. The first alone would refuse what is
bent measurably but hardly; the second alone what is noisy."""


@dataclass(frozen=True)
class Line:
    """A straight line by least squares, with the standard error of its slope."""

    slope: float
    intercept: float
    error: float
    r_squared: float
    df: int


def points_of(at: Floats, values: Floats) -> tuple[Point, ...]:
    """Mean of the units at each time or dose, in ascending order; values are without NaN."""
    found = []
    for one in np.unique(at).tolist():
        there = values[at == one]
        mean, n = float(there.mean()), int(there.size)
        sd = float(there.std(ddof=1)) if n > 1 else None
        found.append(Point(one, n, mean, sd, None if sd is None else t_interval_of(mean, sd / sqrt(n), n - 1)))
    return tuple(found)


def line_of(x: Floats, y: Floats) -> Line:
    """The line through at least three points at two or more places."""
    found = stats.linregress(x, y)
    r_squared = 1.0 if np.ptp(y) == 0 else float(found.rvalue) ** 2
    return Line(float(found.slope), float(found.intercept), float(found.stderr), r_squared, x.size - 2)


def growth_of(
    levels: Mapping[str, Level], times_h: Floats, values: Floats, replicates: Sequence[Level] | None
) -> Growth:
    """Exponential growth: ln(value) = ln(start) + rate · time.

    With two replicates or more that were each seen at three times, the rate is the mean of theirs and its interval is
    by t over them: points of one replicate are no independent repeats (Matthews, J. N. S. et al. (1990), BMJ 300,
    230-235, summary measures). Else it is one regression through all points.

    Args:
        levels: Of the group, without its time.
        times_h: (n,) when each unit was seen.
        values: (n,) of the units, without NaN.
        replicates: (n,) which replicate each is; None: not given.
    """
    points = points_of(times_h, values)

    def refused(why: str, per_replicate: bool = False, n: int = 0) -> Growth:
        names = ("rate_per_h", "rate_interval", "start", "r_squared", "doubling_time_h", "doubling_interval")
        nothing = (None,) * 6
        return Growth(levels, points, per_replicate, n, *nothing, not_given=dict.fromkeys(names, why))

    if len(points) < LEAST_TIMES:
        return refused(f"{len(points)} times; {LEAST_TIMES} are needed")
    if (values <= 0).any():
        return refused("a value is zero or below: it has no logarithm")
    logs = np.log(values)
    lines = _lines(times_h, logs, replicates)
    means_at = np.array([point.at for point in points])
    means = np.array([float(logs[times_h == at].mean()) for at in means_at])
    r_squared = line_of(means_at, means).r_squared
    if len(lines) >= 2:
        slopes = np.array([line.slope for line in lines])
        rate, error, df, n = (
            float(slopes.mean()),
            float(slopes.std(ddof=1)) / sqrt(slopes.size),
            slopes.size - 1,
            slopes.size,
        )
        intercept = float(np.mean([line.intercept for line in lines]))
    else:
        line = line_of(times_h, logs)
        rate, error, df, n, intercept = line.slope, line.error, line.df, times_h.size, line.intercept
    interval = t_interval_of(rate, error, df)
    per_replicate = len(lines) >= 2
    not_given: dict[str, str] = {}
    doubling: float | None = None
    doubling_interval: Interval | None = None
    why = _unwarranted(means_at, means, rate, interval)
    if why is None:
        doubling = log(2) / rate
        doubling_interval = Interval(*sorted((log(2) / interval.low, log(2) / interval.high)))
    else:
        not_given |= dict.fromkeys(("doubling_time_h", "doubling_interval"), why)
    return Growth(
        levels=levels,
        points=points,
        per_replicate=per_replicate,
        n=int(n),
        rate_per_h=rate,
        rate_interval=interval,
        start=exp(intercept) if intercept < 700 else inf,
        r_squared=r_squared,
        doubling_time_h=doubling,
        doubling_interval=doubling_interval,
        not_given=not_given,
    )


def _lines(times_h: Floats, logs: Floats, replicates: Sequence[Level] | None) -> list[Line]:
    """A line for each replicate; none where a replicate was seen too seldom for one."""
    if replicates is None:
        return []
    names = np.array([str(one) for one in replicates])
    found = []
    for name in np.unique(names):
        of_replicate = names == name
        if np.unique(times_h[of_replicate]).size < LEAST_TIMES:
            return []
        found.append(line_of(times_h[of_replicate], logs[of_replicate]))
    return found


def _unwarranted(times_h: Floats, logs: Floats, rate: float, interval: Interval) -> str | None:
    """Why a doubling time may not be given; None: it may."""
    if interval.low <= 0 <= interval.high:
        return "the rate cannot be told from 0"
    if times_h.size < LEAST_TIMES + 1:
        return None  # three means are bent or not, nobody can tell
    # Centred, so that the square and the slope do not depend on where time begins.
    x = times_h - times_h.mean()
    columns = np.stack([np.ones_like(x), x, x**2], axis=1)
    found, *_ = np.linalg.lstsq(columns, logs)
    rest = logs - columns @ found
    df = x.size - 3
    bend = float(found[2])
    change = 2 * bend * float(np.ptp(x))
    if abs(change) <= CURVED_SHARE * abs(rate):
        return None
    variance = float(rest @ rest) / df * float(np.linalg.inv(columns.T @ columns)[2, 2])
    p = 0.0 if variance == 0 else float(2 * stats.t.sf(abs(bend) / sqrt(variance), df))
    if p >= CURVED_P:
        return None
    first, last = rate - change / 2, rate + change / 2
    return (
        f"growth is not exponential over these times: the rate goes from {first:.3g} to {last:.3g} per hour "
        f"(p = {p:.2g}); choose the times of exponential growth"
    )
