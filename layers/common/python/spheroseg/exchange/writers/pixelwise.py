"""What COCO, Datumaro and CVAT share: one ring is a polygon, an object with holes or in pieces is kept as pixels."""

import numpy as np

from spheroseg.domain.spheroid import Spheroid
from spheroseg.errors import NotExpressibleError
from spheroseg.exchange.pixels import Patch, patch_of
from spheroseg.exchange.results import Result


def is_plain(spheroid: Spheroid) -> bool:
    """True for one ring, which is a polygon in every format."""
    return len(spheroid.polygons) == 1 and not spheroid.polygons[0].holes


def pixels_of(spheroid: Spheroid, result: Result) -> Patch:
    """The pixels of a spheroid, for formats whose polygons know no holes.

    Raises:
        NotExpressibleError: it covers no pixel's centre.
    """
    patch = patch_of(spheroid.polygons, result.width_px, result.height_px)
    if not patch.mask.any():
        raise NotExpressibleError(
            f"Spheroid {spheroid.number} of {result.file} has holes or pieces and covers no pixel's centre, so it "
            "cannot be kept as pixels"
        )
    return patch


def box_of_pixels(patch: Patch) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the pixels."""
    rows, columns = np.flatnonzero(patch.mask.any(axis=1)), np.flatnonzero(patch.mask.any(axis=0))
    return (
        patch.left + int(columns[0]),
        patch.top + int(rows[0]),
        patch.left + int(columns[-1]) + 1,
        patch.top + int(rows[-1]) + 1,
    )
