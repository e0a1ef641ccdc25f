"""Objects drawn part by part into label images of any size, and put in order there."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation_worker.enlargement import Enlarged
from segmentation_worker.instances import Labels, Seen, draw_part
from spheroseg.imaging.boundaries import Rings, trace
from spheroseg.imaging.mapped import release, steps, zeros_in_file

PART_PX = 2048

Areas = NDArray[np.int64]
Box = tuple[slice, slice]


def draw_in_parts(
    seen: Seen,
    shape: tuple[int, int],
    covered: tuple[int, int],
    threshold: float,
    min_diameter_px: float,
    folder: Path,
    *,
    holes: bool,
) -> Labels:
    """What ``draw_objects`` gives, in a file without a name.

    Args:
        shape: Height and width of the image.
        covered: What the view covers, which is the image and a little more where its size is no multiple of the view's.
        threshold: Foreground probability from which a pixel belongs to an object.
        folder: Where the labels lie.
    """
    labels: Labels = zeros_in_file(shape, np.int32, folder)
    foreground = Enlarged(seen.foreground, covered)
    for top in range(0, shape[0], PART_PX):
        for left in range(0, shape[1], PART_PX):
            part = (slice(top, min(top + PART_PX, shape[0])), slice(left, min(left + PART_PX, shape[1])))
            inside = foreground[part] > threshold
            if inside.any():
                labels[part] = draw_part(seen, inside, covered, part)
        for array in (labels, seen.labels, seen.foreground):
            release(array)
    rings = trace(labels)
    _keep_largest_pieces(labels, rings)
    if not holes:
        _fill_holes(labels, rings)
    _renumber(labels, seen.count, min_diameter_px)
    return labels


def _keep_largest_pieces(labels: Labels, rings: Rings) -> None:
    """Take away all pieces of an object but its largest, in place."""
    outer = rings.owner == np.arange(rings.owner.size)
    areas: Areas = np.zeros(rings.owner.size, np.int64)
    np.add.at(areas, rings.owner, rings.area_px2)
    pieces = np.flatnonzero(outer)
    pieces = pieces[np.lexsort((-areas[pieces], rings.label[pieces]))]
    largest = np.ones(pieces.size, bool)
    largest[1:] = rings.label[pieces[1:]] != rings.label[pieces[:-1]]
    for ring in pieces[~largest].tolist():
        crop = labels[_box(rings, ring)]
        crop[_hanging_together(crop == rings.label[ring], _beside(rings, ring))] = 0


def _fill_holes(labels: Labels, rings: Rings) -> None:
    """Give every object what lies within its outer boundary, large objects first, in place."""
    size = np.zeros(int(rings.label.max(initial=0)) + 1, np.int64)
    np.add.at(size, rings.label, np.abs(rings.area_px2))
    holes = np.flatnonzero(rings.owner != np.arange(rings.owner.size))
    for ring in holes[np.argsort(-size[rings.label[holes]], kind="stable")].tolist():
        number = int(rings.label[ring])
        inner_y, inner_x = _inner(rings, int(rings.owner[ring]))
        if labels[inner_y, inner_x] != number:
            continue  # the object itself lay in a hole that was filled, or was a piece that is gone
        crop = labels[_box(rings, ring)]
        crop[_hanging_together(crop != number, _beside(rings, ring))] = number


def _renumber(labels: Labels, most: int, min_diameter_px: float) -> None:
    """Drop what is too small and number the others 1 … n in their order, in place."""
    areas: Areas = np.zeros(most + 1, np.int64)
    for top, bottom in steps(labels):
        areas += np.bincount(labels[top:bottom].ravel(), minlength=most + 1)
    kept = (areas > 0) & (areas >= np.pi / 4 * min_diameter_px**2)
    kept[0] = False
    if kept[1:].all():
        return
    numbers = (np.cumsum(kept) * kept).astype(np.int32)
    for top, bottom in steps(labels):
        labels[top:bottom] = np.take(numbers, labels[top:bottom])


def _box(rings: Rings, ring: int) -> Box:
    """Rows and columns that a ring encloses."""
    corners = rings.corners[rings.starts[ring] : rings.starts[ring + 1]]
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return slice(top, bottom), slice(left, right)


def _inner(rings: Rings, ring: int) -> tuple[int, int]:
    """Row and column of the object's pixel beside a ring's first edge, which is horizontal."""
    (x0, y0), (x1, _) = rings.corners[rings.starts[ring] : rings.starts[ring] + 2].tolist()
    return (y0 if x1 > x0 else y0 - 1), min(x0, x1)


def _beside(rings: Rings, ring: int) -> tuple[int, int]:
    """Row and column, in the ring's box, of the pixel beside its first edge that the ring encloses."""
    (x0, y0), (x1, _) = rings.corners[rings.starts[ring] : rings.starts[ring] + 2].tolist()
    # The object lies to the right of the way: within an outer ring, outside the ring of a hole.
    encloses_below = (x1 > x0) == (rings.area_px2[ring] > 0)
    rows, columns = _box(rings, ring)
    return (y0 if encloses_below else y0 - 1) - rows.start, min(x0, x1) - columns.start


def _hanging_together(mask: NDArray[np.bool_], place: tuple[int, int]) -> NDArray[np.bool_]:
    """The part of a mask that hangs together by pixel edges with one of its pixels."""
    filled = mask.astype(np.uint8)
    cv2.floodFill(filled, None, (place[1], place[0]), 2, flags=4)
    return np.equal(filled, 2)
