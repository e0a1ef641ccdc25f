"""Pictures: label images as OME-TIFF, binary masks, OME-Zarr with labels; and the originals themselves."""

import json
import shutil
import tempfile
from collections.abc import Iterable
from colorsys import hsv_to_rgb
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
import zarr
from numpy.typing import NDArray

from spheroseg.exchange.files import Files, spooled
from spheroseg.exchange.pixels import labels_of
from spheroseg.exchange.results import Result
from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.decode import decode
from spheroseg.imaging.header import DecodeLimits

LARGEST_UINT16 = 65_535
STRIP_ROWS = 256
ZARR_CHUNK_PX = 1024
SMALLEST_LEVEL_PX = 512

GOLDEN = (5**0.5 - 1) / 2

LIMITS = DecodeLimits(max_pixels=2**32, max_decoded_bytes=2**36, max_file_bytes=2**36)
"""The image was decoded before, when its result was made."""


def _typed(labels: Labels) -> NDArray[Any]:
    """uint16, or uint32 above 65,535 objects."""
    return labels.astype(np.uint16 if labels.max(initial=0) <= LARGEST_UINT16 else np.uint32)


def write_label_tiffs(results: Iterable[Result], files: Files) -> None:
    """An OME-TIFF for each image: every pixel holds its spheroid's number; with the pixel size where it is known."""
    for result in results:
        labels = _typed(labels_of(result.spheroids, result.width_px, result.height_px))
        metadata: dict[str, Any] = {"axes": "YX", "Name": result.file}
        resolution = None
        if result.pixel_size_um is not None:
            metadata |= {
                "PhysicalSizeX": result.pixel_size_um,
                "PhysicalSizeXUnit": "µm",
                "PhysicalSizeY": result.pixel_size_um,
                "PhysicalSizeYUnit": "µm",
            }
            resolution = (1e4 / result.pixel_size_um,) * 2
        with spooled(files, f"{result.name}.ome.tif") as path:
            tifffile.imwrite(
                path,
                labels,
                ome=True,
                photometric="minisblack",
                compression="zlib",
                compressionargs={"level": 2},
                rowsperstrip=STRIP_ROWS,
                metadata=metadata,
                resolution=resolution,
                resolutionunit="CENTIMETER" if resolution else None,
                software="spheroseg",
            )


def write_masks(results: Iterable[Result], files: Files) -> None:
    """A PNG for each image: 255 inside a spheroid, 0 outside."""
    for result in results:
        labels = labels_of(result.spheroids, result.width_px, result.height_px)
        sound, encoded = cv2.imencode(".png", (labels > 0).astype(np.uint8) * 255, [cv2.IMWRITE_PNG_COMPRESSION, 3])
        if not sound:
            raise ValueError(f"The mask of {result.file} could not be encoded as PNG")
        with files.open(f"{result.name}.png") as stream:
            stream.write(encoded.tobytes())


def write_originals(results: Iterable[Result], files: Files) -> None:
    """The image files as they were uploaded, byte by byte.

    Raises:
        ValueError: an image is not at hand.
    """
    for result in results:
        if result.original is None:
            raise ValueError(f"The image {result.file} is not at hand")
        with result.original.open() as source, files.open(result.original.file_name) as target:
            shutil.copyfileobj(source, target, 2**20)


def write_ome_zarr(results: Iterable[Result], files: Files) -> None:
    """An OME-Zarr 0.5 for each image: the image with the labels in it where it is at hand, else the labels alone.

    Source: OME-NGFF 0.5, sections «multiscales», «labels» and «image-label».
    """
    for result in results:
        labels = _typed(labels_of(result.spheroids, result.width_px, result.height_px))
        with tempfile.TemporaryDirectory(prefix="spheroseg-") as folder:
            root = Path(folder) / f"{result.name}.ome.zarr"
            if result.original is None:
                _write_labels(root, labels, result, source=None)
            else:
                _write_levels(root, _grey(result, Path(folder)), result)
                _group(root / "labels", {"labels": ["spheroids"]})
                _write_labels(root / "labels" / "spheroids", labels, result, source="../../")
            for path in sorted(root.rglob("*")):
                if path.is_file():
                    name = path.relative_to(folder).as_posix()
                    with path.open("rb") as part, files.open(name) as target:
                        shutil.copyfileobj(part, target, 2**20)


def _grey(result: Result, folder: Path) -> NDArray[Any]:
    assert result.original is not None  # noqa: S101 - asked for where there is one
    path = folder / result.original.file_name
    with result.original.open() as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, 2**20)
    pixels = decode(path, result.page, LIMITS).pixels
    path.unlink()
    if pixels.shape != (result.height_px, result.width_px):
        raise ValueError(
            f"{result.file} is {pixels.shape[1]} × {pixels.shape[0]} px, its result {result.width_px} × "
            f"{result.height_px}"
        )
    return pixels


def _write_labels(root: Path, labels: NDArray[Any], result: Result, source: str | None) -> None:
    numbers = np.unique(labels)
    colours = [{"label-value": number, "rgba": _colour(number)} for number in numbers[numbers > 0].tolist()]
    about: dict[str, Any] = {"version": "0.5", "colors": colours}
    if source is not None:
        about["source"] = {"image": source}
    _write_levels(root, labels, result, {"image-label": about})


def _colour(number: int) -> list[int]:
    """A bright colour; neighbours in number are far apart in hue (steps of the golden ratio round the circle)."""
    red, green, blue = hsv_to_rgb(number * GOLDEN % 1, 0.75, 1.0)
    return [round(255 * part) for part in (red, green, blue)] + [255]


def _write_levels(root: Path, pixels: NDArray[Any], result: Result, more: dict[str, Any] | None = None) -> None:
    """A pyramid: every level takes each second pixel of the one before, so labels stay labels."""
    level = pixels
    datasets: list[dict[str, Any]] = []
    size = result.pixel_size_um or 1.0
    while True:
        index = len(datasets)
        array = zarr.create_array(
            str(root / str(index)),
            shape=level.shape,
            dtype=level.dtype,
            chunks=tuple(min(ZARR_CHUNK_PX, max(1, side)) for side in level.shape),
            dimension_names=["y", "x"],
            zarr_format=3,
        )
        array[...] = level
        scale = [size * 2**index] * 2
        datasets.append({"path": str(index), "coordinateTransformations": [{"type": "scale", "scale": scale}]})
        if max(level.shape) <= SMALLEST_LEVEL_PX:
            break
        level = level[::2, ::2]
    axis = {"type": "space"} | ({"unit": "micrometer"} if result.pixel_size_um is not None else {})
    multiscale = {"name": result.name, "axes": [{"name": "y", **axis}, {"name": "x", **axis}], "datasets": datasets}
    _group(root, {"multiscales": [multiscale], **(more or {})})


def _group(folder: Path, about: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"version": "0.5", **about}}}
    (folder / "zarr.json").write_text(json.dumps(content), encoding="utf-8")
