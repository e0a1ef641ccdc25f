"""``python -m training.run``: from the data to the files that ship, in one command that can be stopped and goes on.

Everything lands in one folder: the synthetic images, a folder for each training with its checkpoint, curve, ONNX file
and report, the models in all precisions with their cards, and a picture of the curves. ``--adopt`` puts models and
cards where the project keeps them.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import torch

from segmentation_worker.settings import MODEL_DIR
from training.curves import draw_curves
from training.data import generator_version, real_maps, synthetic_maps
from training.export import export
from training.fit import Images, fit
from training.network import Unet, parameter_count
from training.package import CARD_DIR, package
from training.recipes import RECIPES, TrainingRecipe

FIRST_SYNTHETIC_SEED = 1_000_000
"""Seeds below are for tests and test sets; those above it are learnt from."""


def train(
    recipe: TrainingRecipe, images: Images, folder: Path, seed: int, without: Sequence[str], say: Callable[[str], None]
) -> Path:
    """One network from its images to its ONNX file, which is returned; beside it lies what it was made from."""
    started = time.monotonic()

    def told(step: int, loss: float) -> None:
        seconds = time.monotonic() - started
        say(f"{recipe.name} seed {seed}: step {step} of {recipe.steps}, loss {loss:.4f}, {seconds:.0f} s")

    weights = fit(recipe, images, folder, seed, told)
    file = folder / f"{recipe.name}.onnx"
    about = {
        "recipe": asdict(recipe),
        "seed": seed,
        "without": list(without),
        "parameters": parameter_count(Unet(recipe.widths)),
        "sha256": export(recipe, weights, file),
        "size_bytes": file.stat().st_size,
        "generator": generator_version(),
    }
    (folder / "training.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    return file


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m training.run", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with manifest.csv")
    parser.add_argument("--out", type=Path, default=Path("training-run"), help="folder for everything that is made")
    parser.add_argument("--models", nargs="+", choices=sorted(RECIPES), default=sorted(RECIPES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--without", nargs="*", default=[], metavar="SOURCE", help="sources that are not learnt from")
    parser.add_argument("--steps", type=int, help="instead of the recipe's")
    parser.add_argument("--synthetic-images", type=int, help="instead of the recipe's")
    parser.add_argument("--unjudged", action="store_true", help="only train; `training.package` does the rest later")
    parser.add_argument("--adopt", action="store_true", help="put models and cards where the project keeps them")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    torch.set_num_threads(chosen.threads)

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    trained: list[Path] = []
    real = real_maps(chosen.data, chosen.without)
    for name in chosen.models:
        recipe = RECIPES[name]
        recipe = replace(
            recipe,
            steps=chosen.steps or recipe.steps,
            synthetic_images=chosen.synthetic_images or recipe.synthetic_images,
            real_shares={source: share for source, share in recipe.real_shares.items() if source in real},
        )

        def drawn(count: int, total: int = recipe.synthetic_images) -> None:
            if count % 250 == 0:
                say(f"{count} of {total} synthetic images")

        synthetic = synthetic_maps(chosen.out, recipe.synthetic_images, FIRST_SYNTHETIC_SEED, chosen.threads, drawn)
        for seed in chosen.seeds:
            label = "-".join([name, *(f"without-{source}" for source in chosen.without), f"seed-{seed}"])
            trained.append(train(recipe, Images(real, synthetic), chosen.out / label, seed, chosen.without, say).parent)
    print(draw_curves(chosen.out))
    if not chosen.without and not chosen.unjudged:
        models, cards = (MODEL_DIR, CARD_DIR) if chosen.adopt else (chosen.out / "models", chosen.out / "cards")
        for folder in trained:
            if folder.name.endswith(f"-seed-{chosen.seeds[0]}"):
                say(f"Judging {folder.name}")
                package(folder, chosen.data, models, cards, chosen.threads)
                print(folder / "report.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
