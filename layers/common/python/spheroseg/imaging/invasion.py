"""Spheroids that cells leave: the core, the whole, and how far what is outside of the core has come.

Definitions and where they are from:

- *Core* and *whole*, *invasive area* = whole less core: Guyon, J. et al. (2020), A 3D spheroid model for
  glioblastoma, Journal of Visualized Experiments 158, e60998.
- *Distances of the pixels* outside of the core's boundary, from that boundary and from its centre: Mungai, R. W. et
  al., Towards an objective and high-throughput quantification method for spheroid invasion assays (its programs:
  github.com/rmungai/SpheroidInvasionAnalysis). There the boundary is that of an earlier image of the same spheroid;
  here it is the core's in the same image.
- *Core mask found by the program, cells outside of it counted*: Přikryl, M. et al. (2025), Cell invasion analysis of
  tumor spheroids using 2D image data, ACS Measurement Science Au, doi 10.1021/acsmeasuresciau.5c00121.

How the core is found is ours: an opening by a disk (Serra, J. (1982), Image analysis and mathematical morphology),
which takes away what is thinner than the disk, and of what is left the largest piece. The disk is ``CORE_OPENING``
times as large as the largest disk that fits into the whole, so that the same spheroid at another magnification has the
same core. Reach is the 95th percentile because the largest distance hangs on a single pixel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

CORE_OPENING = 0.5
"""Of the largest disk's radius. Measured on spheroids as tests/unit/imaging/test_invasion.py draws them: with arms of
0.13 to 0.4 of the core's radius across, the core comes out 0.2 to 1.4 % too large; an oval of 3:1 keeps 99 % of itself.
With 0.2 broad arms stay (1.9 times the core), with 0.8 the oval keeps 89 %."""

REACH_PERCENTILE = 95

INVASION_DEFINITIONS: Mapping[str, str] = {
    "core_area_px2": "Pixels of the core: the largest piece that an opening by a disk leaves of the object",
    "core_equivalent_diameter_px": "2·√(A/π) of the core",
    "whole_equivalent_diameter_px": "2·√(A/π) of the whole: core and everything outside of it",
    "invasive_area_px2": "Whole less core (Guyon et al. 2020)",
    "invasion_index": "Area of the whole divided by that of the core; 1 without invasion",
    "dispersed_area_px2": "Of the invasive area what does not hang together with the core, corners counting as contact",
    "fragment_count": "Pieces that the dispersed area consists of",
    "reach_q95_px": (
        "95th percentile of the distances of all pixels of the invasive area from the core's rim; empty without any "
        "(distances as in Mungai et al.)"
    ),
    "reach_max_px": "Largest of these distances",
    "reach_centre_q95_px": "95th percentile of the distances of the same pixels from the core's centroid",
}
"""By field of ``Invasion``."""


@dataclass(frozen=True)
class Invasion:
    """One spheroid's core, whole, and reach; what each field is stands in ``INVASION_DEFINITIONS``."""

    core_area_px2: float
    core_equivalent_diameter_px: float
    whole_equivalent_diameter_px: float
    invasive_area_px2: float
    invasion_index: float
    dispersed_area_px2: float
    fragment_count: int
    reach_q95_px: float | None
    reach_max_px: float | None
    reach_centre_q95_px: float | None


def core_of(whole: Mask, opening_radius_px: float | None = None) -> Mask:
    """The core of a spheroid: (h, w), a part of ``whole`` in one piece.

    Args:
        whole: (h, w), at least one pixel; outside of the image there is background.
        opening_radius_px: What is thinner than two of these is not core; None: ``CORE_OPENING`` times the radius of the
            largest disk in the whole.

    Raises:
        ValueError: the spheroid is empty, or nothing of it is as thick as the opening asks for.
    """
    if not whole.any():
        raise ValueError("There is no spheroid")
    padded = np.pad(whole, 1).astype(np.uint8)
    depth = _distance_to_zero(padded)
    radius = CORE_OPENING * (float(depth.max()) - 0.5) if opening_radius_px is None else opening_radius_px
    eroded = depth > radius
    if not eroded.any():
        raise ValueError(f"Nothing of the spheroid is thicker than {2 * radius:g} px: it has no core")
    opened = (_distance_to_zero((~eroded).astype(np.uint8)) <= radius)[1:-1, 1:-1]
    pieces, numbered, facts, _ = cv2.connectedComponentsWithStats(opened.view(np.uint8), connectivity=8)
    largest = 1 + int(np.argmax(facts[1:pieces, cv2.CC_STAT_AREA]))
    core: Mask = numbered == largest
    return core


def invasion_of(whole: Mask, core: Mask | None = None) -> Invasion:
    """Core and whole of a spheroid, and how far it reaches beyond its core.

    Args:
        whole: (h, w), one spheroid with everything that has come loose from it.
        core: (h, w), a part of it; None: ``core_of(whole)``.

    Raises:
        ValueError: there is no core, or it is not a part of the whole.
    """
    core = core_of(whole) if core is None else core
    core_area, whole_area = int(np.count_nonzero(core)), int(np.count_nonzero(whole))
    if core_area == 0 or (core & ~whole).any():
        raise ValueError("The core is empty, or not a part of the spheroid")
    outside = whole & ~core
    # Between centres of pixels; the rim runs half a pixel beyond the centres of the core's last pixels.
    from_rim = _distance_to_zero((~core).astype(np.uint8))[outside].astype(np.float64) - 0.5
    rows, columns = np.nonzero(core)
    y, x = np.nonzero(outside)
    from_centre = np.hypot(y - rows.mean(), x - columns.mean())
    pieces, numbered, facts, _ = cv2.connectedComponentsWithStats(whole.astype(np.uint8), connectivity=8)
    loose = np.setdiff1d(np.arange(1, pieces), numbered[core])
    return Invasion(
        core_area_px2=float(core_area),
        core_equivalent_diameter_px=2 * sqrt(core_area / pi),
        whole_equivalent_diameter_px=2 * sqrt(whole_area / pi),
        invasive_area_px2=float(whole_area - core_area),
        invasion_index=whole_area / core_area,
        dispersed_area_px2=float(facts[loose, cv2.CC_STAT_AREA].sum()),
        fragment_count=loose.size,
        reach_q95_px=float(np.percentile(from_rim, REACH_PERCENTILE)) if from_rim.size else None,
        reach_max_px=float(from_rim.max()) if from_rim.size else None,
        reach_centre_q95_px=float(np.percentile(from_centre, REACH_PERCENTILE)) if from_centre.size else None,
    )


def _distance_to_zero(mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Exact Euclidean distance of each pixel's centre to that of the nearest 0: (h, w)."""
    return cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).astype(np.float32, copy=False)
