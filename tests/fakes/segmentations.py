"""Runs and their spheroids, in dicts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from spheroseg.domain.access import Accessible
from spheroseg.domain.backlog import RATE_WINDOW, Backlog
from spheroseg.domain.fairness import Held, released
from spheroseg.domain.image import Image
from spheroseg.domain.paging import PageKey
from spheroseg.domain.run_progress import sent_before
from spheroseg.domain.segmentation import Priority, Segmentation, SegmentationStatus, Standing
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    SegmentationNotFoundError,
    StaleStateError,
)
from tests.fakes.projects import InMemoryProjects


@dataclass
class InMemorySegmentations:
    """Segmentations and their spheroids in dicts."""

    rows: dict[UUID, Segmentation] = field(default_factory=dict)
    found: dict[UUID, list[Spheroid]] = field(default_factory=dict)
    projects: InMemoryProjects = field(default_factory=InMemoryProjects)
    images: Mapping[UUID, Image] = field(default_factory=dict)
    """Those of the fake that stands beside this one."""
    leaving: set[UUID] = field(default_factory=set)

    def add(self, segmentation: Segmentation) -> bool:
        if segmentation.id in self.rows:
            return False
        self.rows[segmentation.id] = segmentation
        return True

    def add_many(self, segmentations: Sequence[Segmentation]) -> None:
        for segmentation in segmentations:
            self.add(segmentation)

    def get_many(self, segmentation_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        return {id_: self.rows[id_] for id_ in segmentation_ids if id_ in self.rows}

    def get(self, segmentation_id: UUID) -> Segmentation:
        if segmentation_id not in self.rows:
            raise SegmentationNotFoundError(f"Segmentation {segmentation_id} does not exist")
        return self.rows[segmentation_id]

    def one(self, viewer: Viewer, segmentation_id: UUID) -> Segmentation:
        return self.accessible(viewer, segmentation_id).item

    def accessible(self, viewer: Viewer, segmentation_id: UUID) -> Accessible[Segmentation]:
        segmentation = self.get(segmentation_id)
        access = self.projects.access(viewer, segmentation.project_id, segmentation.owner_id)
        if access is None:
            raise SegmentationNotFoundError(f"Segmentation {segmentation_id} does not exist")
        return Accessible(segmentation, access)

    def of_image(self, viewer: Viewer, image_id: UUID) -> Sequence[Segmentation]:
        mine = [
            row
            for row in self.rows.values()
            if row.image_id == image_id and self.projects.access(viewer, row.project_id, row.owner_id)
        ]
        return sorted(mine, key=lambda row: (row.queued_at, row.id), reverse=True)

    def page_of_image(
        self, viewer: Viewer, image_id: UUID, page: int | None, after: PageKey | None, limit: int
    ) -> Sequence[Segmentation]:
        past = [
            row
            for row in self.of_image(viewer, image_id)
            if after is None or (row.queued_at, row.id) < (after.created_at, after.id)
        ]
        return [row for row in past if page in {None, row.order.parameters.page}][:limit]

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

    def standing(self, segmentation_id: UUID) -> Standing:
        run = self.get(segmentation_id)
        return Standing(run.status, run.attempt)

    def keep_alive(self, segmentation: Segmentation, at: datetime) -> None:
        self._require(segmentation)
        self.rows[segmentation.id] = replace(self.rows[segmentation.id], alive_at=at)

    def spheroids(self, viewer: Viewer, segmentation_id: UUID, after_number: int, limit: int) -> Sequence[Spheroid]:
        run = self.rows.get(segmentation_id)
        if run is None or not self.projects.access(viewer, run.project_id, run.owner_id):
            return []
        return [found for found in self.found.get(segmentation_id, []) if found.number > after_number][:limit]

    def stalled(self, queued_before: datetime, alive_before: datetime, limit: int) -> Sequence[Segmentation]:
        waiting = [
            (row.sent_at, row.id)
            for row in self._in(SegmentationStatus.QUEUED)
            if row.sent_at is not None and max(row.sent_at, row.queued_at) < queued_before
        ]
        silent = [
            (row.alive_at, row.id)
            for row in self._in(SegmentationStatus.RUNNING)
            if row.alive_at is not None and row.alive_at < alive_before
        ]
        return [self.rows[id_] for _, id_ in sorted(waiting + silent)[:limit]]

    def release(self, at: datetime) -> Sequence[Segmentation]:
        waiting = self._in(SegmentationStatus.QUEUED)
        sent = [row for row in waiting if row.sent_at is not None]
        in_flight = Counter(row.share for row in [*sent, *self._in(SegmentationStatus.RUNNING)])
        held = [Held(row.id, row.share, row.urgency, row.queued_at) for row in waiting if row.sent_at is None]
        ids = list(released(held, in_flight))
        works = {row.id for row in [*sent, *self._in(SegmentationStatus.RUNNING)]}
        for id_ in list(ids):
            twins = {twin.id for twin in self._twins(self.rows[id_])}
            if twins & (works | set(ids[: ids.index(id_)])):
                ids.remove(id_)
        self.rows |= {id_: self.rows[id_].sent(at) for id_ in ids}
        return [self.rows[id_] for id_ in ids]

    def reuse(self, at: datetime) -> Sequence[Segmentation]:
        done = []
        for row in self._in(SegmentationStatus.QUEUED):
            twins = [it for it in self._twins(row) if self._is_written_for(row, it)]
            if row.sent_at is None and twins:
                twin = min(twins, key=lambda it: (it.project_id != row.project_id, it.is_reused, it.finished_at, it.id))
                self.rows[row.id] = row.reusing(twin, at)
                self.found[row.id] = list(self.found.get(twin.id, []))
                self.mend(self.images[row.image_id], self.images[twin.image_id])
                done.append(self.rows[row.id])
        return done

    def _is_written_for(self, run: Segmentation, twin: Segmentation) -> bool:
        """Whether the files of a finished run have the pixel size that this one would have."""
        if twin.status is not SegmentationStatus.SUCCEEDED or twin.result is None:
            return False
        said = (
            self.images[run.image_id].pixel_size_um,
            twin.result.file_pixel_size_um,
            self.projects.rows[run.project_id].pixel_size_um,
        )
        size = next((one for one in said if one is not None), None)
        return twin.result.written_pixel_size_um == size

    def mend(self, image: Image, twin: Image) -> None:
        """Let pages and pixel sizes follow; set by the fake of images."""

    def _twins(self, run: Segmentation) -> Sequence[Segmentation]:
        """Runs that find the same, in the same project or, for a project of one person, anywhere in that account."""
        mine = self.images.get(run.image_id)
        if mine is None or mine.digest is None or run.repeat:
            return []
        is_private = not any(project_id == mine.project_id for project_id, _ in self.projects.members)
        return [
            row
            for row in self.rows.values()
            if (same := self.images.get(row.image_id)) is not None
            and same.id != mine.id
            and (same.owner_id, same.digest) == (mine.owner_id, mine.digest)
            and (same.project_id == mine.project_id or is_private)
            and same.project_id not in self.projects.deleted
            and replace(row.order, priority=run.order.priority) == run.order
            and row.id not in self.leaving
        ]

    def hold(self, segmentation_ids: Sequence[UUID]) -> None:
        for id_ in segmentation_ids:
            if id_ in self.rows and self.rows[id_].status is SegmentationStatus.QUEUED:
                self.rows[id_] = replace(self.rows[id_], sent_at=None)

    def latest_repeats(self, first_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        latest: dict[UUID, Segmentation] = {}
        for row in self.rows.values():
            if row.first_id in first_ids and row.repeat >= latest.get(row.first_id, row).repeat:
                latest[row.first_id] = row
        return latest

    def own_runs(self, viewer: Viewer, since: datetime) -> Mapping[SegmentationStatus, int]:
        own = [row for row in self.rows.values() if row.share == viewer.user_id]
        return Counter(row.status for row in own if row.finished_at is None or row.finished_at > since)

    def backlog(self, now: datetime, segmentation: Segmentation | None = None) -> Backlog:
        waiting = self._in(SegmentationStatus.QUEUED)
        ended = [
            (row.finished_at - row.started_at).total_seconds()
            for row in self._in(SegmentationStatus.SUCCEEDED, SegmentationStatus.FAILED)
            if row.started_at and row.finished_at and row.finished_at > now - RATE_WINDOW
        ]
        ahead = None
        if segmentation is not None and segmentation.status is SegmentationStatus.QUEUED:
            ahead = self._ahead(segmentation, waiting)
        return Backlog(
            queued=len(waiting),
            running=len(self._in(SegmentationStatus.RUNNING)),
            finished_recently=len(ended),
            window_s=RATE_WINDOW.total_seconds(),
            busy_s=sum(ended),
            ahead=ahead,
            held=sum(row.sent_at is None for row in waiting),
        )

    def _ahead(self, run: Segmentation, waiting: Sequence[Segmentation]) -> int:
        if run.sent_at is None:
            return max(0, self.sent_before([run]) - 1)
        urgency = list(Priority)
        own = (urgency.index(run.order.priority), run.sent_at)
        return sum((urgency.index(row.order.priority), row.sent_at) < own for row in waiting if row.sent_at)

    def sent_before(self, runs: Sequence[Segmentation]) -> int:
        """Waiting runs that are sent before and with the last of these."""
        waiting = self._in(SegmentationStatus.QUEUED)
        held = sorted(
            (row for row in waiting if row.sent_at is None), key=lambda row: (-row.urgency, row.queued_at, row.id)
        )
        places: dict[str, int] = {}
        for share in {run.share for run in runs if run.sent_at is None}:
            own = [row.id for row in held if row.share == share]
            places[share] = 1 + max(own.index(run.id) for run in runs if run.share == share and run.id in own)
        return sent_before(len(waiting) - len(held), Counter(row.share for row in held), places)

    def _in(self, *statuses: SegmentationStatus) -> list[Segmentation]:
        return [row for row in self.rows.values() if row.status in statuses]

    def _require(self, before: Segmentation) -> None:
        stored = self.rows.get(before.id)
        if stored is None or (stored.status, stored.attempt) != (before.status, before.attempt):
            raise StaleStateError(f"Segmentation {before.id} is no longer {before.status}")
