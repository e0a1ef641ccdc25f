"""The network: a U-Net whose first layer halves the image, so that most work is done on a quarter of its pixels."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

FOREGROUND, CORE, DEPTH = 0, 1, 2
"""What the channels of the output say of each pixel, as logits; depth serves training alone and is not exported."""


class Unet(nn.Module):
    """Grey views to logits of foreground, core and depth.

    Plain convolutions with batch norm and ReLU only: they fold into one another for inference and keep their accuracy
    with 8-bit weights. Transposed convolutions would draw checkerboards, so maps are enlarged and then convolved.

    Args:
        widths: Channels of the levels, from half of the image's resolution down to a 32nd: five numbers.

    Source: Ronneberger, O., Fischer, P. & Brox, T. (2015), U-Net, MICCAI, with a strided stem as in He, K. et al.
    (2016), CVPR.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.stem = _layer(1, widths[0], kernel=5, stride=2)
        self.down = nn.ModuleList([_layer(widths[0], widths[0])])
        self.down.extend(
            nn.Sequential(_layer(above, below, stride=2), _layer(below, below)) for above, below in pairwise(widths)
        )
        self.up = nn.ModuleList(
            nn.Sequential(_layer(above + below, above), _layer(above, above))
            for below, above in pairwise(reversed(widths))
        )
        self.head = nn.Conv2d(widths[0], 3, 1)

    def halved(self, image: Tensor) -> Tensor:
        """(n, 1, h, w) to (n, 3, h / 2, w / 2), from which the full size is interpolated; h and w multiples of 32."""
        levels = []
        maps = self.stem(image)
        for level in self.down:
            maps = level(maps)
            levels.append(maps)
        maps = levels.pop()
        for level in self.up:
            larger = functional.interpolate(maps, scale_factor=2.0, mode="nearest")
            maps = level(torch.cat([levels.pop(), larger], 1))
        logits: Tensor = self.head(maps)
        return logits


class Ensemble(nn.Module):
    """Several networks of the same kind, whose logits are averaged.

    Networks that began with other seeds err differently, so their mean errs less, and where they disagree it is unsure.

    Source: Lakshminarayanan, B., Pritzel, A. & Blundell, C. (2017), Simple and scalable predictive uncertainty
    estimation using deep ensembles, NeurIPS.
    """

    def __init__(self, members: Sequence[Unet]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, image: Tensor) -> Tensor:
        """(n, 1, h, w) to (n, 3, h, w); h and w are multiples of 32."""
        halved = [member.halved(image) for member in self.members]
        mean = torch.stack(halved).mean(0) if len(halved) > 1 else halved[0]
        return functional.interpolate(mean, scale_factor=2.0, mode="bilinear", align_corners=False)


def parameter_count(network: nn.Module) -> int:
    """Weights that were learnt."""
    return sum(parameter.numel() for parameter in network.parameters())


def _layer(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> nn.Module:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
