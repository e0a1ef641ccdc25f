"""TIFF files: classic and BigTIFF, one or many pages, OME-TIFF and ImageJ stacks page by page."""

import math
import mmap
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray

from spheroseg.domain.pages import Pages
from spheroseg.errors import (
    ImageTooLargeError,
    UndecodableImageError,
    UnsupportedImageError,
)
from spheroseg.imaging.frames import frames_of
from spheroseg.imaging.grey import grey_of
from spheroseg.imaging.header import DecodeLimits, Format, ImageHeader
from spheroseg.imaging.pieces import bands
from spheroseg.imaging.pixel_size import PixelSize, pixel_size_of
from spheroseg.imaging.windowing import Grey

NEW_SUBFILE_TYPE = 254
PREVIEW_OR_MASK = 0b101
"""Bits of NewSubfileType: a reduced version of another page, a transparency mask (TIFF 6.0)."""

MIN_IS_WHITE, MIN_IS_BLACK, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6
PHOTOMETRIC_TAG = 262
NOT_READ = {4: "a transparency mask", 5: "CMYK, for printing", 8: "CIELab", 9: "ICCLab", 10: "ITULab", 32803: "raw CFA"}
ALPHA = {1, 2}
MAX_TAGS = 4096
IN_PARTS = {np.dtype(np.bool_), np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32)}
"""Sample types whose grey values do not depend on the rest of the page."""


def read_tiff_header(path: Path, limits: DecodeLimits) -> ImageHeader:
    """The header of a TIFF file: of its first page, and how many there are."""
    directories = _page_indices(path, limits)
    frames = frames_of(path, directories, limits)
    with tifffile.TiffFile(path, _multifile=False) as file:
        page = _page(file, directories[0])
        size = _pixel_size(file, page)
        return ImageHeader(
            format=Format.TIFF,
            width_px=page.imagewidth,
            height_px=page.imagelength,
            pages=frames.pages.count,
            pixel_type=_pixel_type(page),
            channels=page.samplesperpixel,
            pixel_size_um=size.edge_um,
            unequal_edges_um=size.unequal_edges_um,
        )


class Written(NamedTuple):
    """Pixels in a file, row by row without anything else."""

    shape: tuple[int, int]
    dtype: str


def decode_tiff(
    path: Path, number: int, limits: DecodeLimits, spill: Path | None = None, spilled_from_px: int = 0
) -> tuple[Grey | Written, str, Pages, PixelSize]:
    """One page as grey pixels, its sample type, the file's pages, and how large a pixel is.

    1 to 7 bits are stretched to 8, palettes looked up, «min is white» turned round. The orientation tag is not applied:
    pixels as stored, which is what ImageJ and QuPath show.

    Args:
        spill: Where a page of more than ``spilled_from_px`` pixels is written, a few rows at a time.
    """
    directories = _page_indices(path, limits)
    frames = frames_of(path, directories, limits)
    frame = frames[number]
    with tifffile.TiffFile(path, _multifile=False) as file:
        page = _page(file, frame.directory)
        pixel_type = _pixel_type(page)
        in_parts = spill is not None and not frame.behind and page.imagewidth * page.imagelength > spilled_from_px
        if in_parts:
            limits.check_parts(page.imagewidth, page.imagelength)
        else:
            stored_bytes = page.samplesperpixel * max(1, np.dtype(page.dtype).itemsize)
            limits.check(page.imagewidth, page.imagelength, stored_bytes)
        _check_supported(page)
        _check_complete(page, path.stat().st_size)
        if in_parts and spill is not None:
            pixels: Grey | Written = _written(page, limits, spill)
        else:
            samples = _samples_behind(page, frame.behind) if frame.behind else page.asarray(maxworkers=1)
            pixels = _grey(page, samples)
        return pixels, pixel_type, frames.pages, _pixel_size(file, page)


def _samples_behind(page: tifffile.TiffPage, behind: int) -> NDArray[Any]:
    """Samples of a frame that has no directory of its own: it lies uncompressed behind the one that has."""
    stored = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    file = page.parent.filehandle
    file.seek(page.dataoffsets[0] + behind * page.nbytes)
    content = file.read(page.nbytes)
    if len(content) != page.nbytes:
        raise UndecodableImageError("The TIFF is cut off: frames of its stack are missing")
    return np.frombuffer(content, stored).astype(stored.newbyteorder("="), copy=False).reshape(page.shape)


