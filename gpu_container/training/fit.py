"""One training: batches in, weights out; it can be stopped at any moment and goes on where it was."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.augment import crop_of, targets_of
from training.data import SyntheticMaps
from training.network import CORE, DEPTH, Unet
from training.recipes import TrainingRecipe
from training.targets import Maps

CHECKPOINT = "checkpoint.pt"
CHECKPOINT_EVERY = 250
TOLD_EVERY = 25
WARM_UP = 0.05
SMALL_VIEW = 0.35
"""Share of synthetic crops that come from the smaller view."""

VALIDATION_IMAGES = 48
"""Synthetic images that are never learnt from, for the curves."""


@dataclass(frozen=True)
class Images:
    """What a training learns from.

    Args:
        real: By source, for each image its scales.
        synthetic: The last ``VALIDATION_IMAGES`` of them only judge.
    """

    real: dict[str, list[list[Maps]]]
    synthetic: SyntheticMaps

    def crop(self, recipe: TrainingRecipe, random: np.random.Generator) -> tuple[NDArray[np.float32], Maps]:
        """A crop of a source drawn by its share."""
        shares = {source: recipe.real_shares.get(source, 0.0) for source in self.real}
        drawn = random.random()
        for source, share in shares.items():
            drawn -= share
            if drawn < 0:
                images = self.real[source]
                scales = images[random.integers(len(images))]
                return crop_of(scales[random.integers(len(scales))], recipe.crop_px, random)
        small = random.random() < SMALL_VIEW
        maps = self.synthetic.small if small else self.synthetic.large
        return crop_of(maps[random.integers(len(maps) - VALIDATION_IMAGES)], recipe.crop_px, random)

    def batch(self, recipe: TrainingRecipe, seed: int, step: int) -> tuple[Tensor, Tensor]:
        """Views (n, 1, side, side) and targets (n, 4, side / 2, side / 2) of a step: the same whenever asked for."""
        random = np.random.default_rng([seed, step])
        crops = [self.crop(recipe, random) for _ in range(recipe.batch)]
        views = np.stack([view[None] for view, _ in crops])
        targets = np.stack([targets_of(maps, recipe.core_depth) for _, maps in crops])
        return torch.from_numpy(views), torch.from_numpy(targets)


def loss_of(logits: Tensor, targets: Tensor, recipe: TrainingRecipe) -> Tensor:
    """What is wrong at half of the size, where the network answers: targets there are shares of a pixel's area.

    Weighted cross entropy of foreground and core, their Dice loss, and the cross entropy of depth.

    Source of the Dice loss: Milletari, F. et al. (2016), V-Net, 3DV.
    """
    weight = targets[:, 3:]
    wanted = targets[:, : CORE + 1]
    entropy = functional.binary_cross_entropy_with_logits(
        logits[:, : CORE + 1], wanted, weight=weight.expand_as(wanted)
    )
    found = torch.sigmoid(logits[:, : CORE + 1])
    shared = (found * wanted).sum((0, 2, 3))
    dice = 1 - (2 * shared + 1) / (found.sum((0, 2, 3)) + wanted.sum((0, 2, 3)) + 1)
    depth = functional.binary_cross_entropy_with_logits(logits[:, DEPTH], targets[:, DEPTH], weight=weight[:, 0])
    return entropy + recipe.dice * dice.mean() + recipe.depth * depth


def fit(
    recipe: TrainingRecipe,
    images: Images,
    folder: Path,
    seed: int,
    told: Callable[[int, float], None],
    first: Path | None = None,
) -> dict[str, Tensor]:
    """Train a network, or go on with it, and give its averaged weights.

    Args:
        folder: Holds ``checkpoint.pt`` and ``curve.csv``; a finished training is only read again.
        told: Called with the step and the loss every few steps.
        first: Folder of a finished training whose averaged weights it begins with.

    Raises:
        ValueError: the checkpoint in the folder is of another recipe or seed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    network = Unet(recipe.widths)
    for parameter in network.modules():
        if isinstance(parameter, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(parameter.weight, nonlinearity="relu")
    network = network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
    averaged = {name: value.clone() for name, value in network.state_dict().items()}
    identity = json.dumps({**asdict(recipe), "seed": seed}, sort_keys=True)
    checkpoint = folder / CHECKPOINT
    done = 0
    if checkpoint.exists():
        state: dict[str, Any] = torch.load(checkpoint, weights_only=True)
        if state["identity"] != identity:
            raise ValueError(f"{checkpoint} is of another recipe or seed: {state['identity']}; take another folder")
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        averaged, done = state["averaged"], state["step"]
    elif first is not None:
        state = torch.load(first / CHECKPOINT, weights_only=True)
        averaged = state["averaged"]
        network.load_state_dict(averaged)
        optimiser.load_state_dict(state["optimiser"])
    for step, views, targets in _ahead(recipe, images, seed, range(done, recipe.steps)):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * _rate(step / recipe.steps)
        network.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=_has_bfloat16()):
            logits = network.halved(views.to(memory_format=torch.channels_last))
        loss = loss_of(logits.float(), targets, recipe)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        _average(averaged, network.state_dict(), min(recipe.averaging, (step + 1) / (step + 10)))
        if (step + 1) % TOLD_EVERY == 0 or step + 1 == recipe.steps:
            _note(folder / "curve.csv", step + 1, loss.item())
            told(step + 1, loss.item())
        if (step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == recipe.steps:
            draft = checkpoint.with_suffix(".draft")
            torch.save(
                {
                    "identity": identity,
                    "step": step + 1,
                    "network": network.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "averaged": averaged,
                },
                draft,
            )
            draft.replace(checkpoint)
    return averaged


def weights_in(folder: Path) -> dict[str, Tensor]:
    """Averaged weights of the training that a folder holds, as far as it has got."""
    averaged: dict[str, Tensor] = torch.load(folder / CHECKPOINT, weights_only=True)["averaged"]
    return averaged


def _ahead(
    recipe: TrainingRecipe, images: Images, seed: int, steps: Sequence[int]
) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Batches in order of step; the next two are made while one is learnt from."""
    with ThreadPoolExecutor(1) as maker:
        waiting = [maker.submit(images.batch, recipe, seed, step) for step in steps[:2]]
        for index, step in enumerate(steps):
            if index + 2 < len(steps):
                waiting.append(maker.submit(images.batch, recipe, seed, steps[index + 2]))
            yield step, *waiting.pop(0).result()


def _rate(progress: float) -> float:
    """Share of the largest learning rate."""
    return min(progress / WARM_UP, 0.5 * (1 + float(np.cos(np.pi * progress)))) if progress > 0 else 0.02


def _average(averaged: dict[str, Tensor], current: dict[str, Tensor], keep: float) -> None:
    for name, value in current.items():
        if value.dtype.is_floating_point:
            averaged[name].lerp_(value, 1 - keep)
        else:
            averaged[name].copy_(value)


def _note(file: Path, step: int, loss: float) -> None:
    fresh = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        if fresh:
            writer.writerow(["step", "loss"])
        writer.writerow([step, f"{loss:.5f}"])


def _has_bfloat16() -> bool:
    """True where the processor computes with bfloat16 itself, which halves the time of a step."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001 - torch offers no other way to ask
