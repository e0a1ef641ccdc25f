"""Label images as other programs save them (Fiji, cellpose, napari, ilastik, QuPath, …): numbers, never grey values.

Files of this machine are meant: nothing here guards against files made to do harm, as ``decode`` does.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from spheroseg.errors import (
    ImageTooLargeError,
    InvalidInputError,
    PageNotFoundError,
    UndecodableImageError,
    UnsupportedImageError,
)
from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.header import DecodeLimits, Format, format_of

LARGEST_NUMBER = 2**31 - 1

LABEL_ENDINGS = ("_cp_masks", "_masks", "_mask", "_labels", "_label", "-labels", "-label", "-lbl", "_seg")
"""What programs append to an image's name for its label image (cellpose, napari, Fiji's MorphoLibJ, …)."""

ARRAY_SIGNATURE = b"\x93NUMPY"
COLOURS_UP_TO = 4
"""Samples along the last of three axes of an array, up to which they are colours: nobody's image is that narrow."""

FILE_LIMITS = DecodeLimits(max_file_bytes=2**36)
"""A label image is taken however large it is, as long as it fits into memory."""


def read_labels(path: Path, page: int | None = None) -> Labels:
    """The numbers of a label image, unchanged: (h, w) int32, 0 is background.

    TIFF, PNG and NumPy's NPY files are read, told by their content: one page, or pages that are all the same; integers
    of 1 to 64 bits, indices of a palette, or floats that are whole numbers (as Fiji saves 32-bit results).

    Args:
        page: Which page or channel of several is meant, the first is 1; None: there is one, or all are the same.

    Raises:
        UndecodableImageError: the file is damaged, empty, or no image.
        UnsupportedImageError: it is sound, but no label image: colours, pages that differ, fractions, numbers below 0
            or above 2³¹ - 1, a lossy format, Python objects. The first pixel that is wrong is named.
        PageNotFoundError: it has fewer pages.
        ImageTooLargeError: it does not fit into memory.
    """
    if is_array(path):
        read = _array
    else:
        kind = format_of(path, FILE_LIMITS)
        if kind not in {Format.TIFF, Format.PNG}:
            raise UnsupportedImageError(
                f"Label images are read from TIFF, PNG and NPY files; this is {kind.value.upper()}"
            )
        read = _tiff if kind is Format.TIFF else _png
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd tags and of size: both are judged here
            samples = read(path, page)
    except (InvalidInputError, FileNotFoundError, PermissionError):
        raise
    except (MemoryError, Image.DecompressionBombError) as error:
        raise ImageTooLargeError("The label image is too large for the memory of this machine") from error
    except Exception as error:  # libraries raise many kinds over damaged files, all of which mean the same here
        words = " ".join(f"{type(error).__name__} {error}".split())[:200]
        raise UndecodableImageError(f"The file's pixels are damaged: {words}") from error
    return _numbers(samples)


def is_array(path: Path) -> bool:
    """Whether a file is an array of NumPy (NPY), which says nothing but numbers: no pixel size, for one."""
    with path.open("rb") as file:
        return file.read(len(ARRAY_SIGNATURE)) == ARRAY_SIGNATURE


def _array(path: Path, page: int | None) -> NDArray[Any]:
    try:
        samples = np.load(path, allow_pickle=False)
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise UnsupportedImageError(
            "The file holds Python objects, which could run any program when they are read; save the masks as PNG, "
            "TIFF, or an array of numbers (cellpose: its _seg.npy is such a file, --save_tif writes masks)"
        ) from error
    if samples.ndim < 2 or (samples.ndim == 3 and samples.shape[-1] <= COLOURS_UP_TO):
        raise UnsupportedImageError(
            f"The array's shape is {samples.shape}; a label image has (height, width), or pages before them"
        )
    return _one_of(list(samples.reshape(-1, *samples.shape[-2:])), page)


def _tiff(path: Path, page: int | None) -> NDArray[Any]:
    with tifffile.TiffFile(path) as file:
        pages = [_pages(series.asarray(maxworkers=1), series) for series in file.series]
    if not pages:
        raise UndecodableImageError("The TIFF holds no image")
    return _one_of([plane for stack in pages for plane in stack], page)


def _one_of(planes: list[NDArray[Any]], page: int | None) -> NDArray[Any]:
    """The plane that is meant; without a page there is one, or all are the same."""
    if not planes:
        raise UndecodableImageError("The file holds no pixels")
    if page is not None:
        _check_page(page, len(planes))
        return planes[page - 1]
    if not all(np.array_equal(planes[0], plane) for plane in planes[1:]):
        raise UnsupportedImageError(
            f"The file has {len(planes)} pages or channels that differ; say which one is meant, or save it by itself"
        )
    return planes[0]


def _check_page(page: int, count: int) -> None:
    if not 1 <= page <= count:
        raise PageNotFoundError(f"The file has {count} page{'s' * (count > 1)}, page {page} was asked for")


def _pages(samples: NDArray[Any], series: tifffile.TiffPageSeries) -> NDArray[Any]:
    """A series as a stack of planes, (n, h, w)."""
    axes = series.axes
    if "S" in axes and samples.shape[axes.index("S")] > 1:
        raise UnsupportedImageError("The image has colours; a label image has one number for each pixel")
    if "Y" not in axes or "X" not in axes:
        raise UnsupportedImageError(f"The file's axes are {axes}; a label image has X and Y")
    planes = np.moveaxis(samples, (axes.index("Y"), axes.index("X")), (-2, -1))
    return planes.reshape(-1, *planes.shape[-2:])


def _png(path: Path, page: int | None) -> NDArray[Any]:
    try:
        _check_page(page or 1, 1)
        with Image.open(path, formats=["PNG"]) as image:
            image.verify()  # checksums, after which the file has to be opened anew
        with Image.open(path, formats=["PNG"]) as image:
            if getattr(image, "n_frames", 1) > 1:
                raise UnsupportedImageError("The file is an animation; a label image has one page")
            if image.mode not in {"1", "L", "P", "I", "I;16", "I;16B"}:
                raise UnsupportedImageError(
                    f"The image has colours or transparency ({image.mode}); a label image has one number for each pixel"
                )
            return np.asarray(image)
    except UnidentifiedImageError as error:
        raise UndecodableImageError("The PNG's header is damaged") from error


def _numbers(samples: NDArray[Any]) -> Labels:
    if samples.dtype.kind not in "buif":
        raise UnsupportedImageError(f"The image holds {samples.dtype} samples; a label image has whole numbers")
    if samples.dtype == np.float16:
        samples = samples.astype(np.float32)  # in half precision the largest number would be infinite
    if samples.dtype.kind == "f":
        _check(
            samples,
            np.isfinite(samples) & (samples == np.floor(samples)),
            "fractions",
            "a label image has whole numbers",
        )
    if samples.dtype.kind != "b":
        _check(
            samples,
            (samples >= 0) & (samples < LARGEST_NUMBER + 1),  # a power of two, which floats of 32 bits hold exactly
            f"{samples.min():g} to {samples.max():g}" if samples.size else "",
            f"numbers of objects are from 0 to {LARGEST_NUMBER}",
        )
    return np.ascontiguousarray(samples, dtype=np.int32)


def _check(samples: NDArray[Any], sound: NDArray[np.bool_], what: str, rule: str) -> None:
    """Name the first pixel that is wrong, counted from 0 as Fiji and napari show it."""
    if sound.all():
        return
    row, column = np.unravel_index(np.argmin(sound), sound.shape)
    raise UnsupportedImageError(
        f"The image holds {what}, the first at column {column}, row {row}: {samples[row, column]:g}; {rule}"
    )
