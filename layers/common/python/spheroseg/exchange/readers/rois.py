"""ImageJ ROIs: one ``.roi`` file, or a ZIP of them as Fiji's ROI manager saves it."""

import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from roifile import ROI_SUBTYPE, ROI_TYPE, ImagejRoi

from spheroseg.exchange.readers.faults import fault, judged
from spheroseg.exchange.readers.shapes import number_of
from spheroseg.exchange.results import ReadImage, ReadObject
from spheroseg.exchange.rings import polygons_from

RIGHT = "ROIs are areas: polygon, freehand, traced, rectangle, or composite"
CONVERT = "turn it into a polygon in Fiji (Edit › Selection › Convert to Polygon) and save it again"
LARGEST_ROI_BYTES = 2**26
DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)
"""What the standard library raises over damaged, encrypted or oddly packed archives."""

RINGS = frozenset({ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED})


def read_rois(path: Path) -> list[ReadImage]:
    """The one image that a file of ROIs is about, an object for each ROI in the file's order.

    Raises:
        InvalidExchangeFileError: what is wrong with which ROI.
    """
    objects = []
    for name, content in _contents(path):
        with judged(path, name, RIGHT):
            try:
                objects.append(_object(path, name, ImagejRoi.frombytes(content)))
            except struct.error as error:
                raise ValueError(f"the ROI is cut short ({error})") from error
    numbers = [one.number for one in objects]
    if len(set(numbers)) < len(numbers) or None in numbers:
        objects = [ReadObject(one.polygons) for one in objects]
    stem = path.name.removesuffix(path.suffix)
    return [ReadImage(stem.removesuffix("_rois"), tuple(objects))]


def _contents(path: Path) -> list[tuple[str, bytes]]:
    if path.suffix.lower() == ".roi":
        return [(path.name, path.read_bytes())]
    found: list[tuple[str, bytes]] = []
    place = ""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            for entry in entries:
                place = entry.filename
                if not place.lower().endswith(".roi"):
                    continue
                if entry.file_size > LARGEST_ROI_BYTES:
                    raise fault(path, place, f"{entry.file_size} bytes", "a ROI has fewer than 64 MB")
                found.append((place, archive.read(entry)))
    except (FileNotFoundError, PermissionError):
        raise
    except DAMAGED_ZIP as error:
        raise fault(
            path, place, " ".join(str(error).split()), "ROIs come as .roi, or as a ZIP of .roi files"
        ) from error
    if entries and not found:
        raise fault(path, "", "no .roi file is in it", "ROIs come as a ZIP of .roi files")
    return found


def _object(path: Path, name: str, roi: ImagejRoi) -> ReadObject:
    if roi.composite and roi.multi_coordinates is not None:
        rings = [part.tolist() for part in ImagejRoi.path2coords(roi.multi_coordinates)]
    elif roi.roitype in RINGS and roi.subtype == ROI_SUBTYPE.UNDEFINED:
        rings = [np.asarray(roi.coordinates()).tolist()]
    elif roi.roitype == ROI_TYPE.RECT and not roi.rounded_rect_arc_size:
        left, top, right, bottom = (
            (roi.xd, roi.yd, roi.xd + roi.widthd, roi.yd + roi.heightd)
            if roi.subpixelrect
            else (roi.left, roi.top, roi.right, roi.bottom)
        )
        rings = [[[left, top], [right, top], [right, bottom], [left, bottom]]]
    else:
        raise fault(path, name, f"it is of type {roi.roitype.name.lower()}", f"{RIGHT}; {CONVERT}")
    if not all(np.isfinite(np.array(ring)).all() for ring in rings):
        raise ValueError("a corner is no number")
    called = Path(name).stem
    number = number_of(called) if called.isascii() and called.isdigit() and int(called) else None
    return ReadObject(polygons_from([[(x, y) for x, y in ring] for ring in rings]), number=number)
