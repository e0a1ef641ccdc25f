"""What is drawn, before optics and camera: light, matter, and the labels that go with it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.synthesis.draws import Field, Rng, whole
from training.synthesis.noise import MOSAICS, Textures

SMALLEST_LABEL_PX = 28
"""Area of a disk of 6 px in diameter: what is smaller is debris."""


@dataclass
class Scene:
    """A field of view in the making.

    Args:
        light: (h, w) float32, 1 where nothing is in the way.
        matter: (h, w) float32, 0 to 1: how much of a pixel lies inside any body, labelled or not.
        dome: (h, w) float32, thickness of the bodies, 0 to about 1, for optics that show slopes.
        labels: (h, w) int32, 0 is background.
        count: Bodies drawn so far, in the frame or not.
        parts: Names of what else was drawn.
        textures: Of this image.
        cell_px: Diameter of a cell.
        sharpness_px: Blur of every rim in focus, as a standard deviation.
    """

    light: Field
    matter: Field
    dome: Field
    labels: NDArray[np.int32]
    textures: Textures
    cell_px: float
    sharpness_px: float
    count: int = 0
    parts: list[str] = field(default_factory=list)

    @classmethod
    def blank(cls, rng: Rng, height: int, width: int, cell_px: float, sharpness_px: float) -> "Scene":
        """An empty field."""
        return cls(
            light=np.ones((height, width), np.float32),
            matter=np.zeros((height, width), np.float32),
            dome=np.zeros((height, width), np.float32),
            labels=np.zeros((height, width), np.int32),
            textures=Textures(whole(rng, 0, MOSAICS - 1)),
            cell_px=cell_px,
            sharpness_px=sharpness_px,
        )

    def new_label(self) -> int:
        """The number of the next body."""
        self.count += 1
        return self.count

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.light.shape[0], self.light.shape[1]
