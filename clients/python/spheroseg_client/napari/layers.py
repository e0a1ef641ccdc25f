"""An image of the service as layers, and labels back to it."""

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from numpy.typing import ArrayLike, NDArray

from spheroseg.domain.spheroid import Polygon
from spheroseg.errors import InvalidInputError
from spheroseg.imaging.decode import decode
from spheroseg.imaging.rasterising import labels_of
from spheroseg_client import models
from spheroseg_client.client import Client
from spheroseg_client.commands import project_id_of
from spheroseg_client.errors import ApiError, LocalFileError, UnexpectedAnswerError, WorkFailedError
from spheroseg_client.napari.addresses import Address
from spheroseg_client.napari.correcting import Corrections, Labels, corrections, labels_in
from spheroseg_client.revisions import with_later_changes

Layer = tuple[Any, dict[str, Any], str]
"""Data, what else the layer is made with, and its kind, as napari's plugins hand layers over."""

WHOLE = "sha256:"
"""Begins the digest of a file that was uploaded in one piece."""

METADATA = "spheroseg"
"""Under this name the labels layer says what it is of."""


@dataclass
class Opened:
    """What a labels layer is of.

    Args:
        image_id, segmentation_id: Of the service.
        revision: Whose outlines the labels were drawn from.
        page: The first is 1.
        width_px, height_px: Of the image.
    """

    image_id: UUID
    segmentation_id: UUID
    revision: int
    page: int
    width_px: int
    height_px: int

    @classmethod
    def of(cls, layer: dict[str, Any]) -> "Opened":
        """What the metadata of a layer say.

        Raises:
            LocalFileError: the layer was not opened by this plugin.
        """
        told = (layer.get("metadata") or {}).get(METADATA)
        if not isinstance(told, dict):
            raise LocalFileError(
                "These labels were not opened from SpheroSeg, so nobody knows which image they are of; open the image "
                "with this plugin and paint in its labels",
                "no-image",
            )
        ids = {name: UUID(told[name]) for name in ("image_id", "segmentation_id")}
        return cls(**(told | ids))

    def told(self) -> dict[str, Any]:
        """The same as metadata of a layer."""
        return asdict(self) | {"image_id": str(self.image_id), "segmentation_id": str(self.segmentation_id)}


@dataclass(frozen=True)
class Sent:
    """What became of labels that were sent.

    Args:
        revision: The new one; None: nothing differed, so that none was made.
        corrections: What differed.
        numbers: Label -> number, of the added ones to which the service gave another number.
    """

    revision: int | None
    corrections: Corrections
    numbers: dict[int, int]

    def __str__(self) -> str:
        if self.revision is None:
            return "No label differs from the newest outlines: nothing was sent"
        found = self.corrections
        parts = [
            f"{len(some)} {what}"
            for what, some in (
                ("changed", found.changed),
                ("added", found.added),
                ("removed", found.removed),
                ("renumbered", found.relabelled),
            )
            if some
        ]
        lines = [f"Saved as revision {self.revision}: {', '.join(parts)}"]
        if self.numbers:
            given = ", ".join(f"{label} is {number} now" for label, number in self.numbers.items())
            lines.append(f"New spheroids got numbers that none had before: {given}")
        if found.pieces:
            told = ", ".join(f"{number} ({pieces})" for number, pieces in found.pieces.items())
            lines.append(f"In several pieces: {told}")
        return ". ".join(lines)


def layers_of(client: Client, address: Address) -> list[Layer]:
    """The image in grey, and its outlines as labels, both with their scale in µm where the pixel size is known.

    The service does not hand out the files of images: a file of the same name and content in the address's folder is
    shown, else the preview of up to 2,048 px.

    Raises:
        LocalFileError: no image, or several, are called so.
        WorkFailedError: it has no result.
    """
    image = _image(client, address)
    run = _run(client, image, address)
    result = run.result
    if result is None:
        raise WorkFailedError(f"{image.name} has no result yet", "no-result")
    outlines = client.outlines(run.id, address.revision)
    labels = drawn(outlines.spheroids, (outlines.height_px, outlines.width_px))
    page = run.parameters.page
    opened = Opened(image.id, run.id, outlines.revision, page, outlines.width_px, outlines.height_px)
    pixels, name = _pixels(client, image, run, address.images, labels.shape)
    size_um = result.pixel_size_um
    called = f"{image.name} p{page}" if image.pages is not None and image.pages.count > 1 else image.name

    def placed(data: NDArray[Any]) -> dict[str, Any]:
        """A preview is stretched over the image; pixels start at the same edge, whose middles differ."""
        steps = [side / shown for side, shown in zip(labels.shape, data.shape, strict=True)]
        edge = size_um or 1.0
        units = {"units": ("µm", "µm")} if size_um else {}
        return {
            "scale": [edge * step for step in steps],
            "translate": [edge * (step - 1) / 2 for step in steps],
            **units,
        }

    return [
        (pixels, {"name": f"{called}{name}", **placed(pixels)}, "image"),
        (labels, {"name": f"{called} spheroids", **placed(labels), "metadata": {METADATA: opened.told()}}, "labels"),
    ]


