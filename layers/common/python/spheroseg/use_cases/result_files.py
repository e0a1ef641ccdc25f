"""What a result is made of: its facts, its files, and the pixel size that its measures are converted with."""

from contextlib import suppress
from typing import TYPE_CHECKING

from spheroseg.domain.image import Image
from spheroseg.domain.segmentation import PixelSizeSource, Result
from spheroseg.domain.spheroid import Spheroid
from spheroseg.errors import NotFoundError
from spheroseg.imaging.geojson import feature_collection
from spheroseg.imaging.labels import labels_tiff
from spheroseg.imaging.windowing import preview_jpeg
from spheroseg.ports import DecodedImage, ImageStore, ProjectRepository
from spheroseg.use_cases.read_segmentations import LABELS_FILE, OUTLINES_FILE, PREVIEW_FILE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def put_files(
    store: ImageStore,
    prefix: str,
    labels: "NDArray[np.int32]",
    decoded: DecodedImage,
    spheroids: list[Spheroid],
    pixel_size_um: float | None,
) -> None:
    """Store label image, outlines and preview of a result.

    Args:
        prefix: Where they lie; they never change.
        labels: (height, width) int32, every spheroid's pixels hold its number.
    """
    outlines = feature_collection(spheroids, pixel_size_um)
    store.put(prefix + LABELS_FILE, labels_tiff(labels, pixel_size_um), "image/tiff")
    store.put(prefix + OUTLINES_FILE, outlines, "application/geo+json")
    store.put(prefix + PREVIEW_FILE, preview_jpeg(decoded.pixels), "image/jpeg")


def result_of(
    decoded: DecodedImage,
    labels: "NDArray[np.int32]",
    spheroid_count: int,
    pixel_size: tuple[float | None, PixelSizeSource | None],
    stages_s: dict[str, float],
) -> Result:
    """A new result, before anybody corrected its outlines.

    Args:
        labels: (height, width), of the size of the segmented page.
        pixel_size: As ``pixel_size_of`` tells it.
    """
    height_px, width_px = labels.shape
    pixel_size_um, source = pixel_size
    return Result(
        width_px=width_px,
        height_px=height_px,
        pixel_type=decoded.pixel_type,
        pixel_size_um=pixel_size_um,
        pixel_size_source=source,
        file_pixel_size_um=decoded.pixel_size_um,
        written_pixel_size_um=pixel_size_um,
        spheroid_count=spheroid_count,
        found_count=spheroid_count,
        stages_s=stages_s,
    )


def pixel_size_of(
    projects: ProjectRepository, image: Image, decoded: DecodedImage
) -> tuple[float | None, PixelSizeSource | None]:
    """Edge of a pixel in µm and who says so: the image's owner before its file, its file before the project."""
    if image.pixel_size_um is not None:
        return image.pixel_size_um, PixelSizeSource.USER
    if decoded.pixel_size_um is not None:
        return decoded.pixel_size_um, PixelSizeSource.FILE
    with suppress(NotFoundError):  # a deleted project takes its runs along: writing the row will tell
        project = projects.get(image.project_id)
        if project.pixel_size_um is not None:
            return project.pixel_size_um, project.pixel_size_source
    return None, None
