"""What napari calls; the manifest beside it names these. Nothing here imports napari before somebody uses it."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from spheroseg_client.access import Access
from spheroseg_client.client import Client
from spheroseg_client.napari.addresses import Address, address_of, is_meant, write_file
from spheroseg_client.napari.layers import METADATA, Layer, Opened, layers_of, renumbered, send

if TYPE_CHECKING:
    import napari.layers
    import napari.types


@contextmanager
def service() -> Iterator[Client]:
    """The service that the environment names (``SPHEROSEG_API`` with ``SPHEROSEG_TOKEN``, or ``SPHEROSEG_EMAIL`` and
    ``SPHEROSEG_PASSWORD``), else the local cloud that runs (``SPHEROSEG_DATA_DIR``).
    """
    said = os.environ.get
    data_dir = said("SPHEROSEG_DATA_DIR")
    access = Access(
        api=said("SPHEROSEG_API"),
        email=said("SPHEROSEG_EMAIL"),
        password=said("SPHEROSEG_PASSWORD"),
        token=said("SPHEROSEG_TOKEN"),
        data_dir=Path(data_dir) if data_dir else None,
    )
    with access.present() as client:
        yield client


def reader_of(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[Layer]] | None:
    """What reads a path, None where it is not this plugin's."""
    paths = [path] if isinstance(path, str) else path
    return read if paths and all(map(is_meant, paths)) else None


def read(path: str | Sequence[str]) -> list[Layer]:
    """The layers of one image or several."""
    addresses = [address_of(one) for one in ([path] if isinstance(path, str) else path)]
    with service() as client:
        return [layer for address in addresses for layer in layers_of(client, address)]


def write_labels(path: str, data: NDArray[Any], meta: dict[str, Any]) -> list[str]:
    """Send labels back as a revision, and write the file that opens it again.

    The layer then stands for the new revision: its metadata say so, and new spheroids have the numbers that the
    service gave to them.
    """
    opened = Opened.of(meta)
    with service() as client:
        sent = send(client, opened, data)
    _now(opened, sent.revision, data, sent.numbers, meta["metadata"])
    _say(str(sent))
    write_file(Path(path), opened.image_id, opened.segmentation_id, opened.page)
    return [path]


def open_image(
    project: str, image: str, page: int = 1, images: Path | None = None
) -> "list[napari.types.LayerDataTuple]":
    """Open an image of a project with its newest outlines.

    Args:
        project: Name or id.
        image: Name or id.
        page: The first is 1.
        images: Folder with the image files; without it the preview is shown.
    """
    # An untouched field for a folder says «.».
    folder = images if images is not None and images != Path() else None
    with service() as client:
        return layers_of(client, Address(image.strip(), project.strip(), page=page, images=folder))


def send_labels(labels: "napari.layers.Labels", note: str = "") -> None:
    """Send corrected labels back as a revision; only spheroids that you changed change.

    Args:
        labels: A layer that was opened from SpheroSeg.
        note: What there is to say about it.
    """
    opened = Opened.of({"metadata": labels.metadata})
    with service() as client:
        sent = send(client, opened, labels.data, note.strip() or None)
    _now(opened, sent.revision, labels.data, sent.numbers, labels.metadata)
    labels.refresh()
    _say(str(sent))


def _now(
    opened: Opened, revision: int | None, data: NDArray[Any], numbers: dict[int, int], metadata: dict[str, Any]
) -> None:
    """The labels are those of the new revision."""
    renumbered(data, numbers)
    if revision is not None:
        opened.revision = revision
        metadata[METADATA].update(opened.told())


def _say(text: str) -> None:
    """Where napari runs, it shows the text; elsewhere who called reads what came of it from the labels."""
    try:
        from napari.utils.notifications import show_info  # noqa: PLC0415 - the plugin also works without napari
    except ImportError:
        return
    show_info(text)
