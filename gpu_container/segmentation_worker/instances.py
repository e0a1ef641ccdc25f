"""Probabilities to objects: what a network saw at its own scale becomes labels at the image's size."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import watershed

from segmentation_worker.enlargement import Map
from segmentation_worker.postprocessing import Postprocessing
from spheroseg.imaging.runs import runs_of

Probability = NDArray[np.float32]
Labels = NDArray[np.int32]

CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
"""A pixel and those that share an edge with it."""


@dataclass(frozen=True)
class Seen:
    """Objects at the network's scale.

    Args:
        foreground: (h, w) float32 probability, or uint8 with 255 for 1, with small holes filled.
        labels: (h, w) int32: 1 … n are the objects kept, in order of their first pixel; higher values are what was
            dropped, which keeps its ground when objects are drawn at full size.
        boxes: (n, 4) x, y, width, height of the objects kept.
        diameters_px: (n,) equivalent diameters.
        dropped_count: How many were dropped.
        sharpness: (n,) of their rims, see ``focusing``; None where nothing asks for it.
    """

    foreground: Map
    labels: Labels
    boxes: NDArray[np.int32]
    diameters_px: NDArray[np.float64]
    dropped_count: int = 0
    sharpness: NDArray[np.float32] | None = None

    @property
    def count(self) -> int:
        """Objects kept."""
        return len(self.boxes)

    @property
    def is_frame(self) -> bool:
        """One object reaches all four sides: rather a field of many small ones than one that is seen whole."""
        height, width = self.labels.shape
        return bool((self.boxes == (0, 0, width, height)).all(axis=1).any())

    @property
    def typical_diameter_px(self) -> float:
        """Mean diameter weighted by area, so that specks do not count for much; 0 without objects."""
        if not self.count:
            return 0.0
        return float((self.diameters_px**3).sum() / (self.diameters_px**2).sum())


def find_objects(
    foreground: Probability, core: Probability, threshold: float, min_diameter_px: float, settings: Postprocessing
) -> Seen:
    """Cores grown into objects within the foreground.

    Args:
        foreground, core: (h, w) float32 probabilities at the network's scale.
        threshold: Foreground probability from which a pixel belongs to an object.
        min_diameter_px: Equivalent diameter below which an object is dropped, at the network's scale.
    """
    foreground, inside = _without_small_holes(foreground, threshold, settings.min_hole_diameter_px)
    parts, part_count = _parts(inside)
    seeds, seed_count = _seeds(inside, core, settings)
    labels = _grown(inside, parts, part_count, seeds, seed_count, core)
    limits = _Limits(seed_count, min_diameter_px, threshold + settings.min_certainty * (1 - threshold))
    return _kept(foreground, inside, labels, seed_count + part_count, limits)


def draw_objects(seen: Seen, inside: NDArray[np.bool_], min_diameter_px: float, *, holes: bool) -> Labels:
    """The objects at the image's size, numbered 1 … n, each in one piece.

    Probabilities are enlarged, not labels, so outlines are smooth; where objects touch, each pixel goes to the one
    with the larger share of it.

    Args:
        inside: (h, w) where the enlarged foreground is above the threshold.
        min_diameter_px: Equivalent diameter below which an object is dropped, in pixels of the image.
        holes: Keep holes; otherwise everything within an object's outer boundary becomes part of it.
    """
    shape = (inside.shape[0], inside.shape[1])
    whole = (slice(0, shape[0]), slice(0, shape[1]))
    labels = draw_part(seen, inside, shape, whole)
    boxes = [_Box.around(box, _scale(seen, shape), whole) for box in seen.boxes.tolist()]
    if not holes:
        for number in sorted(range(1, len(boxes) + 1), key=lambda number: -boxes[number - 1].area):
            _fill(labels[boxes[number - 1].image], number)
    kept = 0
    for number, box in enumerate(boxes, start=1):
        kept += _tidied(labels[box.image], number, kept + 1, min_diameter_px)
    return labels


def draw_part(seen: Seen, inside: NDArray[np.bool_], shape: tuple[int, int], part: tuple[slice, slice]) -> Labels:
    """The objects in one part of the image, as they are numbered in ``seen``; they may be in pieces.

    Args:
        inside: (rows, columns of the part) where the enlarged foreground is above the threshold.
        shape: Height and width of the whole image.
        part: Its rows and columns.
    """
    labels = np.zeros(inside.shape, np.int32)
    largest_share = np.zeros(inside.shape, np.uint8)  # costs memory only where objects touch
    scale = _scale(seen, shape)
    origin = (part[0].start, part[1].start)
    for index in _reaching(seen.boxes, scale, part):
        number = index + 1
        box = _Box.around(seen.boxes[index].tolist(), scale, part)
        here = box.seen_from(origin)
        own = inside[here]
        if not own.size:
            continue
        near = seen.labels[box.net]
        others = np.unique(near[(near != 0) & (near != number)]).tolist()
        if others:
            share = box.share(near == number)
            own = own & (share > largest_share[here])
            for dropped in others:
                if dropped > seen.count:
                    own &= share > box.share(near == dropped)
            largest_share[here][own] = share[own]
            labels[here][own] = number
        else:  # all that is inside here is this object's: written without looking at what was there, in half the time
            labels[here] = own.view(np.uint8) * np.min_scalar_type(number).type(number)
    return labels


def _scale(seen: Seen, shape: tuple[int, int]) -> tuple[float, float]:
    """Pixels of the network for one of the image, along x and y."""
    return seen.labels.shape[1] / shape[1], seen.labels.shape[0] / shape[0]


def _reaching(boxes: NDArray[np.int32], scale: tuple[float, float], part: tuple[slice, slice]) -> list[int]:
    """Which objects may have pixels in a part of the image."""
    reach = np.ones(len(boxes), bool)
    for low, size, factor, span in ((1, 3, scale[1], part[0]), (0, 2, scale[0], part[1])):
        reach &= (boxes[:, low] - 2 < span.stop * factor) & (boxes[:, low] + boxes[:, size] + 2 > span.start * factor)
    return np.flatnonzero(reach).tolist()


@dataclass(frozen=True)
class _Box:
    """The same area in the network's pixels and in those of the image: an object and what lies next to it."""

    net: tuple[slice, slice]
    image: tuple[slice, slice]
    scale: tuple[float, float]

    @classmethod
    def around(cls, box: list[int], scale: tuple[float, float], part: tuple[slice, slice]) -> "_Box":
        """The area that an object at ``box`` (x, y, width, height) has a share in, within a part of the image."""
        x, y, width, height = box
        nets, spans = [], []
        for low, size, factor, within in ((y, height, scale[1], part[0]), (x, width, scale[0], part[1])):
            # An image pixel p lies at (p + ½)·factor − ½ in the net, whose pixels reach one pixel to either side.
            first = np.floor((low - 0.5) / factor - 0.5)
            last = np.ceil((low + size + 0.5) / factor - 0.5)
            span = slice(max(int(first), within.start), max(within.start, min(int(last) + 1, within.stop)))
            spans.append(span)
            nearest = int((span.start + 0.5) * factor - 0.5), int((span.stop - 0.5) * factor - 0.5)
            nets.append(slice(max(low - 2, nearest[0] - 2, 0), max(0, min(low + size + 2, nearest[1] + 3))))
        return cls((nets[0], nets[1]), (spans[0], spans[1]), scale)

    def seen_from(self, origin: tuple[int, int]) -> tuple[slice, slice]:
        """The image's rows and columns, counted from another corner."""
        rows, columns = self.image
        top, left = origin
        return slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)

    @property
    def area(self) -> int:
        """In pixels of the image."""
        rows, columns = self.image
        return int((rows.stop - rows.start) * (columns.stop - columns.start))

    def share(self, member: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """A mask of the network's pixels, interpolated in the image's: 0 to 255."""
        (top, left), (rows, columns) = (part.start for part in self.net), self.image
        scale_x, scale_y = self.scale
        to_net = np.array(
            [
                [scale_x, 0, (columns.start + 0.5) * scale_x - 0.5 - left],
                [0, scale_y, (rows.start + 0.5) * scale_y - 0.5 - top],
            ]
        )
        size = (columns.stop - columns.start, rows.stop - rows.start)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        share = cv2.warpAffine(member.astype(np.uint8) * np.uint8(255), to_net, size, flags=flags)
        return share.astype(np.uint8, copy=False)


@dataclass(frozen=True)
class _Limits:
    """What an object must have to be kept: a seed, a size, a mean probability."""

    seeds: int
    min_diameter_px: float
    min_probability: float


def _parts(mask: NDArray[np.bool_]) -> tuple[Labels, int]:
    """Parts that hang together by pixel edges, numbered from 1, and how many they are."""
    count, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=4, ltype=cv2.CV_32S)
    return labels.astype(np.int32, copy=False), count - 1


