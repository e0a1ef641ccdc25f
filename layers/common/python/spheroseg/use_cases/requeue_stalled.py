"""What got lost on its way is sent again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from spheroseg.domain.image import Image, ImageStatus, original_key
from spheroseg.domain.paging import PageKey
from spheroseg.domain.segmentation import SILENT_WORKER_AFTER, Failure
from spheroseg.errors import ImageNotFoundError, ObjectNotFoundError, StaleStateError, UploadNotAcceptedError
from spheroseg.messages import SegmentationRequested
from spheroseg.ports import Clock, ImageRepository, ImageStore, SegmentationQueue, SegmentationRepository
from spheroseg.use_cases.accept_upload import AcceptUpload
from spheroseg.use_cases.dispatch_runs import DispatchRuns

MISSED_EVENT_AFTER = timedelta(minutes=2)
"""S3 events come in seconds, sometimes after a minute or more (Amazon S3 user guide, «Event notifications»)."""
UPLOAD_GIVEN_UP_AFTER = timedelta(hours=24)
LOOKS_FOR_UPLOADS_FOR = timedelta(seconds=20)
"""Some 1,500 looks; the function has 50 s, and has more to do than this."""
QUEUED_TOO_LONG_AFTER = timedelta(minutes=2)
BATCH = 500


@dataclass(frozen=True)
class Requeued:
    """What one sweep saw and did.

    Args:
        requests_held: Requests that the queues held before, waiting or lent out.
        uploads_accepted: Uploads whose event had been missed.
        uploads_given_up: Announced files that never came.
        segmentations_sent: Runs that were sent again.
        segmentations_released: Runs whose turn had come, and nothing else had sent them.
        segmentations_held: Runs that still wait for their turn: work that no queue shows.
    """

    requests_held: int
    uploads_accepted: int
    uploads_given_up: int
    segmentations_sent: int
    segmentations_released: int
    segmentations_held: int


@dataclass(frozen=True)
class RequeueStalled:
    """Sweep for uploads whose event was missed, runs whose message or worker was lost, and turns that nobody gave.

    Rows are judged by their worker's heartbeat and by what the queues still hold, never by age alone: a long backlog
    is no reason to send it twice.
    """

    images: ImageRepository
    segmentations: SegmentationRepository
    store: ImageStore
    queue: SegmentationQueue
    accept_upload: AcceptUpload
    clock: Clock

    def __call__(self) -> Requeued:
        """One sweep.

        The queues are asked each time, also when nothing is stalled: SQS stops reporting metrics of queues that
        nobody touched for six hours, and workers are started by these metrics.
        """
        held = self.queue.depth()
        sent = self._sweep_runs(held)
        released = DispatchRuns(self.segmentations, self.queue, self.clock, self.accept_upload.updates)()
        accepted, given_up = self._sweep_uploads()
        return Requeued(
            requests_held=held,
            uploads_accepted=accepted,
            uploads_given_up=given_up,
            segmentations_sent=sent,
            segmentations_released=len(released),
            segmentations_held=self.segmentations.backlog(self.clock.now()).held,
        )

    def _sweep_uploads(self) -> tuple[int, int]:
        """Look for awaited files: first those that are given up now, then the others, the newest first.

        Each look is a call to the store, and somebody may have announced more files than there is time for. What is
        not looked at now is looked at by a later sweep, after a day at the latest.
        """
        now = self.clock.now()
        accepted = given_up = 0
        for waited in (UPLOAD_GIVEN_UP_AFTER, MISSED_EVENT_AFTER):
            after: PageKey | None = None
            while images := self.images.awaiting_upload(now - waited, after, BATCH):
                for image in images:
                    if self.clock.now() - now > LOOKS_FOR_UPLOADS_FOR:
                        return accepted, given_up
                    try:
                        self.store.describe(original_key(image.id))
                    except ObjectNotFoundError:
                        given_up += self._given_up(image, now)
                        continue
                    try:
                        self.accept_upload.original(image.id)
                        accepted += 1
                    except (ImageNotFoundError, ObjectNotFoundError):
                        continue  # deleted between the two looks
                after = PageKey(images[-1].created_at, images[-1].id)
        return accepted, given_up

    def _given_up(self, image: Image, now: datetime) -> int:
        if now - image.created_at < UPLOAD_GIVEN_UP_AFTER or image.status is not ImageStatus.AWAITING_UPLOAD:
            return 0
        error = UploadNotAcceptedError(f"No file for {image.name} arrived within a day; announce and upload it again")
        try:
            self.images.replace(image, image.given_up(Failure.of(error)))
        except StaleStateError:
            return 0  # its file arrived after all
        return 1

    def _sweep_runs(self, held: int) -> int:
        now = self.clock.now()
        stalled = self.segmentations.stalled(now - QUEUED_TOO_LONG_AFTER, now - SILENT_WORKER_AFTER, BATCH)
        if not stalled:
            return 0
        backlog = self.segmentations.backlog(now)
        if held >= backlog.queued - backlog.held + backlog.running:
            return 0  # every run that was sent and has not ended still has its message, waiting or lent out
        self.queue.send([(run.order.priority, SegmentationRequested.of(run)) for run in stalled])
        return len(stalled)
