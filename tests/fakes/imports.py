"""Imports in a dict, beside the projects, images and runs that they change."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from spheroseg.domain.image import ImageStatus
from spheroseg.domain.outline_import import MAX_ACTIVE, Import, ImportStatus
from spheroseg.domain.paging import PageKey
from spheroseg.domain.revision import Revision
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    ImageNotFoundError,
    ImportNotFoundError,
    SegmentationNotFoundError,
    StaleRevisionError,
    StaleStateError,
    TooManyImportsError,
)
from tests.fakes.ages import age, is_past
from tests.fakes.images import InMemoryImages
from tests.fakes.requested_jobs import asked_again
from tests.fakes.revisions import InMemoryRevisions


@dataclass
class InMemoryImports:
    """Imports beside the images that they are of."""

    images: InMemoryImages
    revisions: InMemoryRevisions
    rows: dict[UUID, Import] = field(default_factory=dict)

    def add(self, import_: Import) -> None:
        mine = [row for row in self.rows.values() if row.requested_by == import_.requested_by]
        if sum(not row.seen(import_.created_at).status.is_final for row in mine) >= MAX_ACTIVE:
            raise TooManyImportsError(
                f"You have {MAX_ACTIVE} imports that are not finished; wait for one, or cancel one"
            )
        image_id = import_.options.image_id
        if image_id is not None:
            image = self.images.rows.get(image_id)
            if image is None or image.project_id != import_.project_id:
                raise ImageNotFoundError(f"The project has no image {image_id}")
        for base in import_.options.bases:
            run = self.images.segmentations.rows.get(base.segmentation_id)
            if run is None or run.project_id != import_.project_id:
                raise SegmentationNotFoundError(f"The project has no segmentation {base.segmentation_id}")
        if import_.project_id not in self.images.projects.rows:
            raise StaleStateError("What this belongs to was removed meanwhile")
        self.rows[import_.id] = import_

    def one(self, viewer: Viewer, import_id: UUID) -> Import:
        import_ = self.get(import_id)
        if import_.requested_by != viewer.user_id or self._access(import_) is None:
            raise ImportNotFoundError(f"Import {import_id} does not exist")
        return import_

    def page(self, viewer: Viewer, project_id: UUID, after: PageKey | None, limit: int) -> Sequence[Import]:
        found = [
            row
            for row in self.rows.values()
            if row.project_id == project_id
            and row.requested_by == viewer.user_id
            and self._access(row) is not None
            and is_past(row, after)
        ]
        return sorted(found, key=age, reverse=True)[:limit]

    def get(self, import_id: UUID) -> Import:
        if import_id not in self.rows:
            raise ImportNotFoundError(f"Import {import_id} does not exist")
        return self.rows[import_id]

    def replace(self, before: Import, after: Import) -> None:
        stored = self.rows.get(before.id)
        if stored is None or (stored.status, stored.attempt) != (before.status, before.attempt):
            raise StaleStateError(f"Import {before.id} is no longer {before.status}")
        self.rows[before.id] = replace(after, sent_at=after.sent_at or stored.sent_at)

    def finish(
        self,
        before: Import,
        after: Import,
        revisions: Sequence[tuple[Revision, Sequence[Spheroid]]],
        runs: Sequence[tuple[Segmentation, Sequence[Spheroid]]],
    ) -> None:
        segmentations = self.images.segmentations
        for revision, _ in revisions:
            run = segmentations.rows.get(revision.segmentation_id)
            if run is None or run.revision != revision.number - 1:
                raise StaleRevisionError(f"Revision {revision.number - 1} is not the newest any more")
        for run, _ in runs:
            if run.image_id not in self.images.rows or run.id in segmentations.rows:
                raise StaleStateError("What this belongs to was removed meanwhile")
        self.replace(before, after)
        for revision, changed in revisions:
            self.revisions.save(revision, changed, revision.changes.removed)
        for run, found in runs:
            segmentations.rows[run.id] = run
            segmentations.found[run.id] = list(found)

    def stalled(self, before: datetime, at: datetime, limit: int) -> Sequence[Import]:
        return asked_again(self.rows, before, at, limit)

    def past(self, at: datetime, limit: int) -> Sequence[Import]:
        found = [
            row for row in self.rows.values() if row.status is ImportStatus.AWAITING_UPLOAD and row.upload_until <= at
        ]
        return sorted(found, key=lambda row: (row.upload_until, row.id))[:limit]

    def forget(self, created_before: datetime, limit: int) -> int:
        old = [row.id for row in self.rows.values() if row.status.is_final and row.created_at < created_before][:limit]
        for id_ in old:
            del self.rows[id_]
        return len(old)

    def names(self, project_id: UUID, after: PageKey | None, limit: int) -> Sequence[tuple[UUID, str, PageKey]]:
        found = [
            image
            for image in self.images.rows.values()
            if image.project_id == project_id and image.status is ImageStatus.STORED and is_past(image, after)
        ]
        chosen = sorted(found, key=age, reverse=True)[:limit]
        return [(image.id, image.name, PageKey(image.created_at, image.id)) for image in chosen]

    def sizes(self, project_id: UUID, page: int, image_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
        found: dict[UUID, tuple[int, int]] = {}
        for run in sorted(self.images.segmentations.rows.values(), key=lambda run: (run.queued_at, run.id)):
            is_it = run.image_id in image_ids and run.project_id == project_id and run.order.parameters.page == page
            if is_it and run.status is SegmentationStatus.SUCCEEDED and run.result is not None:
                found[run.image_id] = run.result.width_px, run.result.height_px
        return found

    def _access(self, import_: Import) -> object:
        return self.images.projects.access(Viewer(import_.requested_by), import_.project_id)
