"""Store, links, queues and sockets."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from spheroseg.domain.segmentation import Priority
from spheroseg.domain.upload_parts import UploadPart, to_base64
from spheroseg.errors import (
    ConnectionGoneError,
    ObjectChangedError,
    ObjectNotFoundError,
    QueueUnavailableError,
)
from spheroseg.messages import JobChanged, SegmentationChanged, SegmentationRequested
from spheroseg.ports import PartLink, StoredObject, UploadForm
from tests.fakes.system import InMemoryClock


@dataclass
class InMemoryImageStore:
    """Objects in a dict; ``refused`` holds the code of each refused key."""

    clock: InMemoryClock = field(default_factory=InMemoryClock)
    objects: dict[str, bytes] = field(default_factory=dict)
    content_types: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)

    def upload_forms(self, wanted: Sequence[tuple[str, int]], lifetime: timedelta) -> Sequence[UploadForm]:
        expires_at = self.clock.now() + lifetime
        return [
            UploadForm("https://bucket.invalid/", {"key": key, "policy": f"1 to {size} bytes"}, expires_at)
            for key, size in wanted
        ]

    def begin_parts(self, key: str) -> str:
        upload_id = f"upload-{len(self.uploads) + 1}"
        self.uploads[upload_id] = {}
        return upload_id

    def part_links(
        self, key: str, upload_id: str, parts: Sequence[UploadPart], lifetime: timedelta
    ) -> Sequence[PartLink]:
        return [
            PartLink(
                part.number,
                f"https://bucket.invalid/parts/{upload_id}/{part.number}",
                {"Content-Length": str(part.size_bytes), "x-amz-checksum-sha256": to_base64(part.sha256)},
                self.clock.now() + lifetime,
            )
            for part in parts
        ]

    def put_part(self, upload_id: str, number: int, content: bytes) -> None:
        """What a store does with a part that arrives."""
        self._upload(upload_id)[number] = content

    def parts(self, key: str, upload_id: str) -> Sequence[UploadPart]:
        return [
            UploadPart(number, len(content), hashlib.sha256(content).hexdigest())
            for number, content in sorted(self._upload(upload_id).items())
        ]

    def end_parts(self, key: str, upload_id: str, parts: Sequence[UploadPart]) -> None:
        there = self._upload(upload_id)
        self.objects[key] = b"".join(there[part.number] for part in parts)
        del self.uploads[upload_id]

    def drop_parts(self, key: str, upload_id: str) -> None:
        self.uploads.pop(upload_id, None)

    def sha256(self, key: str) -> str:
        return hashlib.sha256(self._content(key)).hexdigest()

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

    def copy_under(self, source_prefix: str, prefix: str) -> Sequence[str]:
        names = [key.removeprefix(source_prefix) for key in self.objects if key.startswith(source_prefix)]
        for name in names:
            self.objects[prefix + name] = self.objects[source_prefix + name]
            self.content_types[prefix + name] = self.content_types.get(source_prefix + name, "")
        return names

    def refuse(self, key: str, code: str) -> None:
        if key in self.objects:
            self.refused[key] = code

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def delete_under(self, prefix: str) -> None:
        for key in [key for key in self.objects if key.startswith(prefix)]:
            del self.objects[key]

    def _upload(self, upload_id: str) -> dict[int, bytes]:
        if upload_id not in self.uploads:
            raise ObjectNotFoundError(f"There is no upload {upload_id}")
        return self.uploads[upload_id]

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
    announced: list[JobChanged] = field(default_factory=list)
    is_available: bool = True

    def publish(self, update: SegmentationChanged) -> None:
        if not self.is_available:
            raise QueueUnavailableError("The updates queue does not answer")
        self.published.append(update)

    def announce(self, update: JobChanged) -> None:
        if not self.is_available:
            raise QueueUnavailableError("The updates queue does not answer")
        self.announced.append(update)

    def publish_many(self, updates: Sequence[SegmentationChanged]) -> None:
        for update in updates:
            self.publish(update)


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
