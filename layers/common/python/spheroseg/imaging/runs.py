"""Label images as runs: stretches of a row with one label. All that is known of outlines and areas stands in them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spheroseg.imaging.mapped import release
from spheroseg.imaging.side_by_side import each_of

Labels = NDArray[np.int32]
Indices = NDArray[np.int64]

PIXELS_AT_A_TIME = 250_000
"""Compared at once: what fits into the processor's cache. A large image then needs little memory beside itself."""

WORD = 8
"""Pixels that are looked at at once."""


class Runs(NamedTuple):
    """All runs of a label image.

    Args:
        row: (n,) y.
        begin, end: (n,) first column, and the one after the last.
        label: (n,) what the pixels hold; never 0.
    """

    row: Indices
    begin: Indices
    end: Indices
    label: Indices

    def part(self, first: int, last: int) -> "Runs":
        """Those from ``first`` to before ``last``."""
        return Runs(*(values[first:last] for values in self))


def runs_of(labels: Labels) -> Runs:
    """The runs of a label image by label, and of each label by row and column.

    Args:
        labels: (h, w) int32, 0 is background.
    """
    height, width = labels.shape
    if not labels.size:
        return Runs(*(np.zeros(0, np.int64) for _ in range(4)))
    rows = max(1, PIXELS_AT_A_TIME // width)

    def runs_below(top: int) -> tuple[Indices, Indices, Labels]:
        flat = labels[top : top + rows].reshape(-1)
        changes = _changes(flat, width)
        values = flat[changes]
        kept = np.flatnonzero(values)
        changes += top * width
        begins = changes[kept]
        ends = np.append(changes, top * width + flat.size)[kept + 1]
        release(labels)
        return begins, ends, values[kept]

    begins, ends, names = zip(*each_of(runs_below, range(0, height, rows)), strict=True)
    begin, end, label = np.concatenate(begins), np.concatenate(ends), np.concatenate(names).astype(np.int64)
    by_label = order_of(label, 32)
    begin, end, label = begin[by_label], end[by_label], label[by_label]
    row = begin // width  # much faster than divmod
    start = row * width
    return Runs(row, begin - start, end - start, label)


def is_new(label: Indices) -> NDArray[np.bool_]:
    """Where labels that ascend differ from the one before."""
    differs = np.ones(label.size, bool)
    np.not_equal(label[1:], label[:-1], out=differs[1:])
    return differs


def order_of(key: Indices, bits: int) -> Indices:
    """The order that sorts ``key``; what is equal stays in its order.

    Whole numbers that carry their place along are sorted several times faster than places are.

    Args:
        bits: No key needs more, its sign left out.
    """
    place_bits = int(key.size).bit_length()
    if bits + place_bits > 63:
        return np.argsort(key, kind="stable")
    packed = key << place_bits
    packed |= np.arange(key.size)
    packed.sort()
    packed &= (1 << place_bits) - 1
    return packed


def _changes(flat: Labels, width: int) -> Indices:
    """Where rows of labels change; their first pixels where something is there, or at the end of the row before.

    Changes are few, so as many pixels are looked at at a time as a word has bytes.
    """
    differs = np.empty(-(-flat.size // WORD) * WORD, bool)
    np.not_equal(flat[1:], flat[:-1], out=differs[1 : flat.size])
    differs[flat.size :] = False
    differs[0] = flat[0] != 0
    at_border = flat[width::width] != 0
    at_border |= flat[width - 1 : -1 : width] != 0
    if at_border.any():
        differs[width : flat.size : width] |= at_border
    words = differs.view(np.uint64)
    places = np.flatnonzero(words != 0)
    found = np.flatnonzero(words[places].view(bool))
    changes: Indices = (places * WORD)[found // WORD]
    changes += found % WORD
    return changes
