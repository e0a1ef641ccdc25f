"""Many files through upload, segmentation and download; each on its own, all of them at once."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from PIL import Image as Picture

from spheroseg.drawing import draw_overlay
from spheroseg_client.batch_jobs import Job, Listener, Spread, chunks, since
from spheroseg_client.client import Client, refusal_of
from spheroseg_client.errors import (
    ApiError,
    ClientError,
    LocalFileError,
    ServiceUnreachableError,
    UnexpectedAnswerError,
    UploadRefusedError,
    WorkFailedError,
)
from spheroseg_client.follow import Change, Follower
from spheroseg_client.inputs import InputFile
from spheroseg_client.models import AnnouncedImage, Failure, Links, Order, Segmentation
from spheroseg_client.outcomes import Outcome, of_success
from spheroseg_client.outlines import Outline, read_outlines
from spheroseg_client.outputs import ResultFolder
from spheroseg_client.stacks import PageChoice, PageFollower, page_name
from spheroseg_client.uploads import FileToAnnounce, sha256_of, shown_name

UPLOADS_AT_ONCE = 4
FETCHES_AT_ONCE = 3
CANCELS_AT_ONCE = 8
TIDY_FOR_S = 10.0
WAKE_S = 0.5
PNG_LEVEL = 3
"""zlib's level for overlays: 0.16 instead of 0.41 s for 1.4 megapixels at the usual 6, and no larger (measured)."""

_log = logging.getLogger(__name__)


Work = Callable[..., None]


class _StoppedError(Exception):
    """The batch was interrupted while this file was on its way."""


