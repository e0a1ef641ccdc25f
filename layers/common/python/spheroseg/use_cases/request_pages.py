"""Runs over many pages of one image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.image import ImageStatus
from spheroseg.domain.pages import Pages
from spheroseg.domain.segmentation import Order, Segmentation, SegmentationStatus, queued
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import NotStoredYetError, PagesNotCountedError, TooManyPagesError
from spheroseg.ports import Clock, ImageRepository, SegmentationQueue, SegmentationRepository, UpdatePublisher
from spheroseg.use_cases.dispatch_runs import DispatchRuns

MAX_PAGES = 1000
"""Runs that one request starts; its answer stays well below a Lambda function's 6 MB, and its time below 30 s."""


@dataclass(frozen=True)
class PageRuns:
    """The runs, in the order of their pages, and the pages of the file that they belong to."""

    pages: Pages
    segmentations: Sequence[Segmentation]


@dataclass(frozen=True)
class RequestPages:
    """Queue a run for each of some pages; a repeat finds the same runs, and others after those that had failed."""

    images: ImageRepository
    segmentations: SegmentationRepository
    queue: SegmentationQueue
    clock: Clock
    updates: UpdatePublisher | None = None

    def __call__(
        self, viewer: Viewer, image_id: UUID, choice: str, channel: int | None, order: Order, correlation_id: str
    ) -> PageRuns:
        """The runs: queued, or as far as they already are.

        Args:
            choice: ``all``, or numbers and ranges such as ``1-20,25``.
            channel: Only pages of this channel, the first is 1; None: of every channel.
            order: What is run over each; its page does not matter.

        Raises:
            ImageNotFoundError: the viewer has no role in its project.
            RoleTooLowError, ProjectArchivedError: the viewer may not write there, or nobody may.
            NotStoredYetError: its file has not arrived, or was refused.
            PagesNotCountedError: no run has decoded the file yet.
            InvalidPagesError: the choice is none, or the file has no such channel.
            PageNotFoundError: the file has fewer pages.
            TooManyPagesError: they are more than ``MAX_PAGES``.
        """
        image = self.images.accessible(viewer, image_id).to(Action.WRITE)
        if image.status is not ImageStatus.STORED:
            raise NotStoredYetError(f"Image {image_id} is {image.status}; upload its file first")
        if image.pages is None:
            raise PagesNotCountedError(f"Image {image_id} was not decoded yet; wait for its first segmentation")
        chosen = image.pages.chosen(choice, channel)
        if len(chosen) > MAX_PAGES:
            raise TooManyPagesError(
                f"{len(chosen)} pages were asked for; at most {MAX_PAGES} are started by one request"
            )
        at = self.clock.now()
        wanted = [
            queued(
                image_id=image.id,
                project_id=image.project_id,
                owner_id=image.owner_id,
                order=replace(order, parameters=replace(order.parameters, page=page)),
                correlation_id=correlation_id,
                at=at,
                requested_by=viewer.user_id,
            )
            for page in chosen
        ]
        latest = self.segmentations.latest_repeats([run.id for run in wanted])
        runs = [_due(run, latest.get(run.id)) for run in wanted]
        self.segmentations.add_many(runs)  # those that exist stay as they are
        DispatchRuns(self.segmentations, self.queue, self.clock, self.updates)()
        stored = self.segmentations.get_many([run.id for run in runs])
        # A run is missing when its image was deleted between the two.
        return PageRuns(image.pages, [stored[run.id] for run in runs if run.id in stored])


def _due(wanted: Segmentation, latest: Segmentation | None) -> Segmentation:
    """The run that exists, a repeat after one that ended without a result, or the first one."""
    if latest is None:
        return wanted
    return (
        wanted.after(latest) if latest.status in {SegmentationStatus.FAILED, SegmentationStatus.CANCELLED} else latest
    )
