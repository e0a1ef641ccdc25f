"""Two label images of the same scene: which object of one is which object of the other.

Works on runs of equal pixels, not on pixels, and on the pairs that do overlap, not on all pairs.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]

PIXELS_AT_A_TIME = 4_000_000
"""Compared at once, so that a large image needs little memory beside itself."""

LARGEST_NUMBER = 2**31 - 1
"""Of an object: two of them make one 64-bit key."""


@dataclass(frozen=True)
class Overlaps:
    """Every object of two label images, and every pair of them that shares pixels.

    Args:
        first, second: Numbers of the objects, ascending.
        first_areas, second_areas: Their pixels.
        first_at, second_at: For each pair that shares pixels the places of both in ``first`` and ``second``.
        shared: Pixels that each pair shares.
    """

    first: Indices
    second: Indices
    first_areas: Indices
    second_areas: Indices
    first_at: Indices
    second_at: Indices
    shared: Indices

    @cached_property
    def iou(self) -> Floats:
        """Of each pair: shared pixels divided by those of either, above 0 and up to 1."""
        either = self.first_areas[self.first_at] + self.second_areas[self.second_at] - self.shared
        ratio: Floats = self.shared / either
        return ratio

    @property
    def best_iou(self) -> Floats:
        """For each object of the first image the largest IoU that one of the second has with it; 0 without any."""
        best = np.zeros(self.first.size)
        np.maximum.at(best, self.first_at, self.iou)
        return best

    @property
    def foreground_iou(self) -> float:
        """Pixels in an object of both, divided by those in an object of either; 1 when there is no object in either."""
        shared = int(self.shared.sum())
        either = int(self.first_areas.sum() + self.second_areas.sum()) - shared
        return shared / either if either else 1.0

    @property
    def foreground_dice(self) -> float:
        """Twice the pixels in an object of both, divided by the pixels of all objects; 1 when there is no object.

        Source: Dice, L. R. (1945), Ecology 26(3), 297-302.
        """
        total = int(self.first_areas.sum() + self.second_areas.sum())
        return 2 * int(self.shared.sum()) / total if total else 1.0


@dataclass(frozen=True)
class Matching:
    """Objects of two label images, each with at most one partner in the other.

    Args:
        threshold: Partners have an IoU above it.
        first, second: Numbers of the partners, pair by pair, in order of the first.
        iou: IoU of each pair.
        first_areas, second_areas: Pixels of the partners.
        missed: Objects of the first image without partner, ascending.
        added: Objects of the second image without partner, ascending.
    """

    threshold: float
    first: Indices
    second: Indices
    iou: Floats
    first_areas: Indices
    second_areas: Indices
    missed: Indices
    added: Indices

    @property
    def average_precision(self) -> float:
        """Pairs / (pairs + missed + added): AP at this threshold; 1 when there is no object in either image.

        Source: 2018 Data Science Bowl; Caicedo, J. C. et al. (2019), Nature Methods 16, 1247-1253.
        """
        total = self.iou.size + self.missed.size + self.added.size
        return self.iou.size / total if total else 1.0

    @property
    def precision(self) -> float | None:
        """Share of the second image's objects that have a partner; None without objects there."""
        total = self.iou.size + self.added.size
        return self.iou.size / total if total else None

    @property
    def recall(self) -> float | None:
        """Share of the first image's objects that have a partner; None without objects there."""
        total = self.iou.size + self.missed.size
        return self.iou.size / total if total else None

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 2 · pairs / all objects; 1 when there is no object."""
        total = 2 * self.iou.size + self.missed.size + self.added.size
        return 2 * self.iou.size / total if total else 1.0

    @property
    def panoptic_quality(self) -> float:
        """F1 × mean IoU of the pairs; 1 when there is no object in either image.

        Source: Kirillov, A. et al. (2019), Panoptic Segmentation, CVPR, 9404-9413; defined there at threshold 0.5.
        """
        if not self.iou.size:
            return self.f1
        return self.f1 * float(self.iou.mean())


def overlaps_of(first: NDArray[Any], second: NDArray[Any]) -> Overlaps:
    """What the objects of two label images share.

    Args:
        first, second: (h, w) integers of any type, 0 is background; an object may be in pieces.

    Raises:
        ValueError: the images differ in size, or are no label images (not of integers from 0 to 2³¹ - 1).
    """
    if first.shape != second.shape:
        raise ValueError(f"Label images of different size: {_size(first)} and {_size(second)} px")
    for labels in (first, second):
        _check(labels)
    keys, counts = _table(first, second)
    first_number, second_number = keys >> 32, keys & 0xFFFFFFFF
    firsts, first_at, first_areas = _totals(first_number, counts)
    seconds, second_at, second_areas = _totals(second_number, counts)
    both = (first_at >= 0) & (second_at >= 0)
    return Overlaps(
        first=firsts,
        second=seconds,
        first_areas=first_areas,
        second_areas=second_areas,
        first_at=first_at[both],
        second_at=second_at[both],
        shared=counts[both],
    )


def match(overlaps: Overlaps, threshold: float = 0.5) -> Matching:
    """Pair objects one to one, each pair with an IoU above the threshold.

    From 0.5 an object has one possible partner at most. Below, as many pairs as possible are made, and among the ways
    to make so many the one with the largest sum of IoU is taken (sparse Jonker-Volgenant assignment of SciPy).

    Args:
        threshold: From 0 to below 1.

    Raises:
        ValueError: the threshold is out of its range.
    """
    if not 0 <= threshold < 1:
        raise ValueError(f"The threshold of a matching is from 0 to below 1, not {threshold:g}")
    pairs = np.flatnonzero(overlaps.iou > threshold)
    if threshold < 0.5:
        pairs = pairs[_assigned(overlaps, pairs)]
    pairs = pairs[np.argsort(overlaps.first_at[pairs], kind="stable")]
    first_at, second_at = overlaps.first_at[pairs], overlaps.second_at[pairs]
    return Matching(
        threshold=threshold,
        first=overlaps.first[first_at],
        second=overlaps.second[second_at],
        iou=overlaps.iou[pairs],
        first_areas=overlaps.first_areas[first_at],
        second_areas=overlaps.second_areas[second_at],
        missed=np.delete(overlaps.first, first_at),
        added=np.delete(overlaps.second, second_at),
    )


def _size(labels: NDArray[Any]) -> str:
    return " × ".join(str(side) for side in reversed(labels.shape))


def _check(labels: NDArray[Any]) -> None:
    if labels.ndim != 2 or labels.dtype.kind not in "iu":
        raise ValueError(f"A label image has two dimensions and integers, not {labels.ndim} and {labels.dtype}")
    if labels.size and not 0 <= labels.min() <= labels.max() <= LARGEST_NUMBER:
        raise ValueError(f"Numbers of objects are from 0 to {LARGEST_NUMBER}, not {labels.min()} to {labels.max()}")


def _table(first: NDArray[Any], second: NDArray[Any]) -> tuple[Indices, Indices]:
    """The pairs of numbers that occur in one pixel, as keys (first · 2³² + second), and the pixels of each."""
    height, width = first.shape
    rows = max(1, PIXELS_AT_A_TIME // max(1, width))
    keys, counts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for top in range(0, height if width else 0, rows):
        one, other = first[top : top + rows].ravel(), second[top : top + rows].ravel()
        changes = np.flatnonzero((one[1:] != one[:-1]) | (other[1:] != other[:-1])) + 1
        begins = np.concatenate([[0], changes])
        lengths = np.diff(begins, append=one.size)
        found, sums = _summed((one[begins].astype(np.int64) << 32) | other[begins].astype(np.int64), lengths)
        keys.append(found)
        counts.append(sums)
    return _summed(np.concatenate(keys), np.concatenate(counts))


def _summed(keys: Indices, counts: Indices) -> tuple[Indices, Indices]:
    """Equal keys joined, ascending, and the sums of their counts."""
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    begins = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if keys.size else np.empty(0, np.int64)
    return keys[begins], np.add.reduceat(counts[order], begins) if keys.size else counts


def _totals(numbers: Indices, counts: Indices) -> tuple[Indices, Indices, Indices]:
    """The objects' numbers, the place of each entry among them (-1: background), and their pixels."""
    found, at = np.unique(numbers, return_inverse=True)
    sums = np.zeros(found.size, np.int64)
    np.add.at(sums, at, counts)
    background = int(found.size > 0 and found[0] == 0)
    return found[background:], at - background, sums[background:]


def _assigned(overlaps: Overlaps, pairs: Indices) -> Indices:
    """Which of the possible pairs are made, as places in ``pairs``."""
    if not pairs.size:
        return pairs
    _, row = np.unique(overlaps.first_at[pairs], return_inverse=True)
    _, column = np.unique(overlaps.second_at[pairs], return_inverse=True)
    rows, columns = int(row.max()) + 1, int(column.max()) + 1
    # A pair counts 1, and the IoUs of all pairs together less than one more pair. Every row may also stay alone, in a
    # column of its own, which counts 0; all weights stand 1 higher, because a sparse matrix has no edge of weight 0.
    worth = 2 + overlaps.iou[pairs] / (min(rows, columns) + 1)
    alone = np.arange(rows)
    weights = csr_array(
        (
            np.concatenate([worth, np.ones(rows)]),
            (np.concatenate([row, alone]), np.concatenate([column, columns + alone])),
        ),
        shape=(rows, columns + rows),
    )
    chosen_row, chosen_column = min_weight_full_bipartite_matching(weights, maximize=True)
    partner = np.full(rows, -1)
    partner[chosen_row] = chosen_column
    return np.flatnonzero(partner[row] == column)
