"""YOLO segmentation: a folder with ``labels``, and ``images`` or ``sizes.csv`` that tell how large the images are."""

import csv
import math
from collections.abc import Callable
from pathlib import Path

from spheroseg.errors import InvalidInputError
from spheroseg.exchange.readers.faults import fault, judged
from spheroseg.exchange.readers.shapes import share_of, size_of
from spheroseg.exchange.results import ReadImage, ReadObject
from spheroseg.exchange.rings import parted, polygons_from
from spheroseg.exchange.writers.yolo import SIZES_COLUMNS, SIZES_NAME
from spheroseg.imaging.decode import read_header
from spheroseg.imaging.label_files import FILE_LIMITS

SizeOf = Callable[[str], tuple[int, int] | None]

LINE = "a line is a class and the corners x y as shares of width and height, at least three"
SIZES = "the folder has «images» with files of the same names as in «labels», or sizes.csv"
DECIMALS = 6
"""Of pixels: what is written with twelve decimals of the image's width is that exact up to a million pixels."""


def read_yolo(path: Path, size_of: SizeOf = lambda _: None) -> list[ReadImage]:
    """The images of a YOLO dataset in order of their names; a line is an object.

    Args:
        path: The folder, or its ``data.yaml``.
        size_of: Width and height of an image by its name, where the folder does not tell; None: not known.

    Raises:
        InvalidExchangeFileError: what is wrong with which line.
    """
    folder = path if path.is_dir() else path.parent
    files = sorted((folder / "labels").rglob("*.txt")) if (folder / "labels").is_dir() else []
    if not files:
        raise fault(path, "", "it has no folder «labels» with text files", SIZES)
    told = _told(folder / SIZES_NAME)
    return [_image(folder, file, told, size_of) for file in files]


def _told(path: Path) -> dict[str, tuple[int, int]]:
    if not path.exists():
        return {}
    columns = f"the columns are {', '.join(SIZES_COLUMNS)}"
    with judged(path, "", columns), path.open(encoding="utf-8", newline="") as stream:
        return {
            row["name"]: (size_of(int(row["width_px"])), size_of(int(row["height_px"])))
            for row in csv.DictReader(stream)
        }


def _image(folder: Path, file: Path, told: dict[str, tuple[int, int]], size_of: SizeOf) -> ReadImage:
    name = file.relative_to(folder / "labels").with_suffix("").as_posix()
    width, height = told.get(name) or _size(folder, name, file, size_of)
    objects = []
    with judged(file, "", "a YOLO file is text in UTF-8"):
        lines = file.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if line.strip():
            with judged(file, f"line {number}", LINE):
                objects.append(_object(line, width, height))
    return ReadImage(name, tuple(objects), width_px=width, height_px=height)


def _size(folder: Path, name: str, file: Path, size_of: SizeOf) -> tuple[int, int]:
    image = folder / "images" / name
    found = sorted(image.parent.glob(f"{image.name}.*")) if image.parent.is_dir() else []
    found = [one for one in found if one.with_suffix("").name == image.name]
    if not found and (known := size_of(name)) is not None:
        return known
    if len(found) != 1:
        raise fault(file, "", f"its image's size is not known: {len(found)} images are called {name}", SIZES)
    try:
        header = read_header(found[0], FILE_LIMITS)
    except InvalidInputError as error:
        raise fault(found[0], "", str(error), SIZES) from error
    return header.width_px, header.height_px


def _object(line: str, width: int, height: int) -> ReadObject:
    category, *numbers = line.split()
    if not category.isascii() or not category.isdigit():
        raise ValueError(f"{category!r} is no class")
    if len(numbers) == 4:
        raise ValueError("it is a box, no outline")
    confidence = share_of(numbers.pop()) if len(numbers) % 2 else None
    shares = [float(number) for number in numbers]
    for share in shares:
        if not (math.isfinite(share) and 0 <= share <= 1):
            raise ValueError(f"{share} is no share of the image's width or height")
    corners = [
        (round(x * width, DECIMALS), round(y * height, DECIMALS))
        for x, y in zip(shares[0::2], shares[1::2], strict=True)
    ]
    if len(corners) < 3:
        raise ValueError(f"it has {len(corners)} corners")
    if corners[0] == corners[-1]:
        corners.pop()
    return ReadObject(polygons_from(parted(corners)), confidence=confidence, category=category)
