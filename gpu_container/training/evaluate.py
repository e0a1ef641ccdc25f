"""How well a registered model finds objects: ``python -m training.evaluate DATA [MODEL]``.

DATA holds a folder for each source with ``images`` and ``masks`` (label images of the same name). Files go through the
worker's own decoder and segmenter, with the parameters of a user who sets none. Prints JSON: figures as they stand in
a model card.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation_worker.models import load_segmenters
from segmentation_worker.settings import MODEL_DIR
from spheroseg.domain.segmentation import Order, Parameters
from spheroseg.imaging.decode import decode
from spheroseg.model_registry import ModelRegistry

Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Score:
    """One image.

    Args:
        foreground_iou: Area shared by all objects found and all drawn, divided by the area of either.
        object_iou: Mean over the drawn objects of the largest IoU that a found one has with it; none drawn: None.
        ap50, ap75: Objects found with an IoU above 0.5 and 0.75, divided by all drawn, found or both (the average
            precision of Caicedo, J. C. et al. (2019), Nature Methods 16, 1247-1253).
    """

    foreground_iou: float
    object_iou: float | None
    ap50: float
    ap75: float


def score(drawn: Labels, found: Labels) -> Score:
    """Compare two label images of the same size; their numbers need not agree."""
    drawn_count, found_count = int(drawn.max()), int(found.max())
    pairs = drawn.ravel().astype(np.int64) * (found_count + 1) + found.ravel()
    table = np.bincount(pairs, minlength=(drawn_count + 1) * (found_count + 1)).reshape(drawn_count + 1, -1)
    drawn_areas, found_areas = table.sum(axis=1)[1:], table.sum(axis=0)[1:]
    shared = table[1:, 1:][drawn_areas > 0][:, found_areas > 0]
    drawn_areas, found_areas = drawn_areas[drawn_areas > 0], found_areas[found_areas > 0]
    iou = shared / (drawn_areas[:, None] + found_areas - shared)
    either = np.count_nonzero((drawn > 0) | (found > 0))

    def precision(least: float) -> float:
        hits = np.count_nonzero(iou > least)  # above 0.5 an object has one partner at most
        total = len(drawn_areas) + len(found_areas) - hits
        return float(hits / total) if total else 1.0

    best = iou.max(axis=1, initial=0.0)
    return Score(
        foreground_iou=float(shared.sum() / either) if either else 1.0,
        object_iou=float(best.mean()) if len(best) else None,
        ap50=precision(0.5),
        ap75=precision(0.75),
    )


def mask_of(path: Path) -> Labels:
    """A label image as drawn."""
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if mask is None or mask.ndim != 2:
        raise ValueError(f"{path} is no label image")
    return mask.astype(np.int32)


def figures(data: Path, name: str, version: str) -> dict[str, float]:
    """Means over the images of each source, under keys that say what and where."""
    segmenter = load_segmenters(MODEL_DIR, threads=2).of(Order(model=name, model_version=version))
    told: dict[str, float] = {}
    for source in sorted(folder.name for folder in data.iterdir() if (folder / "masks").is_dir()):
        scores = []
        for image in sorted((data / source / "images").iterdir()):
            (mask,) = (data / source / "masks").glob(f"{image.stem}.*")
            found = segmenter.segment(decode(image).pixels, Parameters()).labels
            scores.append(score(mask_of(mask), found))
        objects = [one.object_iou for one in scores if one.object_iou is not None]
        told |= {
            f"{source}_images": len(scores),
            f"{source}_foreground_iou_mean": float(np.mean([one.foreground_iou for one in scores])),
            f"{source}_object_iou_mean": float(np.mean(objects)),
            f"{source}_ap50_mean": float(np.mean([one.ap50 for one in scores])),
            f"{source}_ap75_mean": float(np.mean([one.ap75 for one in scores])),
        }
    return {key: round(value, 3) for key, value in told.items()}


def main() -> int:
    """Judge one model and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("model", nargs="?", default=ModelRegistry.packaged().default.name)
    arguments = parser.parse_args()
    card = ModelRegistry.packaged().get(arguments.model)
    json.dump(figures(arguments.data, card.name, card.version), sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
