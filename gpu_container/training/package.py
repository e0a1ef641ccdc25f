"""``python -m training.package``: trained networks to the files, cards and figures that ship.

For each training: the ONNX file in float32, int8 and float16, judged in the precision that runs on a CPU and, to show
what the fewer bits cost, in float32. Figures are measured here and nowhere else.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from segmentation_worker.settings import MODEL_DIR
from spheroseg.domain.model_card import ModelCard, ModelVariant
from training.augment import crop_of
from training.calibration import calibration_of
from training.cards import (
    CARDS,
    INPUT,
    INTENDED_USE,
    LIMITS,
    OPSET,
    OUTPUT,
    POSTPROCESSING,
    TRAINING_DATA,
    write_card,
)
from training.data import VIEW, real_maps
from training.evaluation import trust_report
from training.evaluation.judging import ImageFigures
from training.evaluation.methods import Method, of_card
from training.evaluation.overlays import write_worst
from training.evaluation.report import ALL, Circumstances, Group, figures_of, groups_of, markdown
from training.evaluation.running import Judged, evaluate
from training.evaluation.sources import find_cases
from training.smaller import largest_difference, to_float16, to_int8

CARD_DIR = Path("layers/common/python/spheroseg/model_cards")
SHOWN = ("images", "foreground_iou_mean", "foreground_iou_p10", "object_iou_mean", "ap50_mean", "ap75_mean")
"""What a card tells of each source; everything else stands in the report of ``spheroseg evaluate``."""
SHOWN_OF_TRUST = (
    "review_auc",
    "review_auc_low",
    "review_auc_high",
    "calibration_error_before",
    "calibration_error_after",
)
"""The same of how far its confidence and its flag can be trusted."""

CALIBRATION_SEED = 7
CROPS_OF_AN_IMAGE, SYNTHETIC_CROPS, CROP_PX = 3, 100, 256
LARGEST_HALF_DIFFERENCE = 0.02
"""Of a probability between float16 and float32; more is a broken conversion, not rounding."""


def calibration_views(data: Path, synthetic: Path) -> list[NDArray[np.float32]]:
    """Some hundred views like those that a model sees, from what it learnt from."""
    random = np.random.default_rng(CALIBRATION_SEED)
    views = [
        crop_of(scales[random.integers(len(scales))], CROP_PX, random)[0]
        for images in real_maps(data).values()
        for scales in images
        for _ in range(CROPS_OF_AN_IMAGE)
    ]
    drawn = np.load(synthetic, mmap_mode="r")[:SYNTHETIC_CROPS]
    views += [crop_of(maps, CROP_PX, random)[0] for maps in drawn]
    return views


def card_of(name: str, trained: dict[str, Any], file: Path, variants: Sequence[ModelVariant]) -> ModelCard:
    """The card of a trained network, without figures yet."""
    text = CARDS[name]
    return ModelCard(
        name=name,
        version=text.version,
        title=text.title,
        description=text.description,
        file=file.name,
        sha256=trained["sha256"],
        size_bytes=file.stat().st_size,
        variants=tuple(variants),
        parameter_count=trained["parameters"],
        opset=OPSET,
        input=INPUT,
        output=OUTPUT,
        licence="MIT",
        training_data=TRAINING_DATA,
        intended_use=INTENDED_USE,
        limits=LIMITS,
        figures={},
        preprocessing={
            **VIEW.model_dump(),
            "sides_px": text.sides_px,
            "enough_px": text.enough_px,
            "mirrored": text.mirrored,
        },
        postprocessing=POSTPROCESSING,
    )


def judged(card: ModelCard, folder: Path, data: Path, jobs: int, report: Path) -> ModelCard:
    """The card with its figures: in int8, and what int8 changed against float32.

    Args:
        report: Folder for ``report.md`` and the overlays of the worst images.
    """
    cases, failures = find_cases(data)
    if failures:
        raise ValueError(f"{failures[0].source}/{failures[0].name}: {failures[0].reason}")
    methods = [of_card(card.in_precision(precision), folder) for precision in ("int8", "float32")]
    results, failures = evaluate(cases, methods, jobs)
    if failures:
        raise ValueError(f"{failures[0].source}/{failures[0].name}: {failures[0].reason}")
    groups = groups_of(results)
    told = figures_of(groups, methods[0].name)
    write_report(results, groups, methods, report)
    sources = {case.source for case in cases}
    figures = {
        key: value
        for key, value in told.items()
        if any(key == f"{source}_{shown}" for source in sources for shown in SHOWN)
    }
    told = trust_report.figures_of(results, methods[0].name)
    figures |= {
        key: value
        for key, value in told.items()
        if any(key == f"{group}_{shown}" for group in (*sources, ALL) for shown in SHOWN_OF_TRUST)
    }
    small, whole = (_ious(results, method.name) for method in methods)
    figures |= {
        "int8_less_float32_foreground_iou_mean": round(float(np.mean(small - whole)), 4),
        "int8_less_float32_foreground_iou_worst": round(float(np.min(small - whole)), 4),
    }
    return card.model_copy(update={"figures": figures})


def write_report(results: Sequence[Judged], groups: Sequence[Group], methods: Sequence[Method], folder: Path) -> None:
    """Tables of every source and the worst images of the model as it ships, beside the training."""
    of_first = [one for one in results if one.method == methods[0].name]
    pictures = [str(file.relative_to(folder)) for file in write_worst(of_first, methods[0], folder / "overlays")]
    circumstances = Circumstances("python -m training.package", datetime.now(UTC), None)
    about = {method.name: method.about for method in methods}
    plots = [file.name for file in trust_report.write_plots(of_first, folder)]
    sections = trust_report.section(results, plots)
    text = markdown(results, groups, about, [], circumstances, {methods[0].name: pictures}, sections)
    (folder / "report.md").write_text(text, encoding="utf-8")


def package(training: Path, data: Path, models: Path, cards: Path, jobs: int) -> ModelCard:
    """Write one training's model files and card, and beside the training its report.

    Args:
        training: Folder that ``training.run`` made, beside the synthetic images that were learnt from.
    """
    models.mkdir(parents=True, exist_ok=True)
    cards.mkdir(parents=True, exist_ok=True)
    (synthetic, *_) = sorted(training.parent.glob("synthetic-*-512.npy"))
    trained = json.loads((training / "training.json").read_text(encoding="utf-8"))
    name = trained["model"]
    views = calibration_views(data, synthetic)
    stem = f"{name}-{CARDS[name].version}"
    whole = models / f"{stem}.onnx"
    shutil.copyfile(training / f"{name}.onnx", whole)
    small, half = models / f"{stem}-int8.onnx", models / f"{stem}-float16.onnx"
    digests = {"int8": to_int8(whole, views, small), "float16": to_float16(whole, half)}
    difference = largest_difference(whole, half, views[:8])
    if not difference < LARGEST_HALF_DIFFERENCE:
        raise ValueError(f"{half} differs from float32 by {difference:.3f}")
    variants = [
        ModelVariant(precision=precision, file=file.name, sha256=digests[precision], size_bytes=file.stat().st_size)
        for precision, file in (("int8", small), ("float16", half))
    ]
    card = card_of(name, trained, whole, variants)
    card = card.model_copy(update={"calibration": calibration_of(card, models, data)})
    card = judged(card, models, data, jobs, training)
    write_card(card, cards / f"{stem}.json")
    return card


def main(arguments: Sequence[str] | None = None) -> int:
    """Package the trainings that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m training.package", description=__doc__)
    parser.add_argument("trainings", nargs="+", type=Path, help="folders of training.run, such as run/fast-seed-0")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with manifest.csv")
    parser.add_argument("--models", type=Path, default=MODEL_DIR)
    parser.add_argument("--cards", type=Path, default=CARD_DIR)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    onnxruntime.set_default_logger_severity(3)  # the quantiser's advice on graphs that are optimised at loading
    for training in chosen.trainings:
        card = package(training, chosen.data, chosen.models, chosen.cards, chosen.jobs)
        json.dump({card.name: card.figures}, sys.stdout, indent=2)
        sys.stdout.write("\n")
    return 0


def _ious(results: Sequence[Judged], method: str) -> NDArray[np.float64]:
    images: list[ImageFigures] = [
        image for judged in results if judged.method == method for image in judged.judgement.images
    ]
    return np.array([image.foreground_iou for image in images])


if __name__ == "__main__":
    sys.exit(main())
