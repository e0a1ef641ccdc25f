"""Revisions of outlines, in dicts: every revision whole."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from spheroseg.domain.access import Accessible
from spheroseg.domain.packed_outlines import packed
from spheroseg.domain.revision import (
    Box,
    Head,
    OutlinePage,
    RevisedPage,
    Revision,
    background_may_differ,
    box_of,
    few_boxes,
)
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    NotFinishedError,
    RevisionNotFoundError,
    SegmentationNotFoundError,
    StaleRevisionError,
)
from tests.fakes.segmentations import InMemorySegmentations


@dataclass
class InMemoryRevisions:
    """Revisions of the runs of another fake."""

    segmentations: InMemorySegmentations = field(default_factory=InMemorySegmentations)
    saved: dict[UUID, list[Revision]] = field(default_factory=dict)
    states: dict[tuple[UUID, int], dict[int, Spheroid]] = field(default_factory=dict)

    def head(self, viewer: Viewer, segmentation_id: UUID) -> Accessible[Head]:
        found = self.segmentations.accessible(viewer, segmentation_id)
        run = found.item
        if run.status is not SegmentationStatus.SUCCEEDED or run.result is None:
            raise NotFinishedError(f"Segmentation {segmentation_id} is {run.status} and has no spheroids")
        revisions = self.saved.get(segmentation_id, [])
        highest = max((one.number for one in self.segmentations.found.get(segmentation_id, [])), default=0)
        head = Head(
            run, run.revision, run.result.spheroid_count, revisions[-1].highest_number if revisions else highest
        )
        return Accessible(head, found.access)

    def page(
        self, viewer: Viewer, segmentation_id: UUID, revision: int | None, after_number: int, limit: int
    ) -> RevisedPage:
        chosen = self._chosen(viewer, segmentation_id, revision)
        state = self._state(segmentation_id, chosen)
        found = [state[number] for number in sorted(state) if number > after_number]
        next_after = found[limit - 1].number if len(found) > limit else None
        return RevisedPage(chosen, len(state), found[:limit], next_after)

    def outlines(
        self,
        viewer: Viewer,
        segmentation_id: UUID,
        revision: int | None,
        after_number: int,
        limit: int,
        box: Box | None = None,
    ) -> OutlinePage:
        chosen = self._chosen(viewer, segmentation_id, revision)
        state = self._state(segmentation_id, chosen)
        found = [
            (number, packed(state[number].polygons))
            for number in sorted(state)
            if number > after_number and (box is None or _meets(state[number], [box]))
        ]
        return OutlinePage(chosen, found[:limit], found[limit - 1][0] if len(found) > limit else None)

    def some(self, segmentation_id: UUID, revision: int, numbers: Sequence[int]) -> Mapping[int, Spheroid]:
        return {number: one for number, one in self._state(segmentation_id, revision).items() if number in numbers}

    def near(self, segmentation_id: UUID, revision: int, boxes: Sequence[Box]) -> Mapping[int, bytes]:
        state = self._state(segmentation_id, revision)
        return {number: packed(one.polygons) for number, one in state.items() if _meets(one, boxes)}

    def history(self, viewer: Viewer, segmentation_id: UUID, below: int | None, limit: int) -> Sequence[Revision]:
        try:
            self.segmentations.one(viewer, segmentation_id)
        except SegmentationNotFoundError:
            return []
        past = [one for one in self.saved.get(segmentation_id, []) if below is None or one.number < below]
        return [replace(one, operations=()) for one in reversed(past)][:limit]

    def one(self, viewer: Viewer, segmentation_id: UUID, number: int) -> Revision:
        try:
            self.segmentations.one(viewer, segmentation_id)
        except SegmentationNotFoundError as error:
            raise RevisionNotFoundError(f"Segmentation {segmentation_id} has no revision {number}") from error
        for one in self.saved.get(segmentation_id, []):
            if one.number == number:
                return one
        raise RevisionNotFoundError(f"Segmentation {segmentation_id} has no revision {number}")

    def later(self, segmentation_id: UUID, revision: int, limit: int) -> Sequence[Revision]:
        found = [one for one in self.saved.get(segmentation_id, []) if one.number > revision]
        return [replace(one, operations=()) for one in reversed(found)][:limit]

    def differing(self, segmentation_id: UUID, first: int, second: int) -> Sequence[int]:
        low, high = sorted((first, second))
        changes = [one.changes for one in self.saved.get(segmentation_id, []) if low < one.number <= high]
        return sorted({number for one in changes for number in (*one.added, *one.changed, *one.removed)})

    def others(self, segmentation_id: UUID, revision: int, numbers: Sequence[int]) -> tuple[int, int]:
        left = [one for number, one in self._state(segmentation_id, revision).items() if number not in numbers]
        return len(left), int(sum(one.measures.area_px2 for one in left))

    def save(self, revision: Revision, changed: Sequence[Spheroid], removed: Sequence[int]) -> None:
        run = self.segmentations.rows.get(revision.segmentation_id)
        if run is None or run.revision != revision.number - 1:
            raise StaleRevisionError(f"Revision {revision.number - 1} is not the newest any more")
        before = self._state(run.id, run.revision)
        gone = {*removed, *(one.number for one in changed)} & before.keys()
        places = few_boxes([box_of(one) for one in (*changed, *(before[number] for number in gone))])
        state = {
            number: replace(one.without_background(), brightness_due_since=revision.number)
            if background_may_differ(one, places) and (one.brightness or one.brightness_due_since is not None)
            else one
            for number, one in before.items()
        }
        for number in removed:
            del state[number]
        due = {one.number: replace(one.without_background(), brightness_due_since=revision.number) for one in changed}
        self.states[run.id, revision.number] = state | due
        kept = replace(revision, operations=tuple(json.loads(json.dumps(list(revision.operations)))))
        self.saved.setdefault(run.id, []).append(kept)
        result = replace(run.result, spheroid_count=revision.spheroid_count) if run.result else None
        self.segmentations.rows[run.id] = replace(run, revision=revision.number, result=result)

    def _chosen(self, viewer: Viewer, segmentation_id: UUID, revision: int | None) -> int:
        absent = RevisionNotFoundError(f"Segmentation {segmentation_id} has no revision {revision}")
        try:
            run = self.segmentations.one(viewer, segmentation_id)
        except SegmentationNotFoundError as error:
            raise absent from error
        if run.status is not SegmentationStatus.SUCCEEDED or (revision or 0) > run.revision:
            raise absent
        return run.revision if revision is None else revision

    def _state(self, segmentation_id: UUID, revision: int) -> Mapping[int, Spheroid]:
        if revision == 0:
            return {one.number: one for one in self.segmentations.found.get(segmentation_id, [])}
        return self.states[segmentation_id, revision]


def _meets(spheroid: Spheroid, boxes: Iterable[Box]) -> bool:
    found = spheroid.measures
    return any(
        found.bbox_x_px < box.right
        and found.bbox_x_px + found.bbox_width_px > box.left
        and found.bbox_y_px < box.bottom
        and found.bbox_y_px + found.bbox_height_px > box.top
        for box in boxes
    )
