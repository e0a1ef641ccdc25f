"""A job on a project is worked on for a while, in steps that may be repeated."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from spheroseg.domain import export, outline_import
from spheroseg.domain.image import original_key
from spheroseg.domain.project_copy import ImageCopy
from spheroseg.domain.project_job import SILENT_JOB_AFTER, DoomedImage, JobKind, JobStatus, ProjectJob
from spheroseg.domain.segmentation import Failure, result_prefix
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ObjectChangedError, ObjectNotFoundError, ProjectNotFoundError
from spheroseg.messages import ProjectWorkRequested
from spheroseg.ports import Clock, ImageStore, ProjectCopyRepository, ProjectJobRepository, ProjectWorkQueue
from spheroseg.use_cases.read_segmentations import LABELS_FILE, OUTLINES_FILE, PREVIEW_FILE

STEP_IMAGES = 25
"""Images whose objects are removed, or copied, in one step: some 60 to 100 calls of the store, a second or two."""
AT_ONCE = 8
"""Requests of the store side by side: fewer than its client keeps connections."""
WORK_FOR = timedelta(seconds=20)
"""After that a job goes back to the queue, so that others have their turn and no call comes near its timeout."""
BATCH = 100
RESULT_FILES = frozenset({LABELS_FILE, OUTLINES_FILE, PREVIEW_FILE})
"""What every result has; a run of which some are missing is being deleted."""

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class WorkOnProject:
    """Remove a project, or make a copy of one; whoever comes second finds less to do, and harms nothing.

    Removing: objects go before their rows, because the rows tell what is left. A file that arrives afterwards finds no
    row and is removed by ``accept_upload``; a worker finds its run gone and removes what it wrote.

    Copying: rows come before their objects, for the same reasons, in a project that nobody finds before all is there.
    A copy that is stopped is removed like any other project.
    """

    jobs: ProjectJobRepository
    copies: ProjectCopyRepository
    store: ImageStore
    queue: ProjectWorkQueue
    clock: Clock

    def __call__(self, job_id: UUID) -> ProjectJob:
        """The job as far as it is now; an unfinished one is in the queue again.

        Raises:
            JobNotFoundError: there is none of that id.
        """
        job = self.jobs.get(job_id)
        until = self.clock.now() + WORK_FOR
        self._clear_after(job)
        while not job.status.is_final:
            copies = job.kind is JobKind.DUPLICATE and job.status.goes_forward
            job = self._copied_some(job) if copies else self._removed_some(job)
            if not job.status.is_final and self.clock.now() >= until:
                self.queue.send([ProjectWorkRequested.of(job)])
                break
        return job

    def one(self, viewer: Viewer, job_id: UUID) -> ProjectJob:
        """A job that the viewer asked for, or ``JobNotFoundError``."""
        return self.jobs.one(viewer, job_id)

    def resume(self) -> int:
        """Send again what nobody was heard of at for five minutes; how many jobs that were."""
        silent = self.jobs.stalled(self.clock.now() - SILENT_JOB_AFTER, BATCH)
        self.queue.send([ProjectWorkRequested.of(job) for job in silent])
        return len(silent)

    def _removed_some(self, job: ProjectJob) -> ProjectJob:
        if doomed := self.jobs.doomed(job.doomed_id, STEP_IMAGES):
            self._each(self._remove_objects, doomed)
            return self.jobs.remove_images(job, [image.id for image in doomed], self.clock.now())
        self.store.delete_under(f"inbox/{job.doomed_id}/")
        self.store.delete_under(export.project_prefix(job.doomed_id))
        self.store.delete_under(outline_import.project_prefix(job.doomed_id))
        return self.jobs.end_removal(job, self.clock.now())

    def _copied_some(self, job: ProjectJob) -> ProjectJob:
        try:
            job, copies = self.copies.add_rows(job, STEP_IMAGES, self.clock.now())
        except ProjectNotFoundError as error:  # deleted meanwhile, or its reader lost the role
            return self.copies.stop(job.id, Failure.of(error), self.clock.now())
        if not copies:
            return self.copies.end(job, self.clock.now()) if job.status.goes_forward else job
        etags = dict(zip((copy.copy_id for copy in copies), self._each(self._copy_objects, copies), strict=True))
        there = {copy_id: etag for copy_id, etag in etags.items() if etag is not None}
        lost = [copy for copy in copies if copy.copy_id not in there]
        self._each(self._remove_objects, map(_doomed, lost))
        after = self.copies.note_copied(job, there, [copy.copy_id for copy in lost], self.clock.now())
        if not after.status.goes_forward:  # it was stopped meanwhile, and its rows may be gone already
            self._each(self._remove_objects, map(_doomed, copies))
        return after

    def _clear_after(self, job: ProjectJob) -> None:
        """Remove what somebody may have copied who died while the job was stopped: their message is here again."""
        if job.kind is JobKind.DUPLICATE and job.status in {JobStatus.CANCELLED, JobStatus.FAILED}:
            self._each(self._remove_objects, self.copies.unfinished(job))

    def _copy_objects(self, copy: ImageCopy) -> str | None:
        """The tag of the file's copy once all objects are copied; None when the original is gone."""
        if copy.source_etag is None:
            return None
        source_key, key = copy.keys
        try:
            etag = self.store.copy(source_key, copy.source_etag, key).etag
            for source_prefix, prefix in copy.prefixes:
                if not set(self.store.copy_under(source_prefix, prefix)) >= RESULT_FILES:
                    return None
        except (ObjectNotFoundError, ObjectChangedError):
            return None
        return etag

    def _remove_objects(self, image: DoomedImage) -> None:
        for segmentation_id in image.segmentation_ids:
            self.store.delete_under(result_prefix(segmentation_id))
        if image.upload_id is not None:
            self.store.drop_parts(original_key(image.id), image.upload_id)
        self.store.delete(original_key(image.id))

    def _each(self, call: Callable[[Item], Outcome], items: Iterable[Item]) -> Sequence[Outcome]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(call, items))


def _doomed(copy: ImageCopy) -> DoomedImage:
    return DoomedImage(copy.copy_id, None, copy.run_ids)
