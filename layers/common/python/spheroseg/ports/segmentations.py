"""Runs, their spheroids and the queue of those that wait."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from spheroseg.domain.access import Accessible
from spheroseg.domain.backlog import Backlog
from spheroseg.domain.paging import PageKey
from spheroseg.domain.segmentation import Priority, Segmentation, SegmentationStatus, Standing
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.messages import SegmentationRequested


class SegmentationRepository(Protocol):
    """Segmentations and their spheroids."""

    def add(self, segmentation: Segmentation) -> bool:
        """Store a queued run; False, and nothing changed, when one of that id exists."""

    def add_many(self, segmentations: Sequence[Segmentation]) -> None:
        """Store queued runs whose ids do not exist, all or none; the others stay as they are."""

    def get_many(self, segmentation_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        """Those of the runs that exist, as last written, whoever owns them, in one statement."""

    def get(self, segmentation_id: UUID) -> Segmentation:
        """The run whoever owns it, or raise ``SegmentationNotFoundError``."""

    def one(self, viewer: Viewer, segmentation_id: UUID) -> Segmentation:
        """A run that the viewer may read, or raise ``SegmentationNotFoundError``."""

    def accessible(self, viewer: Viewer, segmentation_id: UUID) -> Accessible[Segmentation]:
        """The run as last written with what the viewer may do to it, or raise ``SegmentationNotFoundError``."""

    def of_image(self, viewer: Viewer, image_id: UUID) -> Sequence[Segmentation]:
        """All runs of an image, the latest queued first; empty when the viewer may not read it."""

    def page_of_image(
        self, viewer: Viewer, image_id: UUID, page: int | None, after: PageKey | None, limit: int
    ) -> Sequence[Segmentation]:
        """Up to ``limit`` runs of an image that the viewer may read, the latest queued first, older than ``after``.

        Args:
            page: Only runs over this page of its file; None: over any.
        """

    def latest_of_images(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        """The latest queued run of each image that has one and that the viewer may read, in one statement."""

    def replace(self, before: Segmentation, after: Segmentation) -> None:
        """Store ``after`` where status and attempt are still those of ``before``, or raise ``StaleStateError``."""

    def finish(self, before: Segmentation, after: Segmentation, spheroids: Iterable[Spheroid]) -> None:
        """Store ``after`` and its spheroids together where ``before`` still stands, or raise ``StaleStateError``."""

    def standing(self, segmentation_id: UUID) -> Standing:
        """Where the run stands, as last written, or raise ``SegmentationNotFoundError``; less to read than ``get``."""

    def keep_alive(self, segmentation: Segmentation, at: datetime) -> None:
        """Note that its worker is still at it, or raise ``StaleStateError`` when it was replaced or cancelled."""

    def spheroids(self, viewer: Viewer, segmentation_id: UUID, after_number: int, limit: int) -> Sequence[Spheroid]:
        """Up to ``limit`` of what was found in a run that the viewer may read, uncorrected, above ``after_number``."""

    def latest_repeats(self, first_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        """The latest repeat of each run that exists, by the first one's id, as last written, in one statement."""

    def release(self, at: datetime) -> Sequence[Segmentation]:
        """Mark the waiting runs whose turn has come (``fairness.released``) as sent, and give them in that order."""

    def reuse(self, at: datetime) -> Sequence[Segmentation]:
        """Finish up to 200 waiting runs by results that are there already, and give them.

        A result is used for a first run of the same model in the same version with the same parameters over an image of
        the same bytes: in the same project, or in another one of the owner if nobody else has a role in the run's own.
        While such a run works, ``release`` leaves the others out.
        """

    def hold(self, segmentation_ids: Sequence[UUID]) -> None:
        """Let waiting runs that were marked as sent wait for their turn again."""

    def stalled(self, queued_before: datetime, alive_before: datetime, limit: int) -> Sequence[Segmentation]:
        """Runs sent before one time, and running ones whose worker was last alive before another, oldest first."""

    def own_runs(self, viewer: Viewer, since: datetime) -> Mapping[SegmentationStatus, int]:
        """How many runs that the viewer asked for wait, work, or have ended since then, by status."""

    def backlog(self, now: datetime, segmentation: Segmentation | None = None) -> Backlog:
        """What waits and runs; with a queued ``segmentation`` also how many waiting runs are before it.

        Before one that was sent are those sent to a more urgent queue, and to its own queue earlier. Before one that
        waits for its turn are all that were sent, and those whose turn comes first (``run_progress.sent_before``).
        """


class SegmentationQueue(Protocol):
    """The sending side of the segmentation queues, one for each priority."""

    def send(self, requests: Sequence[tuple[Priority, SegmentationRequested]]) -> None:
        """Queue every request, or raise ``QueueUnavailableError``; after an error some may have been queued."""

    def depth(self) -> int:
        """Requests waiting or lent out over all priorities, roughly: the queues count approximately."""