def send(client: Client, opened: Opened, data: ArrayLike, note: str | None = None) -> Sent:
    """Make labels the newest outlines of their run; only spheroids with other pixels change.

    Args:
        opened: What the labels are of.
        data: (h, w) whole numbers, 0 is background; they are only read.

    Raises:
        LocalFileError: they are no labels of that image.
        ApiError: the service refused; ``stale-revision``: somebody saved a newer revision, and the detail says who
            changed what.
    """
    shape = (opened.height_px, opened.width_px)
    after = labels_in(data, shape)
    before = drawn(client.outlines(opened.segmentation_id, opened.revision).spheroids, shape)
    found = corrections(before, after)
    if not found.operations:
        return Sent(None, found, {})
    try:
        revision = client.edit(opened.segmentation_id, opened.revision, found.operations, note)
    except ApiError as error:
        if error.code != "stale-revision":
            raise
        told = with_later_changes(error)
        told.detail += (
            "\nNothing was sent, and your labels are as you left them. Open the image again: its newest outlines come "
            "as a layer of their own, into which you can bring your changes"
        )
        told.args = (told.detail,)
        raise told from error
    given = sorted(revision.added)[len(revision.added) - len(found.added) :]
    numbers = {label: number for label, number in zip(found.added, given, strict=True) if label != number}
    return Sent(revision.number, found, numbers)


def drawn(outlines: Mapping[int, Sequence[models.Polygon]], shape: tuple[int, int]) -> Labels:
    """The label image of a revision.

    Raises:
        UnexpectedAnswerError: two outlines share a pixel.
    """
    polygons = {
        number: [Polygon(tuple(one.exterior), tuple(map(tuple, one.holes))) for one in parts]
        for number, parts in outlines.items()
    }
    try:
        return labels_of(polygons, shape)
    except ValueError as error:
        raise UnexpectedAnswerError(f"The outlines cannot be drawn as labels: {error}") from error


def renumbered(data: NDArray[Any], numbers: dict[int, int]) -> None:
    """Give labels other numbers, all at once, in place."""
    at = {label: data == label for label in numbers}
    for label, number in numbers.items():
        data[at[label]] = number


def _image(client: Client, address: Address) -> models.Image:
    try:
        return client.image(UUID(address.image))
    except ValueError:
        project = project_id_of(client, address.project or "")
    found = [image for image in client.find_images(project, name=address.image) if image.name == address.image]
    if len(found) != 1:
        raise LocalFileError(
            f"{len(found)} images of {address.project} are called {address.image}" + ("; give the id" if found else ""),
            "ambiguous-name" if found else "no-image",
        )
    return found[0]


def _run(client: Client, image: models.Image, address: Address) -> models.Segmentation:
    run_id = address.run
    if run_id is None:
        runs = (run.id for run in client.segmentations(image.id, address.page) if run.status == "succeeded")
        run_id = next(runs, None)
    if run_id is None:
        raise WorkFailedError(f"Page {address.page} of {image.name} has no result yet", "no-result")
    run = client.segmentation(run_id)  # read by itself, because lists have no links
    if run.image_id != image.id:
        raise LocalFileError(f"The run {run_id} is of another image than {image.name}", "no-image")
    return run


def _pixels(
    client: Client, image: models.Image, run: models.Segmentation, images: Path | None, shape: tuple[int, ...]
) -> tuple[NDArray[Any], str]:
    """Grey pixels of the file, or of the preview, and what to add to the layer's name."""
    path = None if images is None else images / PurePath(image.name).name
    if path is not None and path.is_file():
        if _may_be(path, image.digest) and (pixels := _decoded(path, run.parameters.page)).shape == shape:
            return pixels, ""
        warnings.warn(f"{path} is another file than was uploaded; the preview is shown instead", stacklevel=2)
    if run.links is None:
        raise UnexpectedAnswerError("The service sent no addresses of the run's files")
    with TemporaryDirectory(prefix="spheroseg-") as folder:
        preview = Path(folder) / "preview.jpg"
        client.download(run.links.preview, preview)
        return _decoded(preview, 1), " (preview)"


def _may_be(path: Path, digest: str | None) -> bool:
    """Whether a file may be the one that was uploaded; nothing is known of large ones, which went over in parts."""
    if digest is None or not digest.startswith(WHOLE):
        return True
    with path.open("rb") as stream:
        return digest == WHOLE + hashlib.file_digest(stream, "sha256").hexdigest()


def _decoded(path: Path, page: int) -> NDArray[Any]:
    try:
        return decode(path, page).pixels
    except InvalidInputError as error:
        raise LocalFileError(f"{path}: {error}", error.code) from error
