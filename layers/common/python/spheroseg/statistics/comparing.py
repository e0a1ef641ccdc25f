"""Groups compared: tests, their correction, and sizes of effects."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp, lgamma, sqrt

import numpy as np
from scipy import stats

from spheroseg.domain.statistics import Comparison, Interval, Pair, Significance
from spheroseg.domain.statistics_question import Level
from spheroseg.statistics.describing import Floats, all_same, t_interval_of

EXACT_TO = 50
"""Mann-Whitney is exact up to this many values in both groups, where none occurs twice, as in R's ``wilcox.test``."""


def compare(factor: str, within: Mapping[str, Level], groups: Mapping[Level, Floats], control: Level) -> Comparison:
    """Compare the levels of a factor; p-values are not yet corrected, see ``corrected``.

    Args:
        factor: Its name.
        within: Levels of the other factors.
        groups: Level -> values of its units, without NaN, at least one each.
        control: The level that the others are compared with; None: each with each.
    """
    pairs = (
        itertools.combinations(groups, 2)
        if control is None
        else ((control, other) for other in groups if other != control and control in groups)
    )
    not_given: dict[str, str] = {}
    values = list(groups.values())
    anova, welch_anova, kruskal_wallis = _overall(groups, not_given)
    eta, epsilon, rank_epsilon = _shares(values, not_given)
    return Comparison(
        factor=factor,
        within=within,
        n=tuple((level, int(of_level.size)) for level, of_level in groups.items()),
        anova=anova,
        welch_anova=welch_anova,
        kruskal_wallis=kruskal_wallis,
        eta_squared=eta,
        epsilon_squared=epsilon,
        rank_epsilon_squared=rank_epsilon,
        pairs=tuple(_pair(first, second, groups[first], groups[second]) for first, second in pairs),
        not_given=not_given,
    )


def _overall(
    groups: Mapping[Level, Floats], not_given: dict[str, str]
) -> tuple[Significance | None, Significance | None, Significance | None]:
    """Tests of all levels at once: ANOVA, Welch's, Kruskal-Wallis."""
    names = ("anova", "welch_anova", "kruskal_wallis")
    if len(groups) < 3:
        not_given |= dict.fromkeys(names, "fewer than three levels: the pair says it")
        return None, None, None
    values = list(groups.values())
    everything = np.concatenate(values)
    if all_same(everything):
        not_given |= dict.fromkeys(names, "all values are the same")
        return None, None, None
    between, within = len(values) - 1, everything.size - len(values)
    anova = welch_anova = None
    if _spread_within(values) > 0:
        f = stats.f_oneway(*values)
        anova = Significance("anova", float(f.statistic), float(f.pvalue), df=between, df_within=within)
    else:
        not_given["anova"] = "no level has any spread"
    spreadless = [str(level) for level, one in groups.items() if all_same(one)]
    if spreadless:
        not_given["welch_anova"] = f"levels without any spread: {', '.join(spreadless)}"
    else:
        welch_anova = _welch_anova(values)
    ranks = stats.kruskal(*values)
    return anova, welch_anova, Significance("kruskal-wallis", float(ranks.statistic), float(ranks.pvalue), df=between)


def _shares(values: Sequence[Floats], not_given: dict[str, str]) -> tuple[float | None, float | None, float | None]:
    """η², ε² and that of ranks, H/(n − 1): Tomczak, M. & Tomczak, E. (2014), Trends in Sport Sciences 21(1), 19-25."""
    everything = np.concatenate(values)
    names = ("eta_squared", "epsilon_squared", "rank_epsilon_squared")
    if len(values) < 2 or all_same(everything):
        why = "there is one level" if len(values) < 2 else "all values are the same"
        not_given |= dict.fromkeys(names, why)
        return None, None, None
    rank_epsilon = float(stats.kruskal(*values).statistic) / (everything.size - 1)
    if everything.size == len(values):
        not_given |= dict.fromkeys(names[:2], "one value for each level")
        return None, None, rank_epsilon
    return *shares_of_variance(values), rank_epsilon


def corrected(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The same with p-values corrected by Holm: each test's over everything that it was used for."""
    by_name: dict[str, list[float]] = {}
    for test in _tests(comparisons):
        by_name.setdefault(test.name, []).append(test.p)
    queues = {name: iter(holm(values)) for name, values in by_name.items()}

    def with_correction(test: Significance | None) -> Significance | None:
        return None if test is None else replace(test, p_holm=next(queues[test.name]))

    found = []
    for one in comparisons:
        pairs = tuple(
            replace(pair, welch=with_correction(pair.welch), mann_whitney=with_correction(pair.mann_whitney))
            for pair in one.pairs
        )
        found.append(
            replace(
                one,
                anova=with_correction(one.anova),
                welch_anova=with_correction(one.welch_anova),
                kruskal_wallis=with_correction(one.kruskal_wallis),
                pairs=pairs,
            )
        )
    return tuple(found)


def _tests(comparisons: Sequence[Comparison]) -> list[Significance]:
    """All of them, those of one name in the order in which ``corrected`` meets them."""
    tests: list[Significance | None] = []
    for one in comparisons:
        tests += [one.anova, one.welch_anova, one.kruskal_wallis]
        tests += [test for pair in one.pairs for test in (pair.welch, pair.mann_whitney)]
    return [test for test in tests if test is not None]


def holm(p_values: Sequence[float]) -> list[float]:
    """Corrected p-values in the order given: Holm, S. (1979), Scandinavian Journal of Statistics 6(2), 65-70."""
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1)
    found = np.empty(len(p_values))
    found[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(one) for one in found]


