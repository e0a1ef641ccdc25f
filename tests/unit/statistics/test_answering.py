"""Which rows count as one observation, what is refused, and what is said about it."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spheroseg.domain.statistics import Answer
from spheroseg.domain.statistics_question import Level, OutlierRule, Question, Unit
from spheroseg.errors import InvalidQuestionError, UnclearUnitsError
from spheroseg.statistics.answering import answer
from spheroseg.statistics.comparing import compare, holm
from spheroseg.statistics.describing import summary_of
from spheroseg.statistics.dosing import dose_response_of, logistic
from spheroseg.statistics.flagging import flagged
from spheroseg.statistics.growing import growth_of
from spheroseg.statistics.plates import quality_of
from spheroseg.statistics.units import Observations


def table(values: Sequence[float], **factors: Sequence[Level]) -> Observations:
    return Observations(np.array(values), factors, [f"object {place}" for place in range(len(values))])


TWO_REPLICATES = table(
    [10, 12, 20, 22, 30, 32, 40, 42],
    condition=["a"] * 4 + ["b"] * 4,
    replicate=[1, 1, 2, 2] * 2,
    image=list("ppqqrrss"),
)


def test_replicates_count_once_each_with_the_mean_of_their_objects() -> None:
    said = answer(TWO_REPLICATES, Question(groups=("condition",), compare="condition"))
    assert said.units.unit is Unit.REPLICATE
    assert [group.units.n for group in said.groups] == [2, 2]
    assert [group.objects.n for group in said.groups] == [4, 4]
    assert [group.units.mean for group in said.groups] == [16, 36]
    (pair,) = said.comparisons[0].pairs
    assert (pair.n_first, pair.n_second, pair.difference) == (2, 2, 20)
    assert pair.welch is not None
    assert pair.welch.p == pytest.approx(0.1056, abs=1e-4)  # t = 20/√(25 + 25) with 2 degrees of freedom


def test_a_unit_that_was_asked_for_is_used_and_the_pseudo_replication_is_said() -> None:
    said = answer(TWO_REPLICATES, Question(groups=("condition",), compare="condition", unit=Unit.OBJECT))
    (pair,) = said.comparisons[0].pairs
    assert pair.welch is not None
    assert (pair.n_first, pair.welch.p < 0.01) == (4, True)
    assert "pseudo-replication" in said.units.cautions[0]
    assert "replicates are given" in said.units.cautions[1]


def test_without_replicates_images_count_once_and_without_images_objects() -> None:
    factors = {"condition": TWO_REPLICATES.factors["condition"], "image": TWO_REPLICATES.factors["image"]}
    assert answer(replace(TWO_REPLICATES, factors=factors), Question()).units.unit is Unit.IMAGE
    del factors["image"]
    said = answer(replace(TWO_REPLICATES, factors=factors), Question())
    assert said.units.unit is Unit.OBJECT
    assert said.units.cautions


def test_replicates_of_some_objects_only_are_refused() -> None:
    given_once = table([1, 2, 3], replicate=[1, None, 2])
    with pytest.raises(UnclearUnitsError, match="1 of 3 objects, first of object 1"):
        answer(given_once, Question())
    assert answer(given_once, Question(unit=Unit.OBJECT)).units.unit is Unit.OBJECT
    without_value = table([1, np.nan, 3], replicate=[1, None, 2])
    assert answer(without_value, Question()).units.unit is Unit.REPLICATE


def test_a_well_is_told_by_its_plate_too() -> None:
    rows = table([1, 2, 3, 5], plate=["P", "P", "Q", "Q"], well=["A01"] * 4)
    (group,) = answer(rows, Question(unit=Unit.WELL)).groups
    assert (group.units.n, group.units.mean) == (2, 2.75)


def test_missing_values_are_counted_and_never_filled() -> None:
    rows = table([1, np.nan, 3, np.nan], condition=["a", "a", "b", None])
    said = answer(rows, Question(groups=("condition",)))
    assert (said.rows, said.missing, said.overall.n, said.overall.mean) == (4, 2, 2, 2)
    counts = [(group.levels["condition"], group.objects.n, group.objects.missing) for group in said.groups]
    assert counts == [("a", 1, 1), ("b", 1, 0), (None, 0, 1)]
    assert said.groups[2].objects.mean is None
    assert said.groups[2].objects.not_given["mean"] == "there is no value"
    assert said.notes == ("condition is not told for 1 of 4 objects; they are a group of their own",)


def test_comparison_goes_within_the_other_factors_and_is_corrected_over_all_of_them() -> None:
    rng = np.random.default_rng(1)
    time = [0] * 12 + [24] * 12
    condition = ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    rows = table(list(rng.normal(10, 1, 24)), condition=condition * 2, time_point_h=time, replicate=[1, 2, 3, 4] * 6)
    said = answer(rows, Question(groups=("condition", "time_point_h"), compare="condition"))
    assert [one.within for one in said.comparisons] == [{"time_point_h": 0}, {"time_point_h": 24}]
    raw = [pair.welch.p for one in said.comparisons for pair in one.pairs if pair.welch]
    assert [pair.welch.p_holm for one in said.comparisons for pair in one.pairs if pair.welch] == holm(raw)
    assert len(raw) == 6
    of_anova = [one.anova for one in said.comparisons if one.anova]
    assert [one.p_holm for one in of_anova] == holm([one.p for one in of_anova])


@pytest.mark.parametrize(
    "question",
    [
        Question(groups=("time_point_h",)),
        Question(groups=("condition", "condition")),
        Question(compare="condition"),
        Question(groups=("condition",), control="a"),
        Question(groups=("condition",), compare="condition", control="nobody"),
        Question(growth=True),
        Question(positive="a", negative="b"),
        Question(doses={"a": -1.0}),
        Question(doses={"a": float("nan")}),
        Question(doses={"nobody": 1.0}),
    ],
)
def test_what_the_table_cannot_give_is_refused(question: Question) -> None:
    with pytest.raises(InvalidQuestionError):
        answer(TWO_REPLICATES, question)


def test_one_control_alone_is_refused() -> None:
    rows = table([1, 2], condition=["a", "b"], plate=["P"] * 2, well=["A01", "A02"])
    for question in (Question(positive="a"), Question(positive="a", negative="a"), Question(negative="x")):
        with pytest.raises(InvalidQuestionError):
            answer(rows, question)


@pytest.mark.parametrize("value", [1e300, -1e61, 1e-300, float("inf")])
def test_values_that_no_square_is_taken_of_are_refused(value: float) -> None:
    with pytest.raises(InvalidQuestionError, match="Values must be"):
        answer(table([1, 2, value]), Question())


def test_an_empty_table_has_an_answer_without_figures() -> None:
    said = answer(table([], condition=[], replicate=[], image=[]), Question(groups=("condition",)))
    assert (said.rows, said.groups, said.overall.n, said.overall.mean) == (0, (), 0, None)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.floats(-1e6, 1e6).map(lambda value: round(value, 6)), st.just(float("nan"))),
            st.sampled_from(["a", "b", "c", None]),
            st.sampled_from([0, 24, 48, None]),
            st.integers(1, 3),
        ),
        max_size=30,
    )
)
def test_any_table_gives_figures_or_says_why_not(rows: list[tuple[float, str | None, int | None, int]]) -> None:
    observed = table(
        [row[0] for row in rows],
        condition=[row[1] for row in rows],
        time_point_h=[row[2] for row in rows],
        replicate=[row[3] for row in rows],
    )
    said = answer(observed, Question(groups=("condition", "time_point_h"), compare="condition", growth=True))
    assert sum(group.objects.n + group.objects.missing for group in said.groups) == len(rows)
    assert_explained(asdict(said))


def assert_explained(said: object) -> None:
    """No NaN anywhere, and each figure that is missing has its reason."""
    if isinstance(said, dict):
        if isinstance(reasons := said.get("not_given"), dict):
            left = {
                name
                for name, value in said.items()
                if value is None and name not in {"within", "plate", "first", "second"}
            }
            assert left == set(reasons), said
        for value in said.values():
            assert_explained(value)
    elif isinstance(said, list | tuple):
        for value in said:
            assert_explained(value)
    elif isinstance(said, float):
        assert np.isfinite(said)


def test_the_bootstrap_is_repeatable_and_follows_the_skew() -> None:
    values = np.array([3, 5, 7, 18, 43, 85, 91, 98, 100, 130, 230, 487.0])  # R, package boot, data set aircondit
    first, second = summary_of(values), summary_of(values)
    assert first == second
    assert first.bootstrap_interval is not None
    assert first.mean is not None
    below, above = first.mean - first.bootstrap_interval.low, first.bootstrap_interval.high - first.mean
    assert above > 1.5 * below
    assert summary_of(values[:4]).not_given["bootstrap_interval"] == "4 values; resampling needs 5"
    assert "1001 values" in summary_of(np.arange(1001.0)).not_given["bootstrap_interval"]


def test_outliers_are_flagged_and_still_counted() -> None:
    said = answer(table([1, 2, 3, 4, 100], image=list("abcde")), Question())
    (group,) = said.groups
    assert (group.outliers.count, group.objects.n, group.objects.maximum) == (1, 5, 100)
    assert group.outliers.first[0].name == "object 4"
    assert (group.outliers.low, group.outliers.high) == (2 - 1.5 * 2, 4 + 1.5 * 2)
    by_mad = flagged(np.array([1, 2, 3, 4, 100.0]), list("abcde"), OutlierRule.MODIFIED_Z)
    assert by_mad.high == pytest.approx(3 + 3.5 / 0.6745)
    assert "no spread" in str(flagged(np.array([5, 5, 5, 5, 9.0]), list("abcde"), OutlierRule.TUKEY).not_given)
    assert "3 values" in str(flagged(np.array([5, 5, 9.0]), list("abc"), OutlierRule.TUKEY).not_given)


TIMES = np.repeat([0.0, 24, 48, 72, 96], 3)
REPLICATES: list[Level] = [1, 2, 3] * 5


def test_the_rate_is_the_mean_over_replicates() -> None:
    rates = np.array([0.02, 0.03, 0.04] * 5)
    found = growth_of({}, TIMES, 100 * np.exp(rates * TIMES), REPLICATES)
    assert found.per_replicate
    assert found.n == 3
    assert found.rate_per_h == pytest.approx(0.03)
    assert found.rate_interval is not None
    assert found.rate_interval.high - 0.03 == pytest.approx(4.302653 * 0.01 / 3**0.5, rel=1e-6)  # t with 2 df
    assert found.doubling_time_h == pytest.approx(np.log(2) / 0.03)
    assert found.start == pytest.approx(100)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.array([100.0, 101, 99, 101, 100, 102, 99, 101, 100, 100, 99, 101, 101, 99, 100]), "told from 0"),
        (np.array([1.0] * 14 + [0.0]), "zero or below"),
        (100 + 2 * TIMES + np.array([0, 1, -1] * 5), "not exponential"),
    ],
)
def test_a_doubling_time_that_is_not_warranted_is_refused(values: np.ndarray, why: str) -> None:
    found = growth_of({}, TIMES, values, REPLICATES)
    assert found.doubling_time_h is None
    assert why in found.not_given["doubling_time_h"]


def test_two_times_are_no_growth_curve() -> None:
    found = growth_of({}, TIMES[:6], np.exp(TIMES[:6]), REPLICATES[:6])
    assert "2 times" in found.not_given["rate_per_h"]


DOSES = np.repeat([0.0, 0.1, 1, 10, 100, 1000], 3)
NOISE = np.random.default_rng(3).normal(0, 1, DOSES.size)


@pytest.mark.parametrize(("lower", "upper"), [(20.0, 100.0), (100.0, 20.0)])
def test_a_dose_response_is_found_falling_and_rising(lower: float, upper: float) -> None:
    found = dose_response_of(DOSES, logistic(DOSES, lower, upper, np.log(8.0), 1.3) + NOISE)
    assert found.refused is None
    for parameter, truth in ((found.lower, lower), (found.upper, upper), (found.ec50, 8), (found.slope, 1.3)):
        assert parameter is not None
        assert parameter.interval.low < truth < parameter.interval.high


@pytest.mark.parametrize(
    ("doses", "values", "why"),
    [
        (DOSES[:12], NOISE[:12], "4 doses"),
        (DOSES, 100 + NOISE, "told from chance"),
        (DOSES, logistic(DOSES, 0, 100, float(np.log(3_000)), 1) + NOISE, "goes on beyond them"),
        (DOSES, logistic(DOSES, 0, 100, float(np.log(0.03)), 1) + NOISE, "outside of the doses"),
        (DOSES, np.full(DOSES.size, 3.0), "no response"),
    ],
)
def test_a_dose_response_that_is_not_warranted_is_refused(doses: np.ndarray, values: np.ndarray, why: str) -> None:
    found = dose_response_of(doses, values)
    assert found.ec50 is None
    assert why in str(found.refused)


def test_z_prime_says_what_it_lacks() -> None:
    one, many = np.array([1.0]), np.array([1.0, 2.0, 3.0])
    assert "1 wells of the positive" in quality_of("P", one, many).not_given["z_prime"]
    assert quality_of("P", many, many).not_given["z_prime"] == "the controls have the same mean"


def test_controls_are_wells_of_their_plate() -> None:
    rows = table(
        [10, 12, 11, 11, 1, 3, 2, 2],
        condition=["+"] * 4 + ["-"] * 4,
        plate=["P"] * 8,
        well=["A01", "A01", "A02", "A02", "B01", "B01", "B02", "B02"],
    )
    (plate,) = answer(rows, Question(positive="+", negative="-")).plates
    assert (plate.positive.n, plate.negative.n, plate.z_prime) == (2, 2, 1)


def test_groups_without_spread_have_no_invented_p() -> None:
    (pair,) = compare("c", {}, {"a": np.array([1.0, 1, 1]), "b": np.array([2.0, 2, 2])}, None).pairs
    assert (pair.welch, pair.hedges_g, pair.cliffs_delta) == (None, None, 1)
    assert pair.not_given["welch"] == "neither has any spread"
    assert pair.mann_whitney is not None


def test_an_answer_is_the_same_however_rows_are_ordered() -> None:
    order = np.random.default_rng(0).permutation(8)
    shuffled = Observations(
        TWO_REPLICATES.values[order],
        {name: [column[at] for at in order] for name, column in TWO_REPLICATES.factors.items()},
        [TWO_REPLICATES.names[at] for at in order],
    )
    question = Question(groups=("condition",), compare="condition")

    def figures(said: Answer) -> list[object]:
        return [said.groups[0].units, said.groups[1].units, said.comparisons]

    assert figures(answer(shuffled, question)) == figures(answer(TWO_REPLICATES, question))
