"""The bucket and the links into it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from spheroseg.domain.upload_parts import UploadPart


@dataclass(frozen=True)
class StoredObject:
    """What the store knows of an object without its bytes."""

    key: str
    size_bytes: int
    etag: str


@dataclass(frozen=True)
class UploadForm:
    """A form that lets its holder post one file to one key: send ``fields`` first, then the file as ``file``."""

    url: str
    fields: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True)
class PartLink:
    """Where one part is put, by HTTP PUT, with these headers and no others that matter."""

    number: int
    url: str
    headers: Mapping[str, str]
    expires_at: datetime


class ImageStore(Protocol):
    """The bucket: original files, results, inboxes."""

    def upload_forms(self, wanted: Sequence[tuple[str, int]], lifetime: timedelta) -> Sequence[UploadForm]:
        """A form for each key and size: it takes one file of 1 to so many bytes."""

    def begin_parts(self, key: str) -> str:
        """Begin an upload in parts to ``key`` and give its id; what never ends is dropped after a day."""

    def part_links(
        self, key: str, upload_id: str, parts: Sequence[UploadPart], lifetime: timedelta
    ) -> Sequence[PartLink]:
        """Where to put each part; the store takes those very bytes only, and the same part again."""

    def parts(self, key: str, upload_id: str) -> Sequence[UploadPart]:
        """The parts that have arrived, by number, or raise ``ObjectNotFoundError`` when the upload has ended."""

    def end_parts(self, key: str, upload_id: str, parts: Sequence[UploadPart]) -> None:
        """Make the object of its parts, or raise ``ObjectNotFoundError`` when the upload has ended."""

    def drop_parts(self, key: str, upload_id: str) -> None:
        """Remove what has arrived of an upload; nothing happens when it has ended."""

    def sha256(self, key: str) -> str:
        """Digest of an object's bytes, which are read for it; raise ``ObjectNotFoundError`` when it is absent."""

    def describe(self, key: str) -> StoredObject:
        """Size and tag of an object, or raise ``ObjectNotFoundError``."""

    def download(self, key: str, path: Path) -> None:
        """Write the object's bytes to a file, or raise ``ObjectNotFoundError``."""

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store bytes that never change again under ``key``."""

    def copy(self, source_key: str, source_etag: str, key: str) -> StoredObject:
        """Copy inside the store.

        Raises:
            ObjectNotFoundError: there is no object at ``source_key``.
            ObjectChangedError: its tag is no longer ``source_etag``.
        """

    def copy_under(self, source_prefix: str, prefix: str) -> Sequence[str]:
        """Copy every object whose key starts with ``source_prefix``; what follows it in their keys.

        Raises:
            ObjectNotFoundError: one of them was removed meanwhile.
        """

    def refuse(self, key: str, code: str) -> None:
        """Mark an object that cannot be taken in with the reason's code; nothing happens when it is gone."""

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens when it is gone already."""

    def delete_under(self, prefix: str) -> None:
        """Remove every object whose key starts with ``prefix``."""


class DownloadLinks(Protocol):
    """Addresses that let their holder fetch one object for a while."""

    def link(self, key: str, lifetime: timedelta) -> str:
        """A signed URL of one object."""