class Batch:
    """One run over some files; ``run`` it once.

    Args:
        names: What the results of each file are called.
        pixel_size_um: Edge of one pixel in µm for all files, where the user knows better than they.
        change_outlines: Changes each file of outlines before it is put in its place.
        pages: Which pages of each file; None: the one that the order names.
    """

    def __init__(
        self,
        client: Client,
        project_id: UUID,
        order: Order,
        files: Sequence[InputFile],
        names: Sequence[str],
        results: ResultFolder,
        listener: Listener,
        pixel_size_um: float | None = None,
        pages: PageChoice | None = None,
        *,
        change_outlines: Callable[[Path], None] | None = None,
    ) -> None:
        self._client = client
        self._change_outlines = change_outlines
        self._project_id = project_id
        self._choice = pages
        # How many pages there are is known after the first run.
        first = order.parameters.model_copy(update={"page": pages.first}) if pages else order.parameters
        self._order = order.model_copy(update={"parameters": first})
        self._results = results
        self._listener = listener
        self._pixel_size_um = pixel_size_um
        self._jobs = [Job(index, file, name) for index, (file, name) in enumerate(zip(files, names, strict=True))]
        self._open: dict[tuple[int, int], Job] = {job.key: job for job in self._jobs}
        self._by_image: dict[UUID, Job] = {}
        self._by_run: dict[UUID, Job] = {}
        self._outcomes: dict[tuple[int, int], Outcome] = {}
        self._events: queue.SimpleQueue[tuple[Job | None, Outcome | Change | Spread | BaseException]] = (
            queue.SimpleQueue()
        )
        self._stop = threading.Event()
        self._page_follower = PageFollower(client.segmentations, self._stop)
        self._follower: Follower = client.follower(project_id)
        self.interrupted = False

    def run(self) -> Sequence[Outcome]:
        """What became of each file, or page of it, in their order; no failure stops another.

        Ctrl-C ends it early: what waits or works is cancelled, ``interrupted`` is set, and the files that had no
        result yet say so.
        """
        uploads = ThreadPoolExecutor(UPLOADS_AT_ONCE + 3, thread_name_prefix="upload")
        fetches = ThreadPoolExecutor(FETCHES_AT_ONCE, thread_name_prefix="fetch")
        try:
            uploads.submit(self._guarded, self._follow)
            if self._choice:
                uploads.submit(self._guarded, self._follow_pages)
            uploads.submit(self._guarded, lambda: self._upload_all(uploads))
            self._collect(fetches)
        except KeyboardInterrupt:
            self.interrupted = True
            self._client.stop_retrying()
        finally:
            self._stop.set()
            self._follower.stop()
            for pool in (uploads, fetches):
                pool.shutdown(wait=True, cancel_futures=True)
        if self.interrupted:
            self._tidy_up()
        return [self._outcomes[key] for key in sorted(self._outcomes)]

    def _collect(self, fetches: ThreadPoolExecutor) -> None:
        while self._open:
            try:
                job, event = self._events.get(timeout=WAKE_S)
            except queue.Empty:  # on some systems Ctrl-C is noticed only between two waits
                continue
            if isinstance(event, Outcome):
                if job is not None and job.key in self._open:
                    self._outcomes[job.key] = event  # first: an interruption between the two must not lose it
                    del self._open[job.key]
                    self._listener.on_outcome(event)
            elif isinstance(event, Spread):
                if job is not None and job.key in self._open:
                    self._spread(job, event, fetches)
            elif isinstance(event, Change):
                job = job or self._by_image[event.image_id]
                job.segmentation_id = event.segmentation_id or job.segmentation_id
                self._listener.on_status(job.index, event.status, job.page)
                if event.is_final:
                    fetches.submit(self._guarded, self._fetched, job)
            elif isinstance(event, ClientError):  # the service is gone for good: nothing more can be learnt
                for left in self._open.values():
                    self._end(left, event)
            else:
                raise event

    def _spread(self, job: Job, spread: Spread, fetches: ThreadPoolExecutor) -> None:
        """From now on the pages of a stack are on their way instead of the file."""
        del self._open[job.key]
        self._listener.on_pages(job.index, len(spread.jobs))
        for page_job, run in spread.jobs:
            self._open[page_job.key] = page_job
            self._by_run[run.id] = page_job
            self._listener.on_status(page_job.index, run.status, page_job.page)
            if run.is_final:
                fetches.submit(self._guarded, self._fetched, page_job)
        if job.image_id is not None:
            self._page_follower.add(job.image_id, [run for _, run in spread.jobs])

    def _guarded(self, work: Work, *arguments: Job) -> None:
        """Work of a thread; what it raises reaches the main thread, and a job's own errors end that job alone."""
        job = arguments[0] if arguments else None
        try:
            work(*arguments)
        except _StoppedError:
            return
        except ClientError as error:
            if self._stop.is_set():
                return
            if job is not None:
                self._end(job, error)
            else:
                self._events.put((None, error))
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self._events.put((None, error))

    def _end(self, job: Job, error: ClientError) -> None:
        failure = Failure(code=error.code, detail=error.detail)
        self._events.put((job, Outcome(job.file.shown, job.name, "failed", failure, job.page, total_s=since(job))))

    # Upload

    def _upload_all(self, pool: ThreadPoolExecutor) -> None:
        for chunk in chunks(self._jobs):
            if self._stop.is_set():
                return
            pending: set[Future[None]] = {
                pool.submit(self._guarded, self._upload(image), job) for job, image in self._announced(chunk)
            }
            while pending and not self._stop.is_set():  # a cancelled one would be waited for in vain
                pending = wait(pending, timeout=WAKE_S).not_done
        self._follower.no_more()

    def _announced(self, chunk: Sequence[Job]) -> list[tuple[Job, AnnouncedImage]]:
        files = [
            FileToAnnounce(
                name=shown_name(job.file.path.name),
                size_bytes=job.file.size_bytes,
                pixel_size_um=self._pixel_size_um,
                sha256=sha256_of(job.file.path),
            )
            for job in chunk
        ]
        try:
            images = self._client.announce(self._project_id, files, self._order)
        except ApiError as error:
            if len(chunk) == 1:
                self._end(chunk[0], error)
                return []
            if error.status != 422:
                raise
            # One of them is refused: find out which, so that it does not stop the others.
            return [announced for job in chunk for announced in self._announced([job])]
        for job, image in zip(chunk, images, strict=True):
            job.image_id = image.id
            self._by_image[image.id] = job
        return list(zip(chunk, images, strict=True))

    def _upload(self, image: AnnouncedImage) -> Work:
        def upload(job: Job) -> None:
            job.started_at = time.monotonic()
            self._follower.add(image.id)
            try:
                self._client.send_file(image, job.file.path, lambda sent: self._on_sent(job, sent))
            except (LocalFileError, UploadRefusedError):
                self._follower.drop(image.id)
                self._forget(image.id)
                raise
            job.is_uploaded = True
            self._listener.on_uploaded(job.index)
            try:
                stored = self._client.complete(image.id)
            except ServiceUnreachableError as error:
                _log.info("Left to the store's own announcement: %s", error)
                return
            if stored.status == "refused":
                self._follower.drop(image.id)
                raise refusal_of(stored)
            if stored.segmentation:
                job.segmentation_id = stored.segmentation.id

        return upload

    def _on_sent(self, job: Job, sent_bytes: int) -> None:
        if self._stop.is_set():
            raise _StoppedError
        self._listener.on_sent(job.index, sent_bytes)

    def _forget(self, image_id: UUID) -> None:
        try:
            self._client.delete_image(image_id)
        except ClientError as error:  # it lapses by itself after a day
            _log.info("An image without a file stays for a day: %s", error)

    # Results

    def _follow(self) -> None:
        for change in self._follower:
            self._events.put((None, change))

    def _follow_pages(self) -> None:
        for run in self._page_follower:
            self._events.put((self._by_run[run.id], Change(run.image_id, run.id, run.status, run.is_final)))

    def _fetched(self, job: Job) -> None:
        if job.image_id is None:
            raise AssertionError("an image that changed was announced")
        if job.segmentation_id is None:
            raise refusal_of(self._client.image(job.image_id))
        segmentation = self._client.segmentation(job.segmentation_id)
        if self._choice and not job.page and segmentation.status != "cancelled":
            try:
                self._events.put((job, self._started_pages(job, job.image_id, self._choice)))
                return
            except ApiError as error:
                if error.code != "pages-not-counted" or segmentation.status == "succeeded":
                    raise
                _log.info("The file was not decoded, for which its run tells the reason: %s", error)
        if segmentation.status != "succeeded" or segmentation.links is None:
            failure = segmentation.failure
            raise WorkFailedError(
                failure.detail if failure else f"The segmentation was {segmentation.status}",
                failure.code if failure else segmentation.status,
            )
        outcome = self._stored(job, segmentation, segmentation.links)
        self._events.put((job, outcome))

    def _started_pages(self, job: Job, image_id: UUID, choice: PageChoice) -> Spread:
        started = self._client.segment_pages(image_id, choice.text, self._order, choice.channel)
        others = [other.name for other in self._jobs if other is not job]
        jobs = []
        for run in started.items:
            page = run.parameters.page
            name = page_name(job.name, page, started.pages.count, others)
            jobs.append((replace(job, name=name, segmentation_id=run.id, page=page, pages=started.pages), run))
        return Spread(jobs)

    def _stored(self, job: Job, segmentation: Segmentation, links: Links) -> Outcome:
        result = segmentation.result
        if result is None:
            raise UnexpectedAnswerError(f"Segmentation {segmentation.id} succeeded and has no result")
        parts = {
            suffix: self._results.part(f"{job.index}-{job.page}.{suffix}")
            for suffix in ("tif", "geojson", "preview.jpg", "png")
        }
        for link, suffix in ((links.outlines, "geojson"), (links.preview, "preview.jpg"), (links.labels, "tif")):
            self._client.download(link, parts[suffix], self._unless_stopped)
        outlines = read_outlines(parts["geojson"])
        if len(outlines) != result.found_count:
            raise UnexpectedAnswerError(f"{len(outlines)} outlines came of {result.found_count} spheroids")
        self._draw(parts["preview.jpg"], outlines, (result.width_px, result.height_px), parts["png"])
        self._results.add_measures(job.index, job.file.shown, job.name, segmentation, outlines)
        if self._change_outlines:  # overlay and measures are made of the exact ones
            self._change_outlines(parts["geojson"])
        files = self._results.publish(job.name, outlines=parts["geojson"], labels=parts["tif"], overlay=parts["png"])
        success = of_success(job.file.shown, job.name, segmentation, outlines, files, since(job))
        return replace(success, page=job.page, pages=job.pages)

    def _draw(self, preview: Path, outlines: Sequence[Outline], size_px: tuple[int, int], target: Path) -> None:
        try:
            with Picture.open(preview) as picture:
                overlay = draw_overlay(picture, outlines, size_px)
            overlay.save(target, format="PNG", compress_level=PNG_LEVEL)
            preview.unlink()
        except OSError as error:
            raise LocalFileError(f"{target.name} cannot be drawn: {error.strerror or error}") from error

    def _unless_stopped(self, _: int) -> None:
        if self._stop.is_set():
            raise _StoppedError

    # Interruption

    def _tidy_up(self) -> None:
        """Cancel what waits or works, so that nobody has to wait for what nobody wants; for a few seconds at most."""
        while not self._events.empty():  # finished while the threads came to rest
            job, event = self._events.get()
            if job is None or job.key not in self._open:
                continue
            if isinstance(event, Outcome):
                self._outcomes[job.key] = event
                del self._open[job.key]
            elif isinstance(event, Spread):
                del self._open[job.key]
                self._open |= {page_job.key: page_job for page_job, _ in event.jobs}
        left = [job for job in self._open.values() if job.key not in self._outcomes]
        failure = Failure(code="interrupted", detail="stopped before it had a result")
        for job in left:
            self._outcomes[job.key] = Outcome(job.file.shown, job.name, "interrupted", failure, job.page)
        pool = ThreadPoolExecutor(CANCELS_AT_ONCE, thread_name_prefix="cancel")
        cancels: list[Future[None]] = [pool.submit(self._cancel, job) for job in left if job.image_id is not None]
        wait(cancels, timeout=TIDY_FOR_S)
        pool.shutdown(wait=False, cancel_futures=True)

    def _cancel(self, job: Job) -> None:
        try:
            if job.segmentation_id is not None:
                self._client.cancel(job.segmentation_id)
            elif job.image_id is not None and not job.is_uploaded:
                self._client.delete_image(job.image_id)
        except ClientError as error:  # finished meanwhile, or the service is gone: it is not waited for either way
            _log.info("Not cancelled: %s", error)
