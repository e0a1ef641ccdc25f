"""Random fields: smooth noise at a scale, sums of scales, and a mosaic of cells."""

from dataclasses import dataclass, field
from functools import lru_cache
from math import log2, pi, sqrt

import cv2
import numpy as np
from scipy.special import ndtri

from training.synthesis.draws import Field, Rng, between, chance

TILE_PX, TILE_CELL_PX = 256, 16
"""Side of the mosaic's tile, and of a cell in it."""

SHARED_PX = 96
"""Side of the largest body whose noise comes from a tile."""

MOSAICS = 24
"""Mosaics that there are; an image uses one."""


@lru_cache(maxsize=1)
def _quantiles() -> Field:
    """Of the normal distribution, in the middle of 65,536 equal steps: up to 4.3 standard deviations."""
    return np.asarray(ndtri((np.arange(65_536) + 0.5) / 65_536), np.float32)


def white_noise(rng: Rng, shape: tuple[int, int]) -> Field:
    """(h, w) float32, normal, each pixel for itself: looked up, which is faster than the generator's own way."""
    return _quantiles()[rng.integers(0, 65_536, shape, dtype=np.uint16)]


def smooth_noise(rng: Rng, shape: tuple[int, int], scale_px: float) -> Field:
    """Normal noise of mean 0 and standard deviation about 1 that changes over ``scale_px``, 1 or more.

    Returns:
        (h, w) float32: white noise after a Gaussian blur of half the scale; coarse fields are made small and enlarged.
    """
    shrink = max(1.0, scale_px / 3)
    height, width = (max(2, round(side / shrink)) for side in shape)
    sigma = scale_px / shrink / 2
    noise = white_noise(rng, (height, width))
    # The variance that is left of white noise after a Gaussian blur is 1 / (4 pi sigma^2).
    field = cv2.GaussianBlur(noise, (0, 0), sigma) * np.float32(max(1.0, 2 * sqrt(pi) * sigma))
    if (height, width) == shape:
        return np.asarray(field, np.float32)
    how = cv2.INTER_LINEAR if shrink > 2 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(field, (shape[1], shape[0]), interpolation=how), np.float32)


def fractal_noise(rng: Rng, shape: tuple[int, int], scale_px: float, octaves: int, gain: float) -> Field:
    """Smooth noise of ``octaves`` scales, each half the one before and ``gain`` as strong; its variance is about 1."""
    strengths = gain ** np.arange(octaves)
    strengths /= np.sqrt((strengths**2).sum())
    field = np.zeros(shape, np.float32)
    for octave, strength in enumerate(strengths):
        field += float(strength) * smooth_noise(rng, shape, max(scale_px / 2**octave, 1.0))
    return field


def rows_and_columns(height: int, width: int) -> tuple[Field, Field]:
    """(h, 1) and (1, w) float32, whose sums and products are fields; whole numbers would make them float64."""
    return np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None]


def wide_blur(field: Field, sigma: float) -> Field:
    """A Gaussian blur; wide ones at reduced size, where they cost little and lose nothing."""
    shrink = int(sigma / 3)
    if shrink < 2:
        return np.asarray(cv2.GaussianBlur(field, (0, 0), max(sigma, 0.3)), np.float32)
    height, width = field.shape
    small = cv2.resize(field, (max(1, width // shrink), max(1, height // shrink)), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / shrink)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


@lru_cache(maxsize=3 * MOSAICS)
def _tile(number: int, halvings: int) -> Field:
    """A mosaic at full, half or quarter size.

    Cells round jittered points: the nearest point owns a pixel (Worley, S. (1996), SIGGRAPH, 291-294).
    """
    if halvings:
        side = TILE_PX >> halvings
        small = cv2.resize(_tile(number, 0), (side, side), interpolation=cv2.INTER_AREA)
        return np.asarray((small - small.mean()) / small.std(), np.float32)
    rng = np.random.default_rng(number)
    count = TILE_PX // TILE_CELL_PX
    grid = np.stack(np.meshgrid(np.arange(count), np.arange(count)), axis=-1).reshape(-1, 2)
    points = ((grid + 0.5 + rng.uniform(-0.48, 0.48, grid.shape)) * TILE_CELL_PX).astype(np.int32)
    pad = 2 * TILE_CELL_PX
    canvas = np.full((TILE_PX, TILE_PX), 255, np.uint8)
    canvas[points[:, 1], points[:, 0]] = 0
    canvas = np.pad(canvas, pad, mode="wrap")
    distance, nearest = cv2.distanceTransformWithLabels(canvas, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    inside = slice(pad, -pad)
    shade = rng.standard_normal(int(nearest.max()) + 1, dtype=np.float32)[nearest][inside, inside]
    bulge = 1.0 - distance[inside, inside] / (0.62 * TILE_CELL_PX)
    spot = np.exp(-((distance[inside, inside] / (0.2 * TILE_CELL_PX)) ** 2)) * rng.choice([-1.0, 1.0])
    tile = between(rng, 0, 0.6) * shade + between(rng, 0.5, 2) * bulge + between(rng, 0, 1) * spot
    tile = cv2.GaussianBlur(tile, (0, 0), 1.0)
    return np.asarray((tile - tile.mean()) / tile.std(), np.float32)


@dataclass
class Textures:
    """Textures of the bodies of one image; small bodies take theirs from shared tiles, which saves most of the time.

    Args:
        mosaic: Which of ``MOSAICS`` the cells look like: borders, cells, nuclei.
    """

    mosaic: int
    tiles: dict[float, Field] = field(default_factory=dict)

    def noise(self, rng: Rng, shape: tuple[int, int], scale_px: float) -> Field:
        """(h, w) float32, as ``smooth_noise``; of a small body, its scale is rounded to a power of the root of 2."""
        if max(shape) > SHARED_PX:
            return smooth_noise(rng, shape, max(1.0, scale_px))
        scale = 2.0 ** (max(0, round(2 * log2(max(scale_px, 1.0)))) / 2)
        if scale not in self.tiles:
            self.tiles[scale] = smooth_noise(rng, (2 * SHARED_PX, 2 * SHARED_PX), scale)
        top, left = (int(at) for at in rng.integers(0, SHARED_PX, 2))
        return self.tiles[scale][top : top + shape[0], left : left + shape[1]]

    def cells(self, rng: Rng, shape: tuple[int, int], cell_px: float) -> Field:
        """(h, w) float32 with cells of this size, mean about 0, standard deviation about 1."""
        step = TILE_CELL_PX / cell_px
        halvings = min(2, max(0, int(log2(step))))
        tile, step = _tile(self.mosaic, halvings), step / 2**halvings
        rows, columns = ((int(rng.integers(len(tile))) + np.arange(int(side * step) + 2)) % len(tile) for side in shape)
        cut = tile.take(rows, axis=0).take(columns, axis=1)
        if chance(rng, 0.5):
            cut = cut[:, ::-1]
        return np.asarray(cv2.resize(cut, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)
