"""YOLO segmentation. Rings of an object with holes or in pieces are joined by bridges without width."""

import csv
import io
import shutil
from collections.abc import Iterable
from pathlib import PurePosixPath

from spheroseg.domain.spheroid import Spheroid
from spheroseg.errors import NotExpressibleError
from spheroseg.exchange.files import Files
from spheroseg.exchange.results import CATEGORY, Result
from spheroseg.exchange.rings import joined

SIZES_NAME = "sizes.csv"
SIZES_COLUMNS = ("name", "width_px", "height_px")


def write_yolo(results: Iterable[Result], files: Files) -> None:
    """YOLO segmentation: a text file for each image, ``data.yaml``, the images where they are at hand.

    A line is one object: its class and corners as shares of width and height. ``sizes.csv`` keeps the sizes in pixels,
    which the format itself takes from the images.
    """
    sizes = io.StringIO()
    table = csv.writer(sizes, lineterminator="\n")
    table.writerow(SIZES_COLUMNS)
    for result in results:
        table.writerow([_stem(result), result.width_px, result.height_px])
        with files.open(f"labels/{_stem(result)}.txt") as stream:
            for spheroid in result.spheroids:
                stream.write(_yolo_line(spheroid, result).encode())
        if result.original is not None:
            with result.original.open() as source, files.open(f"images/{result.original.file_name}") as target:
                shutil.copyfileobj(source, target, 2**20)
    with files.open("data.yaml") as stream:
        stream.write(f"path: .\ntrain: images\nval: images\nnames:\n  0: {CATEGORY}\n".encode())
    with files.open(SIZES_NAME) as stream:
        stream.write(sizes.getvalue().encode())


def _stem(result: Result) -> str:
    return PurePosixPath(result.original.file_name).stem if result.original else result.name


def _yolo_line(spheroid: Spheroid, result: Result) -> str:
    try:
        line = joined(spheroid.polygons)
    except ValueError as error:
        raise NotExpressibleError(
            f"Spheroid {spheroid.number} of {result.file} cannot be one line, as YOLO asks for: {error}"
        ) from error
    corners = " ".join(f"{_share(x, result.width_px)} {_share(y, result.height_px)}" for x, y in line)
    return f"0 {corners}\n"


def _share(length: float, whole: int) -> str:
    """With twelve decimals: a millionth of a pixel in images up to a million pixels wide."""
    return f"{length / whole:.12f}".rstrip("0").rstrip(".")
