"""Arrays that lie in files or are made where they are looked at, for images that should not lie in memory as a whole.

A map's pages count as this process's memory from the moment they are touched. They are given back here after each step
through the rows; what was written stays in the file, and the system keeps of it in memory what it has room for.
"""

import mmap
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

STEP_PX = 2**23
"""Pixels that one step through the rows takes at most: 32 MB of labels."""


def mapped(path: Path, shape: tuple[int, int], dtype: DTypeLike) -> NDArray[Any]:
    """The content of a file as an array that cannot be written; it stays readable when the file is unlinked."""
    return np.memmap(path, dtype=dtype, mode="r", shape=shape)


def zeros_in_file(shape: tuple[int, int], dtype: DTypeLike, folder: Path) -> NDArray[Any]:
    """An array of zeros in a file without a name, which is gone with the array."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape)


def steps(*arrays: NDArray[Any], step_px: int = STEP_PX, multiple: int = 1) -> Iterator[tuple[int, int]]:
    """First row and end of each step through arrays of the same height; mapped memory is given back after each.

    Args:
        multiple: Steps begin at multiples of so many rows.
    """
    height, width = arrays[0].shape
    rows = max(1, step_px // max(1, width) // multiple) * multiple
    for top in range(0, height, rows):
        yield top, min(top + rows, height)
        for array in arrays:
            release(array)


def release(array: NDArray[Any]) -> None:
    """Give the memory of a mapped array back, its content staying in the file; nothing happens to other arrays."""
    origin = _map_of(array)
    if origin is not None and hasattr(origin, "madvise"):
        origin.madvise(mmap.MADV_DONTNEED)


def _map_of(array: NDArray[Any]) -> mmap.mmap | None:
    origin: Any = array
    while isinstance(origin, np.ndarray):
        origin = origin.base
    return origin if isinstance(origin, mmap.mmap) else None
