"""Images, in dicts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from spheroseg.domain.access import Accessible
from spheroseg.domain.account import Account, Quota, Usage
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.image_list import ImageKey, ImageQuery, ImageState, SortValue
from spheroseg.domain.pages import Pages
from spheroseg.domain.paging import PageKey
from spheroseg.domain.segmentation import PixelSizeSource, Segmentation
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    ConflictError,
    ImageNotFoundError,
    StaleStateError,
)
from spheroseg.ports import RunOfImage
from tests.fakes.ages import age, is_past
from tests.fakes.projects import InMemoryProjects
from tests.fakes.segmentations import InMemorySegmentations


@dataclass
class InMemoryImages:
    """Images in a dict, beside the segmentations that are stored and deleted together with them."""

    segmentations: InMemorySegmentations = field(default_factory=InMemorySegmentations)
    rows: dict[UUID, Image] = field(default_factory=dict)
    quotas: dict[str, Quota] = field(default_factory=dict)
    kept: dict[UUID, tuple[str, Usage]] = field(default_factory=dict)
    """Room that is kept for images without rows, by what it is kept for."""

    def __post_init__(self) -> None:
        self.segmentations.images = self.rows
        self.segmentations.mend = self._follow_twin  # type: ignore[method-assign]

    def leave(self, image_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[UUID]]:
        runs = self.segmentations.rows.values()
        self.segmentations.leaving |= {run.id for run in runs if run.image_id in image_ids}
        files: dict[UUID, list[UUID]] = {}
        for run in runs:
            needed = {it.files_of or it.id for it in runs if it.image_id not in image_ids}
            wanted = run.files_of or run.id
            if run.image_id in image_ids and wanted not in needed:
                files.setdefault(run.image_id, []).append(wanted)
        return files

    def with_digests(self, project_id: UUID, digests: Sequence[str]) -> Mapping[str, UUID]:
        stored = [row for row in self.rows.values() if row.project_id == project_id and row.stored_at is not None]
        found: dict[str, UUID] = {}
        for row in sorted(stored, key=lambda row: (row.stored_at, row.id)):
            if row.status is ImageStatus.STORED and row.digest is not None and row.digest in digests:
                found.setdefault(row.digest, row.id)
        return found

    def account(self, owner_id: str) -> Account:
        """Quota and usage of an owner, without a profile."""
        usage = Usage.of(row for row in self.rows.values() if row.owner_id == owner_id)
        for kept_for, kept in self.kept.values():
            if kept_for == owner_id:
                usage = replace(
                    usage,
                    announced_bytes=usage.announced_bytes + kept.announced_bytes,
                    announced_images=usage.announced_images + kept.announced_images,
                )
        return Account(owner_id, quota=self.quotas.get(owner_id, Quota()), usage=usage)

    def add_many(self, images: Sequence[Image]) -> None:
        wanted = Usage.of(images)
        for owner_id in {image.owner_id for image in images} if wanted.images else ():
            self.account(owner_id).require_room(wanted)
        ids = [image.id for image in images]
        if len(set(ids)) < len(ids) or any(id_ in self.rows for id_ in ids):
            raise ConflictError("One of the images exists")
        self.rows.update(zip(ids, images, strict=True))

    def get(self, image_id: UUID) -> Image:
        if image_id not in self.rows:
            raise ImageNotFoundError(f"Image {image_id} does not exist")
        return self.rows[image_id]

    @property
    def projects(self) -> InMemoryProjects:
        """Where the roles stand."""
        return self.segmentations.projects

    def one(self, viewer: Viewer, image_id: UUID) -> Image:
        return self.accessible(viewer, image_id).item

    def accessible(self, viewer: Viewer, image_id: UUID) -> Accessible[Image]:
        image = self.get(image_id)
        access = self.projects.access(viewer, image.project_id, image.owner_id)
        if access is None:
            raise ImageNotFoundError(f"Image {image_id} does not exist")
        return Accessible(image, access)

    def page(self, viewer: Viewer, project_id: UUID, after: PageKey | None, limit: int) -> Sequence[Image]:
        mine = [
            row
            for row in self.rows.values()
            if row.project_id == project_id and self.projects.access(viewer, project_id, row.owner_id)
        ]
        return sorted((row for row in mine if is_past(row, after)), key=age, reverse=True)[:limit]

    def runs_of(self, image_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[RunOfImage]]:
        runs: dict[UUID, list[RunOfImage]] = {}
        for run in self.segmentations.rows.values():
            if run.image_id in image_ids:
                runs.setdefault(run.image_id, []).append(RunOfImage(run.id, not run.status.is_final))
        return runs

    def delete_many(self, image_ids: Sequence[UUID]) -> None:
        for image_id in image_ids:
            if image_id in self.rows:
                self.delete(self.rows[image_id])

    def search(
        self, viewer: Viewer, project_id: UUID, query: ImageQuery, after: ImageKey | None, limit: int
    ) -> Sequence[Image]:
        def place(image: Image) -> tuple[SortValue, UUID]:
            return query.sort.value_of(image), image.id

        found = [
            row
            for row in self.rows.values()
            if row.project_id == project_id
            and self.projects.access(viewer, project_id, row.owner_id)
            and query.takes(row, self._state(row))
        ]
        if after is not None:
            past = (after.value, after.id)
            found = [row for row in found if (place(row) < past if query.sort.is_descending else place(row) > past)]
        return sorted(found, key=place, reverse=query.sort.is_descending)[:limit]

    def _state(self, image: Image) -> ImageState:
        runs = [run for run in self.segmentations.rows.values() if run.image_id == image.id]
        latest = max(runs, key=lambda run: (run.queued_at, run.id), default=None)
        return ImageState.of(image, latest.status if latest else None)

    def accessible_many(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Accessible[Image]]:
        found = {}
        for row in [self.rows[id_] for id_ in image_ids if id_ in self.rows]:
            if access := self.projects.access(viewer, row.project_id, row.owner_id):
                found[row.id] = Accessible(row, access)
        return found

    def named(self, project_id: UUID, names: Sequence[str]) -> Sequence[Image]:
        return [row for row in self.rows.values() if row.project_id == project_id and row.name in names]

    def change_many(self, image_ids: Sequence[UUID], changed: Callable[[Image], Image]) -> Sequence[Image]:
        if any(id_ not in self.rows for id_ in image_ids):
            raise StaleStateError("One of the images was deleted meanwhile")
        pairs = [(self.rows[id_], changed(self.rows[id_])) for id_ in dict.fromkeys(image_ids)]
        pairs = [(before, after) for before, after in pairs if before != after]
        for owner_id in {after.owner_id for before, after in pairs if after.owner_id != before.owner_id}:
            arriving = [after for before, after in pairs if after.owner_id == owner_id != before.owner_id]
            self.account(owner_id).require_room(Usage.of(arriving))
        for _, after in pairs:
            self._store(after)
            self._follow(after)
        return [after for _, after in pairs]

    def _store(self, after: Image) -> None:
        self.rows[after.id] = replace(after, version=self.rows[after.id].version + 1)

    def _follow_twin(self, image: Image, twin: Image) -> None:
        if image.pages is None:
            self._store(replace(image, pages=twin.pages))
        self._follow(image)

    def _follow(self, image: Image) -> None:
        """Runs move along with their image, and their pixel size follows."""
        project = self.projects.rows.get(image.project_id)
        for run in [run for run in self.segmentations.rows.values() if run.image_id == image.id]:
            result = run.result
            if result is not None:
                result = replace(result, pixel_size_um=None, pixel_size_source=None)
                for size_um, source in (
                    (image.pixel_size_um, PixelSizeSource.USER),
                    (result.file_pixel_size_um, PixelSizeSource.FILE),
                    (project.pixel_size_um if project else None, project.pixel_size_source if project else None),
                ):
                    if size_um is not None:
                        result = replace(result, pixel_size_um=size_um, pixel_size_source=source)
                        break
            self.segmentations.rows[run.id] = replace(
                run, project_id=image.project_id, owner_id=image.owner_id, result=result
            )

    def replace(self, before: Image, after: Image) -> None:
        stored = self.rows.get(before.id)
        if stored is None or (stored.status, stored.upload_id) != (before.status, before.upload_id):
            raise StaleStateError(f"Image {before.id} is no longer {before.status}")
        self._store(after)

    def accept(self, before: Image, after: Image, segmentation: Segmentation) -> None:
        self.replace(before, after)
        first = self.with_digests(after.project_id, [after.digest] if after.digest else [])
        others = [id_ for id_ in first.values() if id_ != after.id]
        self.rows[after.id] = replace(self.rows[after.id], duplicate_of=others[0] if others else None)
        self.segmentations.add(segmentation)

    def note_pages(self, image_id: UUID, pages: Pages) -> None:
        image = self.rows.get(image_id)
        if image is not None and image.pages is None:
            self.rows[image_id] = replace(image, pages=pages)

    def delete(self, image: Image) -> None:
        self.rows.pop(image.id, None)
        for copy in [row for row in self.rows.values() if row.duplicate_of == image.id]:
            self.rows[copy.id] = replace(copy, duplicate_of=None)
        for run in [run for run in self.segmentations.rows.values() if run.image_id == image.id]:
            del self.segmentations.rows[run.id]
            self.segmentations.found.pop(run.id, None)

    def awaiting_upload(self, requested_before: datetime, after: PageKey | None, limit: int) -> Sequence[Image]:
        late = [
            row
            for row in self.rows.values()
            if row.status is ImageStatus.AWAITING_UPLOAD and row.created_at < requested_before and is_past(row, after)
        ]
        return sorted(late, key=age, reverse=True)[:limit]