def _written(page: tifffile.TiffPage, limits: DecodeLimits, target: Path) -> Written:
    samples = np.dtype(page.dtype)
    if samples not in IN_PARTS:
        raise UnsupportedImageError(
            f"A large image of {samples.name} samples is not read; save it with 8 or 16 bits, or as 32-bit float"
        )
    kind = ""
    with target.open("wb") as file:
        for _, band in bands(page, limits):
            grey = _grey(page, band)
            kind = grey.dtype.str
            file.write(np.ascontiguousarray(grey).data)
    return Written((page.imagelength, page.imagewidth), kind)


def _page_indices(path: Path, limits: DecodeLimits) -> list[int]:
    """Which of the file's directories are pages of their own; each is visited once and must lie in the file."""
    with path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        order = "<" if content[:2] == b"II" else ">"
        big = content[2:4] in {b"+\x00", b"\x00+"}
        count_format, entry_bytes, offset_format = ("Q", 20, "Q") if big else ("H", 12, "I")

        def number(kind: str, place: int) -> int:
            size = struct.calcsize(kind)
            if place + size > len(content):
                raise UndecodableImageError("The TIFF is cut off, or points beyond its end")
            return int(struct.unpack_from(order + kind, content, place)[0])

        kept: list[int] = []
        seen: set[int] = set()
        offset = number(offset_format, 8 if big else 4)
        while offset:
            if offset in seen:
                raise UndecodableImageError("The TIFF's pages lead in a circle")
            if len(seen) >= limits.max_pages:
                raise ImageTooLargeError(f"The file has more than {limits.max_pages} pages")
            tags = number(count_format, offset)
            if not 1 <= tags <= MAX_TAGS:
                raise UndecodableImageError(f"The TIFF has a directory of {tags} tags")
            first = offset + struct.calcsize(count_format)
            following = number(offset_format, first + tags * entry_bytes)
            if not _is_preview_or_mask(content[first : first + tags * entry_bytes], entry_bytes, order):
                kept.append(len(seen))
            seen.add(offset)
            offset = following
    if not kept:
        raise UndecodableImageError("The TIFF has no page")
    return kept


def _is_preview_or_mask(entries: bytes, entry_bytes: int, order: str) -> bool:
    for start in range(0, len(entries), entry_bytes):
        (tag,) = struct.unpack_from(order + "H", entries, start)
        if tag == NEW_SUBFILE_TYPE:
            (value,) = struct.unpack_from(order + "I", entries, start + (8 if entry_bytes == 12 else 12))
            return bool(value & PREVIEW_OR_MASK)
        if tag > NEW_SUBFILE_TYPE:  # tags are in order
            break
    return False


def _page(file: tifffile.TiffFile, index: int) -> tifffile.TiffPage:
    page = file.pages[index]
    if not isinstance(page, tifffile.TiffPage):
        raise UndecodableImageError("The TIFF's page has no directory of its own")
    if page.imagewidth < 1 or page.imagelength < 1:
        raise UndecodableImageError(f"The image has no pixels: {page.imagewidth} × {page.imagelength}")
    return page


def _pixel_type(page: tifffile.TiffPage) -> str:
    if page.dtype is None:
        raise UnsupportedImageError(f"The TIFF has samples of {page.bitspersample} bits, of format {page.sampleformat}")
    if int(page.photometric) == PALETTE:
        return "uint8"
    return str(np.dtype(page.dtype).name)


def _pixel_size(file: tifffile.TiffFile, page: tifffile.TiffPage) -> PixelSize:
    """From the first page's description, where OME and ImageJ write for the whole file, and the page's own tags."""
    first = file.pages[0]
    description = first.description if isinstance(first, tifffile.TiffPage) else ""
    resolution = []
    for name in ("XResolution", "YResolution"):
        value = page.tags.valueof(name)
        if not (isinstance(value, tuple) and len(value) == 2 and value[0] and value[1]):
            break
        resolution.append(value[0] / value[1])
    unit = page.tags.valueof("ResolutionUnit")
    return pixel_size_of(
        description,
        (resolution[0], resolution[1]) if len(resolution) == 2 else None,
        int(unit) if isinstance(unit, int) else 2,  # inch is the default (TIFF 6.0)
    )


