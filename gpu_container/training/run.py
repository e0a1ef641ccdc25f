"""``python -m training.run``: from the data to the files that ship, in one command that can be stopped and goes on.

Everything lands in one folder: the synthetic images, a folder for each training with its checkpoint, curve and ONNX
file, the models in all precisions with their cards and reports, and a picture of the curves. ``--adopt`` puts models
and cards where the project keeps them.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import torch
from torch import Tensor

from segmentation_worker.settings import MODEL_DIR
from training.curves import draw_curves
from training.data import SyntheticMaps, generator_version, real_maps, synthetic_maps, trainable_sources
from training.export import export
from training.fit import VALIDATION_IMAGES, Images, fit, weights_in
from training.folds import judge_folds
from training.network import Unet, parameter_count
from training.package import CARD_DIR, package
from training.recipes import ENSEMBLES, FOLDS, RECIPES, TrainingRecipe

FIRST_SYNTHETIC_SEED = 1_000_000
"""Seeds below are for tests and test sets; those above it are learnt from."""


@dataclass(frozen=True)
class Task:
    """One training.

    Args:
        data: Folder with ``manifest.csv``.
        out: Folder that holds the synthetic images and the folders of all trainings.
        without: Sources that it does not learn from.
    """

    recipe: TrainingRecipe
    seed: int
    without: tuple[str, ...]
    data: Path
    out: Path

    @property
    def folder(self) -> Path:
        """Of this training."""
        return self.out / "-".join([_label(self.recipe.name, self.without), f"seed-{self.seed}"])

    def synthetic(self) -> SyntheticMaps:
        """Images that were drawn before."""
        total = self.recipe.synthetic_images
        return synthetic_maps(self.out, total, FIRST_SYNTHETIC_SEED, 1, _drawn(total))


def train(task: Task) -> None:
    """One network from its images to its ONNX file, in its folder beside what it was made from."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    real = real_maps(task.data, task.without)
    shares = {source: share for source, share in task.recipe.real_shares.items() if source in real}
    recipe = replace(task.recipe, real_shares=shares)
    told = _told(task.folder.name, recipe.steps)
    first = replace(task, recipe=replace(recipe, name=recipe.after)).folder if recipe.after else None
    weights = fit(recipe, Images(real, task.synthetic()), task.folder, task.seed, told, first)
    write(recipe.name, recipe, [weights], [task.seed], task.without, task.folder)


def train_in_turn(tasks: Sequence[Task]) -> None:
    """One network after the other, as those that go on with another must wait for it."""
    for task in tasks:
        train(task)


def planned(
    recipes: Sequence[TrainingRecipe], seeds: Sequence[int], without: tuple[str, ...], data: Path, out: Path
) -> list[list[Task]]:
    """The trainings of each seed, in their order; those of different seeds need nothing of each other.

    A recipe that goes on with another is trained with the first seed alone, so the longest of these comes first.
    """
    return [
        [Task(recipe, seed, without, data, out) for recipe in recipes if recipe.after is None or seed == seeds[0]]
        for seed in seeds
    ]


def write(
    name: str,
    recipe: TrainingRecipe,
    weights: Sequence[dict[str, Tensor]],
    seeds: Sequence[int],
    without: Sequence[str],
    folder: Path,
) -> None:
    """The ONNX file of a network, or of several as one, and beside it what it was made from."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.onnx"
    about = {
        "model": name,
        "recipe": asdict(recipe),
        "seeds": list(seeds),
        "without": list(without),
        "parameters": parameter_count(Unet(recipe.widths)) * len(weights),
        "sha256": export(recipe, weights, file),
        "size_bytes": file.stat().st_size,
        "generator": generator_version(),
    }
    (folder / "training.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def join(name: str, tasks: Sequence[Task]) -> Path:
    """The ensemble of those finished trainings that belong to it; returns its folder."""
    members = [
        task
        for recipe, count in ENSEMBLES[name].items()
        for task in [task for task in tasks if task.recipe.name == recipe][:count]
    ]
    first = members[0]
    folder = first.out / _label(name, first.without)
    weights = [weights_in(task.folder) for task in members]
    learnt = json.loads((first.folder / "training.json").read_text(encoding="utf-8"))["recipe"]
    recipe = replace(first.recipe, real_shares=learnt["real_shares"])
    write(name, recipe, weights, [task.seed for task in members], first.without, folder)
    return folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m training.run", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with manifest.csv")
    parser.add_argument("--out", type=Path, default=Path("training-run"), help="folder for everything that is made")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="the first is the fast model")
    parser.add_argument("--folds", action="store_true", help="also train without each real source, and judge on it")
    parser.add_argument("--steps", type=int, help="instead of the recipe's")
    parser.add_argument("--synthetic-images", type=int, help="instead of the recipe's")
    parser.add_argument("--adopt", action="store_true", help="put models and cards where the project keeps them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="trainings at a time, a thread each")
    chosen = parser.parse_args(arguments)
    if chosen.synthetic_images is not None and chosen.synthetic_images <= VALIDATION_IMAGES:
        parser.error(f"--synthetic-images must be above {VALIDATION_IMAGES}, which only judge")
    if not (chosen.data / "manifest.csv").is_file():
        parser.error(f"{chosen.data} has no manifest.csv")
    cv2.setNumThreads(1)

    learnable = trainable_sources(chosen.data)
    recipes = [
        replace(
            standard,
            steps=standard.steps if chosen.steps is None else chosen.steps,
            synthetic_images=chosen.synthetic_images or standard.synthetic_images,
        )
        for standard in RECIPES.values()
    ]
    for total in {recipe.synthetic_images for recipe in recipes}:
        synthetic_maps(chosen.out, total, FIRST_SYNTHETIC_SEED, chosen.jobs, _drawn(total))
    left_out: list[tuple[str, ...]] = [(), *(fold for fold in FOLDS if chosen.folds and learnable.intersection(fold))]
    plans = [planned(recipes, chosen.seeds, without, chosen.data, chosen.out) for without in left_out]
    with ProcessPoolExecutor(chosen.jobs, get_context("spawn")) as pool:
        list(pool.map(train_in_turn, [chain for chains in plans for chain in chains]))
    joined = [[join(name, [task for chain in chains for task in chain]) for name in ENSEMBLES] for chains in plans]
    models = [plans[0][0][0].folder, *joined[0]]
    print(draw_curves(chosen.out))
    files, cards = (MODEL_DIR, CARD_DIR) if chosen.adopt else (chosen.out / "models", chosen.out / "cards")
    for folder in models:
        print(f"Judging {folder.name}", file=sys.stderr, flush=True)
        package(folder, chosen.data, files, cards, chosen.jobs)
        print(folder / "report.md")
    if chosen.folds:
        print(judge_folds(chosen.out, chosen.data, chosen.jobs))
    return 0


def _told(name: str, steps: int) -> Callable[[int, float], None]:
    """What says how far a training is."""
    started = time.monotonic()

    def told(step: int, loss: float) -> None:
        seconds = time.monotonic() - started
        print(f"{name}: step {step} of {steps}, loss {loss:.4f}, {seconds:.0f} s", file=sys.stderr, flush=True)

    return told


def _drawn(total: int) -> Callable[[int], None]:
    """What says how far the drawing is."""

    def drawn(count: int) -> None:
        if count % 250 == 0:
            print(f"{count} of {total} synthetic images", file=sys.stderr, flush=True)

    return drawn


def _label(name: str, without: Sequence[str]) -> str:
    return "-".join([name, *(f"without-{source}" for source in without)])


if __name__ == "__main__":
    sys.exit(main())
