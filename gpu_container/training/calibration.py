"""``python -m training.calibration``: what makes a model's probabilities come true as often as they say.

Networks are too sure of themselves. Two numbers for each model mend that: a slope and an intercept of the logit, fitted
on images that models may learn from, and on synthetic ones that none has learnt from, in equal measure for each image.
Only pixels in and near found objects are looked at: confidences are taken from these.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from segmentation_worker.models import load_segmenters
from segmentation_worker.settings import MODEL_DIR
from spheroseg.domain.model_card import Calibration, ModelCard
from spheroseg.domain.segmentation import Order, Parameters
from spheroseg.errors import InvalidPixelsError
from spheroseg.model_registry import ModelRegistry
from training.cards import write_card
from training.data import Example, examples
from training.evaluation.assurance import near_objects
from training.synthesis import synthesize

FIRST_SEED = 800_000
"""Of the synthetic images: below those that are learnt from, see ``training.run``."""
SYNTHETIC_IMAGES = 60
SIDES_PX = (512, 768, 1024)
"""Of the synthetic images, in turn."""

PIXELS_OF_AN_IMAGE = 5_000
"""Drawn at random where there are more: neighbours say the same."""
SEED = 11


def calibration_of(card: ModelCard, folder: Path, data: Path, synthetic_images: int = SYNTHETIC_IMAGES) -> Calibration:
    """Fit a model's calibration, in the precision that suits this machine.

    Args:
        card: Of the model; a calibration that it has already is not looked at.
        folder: Where its files lie.
        data: Folder with ``manifest.csv``; only images that may be learnt from are.

    Raises:
        ModelUnusableError: a file is missing, or not what the card says.
        ValueError: too little was found to fit anything.
    """
    bare = card.model_copy(update={"calibration": None})
    segmenters = load_segmenters(folder, threads=1, registry=ModelRegistry((bare,)))
    segmenter = segmenters.of(Order(model=card.name, model_version=card.version))
    random = np.random.default_rng(SEED)
    seen: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    for example in (*examples(data), *_synthetic(synthetic_images)):
        try:
            found = segmenter.segment(example.pixels, Parameters())
        except InvalidPixelsError:  # a synthetic image of one grey value
            continue
        probability, truth = near_objects(example.labels, found)
        if probability.size > PIXELS_OF_AN_IMAGE:
            some = random.choice(probability.size, PIXELS_OF_AN_IMAGE, replace=False)
            probability, truth = probability[some], truth[some]
        if probability.size:
            seen.append((probability, truth))
    return fitted(seen)


def fitted(seen: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]) -> Calibration:
    """The calibration with the largest likelihood.

    Args:
        seen: For each image (n,) probabilities and (n,) outcomes, 0 or 1; each image weighs the same.

    Raises:
        ValueError: there are no pixels, all of one kind, or they speak against the order of probabilities.

    Source: Platt, J. (1999), see ``Calibration``.
    """
    if not seen:
        raise ValueError("Nothing was found that a calibration could be fitted on")
    probability, truth = (np.concatenate([pair[place] for pair in seen]).astype(np.float64) for place in (0, 1))
    weight = np.concatenate([np.full(one.size, 1 / one.size) for one, _ in seen]) / len(seen)
    if truth.min() == truth.max():
        raise ValueError("All pixels are of one kind: a calibration cannot be fitted")
    kept = np.clip(probability, 1e-6, 1 - 1e-6)
    logits = np.log(kept / (1 - kept))

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scaled = parameters[0] * logits + parameters[1]
        value = float(np.sum(weight * (np.logaddexp(0, scaled) - truth * scaled)))
        slope = weight * (1 / (1 + np.exp(-scaled)) - truth)
        return value, np.array([np.sum(slope * logits), np.sum(slope)])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS")
    slope, intercept = found.x
    if not slope > 0:
        raise ValueError(f"Surer pixels are wrong more often (slope {slope:.3f}): these are no probabilities")
    return Calibration(slope=round(float(slope), 4), intercept=round(float(intercept), 4))


def _synthetic(count: int) -> Iterator[Example]:
    for index in range(count):
        seed, side_px = FIRST_SEED + index, SIDES_PX[index % len(SIDES_PX)]
        image = synthesize(seed, height_px=side_px, width_px=side_px)
        yield Example("synthetic", str(seed), image.pixels, image.labels, "exact")


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit registered models anew, and write their cards."""
    parser = argparse.ArgumentParser(prog="python -m training.calibration", description=__doc__)
    parser.add_argument("cards", nargs="+", type=Path, help="card files; each is rewritten with its calibration")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with manifest.csv")
    parser.add_argument("--models", type=Path, default=MODEL_DIR, help="folder with the models' files")
    chosen = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    for file in chosen.cards:
        card = ModelCard.model_validate_json(file.read_bytes())
        card = card.model_copy(update={"calibration": calibration_of(card, chosen.models, chosen.data)})
        write_card(card, file)
        sys.stdout.write(f"{card.name} {card.version}: {card.calibration}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