def _seeds(inside: NDArray[np.bool_], core: Probability, settings: Postprocessing) -> tuple[Labels, int]:
    """Cores that are sure enough somewhere, numbered from 1, and how many they are."""
    cores, count = _parts(inside & (core > settings.core_threshold))
    sure = np.zeros(count + 1, bool)
    sure[cores[core >= settings.seed_peak]] = True
    sure[0] = False
    if sure[1:].all():
        return cores, count
    return np.take((np.cumsum(sure) * sure).astype(np.int32), cores), int(np.count_nonzero(sure))


def _without_small_holes(
    foreground: Probability, threshold: float, min_hole_diameter_px: float
) -> tuple[Probability, NDArray[np.bool_]]:
    """The foreground with small holes filled, and where it is above the threshold.

    Background that reaches the border is no hole.
    """
    inside = foreground > threshold
    if not _has_small_holes(inside, min_hole_diameter_px):
        return foreground, inside
    outside = (~inside).view(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(outside, connectivity=8, ltype=cv2.CV_32S)
    height, width = foreground.shape
    x, y, w, h, area = stats[1:].T
    small = (area < np.pi / 4 * min_hole_diameter_px**2) & (x > 0) & (y > 0) & (x + w < width) & (y + h < height)
    if not small.any():
        return foreground, inside
    filled = np.take(np.concatenate([[False], small]), labels.astype(np.int32, copy=False))
    return np.where(filled, np.float32(1), foreground), inside | filled


def _has_small_holes(inside: NDArray[np.bool_], diameter_px: float) -> bool:
    """False when no hole is small; True may also mean that it has to be looked at closely.

    Following the few boundaries is much cheaper than numbering all background. Each contour of a hole encloses
    background that hangs together by pixel edges, of which the holes in question consist.
    """
    contours, hierarchy = cv2.findContours(inside.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return False
    largest = np.pi / 4 * diameter_px**2
    holes = np.flatnonzero(hierarchy.reshape(-1, 4)[:, 3] >= 0).tolist()
    # A contour of a hole runs along the pixels around it.
    return any(
        (width - 2) + (height - 2) - 1 < largest
        for _, _, width, height in map(cv2.boundingRect, map(contours.__getitem__, holes))
    )


def _grown(
    inside: NDArray[np.bool_], parts: Labels, part_count: int, seeds: Labels, seed_count: int, core: Probability
) -> Labels:
    """Every part of the foreground divided among its seeds; a part without a seed gets a number above all seeds'.

    Most parts hold one seed and are that object. Only the others are flooded, each in its own box.
    """
    number = seed_count + np.arange(part_count + 1, dtype=np.int32)
    number[0] = 0
    is_seed = seeds > 0
    part_of_seed = np.zeros(seed_count + 1, np.int32)
    part_of_seed[seeds[is_seed]] = parts[is_seed]  # a seed lies in one part: any of its pixels tells
    seeded, first, counts = np.unique(part_of_seed[1:], return_index=True, return_counts=True)
    number[seeded] = first + 1
    shared = seeded[counts > 1].tolist()
    if not shared and np.array_equal(number, np.arange(part_count + 1)):
        return parts
    labels = _renumbered(parts, inside, number)
    boxes = boxes_of(parts, part_count) if shared else np.zeros((0, 4), np.int32)
    for part in shared:
        x, y, width, height = boxes[part - 1].tolist()
        box = slice(y, y + height), slice(x, x + width)
        mask = parts[box] == part
        markers = np.where(mask, seeds[box], 0)
        # What lies within a seed floods nothing: without it there is half of the work.
        within = cv2.erode((markers > 0).view(np.uint8), CROSS).view(np.bool_)
        ground = mask & ~within
        flooded = watershed(-core[box], np.where(within, 0, markers), mask=ground)  # type: ignore[no-untyped-call]
        labels[box][ground] = flooded[ground]
        labels[box][within] = markers[within]
    return labels


def _renumbered(labels: Labels, inside: NDArray[np.bool_], number: NDArray[np.int32]) -> Labels:
    """Labels under other numbers; ``inside`` is where there are any, and nothing else has to be looked up."""
    renumbered = np.zeros(labels.shape, np.int32)
    renumbered[inside] = np.take(number, labels[inside])
    return renumbered


def boxes_of(labels: Labels, count: int) -> NDArray[np.int32]:
    """(count, 4) x, y, width, height of objects 1 … ``count``; of one without pixels all 0.

    Their runs, which are few, are found five times as fast as ``scipy.ndimage.find_objects`` looks through pixels.
    """
    boxes = np.zeros((count, 4), np.int32)
    runs = runs_of(labels)
    starts = np.flatnonzero(np.diff(runs.label, prepend=0))  # sorted by label, and from top to bottom
    if not starts.size:
        return boxes
    left, right = np.minimum.reduceat(runs.begin, starts), np.maximum.reduceat(runs.end, starts)
    top, bottom = runs.row[starts], runs.row[np.append(starts[1:], runs.row.size) - 1] + 1
    known = runs.label[starts] <= count
    found = np.column_stack([left, top, right - left, bottom - top])
    boxes[runs.label[starts][known] - 1] = found[known]
    return boxes


def _kept(foreground: Probability, inside: NDArray[np.bool_], labels: Labels, most: int, limits: _Limits) -> Seen:
    """Objects that are large and certain enough, renumbered to come first."""
    present = labels[inside].astype(np.intp)  # a mask picks three times as fast as places do
    areas = np.bincount(present, minlength=most + 1)
    totals = np.bincount(present, weights=foreground[inside], minlength=most + 1)
    kept = (areas >= np.pi / 4 * limits.min_diameter_px**2) & (totals >= limits.min_probability * areas) & (areas > 0)
    kept[0] = False
    kept[limits.seeds + 1 :] = False
    count = np.count_nonzero(kept)
    number = np.zeros(most + 1, np.int32)
    number[kept] = np.arange(1, count + 1)
    number[1:][~kept[1:]] = count + 1 + np.arange(most - count)
    there = np.flatnonzero(areas)
    if (number[there] != there).any():
        labels = _renumbered(labels, inside, number)
    return Seen(
        foreground=foreground,
        labels=labels,
        boxes=boxes_of(labels, int(count)),
        diameters_px=np.sqrt(areas[kept] * 4 / np.pi),
        dropped_count=int(np.count_nonzero(areas[1:])) - int(count),
    )


def _fill(labels: Labels, number: int) -> None:
    """Give an object everything within its outer boundaries, in place."""
    mask = (labels == number).view(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(mask)
    cv2.drawContours(filled, contours, -1, color=1, thickness=cv2.FILLED)
    labels[filled > 0] = number


def _tidied(labels: Labels, number: int, new_number: int, min_diameter_px: float) -> bool:
    """Keep an object's largest piece under a new number, in place; False when it is too small to be kept."""
    mask = labels == number
    if min_diameter_px <= 0 and number == new_number and _is_one_piece(mask.view(np.uint8)):
        return True
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4, ltype=cv2.CV_32S)
    if count == 1:  # background only: swallowed by a neighbour whose holes were filled
        return False
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    kept = bool(stats[largest, cv2.CC_STAT_AREA] >= np.pi / 4 * min_diameter_px**2)
    if count > 2 or not kept or number != new_number:
        labels[mask] = 0
        if kept:
            labels[pieces == largest] = new_number
    return kept


def _is_one_piece(mask: NDArray[np.uint8]) -> bool:
    """True for a mask that hangs together by pixel edges; False may also mean that it has to be looked at closely."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if len(contours) != 1:
        return False
    # Contours pass over corners, so no two pixels may meet in a corner only: of two by two pixels those side by side
    # differ in both rows, and those one below the other.
    across, down = mask[:, :-1] ^ mask[:, 1:], mask[:-1, :-1] ^ mask[1:, :-1]
    down &= across[:-1]
    down &= across[1:]
    return not down.any()
