"""``python -m training.failures``: a picture of where a model fails, for its card's limits.

Real images whose manifest lets them be shown, and synthetic ones of the kinds that stand for those that may not be.
"""

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.windowing import Grey
from spheroseg.model_registry import DEFAULT
from training.data import examples
from training.evaluation.judging import ImageFigures, judge_image
from training.evaluation.methods import Method, registered
from training.evaluation.overlays import Picture, caption_of, overlay
from training.synthesis import synthesize
from training.synthesis.kinds import Kind

OF_A_SOURCE, OF_A_KIND = 2, 1
"""Pictures of the worst images of each real source, and of each kind."""

KINDS = (Kind.TOUCHING, Kind.CYSTIC, Kind.MIXED)
SEEDS = range(5_000_000, 5_000_024)
"""Of the synthetic images; no training draws so far."""

COLUMNS, WIDTH_PX, GAP_PX = 2, 900, 12


@dataclass(frozen=True)
class Shown:
    """An image, what is in it and what was found."""

    group: str
    pixels: Grey
    drawn: Labels
    found: Labels
    figures: ImageFigures


def _of_data(data: Path) -> Iterator[tuple[str, str, Grey, Labels]]:
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        hidden = {row["source"] for row in csv.DictReader(file) if row["ship"] != "yes"}
    for example in examples(data, trainable=False, without=sorted(hidden)):
        yield example.source, example.name, example.pixels, example.labels


def _of_kinds() -> Iterator[tuple[str, str, Grey, Labels]]:
    for kind in KINDS:
        for seed in SEEDS:
            image = synthesize(seed, kind=kind)
            yield f"synthetic {kind.value}", str(seed), image.pixels, image.labels


def worst(method: Method, images: Iterator[tuple[str, str, Grey, Labels]], count: int) -> list[Shown]:
    """The images of each group with the lowest panoptic quality, worst first."""
    groups: dict[str, list[Shown]] = {}
    for group, name, pixels, drawn in images:
        if not drawn.any():
            continue
        found = method.find(pixels)
        shown = Shown(group, pixels, drawn, found, judge_image(name, drawn, found))
        kept = sorted([*groups.get(group, []), shown], key=lambda one: one.figures.panoptic_quality)
        groups[group] = kept[:count]
    return [shown for kept in groups.values() for shown in kept]


def picture_of(method: Method, shown: Sequence[Shown]) -> Picture:
    """All of them on one sheet, each beside its bare image.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    tiles: list[Picture] = []
    for one in shown:
        caption = caption_of(method.name, f"{one.group}/{one.figures.image}", one.figures)
        tile = overlay(one.pixels, one.drawn, one.found, caption)
        height = round(tile.shape[0] * WIDTH_PX / tile.shape[1])
        tiles.append(cv2.resize(tile, (WIDTH_PX, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False))
    rows: list[Picture] = []
    for first in range(0, len(tiles), COLUMNS):
        row = tiles[first : first + COLUMNS]
        sheet = np.full(
            (max(tile.shape[0] for tile in row), COLUMNS * WIDTH_PX + (COLUMNS - 1) * GAP_PX, 3), 255, np.uint8
        )
        for column, tile in enumerate(row):
            left = column * (WIDTH_PX + GAP_PX)
            sheet[: tile.shape[0], left : left + WIDTH_PX] = tile
        rows += [sheet, np.full((GAP_PX, sheet.shape[1], 3), 255, np.uint8)]
    return np.vstack(rows[:-1])


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the picture."""
    parser = argparse.ArgumentParser(prog="python -m training.failures", description=__doc__)
    parser.add_argument("--model", default=DEFAULT, help="NAME or NAME@VERSION of the registry")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with manifest.csv")
    parser.add_argument("--out", type=Path, default=Path("docs/images/failures.jpg"))
    chosen = parser.parse_args(arguments)
    method = registered(chosen.model)
    shown = worst(method, _of_data(chosen.data), OF_A_SOURCE) + worst(method, _of_kinds(), OF_A_KIND)
    Image.fromarray(picture_of(method, shown)).save(chosen.out, quality=82, optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
