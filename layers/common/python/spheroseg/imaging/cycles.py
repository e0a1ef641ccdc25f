"""The cycles of a permutation: boundary pieces, each followed by another one, to closed rings."""

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

STEPS_BITS = 31
"""Of a packed number, those for how far something is; the others are for what it is."""


def cycles_of(successor: Indices, may_begin: NDArray[np.bool_]) -> tuple[Indices, Indices]:
    """The elements cycle by cycle, each from the smallest that may begin it, and where each cycle starts, and the end.

    Cycles come in order of these elements. Every element looks ahead for the smallest one, twice as far each
    time, which takes as many steps as the longest cycle's length has bits, for all elements at once.

    Args:
        successor: (n,) a permutation of 0 to n - 1; n is below 2³¹.
        may_begin: (n,) True for at least one element of each cycle.

    Source: pointer jumping, Wyllie, J. C. (1979), The complexity of parallel computations, Cornell University.
    """
    count = successor.size
    if not count:
        return np.zeros(0, np.int64), np.zeros(1, np.int64)
    elements = np.arange(count)
    # The smallest element ahead, and how many steps it is away: the smaller number is the smaller element, or the same
    # in fewer steps.
    ahead = np.where(may_begin, elements, count) << STEPS_BITS
    jump, reach = successor, 1
    while True:
        farther = ahead[jump]
        farther += reach
        if (farther >= ahead).all():
            break
        np.minimum(ahead, farther, out=ahead)
        jump = jump[jump]
        reach *= 2
    first = ahead >> STEPS_BITS
    steps = ahead & ((1 << STEPS_BITS) - 1)
    sizes = np.bincount(first, minlength=count)
    starts = np.cumsum(sizes)
    starts -= sizes
    order = np.empty(count, np.int64)
    order[starts[first] + np.where(steps, sizes[first] - steps, 0)] = elements
    return order, np.append(starts[sizes > 0], count)
