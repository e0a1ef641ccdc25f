"""A TIFF page read band by band, for images that should never lie in memory as a whole."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from spheroseg.errors import ImageTooLargeError, UndecodableImageError
from spheroseg.imaging.header import DecodeLimits

BAND_BYTES = 2**25
"""About so much of a page without pieces is read at once."""

JPEG = {6, 7, 34892, 33007}
"""Compressions whose pieces share tables that stand in the page."""


def bands(page: tifffile.TiffPage, limits: DecodeLimits) -> Iterator[tuple[int, NDArray[Any]]]:
    """The page's samples from top to bottom: the first row of each band, and its samples with the page's axes.

    Raises:
        ImageTooLargeError: the pieces that lie beside each other are too large together.
        UndecodableImageError: a piece holds nothing, or not what belongs at its place.
    """
    return _plain_bands(page) if page.is_contiguous else _decoded_bands(page, limits)


def _plain_bands(page: tifffile.TiffPage) -> Iterator[tuple[int, NDArray[Any]]]:
    """Of samples that lie in the file as they are."""
    stored = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    planes = page.samplesperpixel if page.axes == "SYX" else 1
    row = page.nbytes // (planes * page.imagelength)
    count = max(1, BAND_BYTES // row)
    file = page.parent.filehandle
    for top in range(0, page.imagelength, count):
        rows = min(count, page.imagelength - top)
        parts = []
        for plane in range(planes):
            file.seek(page.dataoffsets[0] + (plane * page.imagelength + top) * row)
            content = file.read(rows * row)
            if len(content) != rows * row:
                raise UndecodableImageError("The TIFF is cut off: rows of its page are missing")
            parts.append(np.frombuffer(content, stored).astype(stored.newbyteorder("="), copy=False))
        shape = (rows, page.imagewidth) if page.axes != "YXS" else (rows, page.imagewidth, page.samplesperpixel)
        yield top, parts[0].reshape(shape) if planes == 1 else np.stack([part.reshape(shape) for part in parts])


def _decoded_bands(page: tifffile.TiffPage, limits: DecodeLimits) -> Iterator[tuple[int, NDArray[Any]]]:
    """Of strips and tiles, decoded one after the other."""
    separate = page.axes == "SYX"
    planes = page.samplesperpixel if separate else 1
    height, width = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    down, across = -(-page.imagelength // height), -(-page.imagewidth // width)
    samples = (page.samplesperpixel,) if page.axes == "YXS" else ()
    band_bytes = planes * height * across * width * (samples[0] if samples else 1) * np.dtype(page.dtype).itemsize
    if band_bytes > limits.max_decoded_bytes:
        raise ImageTooLargeError(
            f"The TIFF is written in pieces of {height} rows, {band_bytes / 1e6:.0f} MB each; at most "
            f"{limits.max_decoded_bytes / 1e6:.0f} MB are taken at once. Save it in tiles or short strips"
        )
    tables = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader} if int(page.compression) in JPEG else {}
    file = page.parent.filehandle
    for number in range(down):
        top = number * height
        rows = min(height, page.imagelength - top)
        band = np.empty((planes, rows, page.imagewidth, *samples), page.dtype)
        for plane in range(planes):
            for column in range(across):
                index = (plane * down + number) * across + column
                file.seek(page.dataoffsets[index])
                content = file.read(page.databytecounts[index])
                decoded, _, _ = page.decode(content, index, **tables)
                left = column * width
                target = band[plane, :, left : left + width]
                if decoded is None or decoded.shape[1] < rows or decoded.shape[2] < target.shape[1]:
                    raise UndecodableImageError("The TIFF has a piece that holds less than its share of the page")
                piece = decoded[0, :rows, : target.shape[1]]
                target[...] = piece if samples else piece[..., 0]
        yield top, band if separate else band[0]
