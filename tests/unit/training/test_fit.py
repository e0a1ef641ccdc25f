"""A training that was stopped goes on as if it had not been. Needs torch: ``uv sync --group training``."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from training.recipes import RECIPES
from training.targets import maps_of

torch = pytest.importorskip("torch", reason="torch is not installed: uv sync --group training")

from training.data import SyntheticMaps  # noqa: E402 - imports torch's users only where it is
from training.export import export  # noqa: E402
from training.fit import VALIDATION_IMAGES, Images, fit  # noqa: E402

RECIPE = replace(
    RECIPES["fast"],
    widths=(4, 4, 8, 8, 8),
    steps=8,
    batch=2,
    crop_px=64,
    real_shares={"disks": 0.5},
    averaging=0.5,
)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads of so small a network wait for one another more than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def images() -> Images:
    rows, columns = np.mgrid[:96, :96]
    labels = ((columns - 48) ** 2 + (rows - 48) ** 2 < 30**2).astype(np.int32)
    maps = maps_of(np.where(labels > 0, 0.2, 0.8).astype(np.float32), labels)
    many = np.repeat(maps[None], VALIDATION_IMAGES + 2, axis=0)
    return Images({"disks": [[maps]]}, SyntheticMaps(many, many[:, ::2, ::2]))


def silent(step: int, loss: float) -> None:
    """Takes what a training tells of itself."""


def test_a_training_goes_on_where_it_was_stopped(
    images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fit(RECIPE, images, tmp_path / "whole", 3, silent)
    monkeypatch.setattr("training.fit.CHECKPOINT_EVERY", 4)
    crops = Images.batch

    def until_the_sixth(self: Images, recipe: object, seed: int, step: int) -> object:
        if step == 6:
            raise KeyboardInterrupt
        return crops(self, RECIPE, seed, step)

    with monkeypatch.context() as stopped:
        stopped.setattr(Images, "batch", until_the_sixth)
        with pytest.raises(KeyboardInterrupt):
            fit(RECIPE, images, tmp_path / "parts", 3, silent)
    parts = fit(RECIPE, images, tmp_path / "parts", 3, silent)
    assert all(torch.allclose(parts[name].float(), whole[name].float(), atol=1e-3) for name in whole)


def test_a_checkpoint_of_another_recipe_is_refused(images: Images, tmp_path: Path) -> None:
    fit(RECIPE, images, tmp_path, 0, silent)
    with pytest.raises(ValueError, match="another recipe or seed"):
        fit(RECIPE, images, tmp_path, 1, silent)


@pytest.mark.filterwarnings("ignore")  # the exporter warns of its own future
def test_the_file_says_what_the_network_says_at_any_size(images: Images, tmp_path: Path) -> None:
    weights = fit(RECIPE, images, tmp_path, 0, silent)
    digest = export(RECIPE, [weights, weights], tmp_path / "model.onnx")
    assert len(digest) == 64
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    for shape in ((1, 1, 32, 64), (3, 1, 96, 32)):
        (logits,) = session.run(["logits"], {"image": np.zeros(shape, np.float32)})
        assert logits.shape == (shape[0], 2, *shape[2:])


def test_a_network_learns(images: Images, tmp_path: Path) -> None:
    losses: list[float] = []
    fit(replace(RECIPE, steps=200), images, tmp_path, 0, lambda _, loss: losses.append(loss))
    assert len(losses) == 8
    assert np.mean(losses[-2:]) < 0.8 * losses[0]
