"""How large a pixel is, where a TIFF file says so unambiguously.

Asked in this order: OME-XML, ImageJ's description, resolution tags. A pixel that is not square has no single edge, so
it has no pixel size here: nothing is guessed, measures then stay in pixels until somebody gives the size. Its two edges
are told instead, so that somebody can see why.
"""

import io
import math
import re
from typing import NamedTuple
from xml.parsers import expat

UM_PER_UNIT = {
    "m": 1e6,
    "cm": 1e4,
    "mm": 1e3,
    "um": 1.0,
    "µm": 1.0,
    "μm": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "nm": 1e-3,
    "pm": 1e-6,
    "å": 1e-4,
    "inch": 25_400.0,
    "in": 25_400.0,
}
"""Others, such as ``pixel`` and ``reference frame``, say nothing about lengths."""

SQUARE_WITHIN = 1e-3
"""Edges that differ by less are the same: resolution tags are rounded fractions."""

LARGEST_FROM_RESOLUTION_UM = 20.0
"""Resolution tags above this (below 1,270 dots per inch) are left by programs that think of screens and paper."""

SMALLEST_UM, LARGEST_UM = 0.001, 1000.0
"""Sizes outside are mistakes."""

INCH, CENTIMETRE = 2, 3
"""Values of the tag ResolutionUnit (TIFF 6.0)."""

OME_BYTES = 50_000_000


class PixelSize(NamedTuple):
    """What a file says of a pixel; at most one of the two is there.

    Args:
        edge_um: Edge of one pixel in µm, the same along x and y.
        unequal_edges_um: Its edges along x and y in µm, where they differ.
    """

    edge_um: float | None = None
    unequal_edges_um: tuple[float, float] | None = None


def pixel_size_of(description: str, resolution: tuple[float, float] | None, resolution_unit: int) -> PixelSize:
    """How large a pixel is by the file's own account.

    Args:
        description: The first page's tag ImageDescription.
        resolution: Pixels per unit along x and y.
        resolution_unit: The tag ResolutionUnit.
    """
    if _is_ome(description):
        return _judged(_ome_size(description))
    if description.startswith("ImageJ="):
        return _judged(_imagej_size(description, resolution))
    return _judged(_resolution_size(resolution, resolution_unit))


def _judged(size: tuple[float, float] | None) -> PixelSize:
    if size is None:
        return PixelSize()
    x, y = size
    if SMALLEST_UM <= x <= LARGEST_UM and abs(x - y) <= SQUARE_WITHIN * x:
        return PixelSize(edge_um=x)
    are_sizes = all(SMALLEST_UM <= edge <= LARGEST_UM for edge in size)
    return PixelSize(unequal_edges_um=size) if are_sizes and abs(x - y) > SQUARE_WITHIN * x else PixelSize()


def _is_ome(description: str) -> bool:
    return description.rstrip("\x00 \r\n").endswith("OME>") and len(description) <= OME_BYTES


def _ome_size(description: str) -> tuple[float, float] | None:
    """The size that all images of the file share. Declarations are not taken, so no entity is ever expanded."""
    found: set[tuple[float, float] | None] = set()

    def on_start(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "Pixels":
            x, y = (_length_um(attributes, axis) for axis in "XY")
            found.add(None if x is None or y is None else (x, y))

    def on_doctype(*_: object) -> None:
        raise ValueError("OME-XML has no document type")

    parser = expat.ParserCreate()
    parser.StartElementHandler = on_start
    parser.StartDoctypeDeclHandler = on_doctype
    try:
        parser.ParseFile(io.BytesIO(description.rstrip("\x00").encode()))
    except (expat.ExpatError, ValueError):
        return None
    return found.pop() if len(found) == 1 else None


def _length_um(attributes: dict[str, str], axis: str) -> float | None:
    factor = UM_PER_UNIT.get(attributes.get(f"PhysicalSize{axis}Unit", "µm").lower())
    try:
        length = float(attributes[f"PhysicalSize{axis}"])
    except (KeyError, ValueError):
        return None
    return length * factor if factor and math.isfinite(length) else None


def _imagej_size(description: str, resolution: tuple[float, float] | None) -> tuple[float, float] | None:
    """ImageJ writes pixels per unit into the resolution tags, and the unit into the description."""
    unit = re.search(r"^unit=(.+)$", description, re.MULTILINE)
    if unit is None or resolution is None:
        return None
    name = unit.group(1).strip().replace("\\u00B5", "µ").lower()
    factor = UM_PER_UNIT.get(name)
    return (factor / resolution[0], factor / resolution[1]) if factor else None


def _resolution_size(resolution: tuple[float, float] | None, unit: int) -> tuple[float, float] | None:
    factor = {INCH: UM_PER_UNIT["inch"], CENTIMETRE: UM_PER_UNIT["cm"]}.get(unit)
    if factor is None or resolution is None:
        return None
    size = (factor / resolution[0], factor / resolution[1])
    return size if max(size) <= LARGEST_FROM_RESOLUTION_UM else None
