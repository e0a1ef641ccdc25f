"""Results are looked at by people: the worklist, decisions, and how far people agree with the model and one another."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.decision import (
    Decision,
    ModelAgreement,
    ReviewFigures,
    ReviewItem,
    ReviewKey,
    ReviewQuery,
    ReviewState,
    Verdict,
)
from spheroseg.domain.outline_import import ANNOTATION
from spheroseg.domain.paging import MAX_LIMIT
from spheroseg.domain.revision import Head
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ComparisonTooLargeError, RevisionNotFoundError, StaleRevisionError
from spheroseg.ports import Clock, ProjectRepository, ReviewRepository, RevisionRepository, SegmentationRepository
from spheroseg.use_cases.edit_outlines import stale_revision
from spheroseg.use_cases.read_revisions import ReadRevisions


@dataclass(frozen=True)
class Worklist:
    """Some results of a project; None: this is the last page."""

    items: Sequence[ReviewItem]
    next_after: ReviewKey | None


@dataclass(frozen=True)
class DecisionHistory:
    """Decisions on a run, the newest first.

    Args:
        next_below: Number below which the next page begins; None: this is the last one.
    """

    decisions: Sequence[Decision]
    next_below: int | None


@dataclass(frozen=True)
class ReviewResults:
    """Accept or reject results, at one revision each."""

    projects: ProjectRepository
    segmentations: SegmentationRepository
    revisions: RevisionRepository
    reviews: ReviewRepository
    read_revisions: ReadRevisions
    clock: Clock

    def worklist(
        self, viewer: Viewer, project_id: UUID, query: ReviewQuery, after: ReviewKey | None, limit: int
    ) -> Worklist:
        """Results of a project: those with the most reasons to look first, then the least confident.

        Raises:
            ProjectNotFoundError: the viewer has no role in it.
        """
        self.projects.one(viewer, project_id)
        found = self.reviews.page(viewer, project_id, query, after, min(limit, MAX_LIMIT) + 1)
        more = len(found) > limit
        return Worklist(found[:limit], found[limit - 1].key if more else None)

    def history(self, viewer: Viewer, segmentation_id: UUID, below: int | None, limit: int) -> DecisionHistory:
        """Who decided what on which revision of a run.

        Raises:
            SegmentationNotFoundError: the viewer has no role in its project.
        """
        self.segmentations.one(viewer, segmentation_id)
        found = self.reviews.history(viewer, segmentation_id, below, min(limit, MAX_LIMIT) + 1)
        more = len(found) > limit
        return DecisionHistory(found[:limit], found[limit - 1].number if more else None)

    def decide(
        self, viewer: Viewer, segmentation_id: UUID, revision: int, verdict: Verdict, note: str | None = None
    ) -> Decision:
        """Accept or reject the outlines of a revision; said again in the same words by the same person, the same.

        Raises:
            SegmentationNotFoundError, RoleTooLowError, ProjectArchivedError: the viewer may not.
            NotFinishedError: the run has no outlines.
            RevisionNotFoundError: there is no such revision yet.
            StaleRevisionError: somebody saved a newer one, with what changed since.
            ResultSupersededError: a newer run has the same page of the image.
        """
        head = self.revisions.head(viewer, segmentation_id).to(Action.WRITE)
        if revision > head.revision:
            raise RevisionNotFoundError(f"Segmentation {segmentation_id} has no revision {revision}")
        if revision < head.revision:
            raise stale_revision(self.revisions, segmentation_id, revision)
        agreement = self._agreement(viewer, head) if verdict is Verdict.ACCEPT else None
        decision = Decision(
            segmentation_id=segmentation_id,
            number=0,
            revision=revision,
            reviewer_id=viewer.user_id,
            verdict=verdict,
            note=note,
            decided_at=self.clock.now(),
            state=_state(verdict, revision, agreement),
            agreement=agreement,
        )
        try:
            return self.reviews.decide(decision)
        except StaleRevisionError as error:
            raise stale_revision(self.revisions, segmentation_id, revision) from error

    def figures(self, viewer: Viewer, project_id: UUID) -> ReviewFigures:
        """How a project's review stands.

        Raises:
            ProjectNotFoundError: the viewer has no role in it.
        """
        self.projects.one(viewer, project_id)
        return self.reviews.figures(viewer, project_id)

    def _agreement(self, viewer: Viewer, head: Head) -> ModelAgreement | None:
        if head.segmentation.order.model == ANNOTATION:
            return None  # a person drew it: there is no model to agree with
        if head.revision == 0:
            return ModelAgreement.untouched(head.spheroid_count)
        try:
            found = self.read_revisions.difference(viewer, head.segmentation.id, 0, head.revision)
        except ComparisonTooLargeError:
            return None  # figures tell how many results were not compared
        return ModelAgreement.of(found)


def _state(verdict: Verdict, revision: int, agreement: ModelAgreement | None) -> ReviewState:
    if verdict is Verdict.REJECT:
        return ReviewState.REJECTED
    untouched = revision == 0 if agreement is None else agreement.is_untouched
    return ReviewState.ACCEPTED if untouched else ReviewState.CORRECTED
