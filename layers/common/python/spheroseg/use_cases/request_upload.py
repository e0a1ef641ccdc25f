"""Room for files that a viewer is about to upload."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.account import UNTOLD_BYTES
from spheroseg.domain.image import Image, ImageStatus, original_key
from spheroseg.domain.segmentation import Order
from spheroseg.domain.upload_parts import digest_of_bytes, goes_in_parts
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ImageTooLargeError
from spheroseg.ports import Clock, IdSource, ImageRepository, ImageStore, ProjectRepository, UploadForm

MAX_FILES = 1000
"""Files in one request; the answer then stays well below a Lambda function's 6 MB."""
MAX_SIZE_BYTES = 5_000_000_000
"""S3 copies at most 5 GB at once (Amazon S3 user guide, «Copying objects»), and projects can be copied."""
FORM_LIFETIME = timedelta(hours=1)


@dataclass(frozen=True)
class AnnouncedFile:
    """A file that is about to come.

    Args:
        name: Its name, 1 to 255 characters, only shown.
        size_bytes: Its size if known, else ``UNTOLD_BYTES`` at most; the store refuses a larger file.
        pixel_size_um: Edge of one pixel in µm if the user knows better than the file, else None.
        sha256: Digest of its bytes in hexadecimal digits, if known; other bytes are then refused. Files that go over in
            parts have theirs from the parts' digests.
    """

    name: str
    size_bytes: int | None
    pixel_size_um: float | None
    sha256: str | None = None


@dataclass(frozen=True)
class RequestUpload:
    """Announce files and get a form for each; the files' arrival starts their segmentation."""

    projects: ProjectRepository
    images: ImageRepository
    store: ImageStore
    clock: Clock
    ids: IdSource

    def __call__(
        self, viewer: Viewer, project_id: UUID, files: Sequence[AnnouncedFile], order: Order, correlation_id: str
    ) -> list[tuple[Image, UploadForm | None]]:
        """The images, in the order of the files, each with its form, or None where it goes over in parts.

        Raises:
            ProjectNotFoundError: the viewer has no role in the project.
            RoleTooLowError, ProjectArchivedError: the viewer may not write there, or nobody may.
            ImageTooLargeError: a file is larger than the store takes; then no image was made.
            QuotaExceededError: the project's owner has no room for all of them; then no image was made.
        """
        project = self.projects.accessible(viewer, project_id).to(Action.WRITE)
        for file in files:
            if file.size_bytes is not None and file.size_bytes > MAX_SIZE_BYTES:
                raise ImageTooLargeError(f"{file.name} has {file.size_bytes} bytes; at most {MAX_SIZE_BYTES} are taken")
        digests = [digest_of_bytes(file.sha256) if file.sha256 else None for file in files]
        told = [digest for digest in digests if digest is not None]
        known = self.images.with_digests(project.id, told) if told else {}
        images = [
            Image(
                id=self.ids.new(),
                project_id=project.id,
                owner_id=project.owner_id,
                name=file.name,
                status=ImageStatus.AWAITING_UPLOAD,
                pixel_size_um=file.pixel_size_um,
                size_bytes=file.size_bytes,
                etag=None,
                order=order,
                correlation_id=correlation_id,
                created_at=self.clock.now(),
                digest=digest,
                duplicate_of=known.get(digest) if digest else None,
            )
            for file, digest in zip(files, digests, strict=True)
        ]
        self.images.add_many(images)
        whole = [image for image in images if not goes_in_parts(image.size_bytes)]
        wanted = [(original_key(image.id), image.size_bytes or UNTOLD_BYTES) for image in whole]
        forms = dict(zip((image.id for image in whole), self.store.upload_forms(wanted, FORM_LIFETIME), strict=True))
        return [(image, forms.get(image.id)) for image in images]
