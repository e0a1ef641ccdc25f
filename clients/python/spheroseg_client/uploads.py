"""Files on their way to the service as Python calls; a part of ``Client``."""

import hashlib
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel

from spheroseg_client.answers import items, parsed
from spheroseg_client.calls import Calls
from spheroseg_client.models import AnnouncedImage, ArrivedPart, Image, Order, PartLink, Parts
from spheroseg_client.part_uploads import upload_parts
from spheroseg_client.transfers import Progress, upload

MAX_FILES = 1000
NAME_MAX_LENGTH = 255
WHOLE_BYTES = 100_000_000
"""Larger files go over in parts."""


class FileToAnnounce(BaseModel):
    """A file that is about to be uploaded.

    ``name`` is only shown, 1 to 255 characters. ``size_bytes`` is its size, up to 5 GB; the store then takes no more.
    ``pixel_size_um`` is the edge of one pixel in µm, 0.001 to 1000, for those who know better than the file. ``sha256``
    is the digest of its bytes in hexadecimal digits, see ``sha256_of``: other bytes are then refused, and an image of
    the project that has the same is told at once (``duplicate_of``).
    """

    name: str
    size_bytes: int | None = None
    pixel_size_um: float | None = None
    sha256: str | None = None


class UploadCalls(Calls):
    """Announcing, sending, and having what arrived segmented."""

    def announce(
        self, project_id: UUID, files: Sequence[FileToAnnounce], order: Order | None = None
    ) -> Sequence[AnnouncedImage]:
        """An image for each file, in their order, with the form that takes it within an hour.

        Args:
            files: 1 to 1,000.
            order: What is run over each as soon as it arrives; None: the default model with default parameters.
        """
        body = {
            "files": [file.model_dump(exclude_none=True) for file in files],
            **(order or Order()).model_dump(exclude_none=True),
        }
        path = f"/v1/projects/{project_id}/images"
        # Repeating it is harmless: an announcement that nothing is uploaded for lapses after a day.
        answer = self._transport.request("POST", path, session=self._session, repeatable=True, json=body)
        return items(AnnouncedImage, answer, path)

    def send_file(self, image: AnnouncedImage, path: Path, progress: Progress = lambda _: None) -> None:
        """Upload a file for an announced image, streamed from the disk; one above 100 MB goes over in parts.

        Called again after a fault, it sends only the parts that are missing, for a day.

        Raises:
            LocalFileError: it cannot be read.
            UploadRefusedError: the store does not take it.
        """
        if image.upload is not None:
            upload(self._transport, image.upload.url, image.upload.fields, path, progress)
        else:
            self.send_parts(image.id, path, progress)

    def send_parts(self, image_id: UUID, path: Path, progress: Progress = lambda _: None) -> None:
        """Upload, or go on uploading, a file above 100 MB that was announced; ``complete`` puts it together.

        Raises:
            LocalFileError: it cannot be read, or is not the file that was announced.
            UploadRefusedError: the store does not take it.
        """
        address = f"/v1/images/{image_id}/parts"

        def link(number: int, sha256: str) -> PartLink:
            body = {"parts": [{"number": number, "sha256": sha256}]}
            answer = self._transport.request("POST", address, session=self._session, repeatable=True, json=body)
            (found,) = items(PartLink, answer, address)
            return found

        answer = self._transport.request("GET", address, session=self._session, repeatable=True)
        cut = parsed(Parts, answer, address)
        there = items(ArrivedPart, answer, address)
        # The first link begins the upload; two at once would begin two.
        if not there and path.exists() and path.stat().st_size:
            with path.open("rb") as stream:
                link(1, hashlib.sha256(stream.read(cut.part_bytes)).hexdigest())
        upload_parts(self._transport, path, cut.part_bytes, cut.part_count, there, link, progress)

    def complete(self, image_id: UUID) -> Image:
        """The image after its upload, its segmentation queued at once; without this call that happens seconds later."""
        return self._call("POST", f"/v1/images/{image_id}/complete", Image, repeatable=True)

    def upload(
        self,
        project_id: UUID,
        path: Path,
        order: Order | None = None,
        *,
        pixel_size_um: float | None = None,
        progress: Progress = lambda _: None,
    ) -> Image:
        """Announce one file, send it and start its segmentation."""
        file = FileToAnnounce(
            name=shown_name(path.name),
            size_bytes=path.stat().st_size or None,
            pixel_size_um=pixel_size_um,
            sha256=sha256_of(path),
        )
        (announced,) = self.announce(project_id, [file], order)
        self.send_file(announced, path, progress)
        return self.complete(announced.id)


def sha256_of(path: Path) -> str | None:
    """The digest that a file is announced with; None for one above 100 MB, whose parts have theirs, or an empty one.

    None also for a file that cannot be read: its upload tells why.
    """
    try:
        size_bytes = path.stat().st_size
        if not 0 < size_bytes <= WHOLE_BYTES:
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def shown_name(name: str) -> str:
    """A file's name as the service takes it: one visible line of up to 255 characters."""
    text = name.encode("utf-8", "replace").decode()
    text = "".join("_" if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character for character in text)
    return text[-NAME_MAX_LENGTH:] if text.strip() else "image"
