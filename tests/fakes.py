"""One fake per port, in memory; tests/contract holds each to what its real adapter does."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from spheroseg.domain.backlog import RATE_WINDOW, Backlog
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import Order, Parameters, Priority, Segmentation, SegmentationStatus
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    ConflictError,
    ConnectionGoneError,
    ImageNotFoundError,
    ModelNotFoundError,
    ObjectChangedError,
    ObjectNotFoundError,
    ProjectNotFoundError,
    QueueUnavailableError,
    SegmentationNotFoundError,
    SpherosegError,
    StaleStateError,
    UnknownTicketError,
)
from spheroseg.messages import SegmentationChanged, SegmentationRequested
from spheroseg.ports import DecodedImage, SegmentedPixels, StoredObject, UploadForm
from tests.builders import NOW, a_model_card

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass
class InMemoryClock:
    """A clock that stands still until it is told otherwise."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> datetime:
        self.moment += by
        return self.moment


@dataclass
class InMemoryIds:
    """Ids that count up from 1."""

    given: int = 0

    def new(self) -> UUID:
        self.given += 1
        return UUID(int=self.given)


@dataclass
class InMemoryProjects:
    """Projects in a dict."""

    rows: dict[UUID, Project] = field(default_factory=dict)

    def add(self, project: Project) -> None:
        if project.id in self.rows:
            raise ConflictError(f"Project {project.id} exists")
        self.rows[project.id] = project

    def get(self, project_id: UUID) -> Project:
        if project_id not in self.rows:
            raise ProjectNotFoundError(f"Project {project_id} does not exist")
        return self.rows[project_id]

    def one(self, viewer: Viewer, project_id: UUID) -> Project:
        project = self.get(project_id)
        if project.owner_id != viewer.user_id:
            raise ProjectNotFoundError(f"Project {project_id} does not exist")
        return project

    def page(self, viewer: Viewer, after: PageKey | None, limit: int) -> Sequence[Project]:
        mine = [row for row in self.rows.values() if row.owner_id == viewer.user_id and _is_past(row, after)]
        return sorted(mine, key=_age, reverse=True)[:limit]


