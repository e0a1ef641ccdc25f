"""Drawn shapes whose measures are known."""

import numpy as np
import shapely
from numpy.typing import NDArray

Labels = NDArray[np.int32]
Floats = NDArray[np.float64]


def a_disk(radius: float, centre: tuple[float, float] = (0.0, 0.0)) -> Labels:
    """Pixels whose centre lies in a disk; ``centre`` is the shift of its middle against the image's."""
    size = int(2 * radius + 8)
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    inside: Labels = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2).astype(np.int32)
    return inside


def a_rectangle(width: float, height: float, degrees: float = 0.0) -> Labels:
    """Pixels whose centre lies in a rectangle turned about the image's middle."""
    size = 2 * int(np.hypot(width, height) / 2 + 4)
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    turn = np.deg2rad(degrees)
    along, aside = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    inside: Labels = ((abs(along) <= width / 2) & (abs(aside) <= height / 2)).astype(np.int32)
    return inside


def an_ellipse(a: float, b: float, degrees: float) -> Labels:
    """Pixels whose centre lies in an ellipse with half axes ``a`` and ``b``."""
    size = int(2 * max(a, b) + 8)
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    turn = np.deg2rad(degrees)
    along, aside = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    inside: Labels = ((along / a) ** 2 + (aside / b) ** 2 <= 1).astype(np.int32)
    return inside


def drawn(picture: str) -> Labels:
    """Labels from text: a digit for each pixel, a dot for background."""
    rows = picture.split()
    return np.array([[0 if sign == "." else int(sign) for sign in row] for row in rows], np.int32)


def a_polygon(corners: Floats, degrees: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)) -> Labels:
    """Pixels whose centre lies in a polygon turned about its origin, which is ``shift`` from the image's middle."""
    turn = np.deg2rad(degrees)
    turned = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    size = 2 * int(np.hypot(*corners.T).max() + 5)
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    inside: Labels = shapely.contains_xy(shapely.Polygon(turned + np.array(shift)), x, y).astype(np.int32)
    return inside


def regular(corners: int, radius: float) -> Floats:
    """A regular polygon as large as the disk of this radius: (n, 2)."""
    return star(corners, radius, np.cos(np.pi / corners))[::2]


def star(tips: int, radius: float, inner: float) -> Floats:
    """A star as large as the disk of this radius; ``inner`` is the distance of its notches against that of its tips."""
    angles = np.arange(2 * tips) * np.pi / tips
    distance = np.where(np.arange(2 * tips) % 2 == 0, 1.0, inner)
    corners: Floats = np.stack([distance * np.cos(angles), distance * np.sin(angles)], axis=1)
    return corners * (radius * float(np.sqrt(np.pi / shapely.Polygon(corners).area)))
