"""Dose response: a four-parameter logistic curve, or why there is none."""

from math import exp, isfinite, log

import numpy as np
from scipy import optimize, stats

from spheroseg.domain.statistics import DoseResponse, Interval, Parameter, Point
from spheroseg.statistics.describing import Floats, all_same, t_interval_of
from spheroseg.statistics.growing import points_of

LEAST_DOSES = 5
"""Four parameters go through any four means."""

NO_EFFECT_P = 0.05
WIDEST = 100.0
"""A choice: an EC50 known to within a factor of 100 only (end by end of its interval) is not known."""


def logistic(doses: Floats, lower: float, upper: float, ln_ec50: float, slope: float) -> Floats:
    """The response: the log-logistic model «LL.4» of Ritz, C. et al. (2015), PLoS ONE 10(12), e0146021.

    Args:
        doses: From 0 on; at 0 it is ``upper``.
    """
    logs = np.log(doses, where=doses > 0, out=np.full(doses.shape, -np.inf))
    found: Floats = lower + (upper - lower) * _share(slope * (logs - ln_ec50))
    return found


def _share(x: Floats) -> Floats:
    """1/(1 + eˣ) without overflow."""
    found: Floats = 0.5 * (1 - np.tanh(x / 2))
    return found


def dose_response_of(doses: Floats, values: Floats) -> DoseResponse:
    """Fit the curve by least squares; intervals are Wald's with n − 4 degrees of freedom, that of the EC50 on ln dose.

    Args:
        doses: (n,) of the units, from 0 on.
        values: (n,) their responses, without NaN.

    Raises:
        ValueError: a dose is below 0 or not finite.
    """
    if not np.isfinite(doses).all() or (doses < 0).any():
        raise ValueError("Doses must be 0 or above")
    points = points_of(doses, values)
    n, df = int(values.size), int(values.size) - 4
    too_little = _too_little(doses, values)
    if too_little is not None:
        return _refused(points, n, too_little)
    fitted = _fit(doses, values)
    if fitted is None:
        return _refused(points, n, "no curve of this shape was found: the search did not end")
    parameters, covariance = fitted
    lower, upper, ln_ec50, slope = parameters.tolist()
    rest = values - logistic(doses, lower, upper, ln_ec50, slope)
    squares = float(rest @ rest)
    against_mean = float(((values - values.mean()) ** 2).sum())
    f = (against_mean - squares) / 3 / (squares / df) if squares > 0 else np.inf
    no_effect_p = float(stats.f.sf(f, 3, df))
    unknown = _unknown(doses, ln_ec50, covariance, df, no_effect_p)
    if unknown is not None:
        return _refused(points, n, unknown, no_effect_p)
    errors = np.sqrt(np.diag(covariance)).tolist()
    on_log = t_interval_of(ln_ec50, errors[2], df)
    ec50 = exp(ln_ec50)
    lack, why_not = _lack_of_fit(doses, values, squares)
    return DoseResponse(
        points=points,
        n=n,
        lower=Parameter(lower, errors[0], t_interval_of(lower, errors[0], df)),
        upper=Parameter(upper, errors[1], t_interval_of(upper, errors[1], df)),
        ec50=Parameter(ec50, ec50 * errors[2], Interval(exp(on_log.low), exp(on_log.high))),
        slope=Parameter(slope, errors[3], t_interval_of(slope, errors[3], df)),
        residual_sd=(squares / df) ** 0.5,
        df=df,
        no_effect_p=no_effect_p,
        lack_of_fit_p=lack,
        refused=None,
        not_given={} if why_not is None else {"lack_of_fit_p": why_not},
    )


def _too_little(doses: Floats, values: Floats) -> str | None:
    """Why no curve is tried; None: it may be."""
    different = np.unique(doses).size
    if different < LEAST_DOSES:
        return f"{different} doses, 0 included; {LEAST_DOSES} are needed for four parameters"
    if values.size <= LEAST_DOSES:
        return f"{values.size} values for four parameters are too few; repeat the doses"
    if all_same(values):
        return "all values are the same: there is no response"
    return None


