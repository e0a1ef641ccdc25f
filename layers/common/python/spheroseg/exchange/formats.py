"""Every format that can be written or read, by its name on the command line."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from spheroseg.exchange.files import Files
from spheroseg.exchange.results import ReadImage, Result

Write = Callable[[Iterable[Result], Files], None]
Read = Callable[[Path], list[ReadImage]]


@dataclass(frozen=True)
class Format:
    """One format.

    Args:
        title: What it is called.
        writer: Module and function that write it; its libraries are loaded when it is used.
        one_file: Name of the file, where all images go into one; None: a file for each, or several.
        needs_originals: It cannot be written without the image files.
    """

    title: str
    writer: tuple[str, str]
    one_file: str | None = None
    needs_originals: bool = False

    @property
    def write(self) -> Write:
        """Writes results to files, each image gone through once."""
        write: Write = _loaded(*self.writer)
        return write


@dataclass(frozen=True)
class ReadableFormat:
    """One format that is read.

    Args:
        reader: Module and function that read it.
        suffixes: Of its files; empty where it is a folder.
    """

    title: str
    reader: tuple[str, str]
    suffixes: tuple[str, ...] = ()

    @property
    def read(self) -> Read:
        """Reads what a file, or a folder, says about images."""
        read: Read = _loaded(*self.reader)
        return read


FORMATS: Mapping[str, Format] = {
    "csv": Format("Table of measures, CSV", ("spheroseg.exchange.writers.measures", "write_csv"), "measures.csv"),
    "xlsx": Format(
        "Excel workbook: measures, summary, definitions",
        ("spheroseg.exchange.writers.measures", "write_xlsx"),
        "measures.xlsx",
    ),
    "parquet": Format(
        "Table of measures, Parquet", ("spheroseg.exchange.writers.measures", "write_parquet"), "measures.parquet"
    ),
    "json": Format(
        "Everything as one JSON file", ("spheroseg.exchange.writers.outlines", "write_json"), "spheroids.json"
    ),
    "geojson": Format(
        "GeoJSON for QuPath, a file for each image", ("spheroseg.exchange.writers.outlines", "write_geojson")
    ),
    "roi": Format("ImageJ/Fiji ROIs, a ZIP for each image", ("spheroseg.exchange.writers.outlines", "write_rois")),
    "coco": Format("COCO instances", ("spheroseg.exchange.writers.coco", "write_coco"), "annotations.json"),
    "yolo": Format("YOLO segmentation dataset", ("spheroseg.exchange.writers.yolo", "write_yolo")),
    "datumaro": Format("Datumaro dataset", ("spheroseg.exchange.writers.datumaro", "write_datumaro")),
    "cvat": Format("CVAT for images 1.1", ("spheroseg.exchange.writers.cvat", "write_cvat"), "annotations.xml"),
    "labels": Format("Label images, OME-TIFF", ("spheroseg.exchange.writers.pictures", "write_label_tiffs")),
    "masks": Format("Binary masks, PNG", ("spheroseg.exchange.writers.pictures", "write_masks")),
    "ome-zarr": Format(
        "OME-Zarr 0.5 labels, with the image where it is at hand",
        ("spheroseg.exchange.writers.pictures", "write_ome_zarr"),
    ),
    "originals": Format(
        "The images as they were", ("spheroseg.exchange.writers.pictures", "write_originals"), needs_originals=True
    ),
    "overlays": Format(
        "Pictures with outlines and the numbers of the tables' rows, PNG",
        ("spheroseg.exchange.writers.overlays", "write_overlays"),
        needs_originals=True,
    ),
    "bundle": Format(
        "Reproducibility bundle, for spheroseg verify",
        ("spheroseg.exchange.writers.bundle", "write_bundle_of_runs"),
        needs_originals=True,
    ),
}
"""Formats that are written."""

READABLE: Mapping[str, ReadableFormat] = {
    "coco": ReadableFormat("COCO instances", ("spheroseg.exchange.readers.coco", "read_coco"), (".json",)),
    "geojson": ReadableFormat("GeoJSON", ("spheroseg.exchange.readers.geojson", "read_geojson"), (".geojson",)),
    "roi": ReadableFormat("ImageJ/Fiji ROIs", ("spheroseg.exchange.readers.rois", "read_rois"), (".zip", ".roi")),
    "labels": ReadableFormat(
        "Label images", ("spheroseg.exchange.readers.labels", "read_label_image"), (".tif", ".tiff", ".png")
    ),
    "yolo": ReadableFormat(
        "YOLO segmentation dataset", ("spheroseg.exchange.readers.yolo", "read_yolo"), (".yaml", ".yml")
    ),
}
"""Formats that are read."""


def format_of(path: Path) -> str | None:
    """The format that a file's or folder's name tells; None: it could be anything."""
    if path.is_dir():
        return "yolo" if (path / "labels").is_dir() and any((path / "labels").rglob("*.txt")) else None
    suffix = path.suffix.lower()
    return next((name for name, found in READABLE.items() if suffix in found.suffixes), None)


def _loaded(module: str, function: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    return getattr(import_module(module), function)
