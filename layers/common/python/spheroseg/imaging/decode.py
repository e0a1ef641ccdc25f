"""Files to pixels: the kind is told by content, limits are checked before anything is decoded."""

import warnings
from dataclasses import dataclass
from pathlib import Path

from spheroseg.domain.pages import Pages, beyond
from spheroseg.errors import ImageTooLargeError, InvalidInputError, PageNotFoundError, UndecodableImageError
from spheroseg.imaging.bmp import decode_bmp, read_bmp_header
from spheroseg.imaging.header import DecodeLimits, Format, ImageHeader, format_of
from spheroseg.imaging.jpeg import decode_jpeg, read_jpeg_header
from spheroseg.imaging.pixel_size import PixelSize
from spheroseg.imaging.png import decode_png, read_png_header
from spheroseg.imaging.tiff import Written, decode_tiff, read_tiff_header
from spheroseg.imaging.windowing import Grey

LIMITS = DecodeLimits()

SPILLED_FROM_PX = 2**24
"""Larger pages go into a file where one is given: a worker has several images in hand, and 2 GB for all of them."""

ONE_PAGE_DECODERS = {Format.PNG: decode_png, Format.JPEG: decode_jpeg, Format.BMP: decode_bmp}


@dataclass(frozen=True)
class DecodedPage:
    """One page of a file as grey pixels.

    Args:
        pixels: (height, width) uint8, uint16 or float32.
        pixel_type: The file's own sample type.
        pages: Pages of the file.
        pixel_size_um: Edge of one pixel in µm, as the file says it unambiguously.
        unequal_edges_um: Its edges along x and y in µm, where the file says two that differ.
    """

    pixels: Grey
    pixel_type: str
    pages: Pages
    pixel_size_um: float | None
    unequal_edges_um: tuple[float, float] | None = None


@dataclass(frozen=True)
class WrittenPage:
    """One page of a file whose grey pixels were written to another file, row by row without anything else."""

    pixels: Written
    pixel_type: str
    pages: Pages
    pixel_size_um: float | None
    unequal_edges_um: tuple[float, float] | None = None


def read_header(path: Path, limits: DecodeLimits = LIMITS) -> ImageHeader:
    """What a file says about itself; nothing is decoded.

    Raises:
        InvalidInputError: one of its leaves says what is wrong with the file.
    """
    try:
        match format_of(path, limits):
            case Format.PNG:
                return read_png_header(path)
            case Format.JPEG:
                return read_jpeg_header(path)
            case Format.BMP:
                return read_bmp_header(path)
            case Format.TIFF:
                return read_tiff_header(path, limits)
    except (InvalidInputError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:
        raise UndecodableImageError(f"The file's header is damaged: {_told(error)}") from error


def decode(path: Path, page: int = 1, limits: DecodeLimits = LIMITS) -> DecodedPage:
    """One page of a file, the first is 1, as grey pixels in memory.

    Raises:
        InvalidInputError: one of its leaves says what is wrong with the file.
    """
    decoded = decode_page(path, page, limits)
    assert isinstance(decoded, DecodedPage)  # noqa: S101 - nothing is written where no file is given
    return decoded


def decode_page(
    path: Path, page: int = 1, limits: DecodeLimits = LIMITS, spill: Path | None = None
) -> DecodedPage | WrittenPage:
    """One page of a file, the first is 1, as grey pixels.

    Decoders are known to loop, to crash and to take all memory over damaged files: what comes from outside is decoded
    in a process of its own.

    Args:
        spill: A page of more than ``SPILLED_FROM_PX`` pixels is written there, of a TIFF a few rows at a time.

    Raises:
        InvalidInputError: one of its leaves says what is wrong with the file.
    """
    if page < 1:
        raise PageNotFoundError(f"Pages count from 1, page {page} was asked for")
    try:
        # Libraries warn of what is checked here or does not matter (camera notes); a warning is no result.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            decoded = _decode(path, page, limits, spill)
    except (InvalidInputError, FileNotFoundError, PermissionError):
        raise
    except MemoryError as error:
        raise ImageTooLargeError("Decoding the image needs more memory than it is given") from error
    except Exception as error:
        raise UndecodableImageError(f"The file's pixels are damaged: {_told(error)}") from error
    return decoded


def _decode(path: Path, page: int, limits: DecodeLimits, spill: Path | None) -> DecodedPage | WrittenPage:
    kind = format_of(path, limits)
    if kind is Format.TIFF:
        pixels, pixel_type, pages, size = decode_tiff(path, page, limits, spill, SPILLED_FROM_PX)
    elif page > 1:
        raise PageNotFoundError(beyond(1, page))
    else:
        pixels, pixel_type = ONE_PAGE_DECODERS[kind](path, limits)
        pages, size = Pages(1), PixelSize()
    if not isinstance(pixels, Written) and spill is not None and pixels.size > SPILLED_FROM_PX:
        pixels.tofile(spill)
        pixels = Written(pixels.shape, pixels.dtype.str)
    if isinstance(pixels, Written):
        return WrittenPage(pixels, pixel_type, pages, *size)
    return DecodedPage(pixels, pixel_type, pages, *size)


def _told(error: Exception) -> str:
    """A library's own words, kept short: some quote whole headers."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__} {words[:200]}".strip()
