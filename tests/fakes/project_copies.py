"""Copies of projects in dicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from spheroseg.domain.account import Usage
from spheroseg.domain.image import ImageStatus
from spheroseg.domain.project import Project
from spheroseg.domain.project_copy import ImageCopy, copied_image_id, copied_prefix, copy_of_image
from spheroseg.domain.project_job import DoomedImage, JobStatus, ProjectJob
from spheroseg.domain.segmentation import Failure
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ProjectNotFoundError
from tests.fakes.project_jobs import InMemoryProjectJobs


@dataclass
class Listed:
    """An image that is to be copied.

    Args:
        pairs: Its runs and their copies; None: it has no row yet, and its room is kept.
    """

    size_bytes: int
    pairs: list[tuple[UUID, UUID]] | None = None
    is_done: bool = False


@dataclass
class InMemoryProjectCopies:
    """What is left of copies, beside their jobs."""

    jobs: InMemoryProjectJobs
    listed: dict[UUID, dict[UUID, Listed]] = field(default_factory=dict)

    def begin(self, target: Project, job: ProjectJob) -> ProjectJob:
        images = self.jobs.images
        found = {
            image.id: Listed(image.size_bytes or 0)
            for image in images.rows.values()
            if image.project_id == job.project_id and image.status is ImageStatus.STORED
        }
        wanted = Usage(stored_bytes=sum(it.size_bytes for it in found.values()), stored_images=len(found))
        if found:
            images.account(job.requested_by).require_room(wanted)
        images.projects.rows[target.id] = target
        images.projects.deleted.add(target.id)
        self.listed[job.id] = found
        self.jobs.rows[job.id] = replace(job, total=len(found))
        self._keep(job)
        return self.jobs.rows[job.id]

    def add_rows(self, job: ProjectJob, limit: int, at: datetime) -> tuple[ProjectJob, Sequence[ImageCopy]]:
        images, present = self.jobs.images, self.jobs.get(job.id)
        if not present.status.goes_forward:
            return present, []
        if images.projects.access(Viewer(job.requested_by), job.project_id) is None:
            raise ProjectNotFoundError(f"Project {job.project_id} does not exist")
        target = images.projects.rows[job.doomed_id]
        copies = []
        for source_id in sorted(id_ for id_, it in self.listed[job.id].items() if not it.is_done)[:limit]:
            listed, source = self.listed[job.id][source_id], images.rows.get(source_id)
            copy_id = copied_image_id(target.id, source_id)
            if listed.pairs is None:
                listed.pairs = []
                if source is not None:
                    own = [run for run in images.segmentations.rows.values() if run.image_id == source_id]
                    image, pairs = copy_of_image(source, own, target, job.correlation_id)
                    images.rows[image.id] = image
                    for run, copy in pairs:
                        images.segmentations.rows[copy.id] = copy
                        images.segmentations.found[copy.id] = list(images.segmentations.found.get(run.id, []))
                    listed.pairs = [(run.id, copy.id) for run, copy in pairs]
            runs = images.segmentations.rows
            copies.append(
                ImageCopy(
                    source_id=source_id,
                    copy_id=copy_id,
                    source_etag=source.etag if source else None,
                    prefixes=tuple(copied_prefix(runs[old], new) for old, new in listed.pairs if old in runs),
                    run_ids=tuple(new for _, new in listed.pairs),
                )
            )
        self._keep(job)
        self.jobs.rows[job.id] = replace(present, status=JobStatus.RUNNING, alive_at=at)
        return self.jobs.rows[job.id], copies

    def note_copied(self, job: ProjectJob, etags: Mapping[UUID, str], lost: Sequence[UUID], at: datetime) -> ProjectJob:
        images, present = self.jobs.images, self.jobs.get(job.id)
        if not present.status.goes_forward:
            return present
        done = gone = 0
        for source_id, listed in list(self.listed[job.id].items()):
            copy_id = copied_image_id(job.doomed_id, source_id)
            if listed.is_done:
                continue
            if copy_id in etags:
                images.rows[copy_id] = replace(images.rows[copy_id], etag=etags[copy_id])
                listed.is_done = True
                done += 1
            elif copy_id in lost:
                del self.listed[job.id][source_id]
                gone += 1
        images.delete_many(lost)
        after = replace(present, status=JobStatus.RUNNING, alive_at=at)
        self.jobs.rows[job.id] = replace(after, done=present.done + done, total=present.total - gone)
        return self.jobs.rows[job.id]

    def end(self, job: ProjectJob, at: datetime) -> ProjectJob:
        present = self.jobs.get(job.id)
        if not present.status.goes_forward or any(not it.is_done for it in self.listed[job.id].values()):
            return present
        self.jobs.images.projects.deleted.discard(job.doomed_id)
        del self.listed[job.id]
        self.jobs.rows[job.id] = present.succeeded(at)
        return self.jobs.rows[job.id]

    def stop(self, job_id: UUID, failure: Failure | None, at: datetime) -> ProjectJob:
        present = self.jobs.get(job_id)
        after = present.stopped(failure, at)
        if after is not present:
            self.listed[job_id] = {id_: it for id_, it in self.listed[job_id].items() if it.pairs is not None}
            self._keep(present)
            self.jobs.rows[job_id] = after
        return after

    def unfinished(self, job: ProjectJob) -> Sequence[DoomedImage]:
        return [
            DoomedImage(copied_image_id(job.doomed_id, id_), None, tuple(new for _, new in it.pairs or ()))
            for id_, it in sorted(self.listed.get(job.id, {}).items())
            if not it.is_done
        ]

    def _keep(self, job: ProjectJob) -> None:
        """Room for images without rows, which counts as announced."""
        left = [it.size_bytes for it in self.listed[job.id].values() if it.pairs is None]
        self.jobs.images.kept[job.id] = (job.requested_by, Usage(announced_bytes=sum(left), announced_images=len(left)))
