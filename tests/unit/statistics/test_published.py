"""Figures that others have published for their data come out of ours."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from spheroseg.domain.statistics_question import OutlierRule
from spheroseg.statistics.comparing import cliffs_delta, compare, hedges_g, holm
from spheroseg.statistics.describing import summary_of
from spheroseg.statistics.dosing import dose_response_of
from spheroseg.statistics.flagging import flagged
from spheroseg.statistics.growing import growth_of
from spheroseg.statistics.plates import quality_of
from tests.unit.statistics import published


def arrays(groups: Mapping[str, Sequence[float]]) -> dict[str | int | float | None, np.ndarray]:
    return {name: np.array(values) for name, values in groups.items()}


@pytest.mark.parametrize(
    ("size", "mean", "digits"), [(1.2, 1.2, 14), (1000000.2, 1000000.2, 9), (10000000.2, 10000000.2, 8)]
)
def test_mean_and_deviation_of_numacc(size: float, mean: float, digits: int) -> None:
    """NIST StRD, univariate, NumAcc2 to NumAcc4: 1,001 values around their mean, standard deviation 0.1."""
    values = np.array([size, *[size - 0.1, size + 0.1] * 500])
    summary = summary_of(values)
    assert summary.mean == pytest.approx(mean, rel=1e-14)
    assert summary.sd == pytest.approx(0.1, rel=10.0 ** -max(digits - 1, 7))


def test_mean_and_error_of_the_mice() -> None:
    """Efron & Tibshirani (1993), table 2.1: means 86.86 and 56.22, standard errors 25.24 and 14.14."""
    treated, control = (summary_of(np.array(of)) for of in (published.MOUSE_TREATMENT, published.MOUSE_CONTROL))
    assert treated.mean == pytest.approx(86.86, abs=0.005)
    assert treated.sem == pytest.approx(25.24, abs=0.005)
    assert control.mean == pytest.approx(56.22, abs=0.005)
    assert control.sem == pytest.approx(14.14, abs=0.02)


def test_anova_of_sirstv() -> None:
    """NIST StRD: certified F 1.18046237440255, R² 0.190999039051129."""
    found = compare("instrument", {}, {name: np.array(of) for name, of in published.SIRSTV.items()}, None)
    assert found.anova is not None
    assert found.anova.statistic == pytest.approx(1.18046237440255, rel=1e-10)
    assert (found.anova.df, found.anova.df_within) == (4, 20)
    assert found.eta_squared == pytest.approx(0.190999039051129, rel=1e-10)
    # ε² = 1 − (n − 1)/(n − k)·(1 − η²), the form in which Kelley gives it
    assert found.epsilon_squared == pytest.approx(1 - 24 / 20 * (1 - 0.190999039051129), rel=1e-9)


def test_welch_of_sleep() -> None:
    """R: t = -1.8608, df = 17.776, p = 0.07939, interval -3.3654832 to 0.2054832 for drug 1 less drug 2."""
    (pair,) = compare("drug", {}, {1: np.array(published.SLEEP[0]), 2: np.array(published.SLEEP[1])}, None).pairs
    assert pair.welch is not None
    assert pair.interval is not None
    assert pair.welch.statistic == pytest.approx(1.8608, abs=5e-5)
    assert pair.welch.df == pytest.approx(17.776, abs=5e-4)
    assert pair.welch.p == pytest.approx(0.07939, abs=5e-6)
    assert pair.interval.low == pytest.approx(-0.2054832, abs=5e-8)
    assert pair.interval.high == pytest.approx(3.3654832, abs=5e-8)
    assert pair.difference == pytest.approx(2.33 - 0.75)


def test_mann_whitney_of_permeability() -> None:
    """R: W = 35, p = 0.1272 for one side; the exact distribution is symmetric, so twice that for both."""
    term, week = map(np.array, published.PERMEABILITY)
    (pair,) = compare("age", {}, {"12 to 26 weeks": week, "at term": term}, None).pairs
    assert pair.mann_whitney is not None
    assert pair.mann_whitney.statistic == 35
    assert pair.mann_whitney.p == pytest.approx(2 * 0.1272, abs=1e-4)
    assert pair.cliffs_delta == pytest.approx(2 * 35 / 50 - 1)


def test_kruskal_wallis_of_mucociliary_efficiency() -> None:
    """R: chi-squared = 0.77143, df = 2, p = 0.68."""
    found = compare("subjects", {}, arrays(published.MUCOCILIARY), None)
    assert found.kruskal_wallis is not None
    assert found.kruskal_wallis.statistic == pytest.approx(0.77143, abs=5e-6)
    assert found.kruskal_wallis.df == 2
    assert found.kruskal_wallis.p == pytest.approx(0.68, abs=5e-4)
    assert found.rank_epsilon_squared == pytest.approx(0.77143 / 13, abs=1e-5)


def test_both_anovas_of_plant_growth() -> None:
    """R: aov F = 4.846, p = 0.0159; oneway.test F = 5.181, denominator df = 17.128, p = 0.01739."""
    found = compare("group", {}, arrays(published.PLANT_GROWTH), "ctrl")
    assert found.anova is not None
    assert found.welch_anova is not None
    assert found.anova.statistic == pytest.approx(4.846, abs=5e-4)
    assert found.anova.p == pytest.approx(0.0159, abs=5e-5)
    assert found.welch_anova.statistic == pytest.approx(5.181, abs=5e-4)
    assert found.welch_anova.df_within == pytest.approx(17.128, abs=5e-4)
    assert found.welch_anova.p == pytest.approx(0.01739, abs=5e-6)
    assert [(pair.first, pair.second) for pair in found.pairs] == [("ctrl", "trt1"), ("ctrl", "trt2")]


def test_holm_of_others() -> None:
    """pingouin, documentation of ``multicomp``: p of 0.5, 0.003, 0.32, 0.054, 0.0003."""
    assert holm((0.5, 0.003, 0.32, 0.054, 0.0003)) == pytest.approx([0.64, 0.012, 0.64, 0.162, 0.0015])


def test_hedges_g_of_borenstein() -> None:
    """Borenstein et al. (2009), Introduction to Meta-Analysis, 4: means 103 and 100, deviations 5.5 and 4.5, 50 each:
    g = 0.5924."""
    shape = np.arange(50.0)
    shape = (shape - shape.mean()) / shape.std(ddof=1)
    assert hedges_g(100 + 4.5 * shape, 103 + 5.5 * shape) == pytest.approx(0.5924, abs=5e-5)


def test_cliffs_delta_of_effsize() -> None:
    """R package effsize, ``example(cliff.delta)``: delta = -0.25."""
    treatment = np.array([10, 10, 20, 20, 20, 30, 30, 30, 40, 50.0])
    control = np.array([10, 20, 30, 40, 40, 50.0])
    assert cliffs_delta(control, treatment) == -0.25


def test_logistic_curve_of_ryegrass() -> None:
    """R package drc (Ritz et al. 2015): slope 2.98222, lower 0.48141, upper 7.79296, EC50 3.05795, residual standard
    error 0.5196256 with 20 degrees of freedom, lack of fit p = 0.8665.

    Standard errors there are 0.46506, 0.21219, 0.18857, 0.18573; they come from second derivatives, ours from the
    Jacobian, as in R's nls.
    """
    found = dose_response_of(published.RYEGRASS_DOSES, published.RYEGRASS_ROOTS)
    assert found.refused is None
    expected = {
        found.slope: (2.98222, 0.46506),
        found.lower: (0.48141, 0.21219),
        found.upper: (7.79296, 0.18857),
        found.ec50: (3.05795, 0.18573),
    }
    for parameter, (value, error) in expected.items():
        assert parameter is not None
        assert parameter.value == pytest.approx(value, abs=1e-5)
        assert parameter.se == pytest.approx(error, rel=0.015)
    assert found.residual_sd == pytest.approx(0.5196256, abs=1e-7)
    assert found.df == 20
    assert found.lack_of_fit_p == pytest.approx(0.8665, abs=5e-5)


def test_rate_of_norris_grown_exponentially() -> None:
    """NIST StRD, linear regression: slope 1.00211681802045 ± 0.000429796848199937, intercept -0.262323073774029.

    Growth is a regression on a logarithm: the exponentials of a hundredth of y must give a hundredth of it.
    """
    grown = np.exp(published.NORRIS[:, 0] / 100)
    found = growth_of({}, published.NORRIS[:, 1], grown, None)
    assert found.rate_per_h == pytest.approx(0.0100211681802045, rel=1e-11)
    assert found.start == pytest.approx(np.exp(-0.00262323073774029), rel=1e-11)
    assert found.rate_interval is not None
    half = (found.rate_interval.high - found.rate_interval.low) / 2
    assert half == pytest.approx(2.032244509 * 0.00000429796848199937, rel=1e-8)  # t of 0.975 with 34 df
    assert found.doubling_time_h == pytest.approx(np.log(2) / 0.0100211681802045)


def test_outliers_of_the_handbook() -> None:
    """NIST/SEMATECH e-Handbook: median 559.5, of 90 values 1441 alone is beyond the inner fences."""
    found = flagged(published.HANDBOOK_OUTLIERS, [f"{one:g}" for one in published.HANDBOOK_OUTLIERS], OutlierRule.TUKEY)
    assert summary_of(published.HANDBOOK_OUTLIERS).median == 559.5
    assert [(one.name, one.value) for one in found.first] == [("1441", 1441.0)]


def test_z_prime_by_its_formula() -> None:
    """Zhang et al. (1999), formula 2: means 100 and 10, deviations 10 and 5."""
    found = quality_of("P1", np.array([90.0, 100.0, 110.0]), np.array([5.0, 10.0, 15.0]))
    assert found.z_prime == pytest.approx(1 - 3 * (10 + 5) / 90)
