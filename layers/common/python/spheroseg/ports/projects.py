"""Projects, their statistics and what is done to them in the background."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from spheroseg.domain.access import Accessible
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project, ProjectStatistics
from spheroseg.domain.project_copy import ImageCopy
from spheroseg.domain.project_job import DoomedImage, ProjectJob
from spheroseg.domain.segmentation import Failure
from spheroseg.domain.viewer import Viewer
from spheroseg.messages import AccountClosingRequested, ProjectWorkRequested


class ProjectRepository(Protocol):
    """Projects, and who may do what there."""

    def add(self, project: Project) -> None:
        """Store a new project."""

    def get(self, project_id: UUID) -> Project:
        """The project whoever owns it, or raise ``ProjectNotFoundError``."""

    def one(self, viewer: Viewer, project_id: UUID) -> Accessible[Project]:
        """The project with the viewer's role in it, or raise ``ProjectNotFoundError``."""

    def accessible(self, viewer: Viewer, project_id: UUID) -> Accessible[Project]:
        """The same as last written, for whoever wants to change it."""

    def page(
        self,
        viewer: Viewer,
        after: PageKey | None,
        limit: int,
        *,
        archived: bool | None = None,
        tag: str | None = None,
    ) -> Sequence[Accessible[Project]]:
        """Up to ``limit`` of the projects that the viewer has a role in, newest first, older than ``after``.

        Args:
            archived: Only those that are archived, or only those that are not; None: both.
            tag: Only those with that tag.
        """

    def replace(self, before: Project, after: Project) -> None:
        """Store ``after`` where the version is still that of ``before``, or raise ``StaleStateError``.

        The owner is not changed by it: see ``SharingRepository.hand_over``.
        """


class ProjectStatisticsSource(Protocol):
    """What is in projects, counted."""

    def of(self, viewer: Viewer, project_id: UUID) -> ProjectStatistics:
        """The counts, in one statement, or raise ``ProjectNotFoundError`` when the viewer has no role there."""


class ProjectJobRepository(Protocol):
    """Jobs on whole projects, and the rows that they work on; each call is one transaction."""

    def begin_deletion(self, project: Project, job: ProjectJob) -> ProjectJob:
        """Mark the project as it was read, so that nobody finds it, and store the job with its images counted.

        Raises:
            StaleStateError: the project was changed, or marked, by another call.
        """

    def get(self, job_id: UUID) -> ProjectJob:
        """The job whoever asked for it, or raise ``JobNotFoundError``."""

    def one(self, viewer: Viewer, job_id: UUID) -> ProjectJob:
        """A job that the viewer asked for, or raise ``JobNotFoundError``."""

    def doomed(self, project_id: UUID, limit: int) -> Sequence[DoomedImage]:
        """Up to ``limit`` images of a project that nobody finds, the oldest first; none of any other project."""

    def remove_images(self, job: ProjectJob, image_ids: Sequence[UUID], at: datetime) -> ProjectJob:
        """Remove images of the job's doomed project, and count those that a deletion removed; the job after it."""

    def end_removal(self, job: ProjectJob, at: datetime) -> ProjectJob:
        """Remove the doomed project's row and end the job; while images are left, nothing happens and it goes on.

        Nothing happens either while the job goes forward with a copy.
        """

    def stalled(self, before: datetime, limit: int) -> Sequence[ProjectJob]:
        """Up to ``limit`` unfinished jobs that were last worked on before that time, the most silent first."""


class ProjectCopyRepository(Protocol):
    """Rows of projects that are made of others; each call is one transaction and may be repeated.

    Room for all images is taken from the account when a copy begins; what is not needed is given back when it ends.
    """

    def begin(self, target: Project, job: ProjectJob) -> ProjectJob:
        """Store the job with the images that are stored now, and its project where nobody finds it; the job with them.

        Raises:
            QuotaExceededError: the new owner has no room for them; nothing is stored.
        """

    def add_rows(self, job: ProjectJob, limit: int, at: datetime) -> tuple[ProjectJob, Sequence[ImageCopy]]:
        """The job, and up to ``limit`` images that are not copied yet, which have their rows from now on.

        None of them when all are copied, or when the job does not go forward any more.

        Raises:
            ProjectNotFoundError: who asked for the copy may not read the original any more.
        """

    def note_copied(self, job: ProjectJob, etags: Mapping[UUID, str], lost: Sequence[UUID], at: datetime) -> ProjectJob:
        """Count copied images, and remove the rows of others; nothing happens when the job goes forward no more.

        Args:
            etags: The tags of the copied files, by the ids of the new images.
            lost: New images whose original is gone.
        """

    def end(self, job: ProjectJob, at: datetime) -> ProjectJob:
        """Let the new project be found and end the job; nothing happens while images are left, or it was stopped."""

    def stop(self, job_id: UUID, failure: Failure | None, at: datetime) -> ProjectJob:
        """The job as ``ProjectJob.stopped`` has it, which may raise; room for images without rows is given back."""

    def unfinished(self, job: ProjectJob) -> Sequence[DoomedImage]:
        """Copies that were begun and not counted when the job was stopped."""


class ProjectWorkQueue(Protocol):
    """The sending side of the queue of jobs on projects and accounts."""

    def send(self, requests: Sequence[ProjectWorkRequested | AccountClosingRequested], delay_s: int = 0) -> None:
        """Queue every request, or raise ``QueueUnavailableError``; after an error some may have been queued.

        Args:
            delay_s: Seconds before they can be received, 900 at most.
        """
