"""Corrected outlines as Python calls: operations in, revisions out; a part of ``Client``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from spheroseg_client.answers import Found, parsed
from spheroseg_client.errors import ApiError, UnexpectedAnswerError
from spheroseg_client.models import Answer, Spheroid
from spheroseg_client.packed_outlines import PackedOutlines, read_packed
from spheroseg_client.transport import Session, Transport

PAGE_ITEMS = 200


class Revision(Answer):
    """One step of a segmentation's history: who changed which spheroids when; 0, the segmenter's own, is before all.

    ``restored_from`` is the revision whose outlines it brought back, None where operations made it. ``operations`` are
    there where a single revision was read.
    """

    segmentation_id: UUID
    number: int
    author_id: str
    created_at: datetime
    note: str | None
    restored_from: int | None
    added: Sequence[int]
    changed: Sequence[int]
    removed: Sequence[int]
    spheroid_count: int
    operations: Sequence[dict[str, Any]] | None = None


class Difference(Answer):
    """What became of a spheroid, or of all together, in pixels; ``moved_px`` are of one alone.

    ``number`` is None for all together, ``iou`` None where there are no pixels.
    """

    before_px: int
    after_px: int
    shared_px: int
    moved_px: int
    iou: float | None
    number: int | None = None


class RevisionDifference(Answer):
    """Two revisions of a run: the spheroids that differ, how many do not, and all together."""

    segmentation_id: UUID
    before: int
    after: int
    unchanged: int
    spheroids: Sequence[Difference]
    whole: Difference


class RevisedSpheroids(Answer):
    """Some spheroids of one revision, or all of them."""

    segmentation_id: UUID
    revision: int
    spheroid_count: int
    pixel_size_um: float | None
    items: Sequence[Spheroid]
    next_cursor: str | None = None


class RevisionCalls:
    """What can be done to the outlines of a finished segmentation."""

    _transport: Transport
    _session: Session

    def edit(
        self, segmentation_id: UUID, base: int, operations: Sequence[Mapping[str, Any]], note: str | None = None
    ) -> Revision:
        """Do operations on the newest outlines, all or none; docs/api.md lists them.

        Args:
            base: The revision that they start from; 0: the segmenter's own.

        Raises:
            ApiError: ``stale-revision`` (409): somebody saved a newer one; ``content["later"]`` tells what changed.
                ``invalid-edit`` (422): ``content["edit"]`` names operation, spheroid, ring and corner.
        """
        body = {"base": base, "operations": list(operations), "note": note}
        return self._revision_call(f"/v1/segmentations/{segmentation_id}/revisions", Revision, body)

    def restore(self, segmentation_id: UUID, number: int, base: int, note: str | None = None) -> Revision:
        """A new revision with the outlines of an earlier one.

        Args:
            number: The one to bring back; 0: the segmenter's own.
            base: The newest revision that you know.
        """
        path = f"/v1/segmentations/{segmentation_id}/revisions/{number}/restore"
        return self._revision_call(path, Revision, {"base": base, "note": note})

    def revisions(self, segmentation_id: UUID) -> Iterator[Revision]:
        """The history of a run's outlines, the newest first, read page by page."""
        path = f"/v1/segmentations/{segmentation_id}/revisions"
        params: dict[str, str | int] = {"limit": PAGE_ITEMS}
        while True:
            answer = self._transport.request("GET", path, session=self._session, repeatable=True, params=params)
            if not isinstance(answer, dict) or not isinstance(answer.get("items"), list):
                raise UnexpectedAnswerError(f"{path} answered something that is no list")
            for item in answer["items"]:
                yield parsed(Revision, item, path)
            if answer.get("next_before") is None:
                return
            params["before"] = answer["next_before"]

    def revision(self, segmentation_id: UUID, number: int) -> Revision:
        """A revision with the operations that led to it."""
        return self._revision_call(f"/v1/segmentations/{segmentation_id}/revisions/{number}", Revision)

    def difference(self, segmentation_id: UUID, after: int, before: int = 0) -> RevisionDifference:
        """What became of each spheroid between two revisions; from 0: model against human."""
        path = f"/v1/segmentations/{segmentation_id}/revisions/{after}/difference?since={before}"
        return self._revision_call(path, RevisionDifference)

    def revised(self, segmentation_id: UUID, revision: int | None = None) -> RevisedSpheroids:
        """All spheroids of one revision with their measures; whatever is saved meanwhile does not mix in.

        Args:
            revision: None: the newest.
        """
        path = f"/v1/segmentations/{segmentation_id}/spheroids"
        params: dict[str, str | int] = {"limit": PAGE_ITEMS}
        if revision is not None:
            params["revision"] = revision
        items: list[Spheroid] = []
        while True:
            answer = self._transport.request("GET", path, session=self._session, repeatable=True, params=params)
            page = parsed(RevisedSpheroids, answer, path)
            items += page.items
            if page.next_cursor is None:
                break
            params |= {"revision": page.revision, "cursor": page.next_cursor}
        if len(items) != page.spheroid_count:
            raise UnexpectedAnswerError(f"{len(items)} spheroids came of {page.spheroid_count}")
        return page.model_copy(update={"items": items})

    def outlines(
        self,
        segmentation_id: UUID,
        revision: int | None = None,
        bbox: tuple[float, float, float, float] | None = None,
        tolerance_px: float | None = None,
    ) -> PackedOutlines:
        """All outlines of a revision, or those in a part of the image, in a sixth of the bytes of GeoJSON.

        Args:
            revision: None: the newest.
            bbox: left, top, right, bottom in px: only spheroids whose bounding boxes meet it.
            tolerance_px: Fewer corners, off by up to so many px, for drawing alone; None: as they are stored.
        """
        path = f"/v1/segmentations/{segmentation_id}/outlines"
        params: dict[str, str | int] = {}
        if revision is not None:
            params["revision"] = revision
        if bbox is not None:
            params["bbox"] = ",".join(f"{side:.4f}" for side in bbox)
        if tolerance_px is not None:
            params["tolerance_px"] = str(tolerance_px)
        found = read_packed(self._transport.content(path, session=self._session, params=params))
        while found.next_after is not None:
            params |= {"revision": found.revision, "after": found.next_after}
            part = read_packed(self._transport.content(path, session=self._session, params=params))
            found = replace(part, spheroids={**found.spheroids, **part.spheroids})
        return found

    def _revision_call(self, path: str, kind: type[Found], body: object = None) -> Found:
        method = "GET" if body is None else "POST"
        answer = self._transport.request(method, path, session=self._session, repeatable=body is None, json=body)
        return parsed(kind, answer, path)


def listed_numbers(numbers: Sequence[int]) -> str:
    """Numbers of spheroids for a person, the first twelve of many."""
    shown = ", ".join(map(str, numbers[:12]))
    return f"{shown}, and {len(numbers) - 12} more" if len(numbers) > 12 else shown or "none"


def with_later_changes(error: ApiError) -> ApiError:
    """The refusal of a stale edit, told with what others changed meanwhile; other refusals as they are."""
    later = error.content.get("later")
    if not later:
        return error
    lines = [
        f"revision {one['revision']} by {one['author_id']} at {one['created_at']}: added "
        f"{listed_numbers(one['added'])}, changed {listed_numbers(one['changed'])}, removed "
        f"{listed_numbers(one['removed'])}"
        for one in later
    ]
    return ApiError("\n".join([error.detail, *lines]), error.code, status=error.status, content=error.content)
