"""Choices of pages."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spheroseg.domain.pages import Pages
from spheroseg.errors import InvalidPagesError, PageNotFoundError

COUNT = 60
TZC = Pages(24, "TZC", (3, 4, 2))

ranges = st.tuples(st.integers(1, COUNT), st.integers(1, COUNT)).map(sorted)
spaces = st.sampled_from(["", " ", "  "])


@given(st.lists(st.tuples(ranges, st.booleans(), spaces), min_size=1, max_size=8))
def test_a_choice_names_what_its_ranges_hold(parts: Sequence[tuple[list[int], bool, str]]) -> None:
    named: set[int] = set()
    words = []
    for (first, last), single, space in parts:
        words.append(f"{space}{first}{space}" if single else f"{first}{space}-{space}{last}")
        named |= {first} if single else set(range(first, last + 1))
    chosen = Pages(COUNT).chosen(",".join(words))
    assert chosen == tuple(sorted(named))


@given(st.sets(st.integers(1, COUNT), min_size=1))
def test_numbers_one_by_one_are_a_choice(numbers: set[int]) -> None:
    assert Pages(COUNT).chosen(",".join(map(str, numbers))) == tuple(sorted(numbers))


@given(st.text(alphabet="0123456789-, al", max_size=12))
def test_whatever_is_written_is_a_choice_or_refused(text: str) -> None:
    try:
        chosen = Pages(COUNT).chosen(text)
    except (InvalidPagesError, PageNotFoundError):
        return
    assert chosen
    assert set(chosen) <= set(range(1, COUNT + 1))


def test_all_are_all() -> None:
    assert Pages(3).chosen(" All ") == (1, 2, 3)


@pytest.mark.parametrize("text", ["", "0", "3-2", "1,,2", "-1", "1-", "1-2-3", "one", "1;2", "1.5", "+1", "١"])
def test_what_is_no_choice_is_refused(text: str) -> None:
    with pytest.raises(InvalidPagesError):
        Pages(COUNT).chosen(text)


def test_a_page_beyond_the_last_one_is_told_with_the_count() -> None:
    with pytest.raises(PageNotFoundError, match="The file has 15 pages, page 16 was asked for"):
        Pages(15).chosen("1-3,10-16")
    with pytest.raises(PageNotFoundError, match="The file has 1 page, page 999999999 was asked for"):
        Pages(1).chosen("1-999999999")


def test_a_channel_is_chosen_by_its_number() -> None:
    assert TZC.chosen("all", channel=2) == tuple(range(2, 25, 2))
    assert TZC.chosen("1-4", channel=1) == (1, 3)
    assert Pages(24, "CTZ", (2, 3, 4)).chosen("all", channel=2) == tuple(range(13, 25))
    assert Pages(4, "Z", (4,)).chosen("2-3", channel=1) == (2, 3)
    for channel in (0, 3):
        with pytest.raises(InvalidPagesError, match="The file has 2 channels"):
            TZC.chosen("all", channel)
    with pytest.raises(InvalidPagesError, match="None of the pages 1 is of channel 2"):
        TZC.chosen("1", channel=2)
    with pytest.raises(InvalidPagesError, match="The file has 1 channel, not channel 2"):
        Pages(5).chosen("all", channel=2)
