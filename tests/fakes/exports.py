"""Exports in dicts, what goes into them, their queue and their store."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO, cast
from uuid import UUID

from spheroseg.domain.export import MAX_ACTIVE, Export, ExportedRun, ExportStatus
from spheroseg.domain.image import Image
from spheroseg.domain.paging import PageKey
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    ExportNotFoundError,
    ImageNotFoundError,
    QueueUnavailableError,
    StaleStateError,
    TooManyExportsError,
)
from spheroseg.messages import BrightnessRequested, ExportRequested, ImportRequested
from spheroseg.ports import ObjectStream
from tests.fakes.ages import age, is_past
from tests.fakes.images import InMemoryImages
from tests.fakes.requested_jobs import asked_again
from tests.fakes.revisions import InMemoryRevisions
from tests.fakes.services import InMemoryImageStore


@dataclass
class InMemoryExports:
    """Exports beside the projects and images that they are of."""

    images: InMemoryImages
    rows: dict[UUID, Export] = field(default_factory=dict)

    def add(self, export: Export) -> None:
        mine = [row for row in self.rows.values() if row.requested_by == export.requested_by]
        if sum(not row.status.is_final for row in mine) >= MAX_ACTIVE:
            raise TooManyExportsError("You have 5 exports that are not finished; wait for one, or cancel one")
        for image_id in export.options.image_ids or ():
            image = self.images.rows.get(image_id)
            if image is None or image.project_id != export.project_id:
                raise ImageNotFoundError(f"The project has no image {image_id}")
        if export.project_id not in self.images.projects.rows:
            raise StaleStateError("What this belongs to was removed meanwhile")
        self.rows[export.id] = export

    def one(self, viewer: Viewer, export_id: UUID) -> Export:
        export = self.get(export_id)
        if export.requested_by != viewer.user_id or not self.may_be_made(export):
            raise ExportNotFoundError(f"Export {export_id} does not exist")
        return export

    def page(self, viewer: Viewer, project_id: UUID, after: PageKey | None, limit: int) -> Sequence[Export]:
        found = [
            row
            for row in self.rows.values()
            if row.project_id == project_id
            and row.requested_by == viewer.user_id
            and self.may_be_made(row)
            and is_past(row, after)
        ]
        return sorted(found, key=age, reverse=True)[:limit]

    def get(self, export_id: UUID) -> Export:
        if export_id not in self.rows:
            raise ExportNotFoundError(f"Export {export_id} does not exist")
        return self.rows[export_id]

    def may_be_made(self, export: Export) -> bool:
        return self.images.projects.access(Viewer(export.requested_by), export.project_id) is not None

    def replace(self, before: Export, after: Export) -> None:
        stored = self.rows.get(before.id)
        if stored is None or (stored.status, stored.attempt) != (before.status, before.attempt):
            raise StaleStateError(f"Export {before.id} is no longer {before.status}")
        self.rows[before.id] = replace(after, sent_at=after.sent_at or stored.sent_at)

    def release(self, at: datetime) -> Sequence[Export]:
        released = []
        for row in sorted(self.rows.values(), key=lambda row: (row.created_at, row.id)):
            busy = any(
                it.requested_by == row.requested_by and not it.status.is_final and it.sent_at is not None
                for it in self.rows.values()
            )
            if row.status is ExportStatus.QUEUED and row.sent_at is None and not busy:
                self.rows[row.id] = replace(row, sent_at=at, alive_at=at)
                released.append(self.rows[row.id])
        return released

    def stalled(self, before: datetime, at: datetime, limit: int) -> Sequence[Export]:
        return asked_again(self.rows, before, at, limit)

    def past(self, at: datetime, limit: int) -> Sequence[Export]:
        found = [
            row
            for row in self.rows.values()
            if row.status is ExportStatus.SUCCEEDED and row.expires_at is not None and row.expires_at <= at
        ]
        return sorted(found, key=lambda row: (row.expires_at, row.id))[:limit]

    def forget(self, finished_before: datetime, limit: int) -> int:
        old = [
            row.id
            for row in self.rows.values()
            if row.status.is_final
            and row.status is not ExportStatus.SUCCEEDED
            and row.finished_at is not None
            and row.finished_at < finished_before
        ][:limit]
        for id_ in old:
            del self.rows[id_]
        return len(old)


@dataclass
class InMemoryExportSource:
    """Images, runs and revisions of other fakes."""

    images: InMemoryImages
    revisions: InMemoryRevisions

    def count(self, project_id: UUID, image_ids: Sequence[UUID] | None) -> int:
        return len(self._images(project_id, image_ids))

    def runs(
        self, project_id: UUID, image_ids: Sequence[UUID] | None, after: PageKey | None, limit: int
    ) -> tuple[Sequence[ExportedRun], int, PageKey | None]:
        images = [image for image in self._images(project_id, image_ids) if is_past(image, after)][:limit]
        found = []
        for image in images:
            newest = {}
            for run in sorted(self.images.segmentations.rows.values(), key=lambda run: (run.queued_at, run.id)):
                if run.image_id == image.id and run.status is SegmentationStatus.SUCCEEDED:
                    newest[run.order.parameters.page] = run
            several = image.pages is not None and image.pages.count > 1
            found += [ExportedRun(image.name, several, newest[page], image.sample) for page in sorted(newest)]
        last = images[-1] if len(images) == limit else None
        return found, len(images), PageKey(last.created_at, last.id) if last else None

    def spheroids(self, segmentation_id: UUID, revision: int, after_number: int, limit: int) -> Sequence[Spheroid]:
        owner = self.images.segmentations.rows[segmentation_id].owner_id
        return self.revisions.page(Viewer(owner), segmentation_id, revision, after_number, limit).spheroids

    def _images(self, project_id: UUID, image_ids: Sequence[UUID] | None) -> Sequence[Image]:
        found = [
            image
            for image in self.images.rows.values()
            if image.project_id == project_id and (image_ids is None or image.id in image_ids)
        ]
        return sorted(found, key=age, reverse=True)


@dataclass
class InMemoryExportQueue:
    """Requests in a list; ``is_available`` set to False makes it fail as a queue does that cannot be reached."""

    sent: list[ExportRequested] = field(default_factory=list)
    imports: list[ImportRequested] = field(default_factory=list)
    brightness: list[BrightnessRequested] = field(default_factory=list)
    is_available: bool = True

    def send(self, requests: Sequence[ExportRequested | ImportRequested | BrightnessRequested]) -> None:
        if not self.is_available:
            raise QueueUnavailableError("The queue does not answer")
        self.sent.extend(one for one in requests if isinstance(one, ExportRequested))
        self.imports.extend(one for one in requests if isinstance(one, ImportRequested))
        self.brightness.extend(one for one in requests if isinstance(one, BrightnessRequested))

    def depth(self) -> int:
        return len(self.sent) + len(self.imports) + len(self.brightness)


class _Stream(io.BytesIO):
    @property
    def stream(self) -> BinaryIO:
        return cast(BinaryIO, self)

    @property
    def size_bytes(self) -> int:
        return len(self.getvalue())

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.getvalue()).hexdigest()


@dataclass
class InMemoryExportStore(InMemoryImageStore):
    """Objects in a dict, which appear when they are complete."""

    @contextmanager
    def write(self, key: str, media_type: str, file_name: str) -> Iterator[ObjectStream]:
        stream = _Stream()
        yield stream
        self.put(key, stream.getvalue(), media_type)

    def clear(self, prefix: str) -> None:
        self.delete_under(prefix)
