"""Which outer ring each hole lies in, for objects in any number of pieces, with holes in pieces in holes.

From the pixel above a hole's highest edge the way goes left along its run to where the object ends. The ring there
belongs to the same piece of the object. If it is a hole, it reaches higher up than the first one; so the way ends at
the piece's outer ring. All holes take their step at once, and then twice as many steps each time.
"""

import numpy as np
from numpy.typing import NDArray

from spheroseg.imaging.runs import Indices, Runs, is_new, order_of


def owners_of(corners: Indices, starts: Indices, label: Indices, area: Indices, runs: Runs) -> Indices:
    """The outer ring that each ring belongs to: for an outer ring itself.

    Args:
        corners, starts, label, area: As in ``spheroseg.imaging.boundaries.Rings``.
        runs: Of the same objects.
    """
    outer = area > 0
    # Right where the object is in one piece: its holes follow it.
    owner = np.maximum.accumulate(np.where(outer, np.arange(label.size), 0))
    named = label[outer]
    if (named[1:] != named[:-1]).all():
        return owner
    first = np.flatnonzero(is_new(label))
    ring_counts = np.diff(np.append(first, label.size))
    pieces = np.add.reduceat(outer.astype(np.int64), first)
    unclear = (pieces > 1) & (ring_counts > pieces)
    if not unclear.any():
        return owner
    rings = np.flatnonzero(np.repeat(unclear, ring_counts))
    which = np.repeat(np.arange(first.size), ring_counts)[rings]
    holes, beside = _rings_beside(corners, starts, rings, which, outer[rings], runs)
    owner[holes] = beside
    while True:
        farther = owner[owner]
        if np.array_equal(farther, owner):
            return owner
        owner = farther


def _rings_beside(
    corners: Indices, starts: Indices, rings: Indices, which: Indices, outer: NDArray[np.bool_], runs: Runs
) -> tuple[Indices, Indices]:
    """The holes among some rings, and for each one the ring to the left of the pixel above it.

    Args:
        rings: (n,) all rings of some objects.
        which: (n,) index of each one's object among all.
        outer: (n,) which of them are no holes.
    """
    # A horizontal edge leads from each even corner to an odd one, and a vertical one on to the next even one.
    counts = np.diff(starts)[rings] // 2
    begins = np.cumsum(counts) - counts
    edge = np.arange(int(counts.sum()))
    edge += np.repeat(starts[rings] // 2 - begins, counts)
    x, y = corners[2 * edge + 1].T
    following = np.append(y[1:], 0)
    following[begins + counts - 1] = y[begins]

    # The object lies to the right of the way: of edges that lead upwards, at the left end of runs.
    height, width = int(runs.row.max()) + 1, int(runs.end.max())
    upwards = np.flatnonzero(following < y)
    at = np.repeat(np.arange(rings.size), counts)[upwards]
    columns = (which[at] * width + x[upwards]) * height + following[upwards]
    order = order_of(columns, int(columns.max()).bit_length())

    above, rows = _pixels_above(x, y, begins)
    hole = np.flatnonzero(~outer)
    above, rows, objects = above[hole], rows[hole], which[hole]
    places = (np.cumsum(is_new(runs.label)) - 1) * height + runs.row
    places *= width
    places += runs.begin
    run = np.searchsorted(places, (objects * height + rows) * width + above, side="right") - 1
    wanted = (objects * width + runs.begin[run]) * height + rows
    found = order[np.searchsorted(columns[order], wanted, side="right") - 1]
    return rings[hole], rings[at[found]]


def _pixels_above(x: Indices, y: Indices, begins: Indices) -> tuple[Indices, Indices]:
    """Column and row of a pixel above the highest edge of each ring.

    Args:
        x, y: (edges,) of each horizontal edge its second corner, which of a hole's highest edge is the left one.
        begins: (rings,) where each ring starts in them.
    """
    highest = np.minimum.reduceat(y * y.size + np.arange(y.size), begins) % y.size
    return x[highest], y[highest] - 1
