"""A job on a project is worked on for a while, in steps that may be repeated."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from spheroseg.domain.image import original_key
from spheroseg.domain.project_job import SILENT_JOB_AFTER, DoomedImage, ProjectJob
from spheroseg.domain.segmentation import result_prefix
from spheroseg.domain.viewer import Viewer
from spheroseg.messages import ProjectWorkRequested
from spheroseg.ports import Clock, ImageStore, ProjectJobRepository, ProjectWorkQueue

STEP_IMAGES = 25
"""Images whose objects are removed before their rows are: some 60 calls of the store, a second or two."""
WORK_FOR = timedelta(seconds=20)
"""After that a job goes back to the queue, so that others have their turn and no call comes near its timeout."""
BATCH = 100


@dataclass(frozen=True)
class WorkOnProject:
    """Remove a project that is being deleted; whoever comes second finds less to do, and harms nothing.

    Objects go before their rows, because the rows tell what is left. A file that arrives afterwards finds no row and is
    removed by ``accept_upload``; a worker finds its run gone and removes what it wrote.
    """

    jobs: ProjectJobRepository
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
        while not job.status.is_final:
            if doomed := self.jobs.doomed(job.project_id, STEP_IMAGES):
                for image in doomed:
                    self._remove_objects(image)
                job = self.jobs.remove_images(job, [image.id for image in doomed], self.clock.now())
            else:
                self.store.delete_under(f"inbox/{job.project_id}/")
                job = self.jobs.end_deletion(job, self.clock.now())
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

    def _remove_objects(self, image: DoomedImage) -> None:
        for segmentation_id in image.segmentation_ids:
            self.store.delete_under(result_prefix(segmentation_id))
        if image.upload_id is not None:
            self.store.drop_parts(original_key(image.id), image.upload_id)
        self.store.delete(original_key(image.id))
