"""Answers kept under the stamp of what they were read from: a change takes another stamp, and so another key.

Stamps are counted by the database in the transaction that changes something, so that no writer can forget it. The
question for the stamp is the check of the role as well, so that nothing is looked up in the cache for who may not see
it; the answer is read from the writer, so that it is never older than the stamp that it is kept under. What members of
a project share is kept only if its stamp stands after the reading as it did before: whoever lost the role between two
statements was shown less than the others may see. What is lost, late, damaged or of another release is a miss.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

import orjson
from pydantic import TypeAdapter, ValidationError

from spheroseg.adapters.postgres.positions import NO_READER_HAS
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import CacheUnavailableError
from spheroseg.observability import metrics
from spheroseg.ports import Cache

KEPT_FOR_S = 300
"""As long as the earlier SpheroSeg kept projects. What is kept is never wrong, but it takes room."""
MAX_BYTES = 500_000
"""A first page of 200 images takes some 250 KB."""

Found = TypeVar("Found")


class Stamps(Protocol):
    """What the database counts."""

    def of_project(self, viewer: Viewer, project_id: UUID) -> str:
        """The stamp of all below a project and of its roles, or raise ``ProjectNotFoundError`` without a role there."""

    def of_viewer(self, viewer: Viewer) -> str:
        """The stamp of the projects that a viewer sees, and of the viewer's roles in them."""


class CachedHotReads:
    """Reads through a cache."""

    def __init__(self, stamps: Stamps, kept: Cache) -> None:
        self._stamps = stamps
        self._kept = kept

    def of_project(
        self, viewer: Viewer, project_id: UUID, question: str, kind: type[Found], read: Callable[[Viewer], Found]
    ) -> Found:
        """What ``read`` gives, now or when somebody asked before and nothing below the project has changed since.

        Raises:
            ProjectNotFoundError: the viewer has no role there, or lost it while it was read.
        """
        stamp = self._stamps.of_project(viewer, project_id)

        def stands() -> bool:
            return self._stamps.of_project(replace(viewer, read_after=NO_READER_HAS), project_id) == stamp

        return self._answer(viewer, f"project:{project_id}:{stamp}", question, kind, read, stands)

    def of_viewer(self, viewer: Viewer, question: str, kind: type[Found], read: Callable[[Viewer], Found]) -> Found:
        """The same of what a viewer alone sees."""
        stamp = self._stamps.of_viewer(viewer)
        # Nobody else is shown it, so that something newer than its stamp harms nobody.
        return self._answer(viewer, f"viewer:{viewer.user_id}:{stamp}", question, kind, read, lambda: True)

    def _answer(
        self,
        viewer: Viewer,
        stamped: str,
        question: str,
        kind: type[Found],
        read: Callable[[Viewer], Found],
        stands: Callable[[], bool],
    ) -> Found:
        adapter, shape = _adapter(cast("Any", kind))
        key = f"read:{shape}:{sha256(f'{stamped} {question}'.encode()).hexdigest()}"
        try:
            content = self._kept.get(key)
        except CacheUnavailableError:
            _count("CacheUnavailable")
            return read(viewer)
        if content is not None:
            try:
                found: Found = adapter.validate_json(content)
            except ValidationError:
                _count("CacheUnreadable")
            else:
                _count("CacheHit")
                return found
        _count("CacheMiss")
        answer = read(replace(viewer, read_after=NO_READER_HAS))
        if stands():
            self._keep(key, adapter.dump_json(answer))
        else:
            _count("CacheOvertaken")
        return answer

    def _keep(self, key: str, content: bytes) -> None:
        if len(content) > MAX_BYTES:
            return
        try:
            self._kept.put(key, content, KEPT_FOR_S)
        except CacheUnavailableError:
            _count("CacheUnavailable")


@cache
def _adapter(kind: type[Any]) -> tuple[TypeAdapter[Any], str]:
    """How a kind is written, and a digest of its shape: another release may have another one."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    return adapter, sha256(orjson.dumps(adapter.json_schema(mode="serialization"))).hexdigest()[:12]


def _count(name: str) -> None:
    metrics.add_metric(name=name, unit="Count", value=1)
