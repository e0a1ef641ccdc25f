"""Crops of maps, turned, scaled and worn as other microscopes would have made them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from training.targets import DEPTH, FOREGROUND, HIGHEST, LOWEST, NEUTRAL, VIEW, WEIGHT, Maps, channel_of, view_of

ZOOM = (0.7, 1.4)
"""Range of scales beside those of the maps: the gaps between them."""

STRETCH = 0.12
"""Most of the difference in scale between the two axes, as natural logarithm."""

CHANCES = {"blur": 0.2, "noise": 0.35, "gradient": 0.25, "jpeg": 0.1, "invert": 0.12, "local": 0.15}
"""How often each kind of wear is met."""


def crop_of(maps: Maps, side_px: int, random: np.random.Generator) -> tuple[NDArray[np.float32], Maps]:
    """A square of ``side_px`` from anywhere in an image, turned, mirrored, scaled and worn.

    Returns:
        The view, (side, side) float32 from -0.2 to 1.2, and the maps under it; beyond the image it is mirrored, and
        counts like any other part.
    """
    height, width = maps.shape[:2]
    zoom = float(np.exp(random.uniform(*np.log(ZOOM))))
    zoom = max(zoom, 0.8 * side_px / max(height, width)) if max(height, width) < side_px else zoom
    stretch = float(np.exp(random.uniform(-STRETCH, STRETCH)))
    angle = random.uniform(0, 2 * np.pi) if random.random() < 0.5 else random.integers(4) * np.pi / 2
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mirror = -1.0 if random.random() < 0.5 else 1.0
    to_source = turn @ np.diag([mirror * stretch / zoom, 1 / (stretch * zoom)])
    reach = side_px / (2 * zoom)
    centre = [_within(random, size, reach) for size in (width, height)]
    offset = np.array(centre) - to_source @ np.array([side_px / 2, side_px / 2])
    cropped = cv2.warpAffine(
        maps,
        np.column_stack([to_source, offset]),
        (side_px, side_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    ).astype(np.uint8, copy=False)
    return worn(view_of(cropped[..., VIEW]), random), cropped


def worn(view: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """A view as another microscope, camera or file format would show it: (h, w) float32, -0.2 to 1.2."""
    size = (view.shape[1], view.shape[0])
    if random.random() < CHANCES["invert"]:
        view = 1 - view
    if random.random() < CHANCES["gradient"]:
        view = view + _smooth(random, size, 2) * np.float32(random.uniform(0.05, 0.35))
    if random.random() < CHANCES["local"]:
        view = (view - 0.5) * np.exp(_smooth(random, size, 3) * np.float32(0.4)) + np.float32(0.5)
    view = np.clip((view - LOWEST) / (HIGHEST - LOWEST), 0, 1) ** np.float32(np.exp(random.normal(0, 0.3)))
    view = view * (HIGHEST - LOWEST) + LOWEST
    view = view * np.float32(np.exp(random.normal(0, 0.15))) + np.float32(random.normal(0, 0.07))
    if random.random() < CHANCES["blur"]:
        view = cv2.GaussianBlur(view, (0, 0), random.uniform(0.4, 1.6)).astype(np.float32, copy=False)
    if random.random() < CHANCES["noise"]:
        noise = random.standard_normal(view.shape, np.float32)
        if random.random() < 0.4:
            noise = cv2.GaussianBlur(noise, (0, 0), random.uniform(0.5, 1.2)).astype(np.float32, copy=False) * 2
        view = view + noise * np.float32(np.exp(random.uniform(np.log(0.01), np.log(0.12))))
    view = np.clip(view, LOWEST, HIGHEST).astype(np.float32, copy=False)
    if random.random() < CHANCES["jpeg"]:
        _, file = cv2.imencode(".jpg", channel_of(view), [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(30, 90))])
        read = cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)
        assert read is not None  # noqa: S101 - it was written a line ago
        view = view_of(read.astype(np.uint8, copy=False))
    return view


def targets_of(cropped: Maps, core_depth: float) -> NDArray[np.float32]:
    """(4, h / 2, w / 2) float32: foreground, core and depth from 0 to 1, and the weight of each pixel.

    The network answers at half of the size; each target there is the mean of the area that it covers.

    Args:
        core_depth: Depth from which a pixel belongs to a core.
    """
    core = ((cropped[..., DEPTH] > core_depth * 255) * np.uint8(255)).astype(np.uint8)
    planes = np.dstack([cropped[..., FOREGROUND], core, cropped[..., DEPTH], cropped[..., WEIGHT]])
    size = (cropped.shape[1] // 2, cropped.shape[0] // 2)
    halved = cv2.resize(planes, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    units = np.array([255, 255, 255, NEUTRAL], np.float32)
    return np.ascontiguousarray((halved / units).transpose(2, 0, 1))


def _within(random: np.random.Generator, size: int, reach: float) -> float:
    """A centre from which ``reach`` px to either side lie in the image, or its middle, a little off."""
    low, high = reach, size - reach
    if low >= high:
        return size / 2 + random.uniform(-0.1, 0.1) * size
    return float(random.uniform(low, high))


def _smooth(random: np.random.Generator, size: tuple[int, int], knots: int) -> NDArray[np.float32]:
    """A field that changes slowly, about -1 to 1."""
    field = random.uniform(-1, 1, (knots + 1, knots + 1)).astype(np.float32)
    return cv2.resize(field, size, interpolation=cv2.INTER_CUBIC).astype(np.float32, copy=False)
