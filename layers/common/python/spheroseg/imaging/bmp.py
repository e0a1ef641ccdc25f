"""BMP files."""

import struct
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spheroseg.errors import UndecodableImageError, UnsupportedImageError
from spheroseg.imaging.grey import grey_of
from spheroseg.imaging.header import DecodeLimits, Format, ImageHeader
from spheroseg.imaging.windowing import Grey

BITS = (1, 4, 8, 16, 24, 32)
HEADER_BYTES = {12, 16, 40, 52, 56, 64, 108, 124}
RLE8, RLE4 = 1, 2
EMBEDDED = {4: "JPEG", 5: "PNG"}


class _Info(NamedTuple):
    width: int
    height: int
    bits: int
    compression: int


def read_bmp_header(path: Path) -> ImageHeader:
    """The header of a BMP file. The resolution that it may state is one for printing, so it is no pixel size."""
    info = _info(path)
    return ImageHeader(
        format=Format.BMP,
        width_px=info.width,
        height_px=info.height,
        pages=1,
        pixel_type="uint8",
        channels=1 if info.bits <= 8 else 4 if info.bits == 32 else 3,
        pixel_size_um=None,
    )


def decode_bmp(path: Path, limits: DecodeLimits) -> tuple[Grey, str]:
    """Grey pixels, palettes looked up, and the samples' type in the file."""
    return _grey(path, limits), "uint8"


def _grey(path: Path, limits: DecodeLimits) -> Grey:
    info = _info(path)
    limits.check(info.width, info.height, 4)
    if info.compression in EMBEDDED:
        raise UnsupportedImageError(f"The BMP wraps a {EMBEDDED[info.compression]}; send that")
    Image.MAX_IMAGE_PIXELS = limits.max_pixels  # Pillow's own limit is lower
    with Image.open(path, formats=["BMP"]) as image:
        image.load()
        if image.size != (info.width, info.height):
            raise UndecodableImageError("The BMP's pixels do not have the size that its header says")
        if info.compression in {RLE4, RLE8}:
            _check_run_lengths(path, np.asarray(image.convert("RGB")))
        if image.mode == "L":
            return np.asarray(image)
        if image.mode == "RGBA":
            samples = np.asarray(image)
            # Programs that know no transparency leave these bytes 0 throughout.
            return grey_of(samples, alpha=True) if samples[..., 3].any() else grey_of(samples[..., :3])
        return grey_of(np.asarray(image.convert("RGB")))


def _check_run_lengths(path: Path, colours: NDArray[np.uint8]) -> None:
    """Refuse damaged runs, which one decoder fills up as it sees fit, unless another reads the same."""
    read = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR_RGB)
    if read is None or not np.array_equal(read, colours):
        raise UndecodableImageError("The BMP's run lengths are damaged")


def _info(path: Path) -> _Info:
    with path.open("rb") as file:
        beginning = file.read(54)
    if len(beginning) < 26:
        raise UndecodableImageError("The BMP is cut off before its pixels")
    (size,) = struct.unpack_from("<I", beginning, 14)
    if size not in HEADER_BYTES or (size > 12 and len(beginning) < 34):
        raise UndecodableImageError("The BMP has a header that no BMP has")
    if size == 12:
        width, height, planes, bits = struct.unpack_from("<HHHH", beginning, 18)
        compression = 0
    else:
        width, height, planes, bits, compression = struct.unpack_from("<iiHHI", beginning, 18)
    if planes != 1 or bits not in BITS:
        raise UndecodableImageError(f"The BMP says it has {planes} planes of {bits} bits, which no BMP has")
    if (compression, bits) in {(RLE8, bits) if bits != 8 else (), (RLE4, bits) if bits != 4 else ()}:
        raise UndecodableImageError("The BMP's compression does not go with its bits")
    if width < 1 or height == 0:
        raise UndecodableImageError(f"The BMP has no pixels: {width} × {height}")
    return _Info(width, abs(height), bits, compression)  # a negative height means that rows run downwards
