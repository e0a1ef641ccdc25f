"""What each figure of the statistics means, its unit and its source; for documentation, tables and exports."""

from typing import NamedTuple


class Term(NamedTuple):
    """How a figure is to be read.

    Args:
        unit: ``measure``: that of the measure; ``1``: none; ``h``, ``1/h``, ``dose``.
        meaning: Formula or procedure.
        source: Paper, book or standard.
    """

    unit: str
    meaning: str
    source: str


_DEFINITION = "definition"

TERMS: dict[str, Term] = {
    "n": Term("1", "Number of values: of units in comparisons, of objects where that is said", _DEFINITION),
    "missing": Term(
        "1",
        "Rows without a value; left out of all other figures, never replaced; notes say what still waits",
        _DEFINITION,
    ),
    "mean": Term("measure", "Sum of the values divided by n", _DEFINITION),
    "sd": Term("measure", "Standard deviation of a sample: √(Σ(x − mean)²/(n − 1))", _DEFINITION),
    "sem": Term("measure", "Standard error of the mean: sd/√n", _DEFINITION),
    "median": Term("measure", "Middle value; of an even number the mean of the two in the middle", _DEFINITION),
    "q1": Term(
        "measure",
        "Lower quartile, interpolated linearly at 1 + (n − 1)/4 (definition 7); q3 likewise at 1 + 3·(n − 1)/4",
        "Hyndman, R. J. & Fan, Y. (1996), The American Statistician 50(4), 361-365",
    ),
    "t_interval": Term(
        "measure", "95 % interval of the mean: mean ± t(0.975; n − 1)·sem", "Student (1908), Biometrika 6(1), 1-25"
    ),
    "bootstrap_interval": Term(
        "measure",
        "95 % interval of the mean by 2,000 resamples, bias-corrected and accelerated (BCa), with one seed for all; "
        "from 5 to 1,000 values",
        "Efron, B. (1987), Journal of the American Statistical Association 82, 171-185",
    ),
    "outliers": Term(
        "1",
        "Values beyond 1.5 interquartile ranges from the quartiles (rule tukey), or with 0.6745·|x − median|/MAD above "
        "3.5 (rule modified-z); flagged from 5 values on, and counted like all others",
        "Tukey, J. W. (1977), Exploratory Data Analysis; Iglewicz, B. & Hoaglin, D. C. (1993), How to Detect and "
        "Handle Outliers",
    ),
    "difference": Term(
        "measure", "Mean of the second level less mean of the first, with its 95 % interval by Welch", _DEFINITION
    ),
    "welch": Term(
        "1", "t-test of two means without equal variances, two-sided", "Welch, B. L. (1947), Biometrika 34(1/2), 28-35"
    ),
    "mann_whitney": Term(
        "1",
        "Rank sum test of two groups, two-sided; exact below 50 values in each where none occurs twice, else by the "
        "normal distribution with corrections for ties and continuity",
        "Mann, H. B. & Whitney, D. R. (1947), The Annals of Mathematical Statistics 18(1), 50-60",
    ),
    "anova": Term(
        "1",
        "F-test of three means or more, for equal variances",
        "Fisher, R. A. (1925), Statistical Methods for Research Workers",
    ),
    "welch_anova": Term("1", "The same without equal variances", "Welch, B. L. (1951), Biometrika 38(3/4), 330-336"),
    "kruskal_wallis": Term(
        "1",
        "H-test of three groups or more by ranks, corrected for ties; p by χ²",
        "Kruskal, W. H. & Wallis, W. A. (1952), Journal of the American Statistical Association 47, 583-621",
    ),
    "p_holm": Term(
        "1",
        "p corrected for their number by Holm's steps; all p-values of one kind of test in an answer are one family",
        "Holm, S. (1979), Scandinavian Journal of Statistics 6(2), 65-70",
    ),
    "hedges_g": Term(
        "1",
        "Difference divided by the pooled sd, times Γ(m/2)/(√(m/2)·Γ((m − 1)/2)) with m = n₁ + n₂ − 2",
        "Hedges, L. V. (1981), Journal of Educational Statistics 6(2), 107-128",
    ),
    "cliffs_delta": Term(
        "1",
        "Share of pairs in which the second level's value is larger less that in which it is smaller, −1 to 1",
        "Cliff, N. (1993), Psychological Bulletin 114(3), 494-509",
    ),
    "eta_squared": Term(
        "1", "η²: sum of squares between the levels divided by the total", "Fisher (1925), as for anova"
    ),
    "epsilon_squared": Term(
        "1",
        "ε²: (SS between − df between·MS within)/SS total; without the bias of η², may fall below 0",
        "Kelley, T. L. (1935), Proceedings of the National Academy of Sciences 21(9), 554-559",
    ),
    "rank_epsilon_squared": Term(
        "1", "H/(n − 1)", "Tomczak, M. & Tomczak, E. (2014), Trends in Sport Sciences 21(1), 19-25"
    ),
    "rate_per_h": Term(
        "1/h",
        "Slope of ln(value) over hours: of each replicate, then their mean with an interval by t over them; with fewer "
        "than two replicates seen at three times, one regression through all units",
        "Matthews, J. N. S. et al. (1990), BMJ 300, 230-235",
    ),
    "doubling_time_h": Term(
        "h",
        "ln 2 divided by the rate, interval from the ends of the rate's; not given when the rate's interval holds 0, "
        "and when ln(value) is bent (p < 0.05) so that the rate changes by more than half over the times",
        _DEFINITION,
    ),
    "ec50": Term(
        "dose",
        "Dose half way between the plateaus of lower + (upper − lower)/(1 + (dose/EC50)^slope); interval by t with n − "
        "4 degrees of freedom on ln dose; not given outside of the doses, without an effect (F-test), or when its "
        "interval spans a factor above 100",
        "Ritz, C. et al. (2015), PLoS ONE 10(12), e0146021 (LL.4)",
    ),
    "lack_of_fit_p": Term(
        "1",
        "F-test of the curve against a mean for each dose; small: the curve has another shape",
        "Bates, D. M. & Watts, D. G. (1988), Nonlinear Regression Analysis and Its Applications, 3.3",
    ),
    "z_prime": Term(
        "1",
        "Z′ = 1 − 3·(sd₊ + sd₋)/|mean₊ − mean₋| over the wells of the controls; above 0.5: an excellent assay",
        "Zhang, J.-H., Chung, T. D. Y. & Oldenburg, K. R. (1999), Journal of Biomolecular Screening 4(2), 67-73",
    ),
}
"""By field of the answer."""