@dataclass
class InMemorySegmentations:
    """Segmentations and their spheroids in dicts."""

    rows: dict[UUID, Segmentation] = field(default_factory=dict)
    found: dict[UUID, list[Spheroid]] = field(default_factory=dict)

    def add(self, segmentation: Segmentation) -> bool:
        if segmentation.id in self.rows:
            return False
        self.rows[segmentation.id] = segmentation
        return True

    def get(self, segmentation_id: UUID) -> Segmentation:
        if segmentation_id not in self.rows:
            raise SegmentationNotFoundError(f"Segmentation {segmentation_id} does not exist")
        return self.rows[segmentation_id]

    def one(self, viewer: Viewer, segmentation_id: UUID) -> Segmentation:
        segmentation = self.get(segmentation_id)
        if segmentation.owner_id != viewer.user_id:
            raise SegmentationNotFoundError(f"Segmentation {segmentation_id} does not exist")
        return segmentation

    def of_image(self, viewer: Viewer, image_id: UUID) -> Sequence[Segmentation]:
        mine = [row for row in self.rows.values() if row.image_id == image_id and row.owner_id == viewer.user_id]
        return sorted(mine, key=lambda row: (row.queued_at, row.id), reverse=True)

    def latest_of_images(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        runs = {image_id: self.of_image(viewer, image_id) for image_id in image_ids}
        return {image_id: found[0] for image_id, found in runs.items() if found}

    def replace(self, before: Segmentation, after: Segmentation) -> None:
        self._require(before)
        self.rows[after.id] = after

    def finish(self, before: Segmentation, after: Segmentation, spheroids: Iterable[Spheroid]) -> None:
        self._require(before)
        self.found[after.id] = sorted(spheroids, key=lambda spheroid: spheroid.number)
        self.rows[after.id] = after

    def keep_alive(self, segmentation: Segmentation, at: datetime) -> None:
        self._require(segmentation)
        self.rows[segmentation.id] = replace(self.rows[segmentation.id], alive_at=at)

    def spheroids(self, viewer: Viewer, segmentation_id: UUID, after_number: int, limit: int) -> Sequence[Spheroid]:
        run = self.rows.get(segmentation_id)
        if run is None or run.owner_id != viewer.user_id:
            return []
        return [found for found in self.found.get(segmentation_id, []) if found.number > after_number][:limit]

    def stalled(self, queued_before: datetime, alive_before: datetime, limit: int) -> Sequence[Segmentation]:
        waiting = [
            (row.queued_at, row.id) for row in self._in(SegmentationStatus.QUEUED) if row.queued_at < queued_before
        ]
        silent = [
            (row.alive_at, row.id)
            for row in self._in(SegmentationStatus.RUNNING)
            if row.alive_at is not None and row.alive_at < alive_before
        ]
        return [self.rows[id_] for _, id_ in sorted(waiting + silent)[:limit]]

    def backlog(self, now: datetime, segmentation: Segmentation | None = None) -> Backlog:
        waiting = self._in(SegmentationStatus.QUEUED)
        ended = [
            (row.finished_at - row.started_at).total_seconds()
            for row in self._in(SegmentationStatus.SUCCEEDED, SegmentationStatus.FAILED)
            if row.started_at and row.finished_at and row.finished_at > now - RATE_WINDOW
        ]
        ahead = None
        if segmentation is not None and segmentation.status is SegmentationStatus.QUEUED:
            urgency = list(Priority)
            own = (urgency.index(segmentation.order.priority), segmentation.queued_at)
            ahead = sum((urgency.index(row.order.priority), row.queued_at) < own for row in waiting)
        return Backlog(
            queued=len(waiting),
            running=len(self._in(SegmentationStatus.RUNNING)),
            finished_recently=len(ended),
            window_s=RATE_WINDOW.total_seconds(),
            busy_s=sum(ended),
            ahead=ahead,
        )

    def _in(self, *statuses: SegmentationStatus) -> list[Segmentation]:
        return [row for row in self.rows.values() if row.status in statuses]

    def _require(self, before: Segmentation) -> None:
        stored = self.rows.get(before.id)
        if stored is None or (stored.status, stored.attempt) != (before.status, before.attempt):
            raise StaleStateError(f"Segmentation {before.id} is no longer {before.status}")


@dataclass
class InMemoryImages:
    """Images in a dict, beside the segmentations that are stored and deleted together with them."""

    segmentations: InMemorySegmentations = field(default_factory=InMemorySegmentations)
    rows: dict[UUID, Image] = field(default_factory=dict)

    def add_many(self, images: Sequence[Image]) -> None:
        ids = [image.id for image in images]
        if len(set(ids)) < len(ids) or any(id_ in self.rows for id_ in ids):
            raise ConflictError("One of the images exists")
        self.rows.update(zip(ids, images, strict=True))

    def get(self, image_id: UUID) -> Image:
        if image_id not in self.rows:
            raise ImageNotFoundError(f"Image {image_id} does not exist")
        return self.rows[image_id]

    def one(self, viewer: Viewer, image_id: UUID) -> Image:
        image = self.get(image_id)
        if image.owner_id != viewer.user_id:
            raise ImageNotFoundError(f"Image {image_id} does not exist")
        return image

    def page(self, viewer: Viewer, project_id: UUID, after: PageKey | None, limit: int) -> Sequence[Image]:
        mine = [row for row in self.rows.values() if (row.project_id, row.owner_id) == (project_id, viewer.user_id)]
        return sorted((row for row in mine if _is_past(row, after)), key=_age, reverse=True)[:limit]

    def replace(self, before: Image, after: Image) -> None:
        stored = self.rows.get(before.id)
        if stored is None or stored.status is not before.status:
            raise StaleStateError(f"Image {before.id} is no longer {before.status}")
        self.rows[after.id] = after

    def accept(self, before: Image, after: Image, segmentation: Segmentation) -> None:
        self.replace(before, after)
        self.segmentations.add(segmentation)

    def delete(self, image: Image) -> None:
        self.rows.pop(image.id, None)
        for run in [run for run in self.segmentations.rows.values() if run.image_id == image.id]:
            del self.segmentations.rows[run.id]
            self.segmentations.found.pop(run.id, None)

    def awaiting_upload(self, requested_before: datetime, after: PageKey | None, limit: int) -> Sequence[Image]:
        late = [
            row
            for row in self.rows.values()
            if row.status is ImageStatus.AWAITING_UPLOAD and row.created_at < requested_before and _is_past(row, after)
        ]
        return sorted(late, key=_age, reverse=True)[:limit]


@dataclass
class InMemoryImageStore:
    """Objects in a dict; ``refused`` holds the code of each refused key."""

    clock: InMemoryClock = field(default_factory=InMemoryClock)
    objects: dict[str, bytes] = field(default_factory=dict)
    content_types: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def upload_form(self, key: str, max_size_bytes: int, lifetime: timedelta) -> UploadForm:
        fields = {"key": key, "policy": f"1 to {max_size_bytes} bytes"}
        return UploadForm(url="https://bucket.invalid/", fields=fields, expires_at=self.clock.now() + lifetime)

    def describe(self, key: str) -> StoredObject:
        content = self._content(key)
        return StoredObject(key=key, size_bytes=len(content), etag=_etag(content))

    def download(self, key: str, path: Path) -> None:
        path.write_bytes(self._content(key))

    def put(self, key: str, content: bytes, content_type: str) -> None:
        self.objects[key] = content
        self.content_types[key] = content_type

    def copy(self, source_key: str, source_etag: str, key: str) -> StoredObject:
        content = self._content(source_key)
        if _etag(content) != source_etag:
            raise ObjectChangedError(f"{source_key} is no longer the object that was announced")
        self.objects[key] = content
        return self.describe(key)

    def refuse(self, key: str, code: str) -> None:
        if key in self.objects:
            self.refused[key] = code

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def delete_under(self, prefix: str) -> None:
        for key in [key for key in self.objects if key.startswith(prefix)]:
            del self.objects[key]

    def _content(self, key: str) -> bytes:
        if key not in self.objects:
            raise ObjectNotFoundError(f"There is no object at {key}")
        return self.objects[key]


@dataclass
class InMemoryDownloadLinks:
    """Links that only look like some."""

    def link(self, key: str, lifetime: timedelta) -> str:
        return f"https://links.invalid/{key}?lifetime={lifetime.total_seconds():.0f}"


@dataclass
class InMemorySegmentationQueue:
    """Requests in a list; ``is_available`` set to False makes it fail as a queue does that cannot be reached."""

    sent: list[tuple[Priority, SegmentationRequested]] = field(default_factory=list)
    is_available: bool = True

    def send(self, requests: Sequence[tuple[Priority, SegmentationRequested]]) -> None:
        if not self.is_available:
            raise QueueUnavailableError("The segmentation queue does not answer")
        self.sent.extend(requests)

    def depth(self) -> int:
        if not self.is_available:
            raise QueueUnavailableError("The segmentation queue does not answer")
        return len(self.sent)


@dataclass
class InMemoryUpdatePublisher:
    """Announcements in a list."""

    published: list[SegmentationChanged] = field(default_factory=list)
    is_available: bool = True

    def publish(self, update: SegmentationChanged) -> None:
        if not self.is_available:
            raise QueueUnavailableError("The updates queue does not answer")
        self.published.append(update)


@dataclass
class InMemoryWatchers:
    """Connections and tickets in dicts."""

    tickets: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    connections: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def add_ticket(self, ticket_hash: str, owner_id: str, expires_at: datetime) -> None:
        self.tickets[ticket_hash] = (owner_id, expires_at)

    def redeem_ticket(self, ticket_hash: str, at: datetime) -> str:
        owner_id, expires_at = self.tickets.pop(ticket_hash, ("", at))
        if expires_at <= at:
            raise UnknownTicketError("The ticket was never issued, was used before, or is too old")
        return owner_id

    def add(self, connection_id: str, owner_id: str, at: datetime) -> None:
        self.connections[connection_id] = (owner_id, at)

    def remove(self, connection_id: str) -> None:
        self.connections.pop(connection_id, None)

    def of_owner(self, owner_id: str) -> Sequence[str]:
        return sorted(id_ for id_, (owner, _) in self.connections.items() if owner == owner_id)

    def remove_older_than(self, at: datetime) -> int:
        old = [id_ for id_, (_, since) in self.connections.items() if since < at]
        for id_ in old:
            del self.connections[id_]
        self.tickets = {hash_: ticket for hash_, ticket in self.tickets.items() if ticket[1] >= at}
        return len(old)


@dataclass
class InMemoryWatcherSockets:
    """What each connection was sent; connections in ``gone`` were closed."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    def send(self, connection_id: str, content: str) -> None:
        if connection_id in self.gone:
            raise ConnectionGoneError(f"Connection {connection_id} was closed")
        self.sent.append((connection_id, content))


@dataclass
class InMemorySegmenter:
    """A model that gives every image the same answer, or raises ``error``."""

    answer: SegmentedPixels | None = None
    card: ModelCard = field(default_factory=a_model_card)
    error: SpherosegError | None = None
    asked: list[Parameters] = field(default_factory=list)

    def segment(
        self, pixels: "NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]", parameters: Parameters
    ) -> SegmentedPixels:
        import numpy as np

        self.asked.append(parameters)
        if self.error:
            raise self.error
        return self.answer or SegmentedPixels(
            labels=np.zeros(pixels.shape, np.int32), probability=np.zeros(pixels.shape, np.float32)
        )


@dataclass
class InMemorySegmenters:
    """The models that are at hand."""

    segmenters: Sequence[InMemorySegmenter] = field(default_factory=lambda: [InMemorySegmenter()])

    def of(self, order: Order) -> InMemorySegmenter:
        for segmenter in self.segmenters:
            if (segmenter.card.name, segmenter.card.version) == (order.model, order.model_version):
                return segmenter
        raise ModelNotFoundError(f"There is no model {order.model} {order.model_version}")


@dataclass
class InMemoryDecoder:
    """A decoder that finds the same picture in every file, or raises ``error``."""

    image: DecodedImage | None = None
    error: SpherosegError | None = None

    def decode(self, path: Path, page: int) -> DecodedImage:
        import numpy as np

        if self.error:
            raise self.error
        ramp = np.arange(64 * 96, dtype=np.uint16).reshape(64, 96)
        return self.image or DecodedImage(pixels=ramp, pixel_type="uint16", page_count=1, pixel_size_um=None)


def _age(row: Project | Image) -> tuple[datetime, UUID]:
    return row.created_at, row.id


def _is_past(row: Project | Image, after: PageKey | None) -> bool:
    return after is None or _age(row) < (after.created_at, after.id)


def _etag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
