"""Review of results: the worklist, and what was decided."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from spheroseg.domain.decision import Decision, ReviewFigures, ReviewItem, ReviewKey, ReviewQuery
from spheroseg.domain.viewer import Viewer


class ReviewRepository(Protocol):
    """Decisions on finished runs, and which results of a project are open."""

    def page(
        self, viewer: Viewer, project_id: UUID, query: ReviewQuery, after: ReviewKey | None, limit: int
    ) -> Sequence[ReviewItem]:
        """Up to ``limit`` results, behind ``after``: most reasons first, then the least confident.

        Empty where the viewer has no role in the project.
        """

    def history(self, viewer: Viewer, segmentation_id: UUID, below: int | None, limit: int) -> Sequence[Decision]:
        """Up to ``limit`` decisions on a run, on all of its revisions, the newest first, with numbers below ``below``;
        none of a run that the viewer may not read."""

    def decide(self, decision: Decision) -> Decision:
        """Store a decision, and what it makes of the result, where its revision is still the newest.

        Args:
            decision: Its number is not looked at: it gets the next one.

        Returns:
            What is stored. Where the same person said the very same about the revision before, that decision; then
            nothing changes.

        Raises:
            StaleRevisionError: there is a newer revision; nothing was stored.
            ResultSupersededError: a newer run has the same page of the image; nothing was stored.
        """

    def accepted(self, segmentation_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """The newest revision of those of the runs where it is accepted or corrected, as last written, whoever may read
        them.

        A run that a newer one of the same page of the image has replaced is not among them.
        """

    def figures(self, viewer: Viewer, project_id: UUID) -> ReviewFigures:
        """How a project's review stands; takes time with the number of its results. All 0 where the viewer has no role.

        Decisions of people whose accounts are closed count for the results, not among pairs of people.
        """
