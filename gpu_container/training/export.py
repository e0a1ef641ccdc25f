"""Weights to an ONNX file that says the same."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from training.cards import OPSET
from training.network import CORE, Ensemble, Unet
from training.recipes import TrainingRecipe

LARGEST_DIFFERENCE = 2e-3
"""Of logits between PyTorch and ONNX Runtime, both in float32."""


class Exported(nn.Module):
    """The network without what served training alone."""

    def __init__(self, network: Ensemble) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        """(n, 1, h, w) to (n, 2, h, w): logits of foreground and core."""
        logits: Tensor = self.network(image)
        return logits[:, : CORE + 1]


def export(recipe: TrainingRecipe, weights: Sequence[dict[str, Tensor]], file: Path) -> str:
    """Write the ONNX file: ``image`` (n, 1, h, w) to ``logits`` (n, 2, h, w), batch and size free.

    Args:
        weights: Of one network, or of several whose logits are averaged.

    Returns:
        SHA-256 of the file.

    Raises:
        ValueError: ONNX Runtime answers otherwise than PyTorch does.
    """
    networks = [Unet(recipe.widths) for _ in weights]
    for network, learnt in zip(networks, weights, strict=True):
        network.load_state_dict(learnt)
    model = Exported(Ensemble(networks)).eval()
    torch.onnx.export(
        model,
        (torch.zeros(1, 1, 64, 96),),
        str(file),
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "n", 2: "h", 3: "w"}, "logits": {0: "n", 2: "h", 3: "w"}},
        opset_version=OPSET,
        dynamo=False,
    )
    model.eval()  # the exporter may leave another mode behind
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    for shape in ((1, 1, 64, 64), (2, 1, 96, 160), (1, 1, 256, 224)):
        image = random.uniform(-0.2, 1.2, shape).astype(np.float32)
        with torch.no_grad():
            wanted = model(torch.from_numpy(image)).numpy()
        (told,) = session.run(["logits"], {"image": image})
        difference = float(np.abs(wanted - told).max())
        if not difference <= LARGEST_DIFFERENCE:
            raise ValueError(f"{file} differs from PyTorch by {difference:.4f} at {shape}")
    return hashlib.sha256(file.read_bytes()).hexdigest()
