"""What readers share: masks to outlines, rings to polygons, and values that are what they should be."""

import math

import numpy as np
from numpy.typing import NDArray

from spheroseg.domain.spheroid import Polygon, Ring
from spheroseg.imaging.boundaries import trace
from spheroseg.imaging.polygons import polygons_of

LARGEST_SIDE_PX = 2**31 - 1


def polygons_of_mask(mask: NDArray[np.bool_], left: int = 0, top: int = 0) -> tuple[Polygon, ...]:
    """The outline of a mask along pixel edges.

    Args:
        mask: (h, w) bool.
        left, top: Where its first pixel lies in the image.

    Raises:
        ValueError: nothing is inside.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        raise ValueError("no pixel is inside")
    first_row, first_column = int(rows[0]), int(columns[0])
    crop = mask[first_row : rows[-1] + 1, first_column : columns[-1] + 1]
    found = polygons_of(trace(np.ascontiguousarray(crop, dtype=np.int32)))[1]
    return tuple(moved(polygon, left + first_column, top + first_row) for polygon in found)


def moved(polygon: Polygon, right: float, down: float) -> Polygon:
    """The polygon in another place."""

    def of(ring: Ring) -> Ring:
        return tuple((float(x + right), float(y + down)) for x, y in ring)

    return Polygon(of(polygon.exterior), tuple(map(of, polygon.holes)))


def size_of(value: object) -> int:
    """A width or height in pixels.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_SIDE_PX:
        raise ValueError(f"{value!r} is no width or height in pixels")
    return value


def number_of(value: object) -> int | None:
    """The number of an object, None where there is none.

    Raises:
        ValueError: it is none.
    """
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_SIDE_PX:
        raise ValueError(f"{value!r} is no number of an object, which count from 1")
    return value


def share_of(value: object) -> float | None:
    """A confidence from 0 to 1, None where there is none.

    Raises:
        ValueError: it is none.
    """
    if value is None or value == "":
        return None
    share = float(str(value))
    if not (math.isfinite(share) and 0 <= share <= 1):
        raise ValueError(f"{value!r} is no confidence from 0 to 1")
    return share
