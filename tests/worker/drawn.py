"""Images of spheroids that a test draws itself."""

from typing import cast

import cv2
import numpy as np

from spheroseg.imaging.windowing import Grey


def drawn_spheroids(shape: tuple[int, int], *spheroids: tuple[float, float, float]) -> Grey:
    """Dark, grainy disks (x, y, radius) on an uneven bright ground."""
    random = np.random.default_rng(7)
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = 170 + 15 * x / shape[1] + random.normal(0, 4, shape)
    for cx, cy, radius in spheroids:
        depth = np.sqrt(np.clip(1 - ((x - cx) ** 2 + (y - cy) ** 2) / radius**2, 0, 1))
        image -= depth * (90 + 12 * random.normal(0, 1, shape))
    return cast("Grey", np.clip(cv2.GaussianBlur(image, (0, 0), 1), 0, 255).astype(np.uint8))