def _check_supported(page: tifffile.TiffPage) -> None:
    if page.imagedepth != 1:
        raise UnsupportedImageError("The TIFF's page is a volume; save it as one page for each plane")
    photometric = int(page.photometric)
    if photometric in NOT_READ:
        raise UnsupportedImageError(f"The TIFF's colours are {NOT_READ[photometric]}; save it as a grey or RGB image")
    if photometric not in {MIN_IS_WHITE, MIN_IS_BLACK, RGB, PALETTE, YCBCR}:
        raise UnsupportedImageError(f"The TIFF's colours are of kind {photometric}, which is not read")
    if int(page.compression) != 1 and int(page.compression) not in tifffile.TIFF.DECOMPRESSORS:
        raise UnsupportedImageError(f"The TIFF is compressed in a way that is not read: {int(page.compression)}")


def _check_complete(page: tifffile.TiffPage, file_bytes: int) -> None:
    """Every strip or tile must be there and lie in the file: missing ones would be read as background."""
    expected = math.prod(page.chunked)
    offsets, counts = page.dataoffsets, page.databytecounts
    if len(offsets) < expected or len(counts) < len(offsets):
        raise UndecodableImageError(f"The TIFF has {len(offsets)} of {expected} pieces of its page")
    if any(
        offset < 1 or count < 1 or offset + count > file_bytes
        for offset, count in zip(offsets[:expected], counts[:expected], strict=True)
    ):
        raise UndecodableImageError("The TIFF is cut off: pieces of its page are missing")
    if page.is_contiguous and offsets[0] + page.nbytes > file_bytes:
        raise UndecodableImageError("The TIFF is cut off: pieces of its page are missing")


def _grey(page: tifffile.TiffPage, samples: NDArray[Any]) -> Grey:
    if page.axes not in {"YX", "YXS", "SYX"}:
        raise UnsupportedImageError(f"The TIFF's page has axes {page.axes}; a page of rows and columns is read")
    if page.axes == "SYX":
        samples = np.moveaxis(samples, 0, -1)
    photometric = int(page.photometric)
    if PHOTOMETRIC_TAG not in page.tags:  # required, but left out by some; its default value would mean inverted
        photometric = RGB if page.samplesperpixel >= 3 else MIN_IS_BLACK
    bits = page.bitspersample if isinstance(page.bitspersample, int) else 8
    if photometric == PALETTE:
        return grey_of(_looked_up(page, samples))
    alpha = _has_alpha(page, photometric)
    if photometric == MIN_IS_WHITE:
        if samples.dtype.kind not in "bu" or alpha:
            raise UnsupportedImageError("The TIFF's small values are white, but its samples are no plain integers")
        samples = ~samples if samples.dtype == np.bool_ else samples.dtype.type(2**bits - 1) - samples
    if samples.dtype == np.uint8 and bits < 8:
        samples = (np.arange(2**bits) * 255 // (2**bits - 1)).astype(np.uint8)[samples]
    return grey_of(samples, alpha=alpha)


def _has_alpha(page: tifffile.TiffPage, photometric: int) -> bool:
    """Whether the last sample is opacity, as a fourth one beside red, green and blue is even if nobody says so."""
    extra = [int(kind) for kind in page.extrasamples]
    colours = 3 if photometric in {RGB, YCBCR} else 1
    if page.samplesperpixel != colours + 1:
        return False
    return colours == 3 or (len(extra) == 1 and extra[0] in ALPHA)


def _looked_up(page: tifffile.TiffPage, samples: NDArray[Any]) -> NDArray[np.uint8]:
    """The colours of palette indices, (h, w, 3)."""
    table = page.colormap
    if table is None or samples.ndim != 2 or samples.dtype.kind not in "bu":
        raise UndecodableImageError("The TIFF has a palette image without a palette")
    indices = samples.astype(np.uint16)
    if int(indices.max()) >= table.shape[1]:
        raise UndecodableImageError("The TIFF's palette is too short for its pixels")
    shift = 0 if int(table.max()) <= 255 else 8  # old programs wrote 8-bit colours where 16 bits are meant
    return np.ascontiguousarray((table.T >> shift).astype(np.uint8)[indices])
