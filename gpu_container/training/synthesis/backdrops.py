"""What lies behind and over a whole field of view: light, wells, gel, cells on the bottom, seams, captions."""

from dataclasses import dataclass
from itertools import pairwise
from math import hypot, pi

import cv2
import numpy as np

from training.synthesis.draws import Field, Rng, between, chance, log_between, pick, whole
from training.synthesis.noise import fractal_noise, rows_and_columns, smooth_noise
from training.synthesis.scene import Scene


@dataclass(frozen=True)
class Well:
    """The rim of a round well: bodies lie inside.

    Args:
        x, y: Its centre, often outside the frame.
        radius_px: Of the well.
    """

    x: float
    y: float
    radius_px: float

    def holds(self, x: float, y: float, radius_px: float) -> bool:
        """Whether a disk lies inside."""
        return hypot(x - self.x, y - self.y) + radius_px < self.radius_px

    @classmethod
    def draw(cls, rng: Rng, height: int, width: int) -> "Well":
        """Most of the frame lies inside."""
        side = min(height, width)
        radius = side * log_between(rng, 0.47, 3.0)
        angle = between(rng, 0, 2 * pi)
        gap = max(0.0, radius - side * between(rng, 0.25, 0.55))
        return cls(width / 2 + gap * np.cos(angle), height / 2 + gap * np.sin(angle), radius)


