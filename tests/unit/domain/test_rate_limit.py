"""Budgets that refill evenly."""

from hypothesis import given
from hypothesis import strategies as st

from spheroseg.domain.rate_limit import Charge, RateLimit, charged

LIMIT = RateLimit(per_s=10, burst=5)
NOW_US = 1_800_000_000_000_000.0


def test_a_burst_is_granted_and_then_one_by_one() -> None:
    full_at_us = 0.0
    lefts = []
    for _ in range(5):
        allowance, full_at_us = charged(Charge("a", LIMIT), full_at_us, NOW_US)
        lefts.append(allowance.left)
    assert lefts == [4, 3, 2, 1, 0]
    refused, unchanged = charged(Charge("a", LIMIT), full_at_us, NOW_US)
    assert (refused.is_granted, refused.left, refused.retry_after_s) == (False, 0, 0.1)
    assert (refused.full_after_s, unchanged) == (0.5, full_at_us)
    assert charged(Charge("a", LIMIT), full_at_us, NOW_US + 99_000)[0].is_granted is False
    assert charged(Charge("a", LIMIT), full_at_us, NOW_US + 100_000)[0].is_granted is True


def test_what_costs_more_than_the_burst_takes_all_of_it() -> None:
    allowance, full_at_us = charged(Charge("a", LIMIT, cost=1_000), 0.0, NOW_US)
    assert (allowance.is_granted, allowance.left) == (True, 0)
    assert charged(Charge("a", LIMIT, cost=1_000), full_at_us, NOW_US)[0].retry_after_s == 0.5


@given(
    st.floats(0.1, 5_000),
    st.integers(1, 1_000),
    st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(1, 50)), max_size=60),
)
def test_no_more_is_granted_than_came_back(per_s: float, burst: int, asked: list[tuple[int, int]]) -> None:
    """Over any time, whatever is asked for when; and who waits as told is served."""
    limit, now_us, full_at_us, granted = RateLimit(per_s, burst), NOW_US, 0.0, 0
    for pause_us, cost in asked:
        now_us += pause_us
        allowance, full_at_us = charged(Charge("a", limit, cost), full_at_us, now_us)
        if allowance.is_granted:
            granted += min(cost, burst)
        else:
            waited_us = now_us + allowance.retry_after_s * 1e6
            assert charged(Charge("a", limit, cost), full_at_us, waited_us)[0].is_granted
        assert 0 <= allowance.left <= burst
        assert granted <= burst + per_s * (now_us - NOW_US) / 1e6 + 1e-3 * len(asked)
