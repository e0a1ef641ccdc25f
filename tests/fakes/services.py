"""Store, links, queues and sockets."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from spheroseg.domain.segmentation import Priority
from spheroseg.errors import (
    ConnectionGoneError,
    ObjectChangedError,
    ObjectNotFoundError,
    QueueUnavailableError,
)
from spheroseg.messages import SegmentationChanged, SegmentationRequested
from spheroseg.ports import StoredObject, UploadForm
from tests.fakes.system import InMemoryClock


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
class InMemoryWatcherSockets:
    """What each connection was sent; connections in ``gone`` were closed."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    def send(self, connection_id: str, content: str) -> None:
        if connection_id in self.gone:
            raise ConnectionGoneError(f"Connection {connection_id} was closed")
        self.sent.append((connection_id, content))


def _etag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