def shine(rng: Rng, shape: tuple[int, int]) -> Field:
    """Uneven light: gradients, dark corners, slow clouds; 1 on average."""
    height, width = shape
    y, x = np.mgrid[-1:1:33j, -1:1:33j].astype(np.float32)
    angle = between(rng, 0, 2 * pi)
    field = 1 + rng.normal(0, 0.12) * (x * np.cos(angle) + y * np.sin(angle))
    if chance(rng, 0.5):
        dx, dy = rng.normal(0, 0.3, 2)
        field -= between(rng, -0.05, 0.3) * ((x - dx) ** 2 + (y - dy) ** 2) / 2
    if chance(rng, 0.6):
        field += log_between(rng, 0.005, 0.1) * smooth_noise(rng, (33, 33), between(rng, 8, 30))
    enlarged = cv2.resize(np.asarray(field / field.mean(), np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.maximum(enlarged, 0.08), np.float32)


def grain(rng: Rng, shape: tuple[int, int], most: float) -> Field:
    """Texture of gel, plastic and medium: about 1, with a standard deviation of ``most`` at most."""
    field = np.ones(shape, np.float32)
    if chance(rng, 0.7):
        field += min(most, log_between(rng, 0.002, 0.05)) * fractal_noise(
            rng, shape, log_between(rng, 3, 60), 2, between(rng, 0.4, 1)
        )
    if chance(rng, 0.3):
        field += min(most, log_between(rng, 0.003, 0.04)) * smooth_noise(rng, shape, log_between(rng, 1, 3))
    return np.maximum(field, 0.2)


def add_well(rng: Rng, light: Field, well: Well) -> None:
    """The wall of a well: a dark or bright line, light or dark outside, a meniscus inside."""
    y, x = rows_and_columns(light.shape[0], light.shape[1])
    inside = well.radius_px - np.sqrt((x - np.float32(well.x)) ** 2 + (y - np.float32(well.y)) ** 2)
    scale = max(0.3, min(light.shape) / 512)
    soft = log_between(rng, 1, 8)
    outside = np.float32(log_between(rng, 0.05, 1.0) if chance(rng, 0.75) else between(rng, 1.0, 1.6))
    step = 1 / (1 + np.exp(np.clip(-inside / soft, -30, 30)))
    light *= outside + (1 - outside) * step
    for _ in range(whole(rng, 0, 3)):
        at, wide = between(rng, -25, 12) * scale, log_between(rng, 1.5, 12 * scale + 1)
        light *= 1 + np.float32(between(rng, -0.7, 0.7)) * np.exp(-(((inside - at) / wide) ** 2))
    if chance(rng, 0.5):
        reach = well.radius_px * between(rng, 0.05, 0.3)
        light *= 1 + np.float32(between(rng, -0.4, 0.25)) * np.exp(-np.maximum(inside, 0) / reach)
    np.maximum(light, 0.02, out=light)


def add_bowl(rng: Rng, light: Field) -> None:
    """Rings of light and shade round the middle: the bottom of a round well."""
    height, width = light.shape
    side = min(height, width)
    x0, y0 = width / 2 + rng.normal(0, 0.12) * side, height / 2 + rng.normal(0, 0.12) * side
    far = side * between(rng, 0.5, 1.0)
    count = whole(rng, 3, 7)
    knots = np.exp(np.cumsum(rng.normal(0, between(rng, 0.05, 0.3), count)))
    table = np.interp(np.linspace(0, 1, 256), np.linspace(0, 1, count), knots / knots[0])
    table = np.convolve(np.pad(table, 12, mode="edge"), np.ones(25) / 25, mode="valid").astype(np.float32)
    y, x = rows_and_columns(height, width)
    away = np.sqrt((x - np.float32(x0)) ** 2 + (y - np.float32(y0)) ** 2) * np.float32(255 / far)
    light *= table[np.minimum(away, 255).astype(np.uint8)]


def add_microwells(rng: Rng, light: Field) -> None:
    """Walls between small wells, square or round, in rows."""
    height, width = light.shape
    pitch = min(height, width) * log_between(rng, 0.15, 0.8)
    angle = between(rng, 0, pi / 2) if chance(rng, 0.4) else rng.normal(0, 0.03)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    cosine, sine = np.float32(np.cos(angle) / pitch), np.float32(np.sin(angle) / pitch)
    shift_x, shift_y = rng.random(2)
    along, across = x * cosine + y * sine + np.float32(shift_x), y * cosine - x * sine + np.float32(shift_y)
    if chance(rng, 0.5):
        along = along + np.float32(0.5) * (np.floor(across) % 2)
    from_x, from_y = np.abs(along % 1 - 0.5), np.abs(across % 1 - 0.5)
    inside = np.float32(0.5) - (np.sqrt(from_x**2 + from_y**2) if chance(rng, 0.4) else np.maximum(from_x, from_y))
    inside = (inside - np.float32(between(rng, 0.01, 0.08))) * pitch
    wall = 1 / (1 + np.exp(np.clip(inside / log_between(rng, 0.7, 4), -30, 30)))
    light *= 1 + np.float32(between(rng, -0.5, 0.3)) * wall
    line = np.exp(-((inside / log_between(rng, 1, 5)) ** 2))
    light *= 1 + np.float32(between(rng, -0.5, 0.5)) * line
    np.maximum(light, 0.05, out=light)


def add_gel_edge(rng: Rng, light: Field) -> None:
    """The rim of a drop of gel: a soft step, with or without a line."""
    height, width = light.shape
    side = min(height, width)
    angle = between(rng, 0, 2 * pi)
    y, x = rows_and_columns(height, width)
    away = (x - width * between(rng, 0.2, 0.8)) * np.float32(np.cos(angle))
    away = away + (y - height * between(rng, 0.2, 0.8)) * np.float32(np.sin(angle))
    away += side * between(rng, 0.01, 0.08) * smooth_noise(rng, (height, width), side * between(rng, 0.2, 0.8))
    step = 1 / (1 + np.exp(np.clip(away / log_between(rng, 1, 15), -30, 30)))
    light *= 1 + np.float32(between(rng, -0.25, 0.25)) * step
    light *= 1 + np.float32(between(rng, -0.4, 0.4)) * np.exp(-((away / log_between(rng, 1.5, 10)) ** 2))


def add_monolayer(rng: Rng, scene: Scene) -> None:
    """Cells that grow flat on the bottom, everywhere or in patches."""
    cells = scene.textures.cells(rng, scene.shape, scene.cell_px * between(rng, 1, 2))
    patches = smooth_noise(rng, scene.shape, min(scene.shape) * between(rng, 0.15, 0.6))
    here = 1 / (1 + np.exp(np.clip(-6 * (patches + between(rng, -0.5, 1.5)), -30, 30)))
    scene.light *= np.maximum(1 + np.float32(log_between(rng, 0.02, 0.12)) * cells * here, 0.3)
    scene.parts.append("monolayer")


def add_stripes(rng: Rng, light: Field, most: float) -> None:
    """Rows or columns a little darker than their neighbours: of a sensor or a scanning stage; by ``most`` at most."""
    rows = chance(rng, 0.7)
    count = light.shape[0] if rows else light.shape[1]
    if chance(rng, 0.5):
        wave = np.sin(np.arange(count) * (2 * pi / log_between(rng, 3, 80)) + between(rng, 0, 6))
    else:
        wave = rng.standard_normal(count)
    gain = (1 + min(most, log_between(rng, 0.003, 0.04)) * wave).astype(np.float32)
    light *= gain[:, None] if rows else gain[None, :]


def add_seams(rng: Rng, light: Field) -> None:
    """A mosaic of several exposures: rectangles of other brightness."""
    height, width = light.shape
    step = log_between(rng, 0.02, 0.35)
    across = sorted(rng.random(whole(rng, 0, 3)) * width)
    down = sorted(rng.random(whole(rng, 1, 3)) * height)
    edges_x, edges_y = [0, *map(int, across), width], [0, *map(int, down), height]
    vignette = between(rng, 0, 0.2) if chance(rng, 0.5) else 0.0
    for top, bottom in pairwise(edges_y):
        for left, right in pairwise(edges_x):
            tile = light[top:bottom, left:right]
            if tile.size:
                fall = (np.linspace(-1, 1, tile.shape[0]) ** 2)[:, None] + (np.linspace(-1, 1, tile.shape[1]) ** 2)[
                    None
                ]
                tile *= np.float32(np.exp(rng.normal(0, step))) * (1 - vignette / 2 * fall).astype(np.float32)


def add_caption(rng: Rng, pixels: Field) -> None:
    """A scale bar or some words, burnt in: black or white."""
    height, width = pixels.shape
    value = float(pick(rng, {0.0: 1, 1.0: 3}))
    long, thick = int(width * between(rng, 0.08, 0.25)), max(1, int(height * between(rng, 0.005, 0.012)))
    left = int(between(rng, 0.03, 0.9) * (width - long))
    top = int(height * (between(rng, 0.9, 0.97) if chance(rng, 0.8) else between(rng, 0.03, 0.1)))
    ink = np.zeros((height, width), np.uint8)
    if chance(rng, 0.7):
        ink[top : top + thick, left : left + long] = 255
    if chance(rng, 0.6):
        words = pick(rng, {"50 um": 1, "100 um": 1, "200 um": 1, "Day 3": 1, "A1": 1, "24 h": 1})
        size = height / 512 * between(rng, 0.4, 1.0)
        cv2.putText(ink, words, (left, max(12, top - 4)), cv2.FONT_HERSHEY_SIMPLEX, size, 255, max(1, round(2 * size)))
    share = ink.astype(np.float32) / 255
    pixels += (value - pixels) * share
