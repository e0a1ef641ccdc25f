"""Pictures of spheroids that grow at a known rate. Drawn, not taken: nothing in them was ever alive.

They stand in for a folder of your own images, and because their growth is known, what comes out can be held against it.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter


@dataclass(frozen=True)
class Plate:
    """What is drawn: a spheroid in the middle of each image.

    Args:
        doubling_h: How long each condition's volume takes to double, in hours.
        times_h: When each well is seen.
        replicates: Wells of each condition.
        diameter_um: At time 0, on average over the wells; they differ by 5 % (standard deviation).
        rate_sd: By how much the wells' growth rates differ, as a share.
        pixel_size_um, side_px: Of the square images.
    """

    doubling_h: Mapping[str, float]
    times_h: tuple[int, ...] = (0, 24, 48, 72)
    replicates: int = 3
    diameter_um: float = 220.0
    rate_sd: float = 0.05
    pixel_size_um: float = 2.0
    side_px: int = 320


def draw(plate: Plate, folder: Path, seed: int = 1) -> Path:
    """Write an image for each condition, replicate and time, and ``drawn.csv`` with what each one shows.

    The same plate and seed give the same pixels.

    Returns:
        The table: file, condition, replicate, time_point_h, volume_um3 of the ball with the disk's diameter.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    rows = []
    for number, (condition, doubling_h) in enumerate(plate.doubling_h.items()):
        for replicate in range(1, plate.replicates + 1):
            first_um = plate.diameter_um * rng.normal(1, 0.05)
            rate_per_h = log(2) / doubling_h * rng.normal(1, plate.rate_sd)
            bumps = rng.normal(0, 0.012, 5), rng.uniform(0, 2 * np.pi, 5)
            for time_h in plate.times_h:
                diameter_um = first_um * np.exp(rate_per_h * time_h / 3)
                pixels = _picture(rng, plate.side_px, diameter_um / plate.pixel_size_um / 2, bumps)
                well = f"{'ABCDEFGH'[number]}{replicate:02d}"
                name = f"{well}_{condition}_r{replicate}_{time_h:03d}h.png"
                Image.fromarray(pixels).save(folder / name)
                rows.append((name, condition, replicate, time_h, np.pi / 6 * diameter_um**3))
    table = folder / "drawn.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("file", "condition", "replicate", "time_point_h", "volume_um3"))
        writer.writerows(rows)
    return table


def _picture(
    rng: np.random.Generator, side_px: int, radius_px: float, bumps: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> NDArray[np.uint8]:
    """A dark body with a bumpy rim on an unevenly lit, noisy ground."""
    y, x = np.mgrid[:side_px, :side_px] - (side_px - 1) / 2
    angle, distance = np.arctan2(y, x), np.hypot(y, x)
    waves = [size * np.cos((place + 2) * angle + phase) for place, (size, phase) in enumerate(zip(*bumps, strict=True))]
    shape = (1 + np.sum(waves, axis=0)) / np.sqrt(1 + np.sum(bumps[0] ** 2) / 2)  # bumps add no area
    inside = 1 / (1 + np.exp((distance - radius_px * shape) / 0.7))
    cells = gaussian_filter(rng.normal(0, 1, (side_px, side_px)), 2.5)
    body = 0.30 + 0.12 * np.clip(distance / radius_px, 0, 1) ** 2 + 0.05 * cells / cells.std()
    slope_x, slope_y = rng.normal(0, 0.03, 2)
    ground = 0.72 + (slope_x * x + slope_y * y) / side_px
    light = gaussian_filter(ground * (1 - inside) + body * inside, 0.8) + rng.normal(0, 0.012, (side_px, side_px))
    return np.asarray(np.clip(np.rint(255 * light), 0, 255), np.uint8)
