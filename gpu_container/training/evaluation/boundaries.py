"""How well the outlines of two label images agree: boundary F1.

Source: the contour score of Csurka, G. et al. (2013), What is a good evaluation measure for semantic segmentation?,
BMVC, taken image by image as there, but over the boundaries of objects instead of classes: a line between two touching
objects is a boundary too. That a tolerance belongs to the image's diagonal is theirs as well (they take 0.75 %); Cheng,
B. et al. (2021), Boundary IoU, CVPR, 15334-15342, compare the pixels near boundaries at a share of the diagonal.
The frame is no boundary: an object that is cut by it was not drawn along it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from spheroseg.imaging.boundaries import Labels


def boundary_f1(drawn: Labels, found: Labels, tolerances_px: tuple[float, ...]) -> tuple[float, ...]:
    """Harmonic mean of the shares of found and of drawn boundary pixels that lie near one of the other.

    Where neither image has a boundary, the score is 1 if both are empty or both are one object all over, else 0. Where
    only one has, it is 0.

    Args:
        drawn, found: (h, w), 0 is background.
        tolerances_px: Distances between the centres of two pixels up to which they lie near each other.

    Returns:
        One score for each tolerance, 0 to 1.
    """
    drawn_boundary, found_boundary = boundary_of(drawn), boundary_of(found)
    if not drawn_boundary.any() and not found_boundary.any():
        return (float(np.array_equal(drawn > 0, found > 0)),) * len(tolerances_px)
    if not drawn_boundary.any() or not found_boundary.any():
        return (0.0,) * len(tolerances_px)
    from_drawn = _distances(drawn_boundary)[found_boundary]
    from_found = _distances(found_boundary)[drawn_boundary]
    scores = []
    for tolerance_px in tolerances_px:
        precision = float(np.count_nonzero(from_drawn <= tolerance_px) / from_drawn.size)
        recall = float(np.count_nonzero(from_found <= tolerance_px) / from_found.size)
        scores.append(2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    return tuple(scores)


def boundary_of(labels: Labels) -> NDArray[np.bool_]:
    """The pixels of objects that share an edge with a pixel of another object or of the background: (h, w)."""
    differs = np.zeros(labels.shape, np.bool_)
    across, along = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    differs[1:] |= across
    differs[:-1] |= across
    differs[:, 1:] |= along
    differs[:, :-1] |= along
    return differs & (labels > 0)


def _distances(boundary: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Of every pixel to the nearest of the boundary, exact."""
    elsewhere = (~boundary).view(np.uint8)
    return cv2.distanceTransform(elsewhere, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).astype(np.float32, copy=False)
