"""Label images: a number for each object, 0 is background."""

from pathlib import Path

from spheroseg.errors import InvalidInputError
from spheroseg.exchange.readers.faults import fault
from spheroseg.exchange.results import ReadImage, ReadObject
from spheroseg.imaging.boundaries import trace
from spheroseg.imaging.decode import read_header
from spheroseg.imaging.label_files import FILE_LIMITS, read_labels
from spheroseg.imaging.polygons import polygons_of


def read_label_image(path: Path) -> list[ReadImage]:
    """The one image that a label image (TIFF or PNG) is about, in order of the numbers.

    Raises:
        InvalidExchangeFileError: it is no label image.
    """
    try:
        labels = read_labels(path)
        header = read_header(path, FILE_LIMITS)
    except InvalidInputError as error:
        raise fault(path, "", str(error), "a label image has one whole number for each pixel") from error
    objects = tuple(
        ReadObject(polygons, number=number) for number, polygons in sorted(polygons_of(trace(labels)).items())
    )
    height, width = labels.shape
    stem = path.name.removesuffix(path.suffix).removesuffix(".ome")
    return [
        ReadImage(
            stem,
            objects,
            width_px=width,
            height_px=height,
            pixel_size_um=header.pixel_size_um,
            unequal_edges_um=header.unequal_edges_um,
        )
    ]
