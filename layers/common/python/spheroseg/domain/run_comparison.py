"""Two runs of one image compared: which spheroid of one is which of the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """A spheroid of each run that are the same one; ``iou`` is their shared pixels divided by those of either."""

    first: int
    second: int
    iou: float


@dataclass(frozen=True)
class RunComparison:
    """What two runs of one image have in common.

    Args:
        threshold: Partners have an IoU above it; from 0.5 on no spheroid has two.
        pairs: In order of the first run's numbers.
        lost: Numbers of the first run's spheroids without partner, ascending.
        added: Numbers of the second run's spheroids without partner, ascending.
    """

    threshold: float
    pairs: Sequence[Pair]
    lost: Sequence[int]
    added: Sequence[int]

    @property
    def mean_iou(self) -> float | None:
        """Mean over the pairs; None without any."""
        return sum(pair.iou for pair in self.pairs) / len(self.pairs) if self.pairs else None


def paired(
    first: Mapping[int, int], second: Mapping[int, int], shared: Mapping[tuple[int, int], int], threshold: float = 0.5
) -> RunComparison:
    """Pair the spheroids of two runs over the same pixels.

    Args:
        first, second: Pixels of each spheroid of a run, by its number.
        shared: Pixels that a spheroid of each has in common, by their numbers, where there are any.
        threshold: 0.5 to below 1.
    """
    if not 0.5 <= threshold < 1:
        raise ValueError(f"The threshold of a comparison is from 0.5 to below 1, not {threshold:g}")
    pairs = []
    for (one, other), common in sorted(shared.items()):
        iou = common / (first[one] + second[other] - common)
        if iou > threshold:
            pairs.append(Pair(one, other, iou))
    return RunComparison(
        threshold=threshold,
        pairs=pairs,
        lost=sorted(first.keys() - {pair.first for pair in pairs}),
        added=sorted(second.keys() - {pair.second for pair in pairs}),
    )
