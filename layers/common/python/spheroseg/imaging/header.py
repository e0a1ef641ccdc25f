"""What a file says about itself before anything is decoded, and how much of it is taken."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from spheroseg.errors import EmptyUploadError, ImageTooLargeError, UndecodableImageError, UnsupportedImageError


class Format(StrEnum):
    """Kinds of files that are read."""

    PNG = "PNG"
    JPEG = "JPEG"
    BMP = "BMP"
    TIFF = "TIFF"


@dataclass(frozen=True)
class ImageHeader:
    """A file's own account of itself, from its header only.

    Args:
        width_px, height_px: Of the first page, as its pixels are stored.
        pages: Pages in the file; previews and masks that belong to a page do not count.
        pixel_type: Sample type such as ``uint16``; ``bool`` for black and white.
        channels: Samples of a pixel; a palette counts as one.
        pixel_size_um: Edge of one pixel of the first page in µm, where the file says it unambiguously.
        unequal_edges_um: Its edges along x and y in µm, where the file says two that differ; then it has no one size.
    """

    format: Format
    width_px: int
    height_px: int
    pages: int
    pixel_type: str
    channels: int
    pixel_size_um: float | None
    unequal_edges_um: tuple[float, float] | None = None


@dataclass(frozen=True)
class DecodeLimits:
    """What is refused before anything is decoded.

    Args:
        max_pixels: Width × height of a page.
        max_decoded_bytes: Samples that are unpacked at once: of a page, or of a part of it where the kind of file can
            be read part by part.
        max_file_bytes: The file itself.
        max_pages: Pages that are looked for.
    """

    max_pixels: int = 400_000_000
    max_decoded_bytes: int = 2**29
    max_file_bytes: int = 2**31
    max_pages: int = 20_000

    def check(self, width_px: int, height_px: int, bytes_per_pixel: float) -> None:
        """Refuse a page that is too large, or has no pixels."""
        if width_px < 1 or height_px < 1:
            raise UndecodableImageError(f"The image has no pixels: {width_px} × {height_px}")
        if width_px * height_px > self.max_pixels:
            raise ImageTooLargeError(
                f"The image has {width_px} × {height_px} pixels; at most {self.max_pixels / 1e6:.0f} million are taken"
            )
        if width_px * height_px * bytes_per_pixel > self.max_decoded_bytes:
            raise ImageTooLargeError(
                f"The image holds {width_px * height_px * bytes_per_pixel / 1e6:.0f} MB of samples; "
                f"at most {self.max_decoded_bytes / 1e6:.0f} MB are taken at once, more of a TIFF in strips or tiles"
            )

    def check_parts(self, width_px: int, height_px: int) -> None:
        """Refuse a page that is too large, or has no pixels, though it is read part by part."""
        self.check(width_px, height_px, 0)


_SIGNATURES: tuple[tuple[bytes, Format], ...] = (
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"\xff\xd8\xff", Format.JPEG),
    (b"BM", Format.BMP),
    (b"II*\x00", Format.TIFF),
    (b"MM\x00*", Format.TIFF),
    (b"II+\x00", Format.TIFF),
    (b"MM\x00+", Format.TIFF),
)

_KNOWN_BUT_NOT_READ: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GIF8", "GIF"),
    (8, b"WEBP", "WebP"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\x00\x00\x01\x00", "ICO"),
    (0, b"8BPS", "Photoshop"),
    (0, b"%PDF", "PDF"),
    (0, b"ZISRAWFILE", "CZI (export it as TIFF)"),
    (0, b"\xda\xce\xbe\x0a", "ND2 (export it as TIFF)"),
    (0, b"\x89HDF\r\n", "HDF5"),
    (128, b"DICM", "DICOM"),
    (4, b"ftyp", "HEIF or AVIF"),
    (0, b"PK\x03\x04", "ZIP"),
)

SNIFFED_BYTES = 132


def format_of(path: Path, limits: DecodeLimits) -> Format:
    """The kind of a file by its first bytes; its name does not matter.

    Raises:
        EmptyUploadError: it holds no bytes.
        ImageTooLargeError: it holds too many.
        UnsupportedImageError: it is of a known kind that is not read.
        UndecodableImageError: it is of no known kind.
    """
    size = path.stat().st_size
    if size == 0:
        raise EmptyUploadError("The file holds no bytes")
    if size > limits.max_file_bytes:
        raise ImageTooLargeError(
            f"The file holds {size / 1e6:.0f} MB; at most {limits.max_file_bytes / 1e6:.0f} MB are taken"
        )
    with path.open("rb") as file:
        beginning = file.read(SNIFFED_BYTES)
    for signature, kind in _SIGNATURES:
        if beginning.startswith(signature):
            return kind
    for place, signature, name in _KNOWN_BUT_NOT_READ:
        if beginning[place : place + len(signature)] == signature:
            raise UnsupportedImageError(f"The file is of kind {name}; PNG, JPEG, BMP and TIFF are read")
    raise UndecodableImageError("The file is no PNG, JPEG, BMP or TIFF image")