def _unknown(doses: Floats, ln_ec50: float, covariance: Floats, df: int, no_effect_p: float) -> str | None:
    """Why a curve that was found says nothing; None: it does."""
    tested = np.log(doses[doses > 0])
    if no_effect_p >= NO_EFFECT_P:
        return f"no effect of the dose can be told from chance (F-test, p = {no_effect_p:.2g})"
    if not tested.min() <= ln_ec50 <= tested.max():
        return f"the EC50 would lie outside of the doses, at {_shown(ln_ec50)}: the response does not come half way"
    if not covariance.size or not np.isfinite(covariance).all():
        return "the doses do not tell the four parameters apart: perhaps the response goes on beyond them"
    reach = t_interval_of(ln_ec50, float(np.sqrt(covariance[2, 2])), df)
    if reach.high - reach.low > log(WIDEST):
        return (
            f"the EC50 is not known: its interval reaches from {_shown(reach.low)} to {_shown(reach.high)}; more doses "
            "on the steep part and on both plateaus are needed"
        )
    return None


def _fit(doses: Floats, values: Floats) -> tuple[Floats, Floats] | None:
    """Parameters and covariance of the best of several searches from data-driven starts; None: none of them ended.

    What lies nearest to the values lies nearest to their means, weighted by number: so many values take no longer.
    """
    at, place = np.unique(doses, return_inverse=True)
    count = np.bincount(place).astype(np.float64)
    mean = np.bincount(place, values) / count
    weight = np.sqrt(count)
    spread = float(np.ptp(mean)) or 1.0
    positive = at[at > 0]
    reach = float(np.log(positive.max() / positive.min()))
    best: optimize.OptimizeResult | None = None
    for slope in (1.0, 3.0):
        for shift in (0.0, -reach / 4, reach / 4):
            found = optimize.least_squares(
                lambda parameters: weight * (logistic(at, *parameters) - mean),
                (float(mean[-1]), float(mean[0]), float(np.log(positive).mean()) + shift, slope),
                x_scale=(spread, spread, 1, 1),
                xtol=1e-12,
                ftol=1e-12,
                gtol=1e-12,
                max_nfev=500,
            )
            if found.success and (best is None or found.cost < best.cost):
                best = found
    if best is None:
        return None
    parameters = np.array(best.x)
    around_means = float(((values - mean[place]) ** 2).sum())
    variance = (2 * best.cost + around_means) / (values.size - 4)
    scaled = best.jac / np.maximum(np.linalg.norm(best.jac, axis=0), 1e-300)
    covariance: Floats = (
        np.linalg.inv(best.jac.T @ best.jac) * variance if np.linalg.matrix_rank(scaled) == 4 else np.empty((0, 0))
    )
    if parameters[3] < 0:  # the same curve from the other side: plateaus change places
        parameters = parameters[[1, 0, 2, 3]] * (1, 1, 1, -1)
        covariance = covariance[np.ix_((1, 0, 2, 3), (1, 0, 2, 3))] if covariance.size else covariance
    return parameters, covariance


def _lack_of_fit(doses: Floats, values: Floats, squares: float) -> tuple[float | None, str | None]:
    """p of the F-test against a mean for each dose: Bates, D. M. & Watts, D. G. (1988), Nonlinear Regression, 3.3."""
    places = np.unique(doses)
    df = values.size - places.size
    if df == 0:
        return None, "no dose was repeated"
    if places.size == 4:
        return None, "four means leave nothing to test"
    pure = float(sum(((values[doses == at] - values[doses == at].mean()) ** 2).sum() for at in places))
    if pure == 0:
        return None, "repeats of a dose do not differ"
    f = (squares - pure) / (places.size - 4) / (pure / df)
    return float(stats.f.sf(max(f, 0.0), places.size - 4, df)), None


def _shown(ln_dose: float) -> str:
    return f"{exp(ln_dose):.3g}" if isfinite(ln_dose) and ln_dose < 700 else "beyond all numbers"


def _refused(points: tuple[Point, ...], n: int, why: str, no_effect_p: float | None = None) -> DoseResponse:
    return DoseResponse(points, n, None, None, None, None, None, None, no_effect_p, None, refused=why)
