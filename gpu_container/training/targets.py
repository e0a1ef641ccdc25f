"""Label images to what a network learns from them."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Labels = NDArray[np.int32]
Maps = NDArray[np.uint8]

VIEW, FOREGROUND, DEPTH, WEIGHT = range(4)
"""Channels of the maps of one image."""

CORE_DEPTH = 0.4
"""A pixel belongs to an object's core when its distance from the rim is more than this share of the largest one there.
Cores of touching objects stay apart at any size, and thin halos hold one too. Taken over from the first model."""

TOUCHING_PX = 5
"""Side of the square around a pixel that must hold two objects for the pixel to lie where they touch."""

NEUTRAL = 32
"""A weight of 1 in the channel WEIGHT."""

TOUCHING = 6.0
"""Weight of pixels where objects touch: they are few, and all depends on them. Taken over from the first model."""

LOWEST, HIGHEST = -0.2, 1.2
"""What the channel VIEW maps to 0 and 255: the range that views are clipped to."""


def maps_of(view: NDArray[np.float32], labels: Labels, rim_weight: float = 1.0) -> Maps:
    """One image ready for training, so that cropping and turning it is all that is left to do.

    Args:
        view: (h, w) float32, -0.2 to 1.2: the image at the network's scale.
        labels: (h, w) int32 of the same size, 0 is background.
        rim_weight: Weight of pixels within 2 px of a rim; below 1 for masks that are only good to a few pixels there.

    Returns:
        (h, w, 4) uint8: view, foreground (0 or 255), depth (0 at the rim, 255 at an object's deepest point), weight
        (32 is 1).
    """
    inside = (labels > 0).astype(np.uint8)
    weight = np.full(labels.shape, NEUTRAL, np.float32)
    if rim_weight != 1:
        kernel = np.ones((5, 5), np.uint8)
        rim = cv2.dilate(inside, kernel) != cv2.erode(inside, kernel)
        weight[rim] *= rim_weight
    weight[touching(labels)] = NEUTRAL * TOUCHING
    return np.dstack(
        [
            channel_of(view),
            inside * np.uint8(255),
            depth_of(labels),
            weight.astype(np.uint8),
        ]
    )


def channel_of(view: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A view as it is kept in 8 bits: (…) uint8; what lies outside its range is set to the range's end."""
    channel: NDArray[np.uint8] = np.clip(np.rint((view - LOWEST) * (255 / (HIGHEST - LOWEST))), 0, 255).astype(np.uint8)
    return channel


def view_of(channel: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The view as the network takes it, from its channel: (…) float32."""
    return channel.astype(np.float32) * np.float32((HIGHEST - LOWEST) / 255) + np.float32(LOWEST)


def depth_of(labels: Labels) -> NDArray[np.uint8]:
    """Distance of each pixel from its object's rim, 255 for the largest of that object: (h, w) uint8.

    The image's border is no rim: an object that it cuts is as deep there as it is wide.
    """
    depth = np.zeros(labels.shape, np.uint8)
    for number, (left, top, width, height) in _boxes(labels):
        rows = slice(max(top - 1, 0), top + height + 1)
        columns = slice(max(left - 1, 0), left + width + 1)
        own = (labels[rows, columns] == number).astype(np.uint8)
        distance = cv2.distanceTransform(own, cv2.DIST_L2, 5)
        largest = float(distance.max())
        if own.all():  # nothing but this object in view: no rim to measure from
            distance, largest = np.ones_like(distance), 1.0
        depth[rows, columns] += (distance * (own * (255 / largest))).astype(np.uint8)
    return depth


def touching(labels: Labels) -> NDArray[np.bool_]:
    """Where two objects are within reach of one pixel: (h, w)."""
    kernel = np.ones((TOUCHING_PX, TOUCHING_PX), np.uint8)
    numbers = labels.astype(np.float32)
    highest = cv2.dilate(numbers, kernel)
    largest = np.float32(labels.max(initial=0) + 1)
    lowest = largest - cv2.dilate(np.where(labels > 0, largest - numbers, 0).astype(np.float32), kernel)
    found: NDArray[np.bool_] = (highest > 0) & (highest != lowest)
    return found


def _boxes(labels: Labels) -> list[tuple[int, tuple[int, int, int, int]]]:
    found = ndimage.find_objects(labels)
    return [
        (number, (box[1].start, box[0].start, box[1].stop - box[1].start, box[0].stop - box[0].start))
        for number, box in enumerate(found, start=1)
        if box is not None
    ]
