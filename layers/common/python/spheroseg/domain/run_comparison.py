"""Two runs of one image compared by their stored outlines: which spheroid of one is which of the other.

Stored outlines run along pixel edges, so each row of pixels meets an object in whole stretches, and the pixels that two
objects share are counted exactly, stretch by stretch, without drawing an image. The counts and the IoU equal those of
``imaging.matching`` on the label images; the API has neither numpy nor the images.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spheroseg.domain.spheroid import Spheroid
from spheroseg.errors import NotComparableError

Stretch = tuple[int, int, int]
"""First column, column past the last, number of the object."""

Rows = Mapping[int, list[Stretch]]


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


def compared(first: Iterable[Spheroid], second: Iterable[Spheroid], threshold: float = 0.5) -> RunComparison:
    """Pair the spheroids of two runs over the same pixels.

    Args:
        threshold: 0.5 to below 1.

    Raises:
        NotComparableError: an outline does not run along pixel edges.
    """
    if not 0.5 <= threshold < 1:
        raise ValueError(f"The threshold of a comparison is from 0.5 to below 1, not {threshold:g}")
    first_areas, first_rows = _rows_of(first)
    second_areas, second_rows = _rows_of(second)
    pairs = []
    for (one, other), shared in sorted(_shared(first_rows, second_rows).items()):
        iou = shared / (first_areas[one] + second_areas[other] - shared)
        if iou > threshold:
            pairs.append(Pair(one, other, iou))
    return RunComparison(
        threshold=threshold,
        pairs=pairs,
        lost=sorted(first_areas.keys() - {pair.first for pair in pairs}),
        added=sorted(second_areas.keys() - {pair.second for pair in pairs}),
    )


def _rows_of(spheroids: Iterable[Spheroid]) -> tuple[dict[int, int], Rows]:
    """Pixels of each object by its number, and the stretches of each row from left to right."""
    areas: dict[int, int] = {}
    rows: defaultdict[int, list[Stretch]] = defaultdict(list)
    for spheroid in spheroids:
        area = 0
        for row, columns in _crossings(spheroid).items():
            columns.sort()
            stretches = rows[row]
            # Every second crossing leaves the object again: the even-odd rule, which knows holes and islands.
            for begin, end in zip(columns[::2], columns[1::2], strict=True):
                stretches.append((begin, end, spheroid.number))
                area += end - begin
        areas[spheroid.number] = area
    for stretches in rows.values():
        stretches.sort()
    return areas, rows


def _crossings(spheroid: Spheroid) -> Mapping[int, list[int]]:
    """For each row the columns where the object's outline crosses it."""
    crossings: defaultdict[int, list[int]] = defaultdict(list)
    for polygon in spheroid.polygons:
        for ring in (polygon.exterior, *polygon.holes):
            x_before, y_before = ring[-1]
            for x, y in ring:
                if x == x_before:
                    column, begin, end = int(x), int(min(y, y_before)), int(max(y, y_before))
                    if (column, begin, end) != (x, min(y, y_before), max(y, y_before)):
                        raise _off_edges(spheroid)
                    for row in range(begin, end):
                        crossings[row].append(column)
                elif y != y_before:
                    raise _off_edges(spheroid)
                x_before, y_before = x, y
    return crossings


def _shared(first: Rows, second: Rows) -> Mapping[tuple[int, int], int]:
    """Pixels that each pair of objects shares, where it shares any."""
    shared: defaultdict[tuple[int, int], int] = defaultdict(int)
    for row, ones in first.items():
        others = second.get(row)
        if others is None:
            continue
        place = 0
        for begin, end, number in ones:
            while place < len(others) and others[place][1] <= begin:
                place += 1
            ahead = place
            while ahead < len(others) and others[ahead][0] < end:
                other_begin, other_end, other = others[ahead]
                shared[number, other] += min(end, other_end) - max(begin, other_begin)
                ahead += 1
    return shared


def _off_edges(spheroid: Spheroid) -> NotComparableError:
    return NotComparableError(f"The outline of spheroid {spheroid.number} does not run along pixel edges")
