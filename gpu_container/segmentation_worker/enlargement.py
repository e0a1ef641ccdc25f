"""A network's map at the size of the image: as a whole, or only where it is looked at."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Probability = NDArray[np.float32]


Map = Probability | NDArray[np.uint8]
"""(h, w) float32 from 0 to 1, or uint8 from 0 to 255 for that."""


def enlarged(probability: Map, shape: tuple[int, int]) -> Probability:
    """A map at the image's size, interpolated between the network's pixels."""
    scaled = _scaled(probability)
    if scaled.shape == shape:
        return scaled
    enlarged = cv2.resize(scaled, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return enlarged.astype(np.float32, copy=False)


def _scaled(probability: Map) -> Probability:
    if probability.dtype == np.uint8:
        return probability.astype(np.float32) / np.float32(255)
    return probability.astype(np.float32, copy=False)


@dataclass(frozen=True)
class Enlarged:
    """The same, made for each part that is asked for: ``map[top:bottom, left:right]`` is (rows, columns) float32.

    Args:
        map: At the network's scale.
        shape: Height and width of the image.
    """

    map: Map
    shape: tuple[int, int]

    def __getitem__(self, part: tuple[slice, slice]) -> Probability:
        """One part of the enlarged map."""
        rows, columns = (range(size)[span] for span, size in zip(part, self.shape, strict=True))
        y, below = self._places(rows, 0)
        x, right = self._places(columns, 1)
        if not y.size or not x.size:
            return np.zeros((y.size, x.size), np.float32)
        top, left = int(y[0]), int(x[0])
        scaled = _scaled(self.map[top : int(y[-1]) + 2, left : int(x[-1]) + 2])
        x, y = x - left, y - top
        next_x, next_y = np.minimum(x + 1, scaled.shape[1] - 1), np.minimum(y + 1, scaled.shape[0] - 1)
        across = np.take(scaled, x, axis=1) * (1 - right) + np.take(scaled, next_x, axis=1) * right
        whole = np.take(across, y, axis=0) * (1 - below)[:, None]
        whole += np.take(across, next_y, axis=0) * below[:, None]
        return whole

    def _places(self, pixels: range, axis: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """The network's pixel before the centre of each of the image's, and how far the next one has a share."""
        size = self.map.shape[axis]
        place = (np.arange(pixels.start, pixels.stop) + 0.5) * (size / self.shape[axis]) - 0.5
        place = np.clip(place, 0, size - 1)
        before = np.floor(place)
        return before.astype(np.intp), (place - before).astype(np.float32)
