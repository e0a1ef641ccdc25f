"""Images with masks, real and synthetic, at the scales that a network will see them at."""

import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import training.synthesis
import training.targets
from segmentation_worker.preparation import Preprocessing, prepared
from spheroseg.imaging.decode import decode
from spheroseg.imaging.label_files import read_labels
from spheroseg.imaging.windowing import Grey
from training.synthesis import synthesize
from training.targets import HIGHEST, LOWEST, Labels, Maps, maps_of

VIEW = Preprocessing(
    window_percent=(0.5, 99.5),
    clip=(LOWEST, HIGHEST),
    blur_per_shrink=0.4,
    blur_from_shrink=1.25,
    sides_px=(256,),
    enough_px=(),
    multiple_px=32,
)
"""How views are made, in training as in the worker; the sides are chosen elsewhere."""

SIDES_PX = (256, 384, 512, 768, 1024)
"""Long sides at which a real image is learnt from."""

SMALLEST_PX, LARGEST_PX = 9, 400
"""Median diameters of an image's objects between which a side is learnt from: smaller ones cannot be told from dirt,
of larger ones a crop shows no rim."""

SYNTHETIC_SIDES_PX = (512, 256)
"""Long sides at which a synthetic image is learnt from; it is drawn at the first."""

RIM_WEIGHT = {"silver": 0.3, "expert": 1.0}
"""Weight of the pixels along a rim, by who made the masks: silver ones are good to a few pixels there, not better."""


@dataclass(frozen=True)
class Example:
    """One image with its mask.

    Args:
        pixels: (h, w) grey.
        labels: (h, w), 0 is background.
        masks: Who made the mask, as the manifest says: expert, silver, mixed.
    """

    source: str
    name: str
    pixels: Grey
    labels: Labels
    masks: str


def examples(data: Path, *, trainable: bool = True, without: Sequence[str] = ()) -> Iterator[Example]:
    """The images of a folder with ``manifest.csv``.

    Args:
        trainable: Only those whose manifest allows that a model that ships learns from them.
        without: Sources to leave out.
    """
    for row in _manifest(data):
        source, name = row["source"], row["file"]
        if source in without or (trainable and row["train"] != "yes"):
            continue
        (mask,) = (data / source / "masks").glob(f"{Path(name).stem}.*")
        labels = read_labels(mask)
        pixels = decode(data / source / "images" / name).pixels
        if pixels.shape != labels.shape:
            raise ValueError(f"{mask} is {labels.shape} (height, width), its image {pixels.shape}")
        yield Example(source, name, pixels, labels, row["masks"])


def trainable_sources(data: Path) -> frozenset[str]:
    """Sources of which at least one image may train a model that ships."""
    return frozenset(row["source"] for row in _manifest(data) if row["train"] == "yes")


def scaled(example: Example, side_px: int) -> Maps:
    """An example at a long side of ``side_px``, or as large as it is: maps of (h, w, 4)."""
    side_px = min(side_px, max(example.labels.shape))
    view = prepared(example.pixels, side_px, VIEW)
    return maps_of(view, shrunk(example.labels, (view.shape[0], view.shape[1])), RIM_WEIGHT.get(example.masks, 1.0))


def shrunk(labels: Labels, shape: tuple[int, int]) -> Labels:
    """Labels at another size: each pixel takes the label at its centre."""
    if labels.shape == shape:
        return labels
    resized = cv2.resize(labels.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST_EXACT)
    return resized.astype(np.int32)


def real_maps(data: Path, without: Sequence[str] = ()) -> dict[str, list[list[Maps]]]:
    """Every real image that may be learnt from, by source: a list of its scales for each."""
    found: dict[str, list[list[Maps]]] = {}
    for example in examples(data, without=without):
        areas = np.bincount(example.labels.ravel())[1:]
        median_px = float(np.sqrt(np.median(areas[areas > 0]) * 4 / np.pi))
        long_side = max(example.labels.shape)
        sides = [side for side in SIDES_PX if SMALLEST_PX <= median_px * side / long_side <= LARGEST_PX]
        sides = [side for side in sides if side <= 1.1 * long_side] or [long_side]
        found.setdefault(example.source, []).append([scaled(example, side) for side in sides])
    return found


@dataclass(frozen=True)
class SyntheticMaps:
    """Synthetic images at two sides, memory-mapped: (n, side, side, 4) uint8 each."""

    large: NDArray[np.uint8]
    small: NDArray[np.uint8]


def synthetic_maps(folder: Path, count: int, first_seed: int, jobs: int, told: Callable[[int], None]) -> SyntheticMaps:
    """Synthetic images of consecutive seeds, made once and kept in ``folder``.

    Args:
        first_seed: Seed of the first image.
        jobs: Processes that draw.
        told: Called with the number of images drawn so far.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"synthetic-{generator_version()}-{first_seed}-{count}"
    files = [folder / f"{name}-{side}.npy" for side in SYNTHETIC_SIDES_PX]
    if not all(file.exists() for file in files):
        drafts = [file.with_suffix(".draft.npy") for file in files]
        shapes = [(count, side, side, 4) for side in SYNTHETIC_SIDES_PX]
        arrays = [
            np.lib.format.open_memmap(draft, "w+", np.uint8, shape) for draft, shape in zip(drafts, shapes, strict=True)
        ]
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            drawn = pool.map(_synthetic, range(first_seed, first_seed + count), chunksize=16)
            for index, maps in enumerate(drawn):
                for array, of_side in zip(arrays, maps, strict=True):
                    array[index] = of_side
                told(index + 1)
        for array, draft, file in zip(arrays, drafts, files, strict=True):
            array.flush()
            draft.replace(file)
    large, small = (np.load(file, mmap_mode="r") for file in files)
    return SyntheticMaps(large, small)


def generator_version() -> str:
    """Changes with the code that draws or prepares synthetic images."""
    folder = Path(training.synthesis.__file__).parent
    digest = hashlib.sha256()
    for file in [*sorted(folder.glob("*.py")), Path(training.targets.__file__), Path(__file__)]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _manifest(data: Path) -> list[dict[str, str]]:
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _synthetic(seed: int) -> list[Maps]:
    cv2.setNumThreads(1)
    image = synthesize(seed, height_px=SYNTHETIC_SIDES_PX[0], width_px=SYNTHETIC_SIDES_PX[0])
    example = Example("synthetic", str(seed), image.pixels, image.labels, "exact")
    return [scaled(example, side) for side in SYNTHETIC_SIDES_PX]