def hedges_g(first: Floats, second: Floats) -> float:
    """Mean of ``second`` less mean of ``first`` by the pooled standard deviation, corrected for few values.

    Hedges, L. V. (1981), Journal of Educational Statistics 6(2), 107-128, with the exact correction by Γ.
    """
    df = first.size + second.size - 2
    pooled = sqrt(((first.size - 1) * first.var(ddof=1) + (second.size - 1) * second.var(ddof=1)) / df)
    correction = exp(lgamma(df / 2) - lgamma((df - 1) / 2)) / sqrt(df / 2)
    return float((second.mean() - first.mean()) / pooled * correction)


def cliffs_delta(first: Floats, second: Floats) -> float:
    """How much more often ``second`` is the larger: Cliff, N. (1993), Psychological Bulletin 114(3), 494-509."""
    ordered = np.sort(first)
    below = np.searchsorted(ordered, second, "left").sum()
    above = (first.size - np.searchsorted(ordered, second, "right")).sum()
    return float((below - above) / (first.size * second.size))


def shares_of_variance(groups: Sequence[Floats]) -> tuple[float, float]:
    """η² and ε²: Kelley, T. L. (1935), Proceedings of the National Academy of Sciences 21(9), 554-559."""
    everything = np.concatenate(groups)
    within = _spread_within(groups)
    mean = everything.mean()
    between = float(sum(one.size * (one.mean() - mean) ** 2 for one in groups))
    df, df_within = len(groups) - 1, everything.size - len(groups)
    total = between + within
    return between / total, (between - df * within / df_within) / total


def _spread_within(groups: Sequence[Floats]) -> float:
    """Sum of squares around each group's own mean."""
    return float(sum(((one - one.mean()) ** 2).sum() for one in groups if not all_same(one)))


def _welch_anova(groups: Sequence[Floats]) -> Significance:
    """F of Welch, B. L. (1951), Biometrika 38(3/4), 330-336; scipy gives F and p, not the degrees of freedom."""
    found = stats.f_oneway(*groups, equal_var=False)
    weights = np.array([one.size / one.var(ddof=1) for one in groups])
    rest = sum((1 - weight / weights.sum()) ** 2 / (one.size - 1) for weight, one in zip(weights, groups, strict=True))
    df_within = float((len(groups) ** 2 - 1) / (3 * rest))
    return Significance(
        "welch-anova", float(found.statistic), float(found.pvalue), df=len(groups) - 1, df_within=df_within
    )


def _pair(first: Level, second: Level, one: Floats, other: Floats) -> Pair:
    not_given: dict[str, str] = {}
    difference = float(other.mean() - one.mean())
    interval: Interval | None = None
    welch = mann_whitney = None
    g: float | None = None
    single = [str(level) for level, values in ((first, one), (second, other)) if values.size < 2]
    names = ("interval", "welch", "hedges_g")
    if single:
        not_given |= dict.fromkeys(names, f"one value has no spread: {', '.join(single)}")
    elif all_same(one) and all_same(other):
        not_given |= dict.fromkeys(names, "neither has any spread")
    else:
        t = stats.ttest_ind(other, one, equal_var=False)
        welch = Significance("welch-t", float(t.statistic), float(t.pvalue), df=float(t.df))
        interval = t_interval_of(difference, sqrt(one.var(ddof=1) / one.size + other.var(ddof=1) / other.size), t.df)
        g = hedges_g(one, other)
    both = np.concatenate([one, other])
    if all_same(both):
        not_given["mann_whitney"] = "all values are the same"
    else:
        exact = max(one.size, other.size) < EXACT_TO and np.unique(both).size == both.size
        u = stats.mannwhitneyu(other, one, method="exact" if exact else "asymptotic")
        mann_whitney = Significance("mann-whitney-u", float(u.statistic), float(u.pvalue))
    return Pair(
        first=first,
        second=second,
        n_first=int(one.size),
        n_second=int(other.size),
        difference=difference,
        interval=interval,
        welch=welch,
        mann_whitney=mann_whitney,
        hedges_g=g,
        cliffs_delta=cliffs_delta(one, other),
        not_given=not_given,
    )
