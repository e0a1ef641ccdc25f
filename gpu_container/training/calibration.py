"""``python -m training.calibration``: what makes a model's probabilities come true as often as they say.

Networks are too sure of themselves. Two numbers for each model mend that: a slope and an intercept of the logit, fitted
on images that models may learn from, and on synthetic ones that none has learnt from, in equal measure for each image.
Only pixels in and near found objects are looked at: confidences are taken from these.

With it go two limits, chosen on the synthetic images, for a network is surer of those that it learnt from. A result is
flagged below the confidence with the largest sensitivity + specificity for bad results, averaged over ± 0.01; a
spheroid below the confidence of the least sure quarter.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.certainty import calibrated
from spheroseg.model_registry import ModelRegistry
from spheroseg.ports import SegmentedPixels
from training.cards import write_card
from training.data import Example, examples
from training.evaluation.assurance import inside_objects, near_objects
from training.evaluation.trust import BAD_IOU, BAD_PERCENT
from training.synthesis import synthesize

SYNTHETIC = "synthetic"
FIRST_SEED = 800_000
"""Of the synthetic images: below those that are learnt from, see ``training.run``."""
SYNTHETIC_IMAGES = 90
SIDES_PX = (512, 768, 1024)
"""Of the synthetic images, in turn."""

LIMITS = np.arange(0.5, 0.99, 0.01)
"""Confidences that are tried as limits of a result."""
LEAST_SURE_PERCENT = 25
FEWEST_BAD = 5
"""Bad results, and others, below which a limit is not chosen but left as it is for every model."""

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
    segmenters = load_segmenters(folder, registry=ModelRegistry((bare,)))
    segmenter = segmenters.of(Order(model=card.name, model_version=card.version))
    random = np.random.default_rng(SEED)
    seen: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    results: list[FoundInside] = []
    for example in (*examples(data), *_synthetic(synthetic_images)):
        try:
            found = segmenter.segment(example.pixels, Parameters())
        except InvalidPixelsError:  # a synthetic image of one grey value
            continue
        if example.source == SYNTHETIC:
            results.append(FoundInside.of(example.labels, found))
        probability, truth = near_objects(example.labels, found)
        if probability.size > PIXELS_OF_AN_IMAGE:
            some = random.choice(probability.size, PIXELS_OF_AN_IMAGE, replace=False)
            probability, truth = probability[some], truth[some]
        if probability.size:
            seen.append((probability, truth))
    calibration = fitted(seen)
    return calibration.model_copy(update=limits_of(results, calibration))


@dataclass(frozen=True)
class FoundInside:
    """What was found in an image, and how good that was.

    Args:
        number, probability: (n,) of each pixel of the view in an object: of which one, and the network's probability.
        foreground_iou: Found and drawn foreground.
    """

    number: NDArray[np.int32]
    probability: NDArray[np.float32]
    foreground_iou: float

    @classmethod
    def of(cls, drawn: Labels, found: SegmentedPixels) -> "FoundInside":
        """Compare with what was drawn: (h, w) of the size of the image."""
        number, probability = inside_objects(found)
        both = np.count_nonzero((drawn > 0) & (found.labels > 0))
        either = np.count_nonzero((drawn > 0) | (found.labels > 0))
        return cls(number, probability, both / either if either else 1.0)


def limits_of(results: Sequence[FoundInside], calibration: Calibration) -> dict[str, float]:
    """Limits of confidence for results and spheroids, by the names of the calibration; those that can be chosen.

    Args:
        results: Of images that the model has not learnt from, all of one kind.
    """
    found = [one for one in results if one.number.size]
    if not found:
        return {}
    sure = [calibrated(one.probability, calibration) for one in found]
    spheroids = [
        np.bincount(one.number, weights=values)[np.unique(one.number)] / np.unique(one.number, return_counts=True)[1]
        for one, values in zip(found, sure, strict=True)
    ]
    chosen = {"low_spheroid_confidence": round(float(np.percentile(np.concatenate(spheroids), LEAST_SURE_PERCENT)), 2)}
    iou = np.array([one.foreground_iou for one in found])
    is_bad = iou < max(BAD_IOU, float(np.percentile(iou, BAD_PERCENT)))
    if min(np.count_nonzero(is_bad), np.count_nonzero(~is_bad)) >= FEWEST_BAD:
        confidence = np.array([float(values.mean()) for values in sure])
        gain = np.array([np.mean(confidence[is_bad] < one) - np.mean(confidence[~is_bad] < one) for one in LIMITS])
        smooth = np.convolve(gain, np.ones(3) / 3, mode="same")
        chosen["low_confidence"] = round(float(LIMITS[int(np.argmax(smooth))]), 2)
    return chosen


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
        yield Example(SYNTHETIC, str(seed), image.pixels, image.labels, "exact")


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
