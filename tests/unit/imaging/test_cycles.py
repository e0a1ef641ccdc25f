"""Cycles of permutations: the same by walking and by graph, as their definition says."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spheroseg.imaging.cycles import by_graph, cycles_of, walked


@settings(deadline=None, max_examples=50)  # SciPy is imported by the first
@given(st.integers(1, 60).flatmap(lambda count: st.permutations(range(count))))
def test_both_ways_give_each_cycle_from_its_smallest_element(permutation: list[int]) -> None:
    successor = np.array(permutation)
    order, starts = walked(successor)
    by_scipy, starts_by_scipy = by_graph(successor)
    assert (order == by_scipy).all()
    assert (starts == starts_by_scipy).all()
    cycles = [order[begin:end].tolist() for begin, end in pairwise(starts)]
    assert sorted(order.tolist()) == list(range(successor.size))
    assert [cycle[0] for cycle in cycles] == sorted(min(cycle) for cycle in cycles)
    for cycle in cycles:
        assert [permutation[element] for element in cycle] == [*cycle[1:], cycle[0]]


@pytest.mark.parametrize("count", [0, 2_000])
def test_none_and_many(count: int) -> None:
    order, starts = cycles_of(np.roll(np.arange(count), -1))
    assert order.tolist() == list(range(count))
    assert starts.tolist() == ([0, count] if count else [0])
