"""Many images go at once, each with all that was made of it."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.image import Image, original_key
from spheroseg.domain.segmentation import result_prefix
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ImageNotFoundError, SpherosegError
from spheroseg.ports import ImageRepository, ImageStore

MAX_IMAGES = 1000
AT_ONCE = 8
"""Requests of the store side by side: fewer than its client keeps connections."""


@dataclass(frozen=True)
class DeleteImages:
    """Remove those of some images that the viewer may remove, and tell of each what became of it.

    Objects go first, as with one image: what fails half-way can be asked for again.
    """

    images: ImageRepository
    store: ImageStore

    def __call__(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, SpherosegError | None]:
        """By image in the order that was given: None when nothing is left of it, else why it stays."""
        found = self.images.accessible_many(viewer, image_ids)
        outcomes: dict[UUID, SpherosegError | None] = {}
        for image_id in image_ids:
            try:
                if image_id not in found:
                    raise ImageNotFoundError(f"Image {image_id} does not exist")
                found[image_id].access.require(Action.WRITE)
            except SpherosegError as error:
                outcomes[image_id] = error
            else:
                outcomes[image_id] = None
        gone = [image_id for image_id, error in outcomes.items() if error is None]
        runs, files = self.images.runs_of(gone), self.images.leave(gone)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            work = [(found[image_id].item, files.get(image_id, ())) for image_id in gone]
            outcomes |= dict(zip(gone, pool.map(self._emptied, work), strict=True))
        self.images.delete_many([image_id for image_id in gone if outcomes[image_id] is None])
        # A worker that finished between the two has written once more; that there is no row tells the others.
        left = [run for image_id in gone if outcomes[image_id] is None for run in runs.get(image_id, ()) if run.is_open]
        for run in left:
            self.store.delete_under(result_prefix(run.id))
        return outcomes

    def _emptied(self, work: tuple[Image, Sequence[UUID]]) -> SpherosegError | None:
        image, files_ids = work
        try:
            for files_id in files_ids:
                self.store.delete_under(result_prefix(files_id))
            if image.upload_id is not None:
                self.store.drop_parts(original_key(image.id), image.upload_id)
            self.store.delete(original_key(image.id))
        except SpherosegError as error:
            return error
        return None
