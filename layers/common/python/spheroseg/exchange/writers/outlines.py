"""Outlines: GeoJSON for QuPath, ImageJ ROIs, and our own JSON with everything."""

import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import orjson
from roifile import ROI_TYPE, ImagejRoi

from spheroseg.domain.spheroid import Ring, Spheroid
from spheroseg.exchange.files import Files
from spheroseg.exchange.jsons import write_list
from spheroseg.exchange.results import Result
from spheroseg.imaging.geojson import feature

JSON_NAME = "spheroids.json"
ROI_SUFFIX = "_rois.zip"
LARGEST_SHORT = 2**15 - 1
"""ImageJ keeps whole coordinates in 16 bits with a sign."""


def write_geojson(results: Iterable[Result], files: Files) -> None:
    """A GeoJSON file for each image, as QuPath opens them."""
    for result in results:
        with files.open(f"{result.name}.geojson") as stream:
            stream.write(b'{"type":"FeatureCollection","features":')
            write_list(stream, (feature(spheroid, result.pixel_size_um) for spheroid in result.spheroids))
            stream.write(b"}\n")


def write_json(results: Iterable[Result], files: Files) -> None:
    """One JSON file: every image with its run and size, every spheroid with its polygons and measures."""
    with files.open(JSON_NAME) as stream:
        stream.write(b'{"version":1,"images":[')
        for index, result in enumerate(results):
            stream.write(b",\n" if index else b"\n")
            head = _plain_json(result)
            stream.write(head[:-1] + b',"spheroids":')
            write_list(stream, _spheroids(result))
            stream.write(b"}")
        stream.write(b"]}\n")


def _plain_json(result: Result) -> bytes:
    return orjson.dumps(
        {
            "file": result.file,
            "name": result.name,
            "page": result.page,
            "width_px": result.width_px,
            "height_px": result.height_px,
            "pixel_size_um": result.pixel_size_um,
            "pixel_size_source": result.pixel_size_source or None,
            "run": vars(result.origin),
        }
    )


def _spheroids(result: Result) -> Iterator[dict[str, Any]]:
    for spheroid in result.spheroids:
        measures: dict[str, float] = dict(vars(spheroid.measures))
        if result.pixel_size_um is not None:
            measures |= spheroid.measures.in_um(result.pixel_size_um)
        yield {
            "number": spheroid.number,
            "polygons": [{"exterior": polygon.exterior, "holes": polygon.holes} for polygon in spheroid.polygons],
            "measures": measures,
            "confidence": spheroid.confidence,
            "rim_confidence": spheroid.rim_confidence,
            "touches_edge": spheroid.touches_edge,
            "review_reasons": spheroid.review_reasons,
            "intensities": spheroid.intensities,
            "intensity_not_given": spheroid.intensity_not_given,
            "brightness_due_since": spheroid.brightness_due_since,
        }


def write_rois(results: Iterable[Result], files: Files) -> None:
    """A ZIP of ImageJ ROIs for each image, named by the spheroids' numbers; Fiji's ROI manager opens it.

    One ring is a polygon; holes and pieces are a composite ROI, as Fiji makes them.
    """
    for result in results:
        # roifile would append to a file of this name; here the archive is a new one.
        with files.open(f"{result.name}{ROI_SUFFIX}") as stream, zipfile.ZipFile(stream, "w") as archive:
            for spheroid in result.spheroids:
                name = f"{spheroid.number:05d}"
                entry = zipfile.ZipInfo(f"{name}.roi", date_time=(1980, 1, 1, 0, 0, 0))
                archive.writestr(entry, roi_of(spheroid, name, result.page).tobytes(), zipfile.ZIP_DEFLATED, 1)


def roi_of(spheroid: Spheroid, name: str, page: int = 1) -> ImagejRoi:
    """A spheroid as an ImageJ ROI."""
    if len(spheroid.polygons) == 1 and not spheroid.polygons[0].holes:
        ring = np.array(spheroid.polygons[0].exterior)
        is_whole = bool((ring == np.round(ring)).all() and ring.min() >= 0 and ring.max() <= LARGEST_SHORT)
        roi = ImagejRoi.frompoints(ring.astype(np.int32) if is_whole else ring.astype(np.float32), name=name)
        roi.roitype = ROI_TYPE.POLYGON
    else:
        rings = [ring for polygon in spheroid.polygons for ring in (polygon.exterior, *polygon.holes)]
        corners = np.array([corner for ring in rings for corner in ring])
        roi = ImagejRoi()
        roi.name = name
        roi.roitype = ROI_TYPE.RECT
        roi.left, roi.top = (int(low) for low in np.floor(corners.min(axis=0)))
        roi.right, roi.bottom = (int(high) for high in np.ceil(corners.max(axis=0)))
        roi.multi_coordinates = np.concatenate([_path(ring) for ring in rings])
        roi.shape_roi_size = roi.multi_coordinates.size
    if page > 1:
        roi.position = page
    return roi


def _path(ring: Ring) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """A ring as a Java path: move (0) to the first corner, lines (1) to the others, close (4)."""
    steps = np.ones((len(ring), 3), np.float32)
    steps[0, 0] = 0
    steps[:, 1:] = ring
    return np.append(steps.ravel(), np.float32(4))
