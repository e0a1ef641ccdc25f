"""Review of results, in lists: the worklist is made of the runs whenever somebody asks."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from uuid import UUID

from spheroseg.adapters.postgres.account_closings import NOBODY
from spheroseg.domain.decision import (
    MAX_PAIRS,
    TAKEN,
    AcceptedOutlines,
    Decision,
    ReviewerAgreement,
    ReviewFigures,
    ReviewItem,
    ReviewKey,
    ReviewQuery,
    ReviewState,
    Verdict,
)
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ResultSupersededError, SegmentationNotFoundError, StaleRevisionError
from tests.fakes.images import InMemoryImages


@dataclass
class InMemoryReviews:
    """Over the images and runs of other fakes."""

    images: InMemoryImages
    made: dict[UUID, list[Decision]] = field(default_factory=dict)

    def page(
        self, viewer: Viewer, project_id: UUID, query: ReviewQuery, after: ReviewKey | None, limit: int
    ) -> Sequence[ReviewItem]:
        found = sorted(self._items(viewer, project_id), key=lambda item: item.key)
        return [
            item
            for item in found
            if (after is None or item.key > after)
            and (query.states is None or item.state in query.states)
            and (query.flag is None or query.flag in (item.reasons or ()))
        ][:limit]

    def history(self, viewer: Viewer, segmentation_id: UUID, below: int | None, limit: int) -> Sequence[Decision]:
        try:
            self.images.segmentations.one(viewer, segmentation_id)
        except SegmentationNotFoundError:
            return []
        past = [one for one in self.made.get(segmentation_id, []) if below is None or one.number < below]
        return past[::-1][:limit]

    def decide(self, decision: Decision) -> Decision:
        runs = self.images.segmentations.rows
        run = runs.get(decision.segmentation_id)
        if run is None or (newest := self._newest(run)).id != run.id:
            raise ResultSupersededError("Another run has taken its place", None if run is None else newest.id)
        if run.revision != decision.revision:
            raise StaleRevisionError(f"Revision {decision.revision} is not the newest any more")
        made = self.made.setdefault(run.id, [])
        own = [one for one in made if (one.revision, one.reviewer_id) == (decision.revision, decision.reviewer_id)]
        if own and (own[-1].verdict, own[-1].note) == (decision.verdict, decision.note):
            return own[-1]
        made.append(replace(decision, number=len(made) + 1))
        return made[-1]

    def accepted(self, segmentation_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        runs = self.images.segmentations.rows
        known = [runs[one] for one in segmentation_ids if one in runs]
        newest = [run for run in known if run.result and self._newest(run).id == run.id]
        return {run.id: run.revision for run in newest if (last := self._last(run)) and last.state in TAKEN}

    def figures(self, viewer: Viewer, project_id: UUID) -> ReviewFigures:
        items = list(self._items(viewer, project_id))
        counts = Counter(item.state for item in items)
        accepted = [item.decision.agreement for item in items if item.decision and item.state in TAKEN]
        return ReviewFigures(
            counts={state: counts[state] for state in ReviewState},
            outlines=AcceptedOutlines.over(accepted),
            reviewers=self._pairs(viewer, project_id),
        )

    def _pairs(self, viewer: Viewer, project_id: UUID) -> list[ReviewerAgreement]:
        words: dict[tuple[UUID, int], dict[str, Verdict]] = {}
        runs = self.images.segmentations
        for run_id, made in self.made.items():
            if run_id in runs.rows and runs.of_image(viewer, runs.rows[run_id].image_id):
                for one in made:
                    if runs.rows[run_id].project_id == project_id and one.reviewer_id != NOBODY:
                        words.setdefault((run_id, one.revision), {})[one.reviewer_id] = one.verdict
        found: dict[tuple[str, str], Counter[tuple[Verdict, Verdict]]] = {}
        for said in words.values():
            for pair in combinations(sorted(said), 2):
                found.setdefault(pair, Counter())[said[pair[0]], said[pair[1]]] += 1
        accept, reject = Verdict.ACCEPT, Verdict.REJECT
        pairs = [
            ReviewerAgreement(
                *pair, both[accept, accept], both[reject, reject], both[accept, reject], both[reject, accept]
            )
            for pair, both in found.items()
        ]
        return sorted(pairs, key=lambda one: (-one.decided, one.first_id, one.second_id))[:MAX_PAIRS]

    def _items(self, viewer: Viewer, project_id: UUID) -> Iterator[ReviewItem]:
        for image in self.images.rows.values():
            if image.project_id != project_id:
                continue
            for run in self.images.segmentations.of_image(viewer, image.id):
                if run.status is not SegmentationStatus.SUCCEEDED or self._newest(run).id != run.id:
                    continue
                review = run.result.review if run.result else None
                last = self._last(run)
                yield ReviewItem(
                    segmentation_id=run.id,
                    image_id=image.id,
                    image_name=image.name,
                    page=run.order.parameters.page,
                    revision=run.revision,
                    state=last.state if last else ReviewState.OPEN,
                    reasons=review.reasons if review else None,
                    confidence=review.signs.confidence if review else None,
                    decision=last,
                )

    def _last(self, run: Segmentation) -> Decision | None:
        made = [one for one in self.made.get(run.id, []) if one.revision == run.revision]
        return made[-1] if made else None

    def _newest(self, run: Segmentation) -> Segmentation:
        others = [
            one
            for one in self.images.segmentations.rows.values()
            if one.image_id == run.image_id
            and one.status is SegmentationStatus.SUCCEEDED
            and one.order.parameters.page == run.order.parameters.page
        ]
        return max(others, key=lambda one: (one.queued_at, one.id), default=run)
