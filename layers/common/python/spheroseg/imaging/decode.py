"""Files to pixels: the kind is told by content, limits are checked before anything is decoded."""

import warnings
from dataclasses import dataclass
from pathlib import Path

from spheroseg.errors import ImageTooLargeError, InvalidInputError, PageNotFoundError, UndecodableImageError
from spheroseg.imaging.bmp import decode_bmp, read_bmp_header
from spheroseg.imaging.header import DecodeLimits, Format, ImageHeader, format_of
from spheroseg.imaging.jpeg import decode_jpeg, read_jpeg_header
from spheroseg.imaging.png import decode_png, read_png_header
from spheroseg.imaging.tiff import decode_tiff, read_tiff_header
from spheroseg.imaging.windowing import Grey

LIMITS = DecodeLimits()

ONE_PAGE_DECODERS = {Format.PNG: decode_png, Format.JPEG: decode_jpeg, Format.BMP: decode_bmp}


@dataclass(frozen=True)
class DecodedPage:
    """One page of a file as grey pixels.

    Args:
        pixels: (height, width) uint8, uint16 or float32.
        pixel_type: The file's own sample type.
        page_count: Pages in the file.
        pixel_size_um: Edge of one pixel in µm, as the file says it unambiguously.
    """

    pixels: Grey
    pixel_type: str
    page_count: int
    pixel_size_um: float | None


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
    """One page of a file, the first is 1, as grey pixels.

    Decoders are known to loop, to crash and to take all memory over damaged files: what comes from outside is decoded
    in a process of its own.

    Raises:
        InvalidInputError: one of its leaves says what is wrong with the file.
    """
    if page < 1:
        raise PageNotFoundError(f"Pages count from 1, page {page} was asked for")
    try:
        # Libraries warn of what is checked here or does not matter (camera notes); a warning is no result.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            decoded = _decode(path, page, limits)
    except (InvalidInputError, FileNotFoundError, PermissionError):
        raise
    except MemoryError as error:
        raise ImageTooLargeError("Decoding the image needs more memory than it is given") from error
    except Exception as error:
        raise UndecodableImageError(f"The file's pixels are damaged: {_told(error)}") from error
    return decoded


def _decode(path: Path, page: int, limits: DecodeLimits) -> DecodedPage:
    kind = format_of(path, limits)
    if kind is Format.TIFF:
        return DecodedPage(*decode_tiff(path, page, limits))
    if page > 1:
        raise PageNotFoundError(f"The file has 1 page, page {page} was asked for")
    pixels, pixel_type = ONE_PAGE_DECODERS[kind](path, limits)
    return DecodedPage(pixels, pixel_type, page_count=1, pixel_size_um=None)


def _told(error: Exception) -> str:
    """A library's own words, kept short: some quote whole headers."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__} {words[:200]}".strip()
