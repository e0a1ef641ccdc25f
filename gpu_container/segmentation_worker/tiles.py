"""Objects of a view too large for one run of the network: found in overlapping tiles, joined by their labels."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segmentation_worker.instances import Labels, Probability, Seen
from spheroseg.imaging.mapped import release, steps, zeros_in_file

CORE_PX = 768
"""A tile keeps this part of what it sees. Core and margin are multiples of every network's step (``multiple_px``): the
same pixel at another place of that grid gets another probability, which changed areas by up to a tenth."""
MARGIN_PX = 128
"""Wide enough that objects of the size at which a view is looked at lie whole in a tile that keeps a part of them, with
what surrounds them."""
STRIP_PX = 64
"""Along this much of the margin the labels of neighbours are compared; what lies further out lacks surroundings."""

Look = Callable[[slice, slice], tuple[Probability, Seen]]
"""What the network makes of a window of the view: the foreground, and the objects in it."""


@dataclass(frozen=True)
class _Tile:
    core: tuple[slice, slice]
    window: tuple[slice, slice]

    @property
    def inner(self) -> tuple[slice, slice]:
        """The core within the window."""
        return _relative(self.core, self.window)


@dataclass
class _Fragments:
    """What tiles found, by number: which belong together, their boxes, areas and the sharpness of their rims."""

    parent: list[int] = field(default_factory=lambda: [0])
    boxes: list[tuple[int, int, int, int]] = field(default_factory=lambda: [(0, 0, 0, 0)])
    areas: list[int] = field(default_factory=lambda: [0])
    is_kept: list[bool] = field(default_factory=lambda: [False])
    sharpness: list[float] = field(default_factory=lambda: [np.nan])

    def add(self, box: tuple[int, int, int, int], area: int, sharpness: float, *, is_kept: bool) -> int:
        """A new fragment: its top, left, bottom and right, how many pixels it has, and how sharp its rim is."""
        self.parent.append(len(self.parent))
        self.boxes.append(box)
        self.areas.append(area)
        self.is_kept.append(is_kept)
        self.sharpness.append(sharpness)
        return len(self.parent) - 1

    def root(self, number: int) -> int:
        """The first fragment of the object that a fragment belongs to."""
        while self.parent[number] != number:
            self.parent[number] = number = self.parent[self.parent[number]]
        return number

    def join(self, one: int, other: int) -> None:
        """Both are of the same object."""
        one, other = sorted((self.root(one), self.root(other)))
        self.parent[other] = one


def objects_in_tiles(shape: tuple[int, int], look: Look, folder: Path) -> tuple[Seen, NDArray[np.uint8]]:
    """All objects of a view, as if the network had seen it at once, and its foreground: (h, w), 255 for 1.

    Each tile labels what it sees with its surroundings and keeps the labels of its core. Two labels of neighbours are
    the same object when each is the other's best match in the strip that both have seen.

    Args:
        shape: Height and width of the view.
        folder: Where labels and foreground lie meanwhile.
    """
    labels: Labels = zeros_in_file(shape, np.int32, folder)
    solid: NDArray[np.uint8] = zeros_in_file(shape, np.uint8, folder)
    foreground: NDArray[np.uint8] = zeros_in_file(shape, np.uint8, folder)
    fragments = _Fragments()
    for tile in _tiles(shape):
        probability, seen = look(*tile.window)
        foreground[tile.core] = np.rint(255 * probability[tile.inner])
        solid[tile.core] = np.rint(255 * seen.foreground[tile.inner])
        numbers = _numbered(seen, tile, fragments)
        for strip in _strips(tile):
            _join_matching(labels[strip], numbers[seen.labels[_relative(strip, tile.window)]], fragments)
        labels[tile.core] = numbers[seen.labels[tile.inner]]
        if tile.core[1].stop == shape[1]:  # the end of a row of tiles
            for array in (labels, solid, foreground):
                release(array)
    return _joined(labels, solid, fragments), foreground


def _tiles(shape: tuple[int, int]) -> Iterator[_Tile]:
    """Cores that cover the view, row by row, with their windows."""
    for rows in _spans(shape[0]):
        for columns in _spans(shape[1]):
            core = (rows, columns)
            window = tuple(
                slice(max(0, span.start - MARGIN_PX), min(size, span.stop + MARGIN_PX))
                for span, size in zip(core, shape, strict=True)
            )
            yield _Tile(core, (window[0], window[1]))


def _spans(size: int) -> list[slice]:
    """Parts of ``CORE_PX``, the last of what is left."""
    return [slice(start, min(start + CORE_PX, size)) for start in range(0, size, CORE_PX)]


def _strips(tile: _Tile) -> Iterator[tuple[slice, slice]]:
    """What lies right above and to the left of a core and was labelled by the neighbours there."""
    rows, columns = tile.core
    if rows.start:
        yield slice(max(0, rows.start - STRIP_PX), rows.start), columns
    if columns.start:
        yield rows, slice(max(0, columns.start - STRIP_PX), columns.start)


def _relative(part: tuple[slice, slice], window: tuple[slice, slice]) -> tuple[slice, slice]:
    moved = [
        slice(span.start - origin.start, span.stop - origin.start) for span, origin in zip(part, window, strict=True)
    ]
    return moved[0], moved[1]


def _numbered(seen: Seen, tile: _Tile, fragments: _Fragments) -> NDArray[np.int32]:
    """A number of its own for each label of a window, as an array by label."""
    count = int(seen.labels.max(initial=0))
    numbers = np.zeros(count + 1, np.int32)
    core = seen.labels[tile.inner]
    areas = np.bincount(core.ravel(), minlength=count + 1)
    found = ndimage.find_objects(core, max_label=count) if count else []
    top, left = tile.core[0].start, tile.core[1].start
    nothing = (2**31 - 1, 2**31 - 1, 0, 0)
    for label in range(1, count + 1):
        place = found[label - 1]
        box = nothing
        if place is not None:
            rows, columns = place
            box = (top + rows.start, left + columns.start, top + rows.stop, left + columns.stop)
        is_kept = label <= seen.count
        sharpness = float(seen.sharpness[label - 1]) if is_kept and seen.sharpness is not None else np.nan
        numbers[label] = fragments.add(box, int(areas[label]), sharpness, is_kept=is_kept)
    return numbers


def _join_matching(theirs: Labels, ours: Labels, fragments: _Fragments) -> None:
    """Join labels that cover one another best in a strip that two tiles have seen."""
    both = (theirs > 0) & (ours > 0)
    if not both.any():
        return
    # One number for each pair: looking for equal rows of two columns takes many times longer.
    pairs, overlaps = np.unique(theirs[both].astype(np.int64) << 32 | ours[both], return_counts=True)
    best_of_theirs: dict[int, tuple[int, int]] = {}
    best_of_ours: dict[int, tuple[int, int]] = {}
    for pair, overlap in zip(pairs.tolist(), overlaps.tolist(), strict=True):
        one, other = pair >> 32, pair & 0xFFFFFFFF
        best_of_theirs[one] = max(best_of_theirs.get(one, (0, 0)), (overlap, other))
        best_of_ours[other] = max(best_of_ours.get(other, (0, 0)), (overlap, one))
    for one, (_, other) in best_of_theirs.items():
        if best_of_ours[other][1] == one:
            fragments.join(one, other)


def _joined(labels: Labels, solid: NDArray[np.uint8], fragments: _Fragments) -> Seen:
    """Fragments as objects: those kept come first, in order of their upper left corners."""
    roots = np.array([fragments.root(number) for number in range(len(fragments.parent))])
    boxes = np.array(fragments.boxes, np.int64)
    low = np.full((roots.size, 2), 2**31 - 1, np.int64)
    high = np.zeros((roots.size, 2), np.int64)
    np.minimum.at(low, roots, boxes[:, :2])
    np.maximum.at(high, roots, boxes[:, 2:])
    areas = np.bincount(roots, weights=fragments.areas, minlength=roots.size)
    kept = np.bincount(roots, weights=fragments.is_kept, minlength=roots.size) > 0
    present = areas > 0
    first = np.flatnonzero(kept & present)
    first = first[np.lexsort((low[first, 1], low[first, 0]))]
    others = np.flatnonzero(~kept & present)
    number = np.zeros(roots.size, np.int32)
    number[first] = np.arange(1, first.size + 1)
    number[others] = first.size + 1 + np.arange(others.size)
    by_fragment = number[roots]
    by_fragment[0] = 0
    for top, bottom in steps(labels):
        labels[top:bottom] = np.take(by_fragment, labels[top:bottom])
    size = high[first] - low[first]
    return Seen(
        foreground=solid,
        labels=labels,
        boxes=np.column_stack([low[first, 1], low[first, 0], size[:, 1], size[:, 0]]).astype(np.int32),
        diameters_px=np.sqrt(areas[first] * 4 / np.pi),
        dropped_count=others.size,
        sharpness=_mean_sharpness(fragments, roots)[first],
    )


def _mean_sharpness(fragments: _Fragments, roots: NDArray[np.int64]) -> NDArray[np.float32]:
    """(fragments,) of each object, at its first fragment: the mean over its fragments, weighted by area."""
    sharpness = np.array(fragments.sharpness)
    known = np.isfinite(sharpness)
    areas = np.where(known, fragments.areas, 0)
    totals = np.bincount(roots, weights=areas, minlength=roots.size)
    sums = np.bincount(roots, weights=areas * np.where(known, sharpness, 0), minlength=roots.size)
    means = np.full(roots.size, np.nan, np.float32)
    means[totals > 0] = sums[totals > 0] / totals[totals > 0]
    return means
