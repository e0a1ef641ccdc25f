"""Cycles of permutations: as their definition says."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spheroseg.imaging.cycles import cycles_of


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 60).flatmap(lambda count: st.permutations(range(count))), st.data())
def test_cycles_come_each_from_the_smallest_element_that_may_begin_it(
    permutation: list[int], data: st.DataObject
) -> None:
    cycles = walked(permutation)
    may_begin = set(data.draw(st.sets(st.sampled_from(permutation))))
    may_begin |= {cycle[-1] for cycle in cycles if not may_begin.intersection(cycle)}

    order, starts = cycles_of(np.array(permutation), np.isin(np.arange(len(permutation)), list(may_begin)))

    expected = []
    for cycle in cycles:
        place = cycle.index(min(may_begin.intersection(cycle)))
        expected.append([*cycle[place:], *cycle[:place]])
    assert [order[begin:end].tolist() for begin, end in pairwise(starts)] == sorted(expected)


def walked(permutation: list[int]) -> list[list[int]]:
    """Element by element."""
    left = set(permutation)
    cycles = []
    while left:
        cycle = [left.pop()]
        while (following := permutation[cycle[-1]]) != cycle[0]:
            cycle.append(following)
            left.remove(following)
        cycles.append(cycle)
    return cycles


@pytest.mark.parametrize("count", [0, 1, 2_000])
def test_one_cycle_of_none_one_and_many(count: int) -> None:
    order, starts = cycles_of(np.roll(np.arange(count), -1), np.ones(count, bool))
    assert order.tolist() == list(range(count))
    assert starts.tolist() == ([0, count] if count else [0])
