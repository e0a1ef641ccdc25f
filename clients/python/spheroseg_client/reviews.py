"""Review of results as Python calls: the worklist, decisions, figures; a part of ``Client``."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from spheroseg_client.answers import items, parsed
from spheroseg_client.errors import UnexpectedAnswerError
from spheroseg_client.models import Answer
from spheroseg_client.transport import Session, Transport

PAGE_ITEMS = 200

Verdict = Literal["accept", "reject"]
State = Literal["open", "accepted", "corrected", "rejected"]


class ModelAgreement(Answer):
    """The segmenter's outlines against those that were accepted; spheroids are the same where their number is.

    ``mean_iou`` is over the matched spheroids, ``foreground_iou`` of all together; None where there are none.
    """

    matched: int
    unchanged: int
    added: int
    deleted: int
    mean_iou: float | None
    foreground_iou: float | None


class Decision(Answer):
    """What somebody said about one revision of a run's outlines.

    ``number`` counts the decisions on the run from 1. ``state`` is what it made of the result: accepted as found,
    corrected, or rejected. ``agreement`` is None where it was rejected, or not compared.
    """

    segmentation_id: UUID
    number: int
    revision: int
    reviewer_id: str
    verdict: str
    note: str | None
    decided_at: datetime
    state: str
    agreement: ModelAgreement | None


class ReviewItem(Answer):
    """A result to look at: the newest run of a page of an image that succeeded, by its newest revision.

    ``reasons`` is None where nobody judged, ``confidence`` also where nothing was found. ``decision`` is the latest one
    on this revision, None while it is open.
    """

    segmentation_id: UUID
    image_id: UUID
    image_name: str
    page: int
    revision: int
    state: str
    reasons: Sequence[str] | None
    confidence: float | None
    decision: Decision | None


class ReviewStates(Answer):
    """Results of a project by state; shares are of those that are not open, None while all are."""

    open: int
    accepted: int
    corrected: int
    rejected: int
    accepted_share: float | None
    corrected_share: float | None
    rejected_share: float | None


class AcceptedOutlines(Answer):
    """The segmenter against people, over all results that are accepted or corrected now.

    ``foreground_iou_…`` is over results, ``iou_…`` over matched spheroids; None where there are none.
    """

    compared: int
    not_compared: int
    foreground_iou_mean: float | None
    foreground_iou_median: float | None
    matched: int
    added: int
    deleted: int
    iou_mean: float | None
    iou_median: float | None


class ReviewerAgreement(Answer):
    """How far two people agree who decided on the same revisions; ``kappa`` is None where chance explains all of it."""

    first_id: str
    second_id: str
    decided: int
    both_accepted: int
    both_rejected: int
    first_accepted: int
    second_accepted: int
    raw_agreement: float
    kappa: float | None


class ReviewFigures(Answer):
    """How a project's review stands."""

    results: ReviewStates
    outlines: AcceptedOutlines
    reviewers: Sequence[ReviewerAgreement]


class ReviewCalls:
    """What can be asked about and said to results."""

    _transport: Transport
    _session: Session

    def reviews(self, project_id: UUID, states: Sequence[State] = (), flag: str | None = None) -> Iterator[ReviewItem]:
        """Results of a project: those with the most reasons to look first, then the least confident; page by page.

        Args:
            states: Only those; empty: all.
            flag: Only results that the segmenter flagged for it, such as ``low-confidence``.
        """
        path = f"/v1/projects/{project_id}/reviews"
        params: dict[str, str | int | Sequence[str]] = {"limit": PAGE_ITEMS}
        if states:
            params["state"] = list(states)
        if flag is not None:
            params["flag"] = flag
        while True:
            answer = self._transport.request("GET", path, session=self._session, repeatable=True, params=params)
            yield from items(ReviewItem, answer, path)
            if not isinstance(answer, dict) or answer.get("next_cursor") is None:
                return
            params["cursor"] = answer["next_cursor"]

    def decide(self, segmentation_id: UUID, revision: int, verdict: Verdict, note: str | None = None) -> Decision:
        """Accept or reject the outlines of the newest revision; said again word for word, it changes nothing.

        Args:
            revision: The one that was looked at; 0: the segmenter's own.

        Raises:
            ApiError: ``stale-revision`` (409): somebody saved a newer one; ``content["later"]`` tells what changed.
                ``result-superseded`` (409): ``content["newest_run"]`` counts now.
        """
        path = f"/v1/segmentations/{segmentation_id}/decisions"
        body = {"revision": revision, "verdict": verdict, "note": note}
        answer = self._transport.request("POST", path, session=self._session, repeatable=True, json=body)
        return parsed(Decision, answer, path)

    def decisions(self, segmentation_id: UUID) -> Iterator[Decision]:
        """Who decided what on which revision of a run, the newest first, read page by page."""
        path = f"/v1/segmentations/{segmentation_id}/decisions"
        params: dict[str, str | int] = {"limit": PAGE_ITEMS}
        while True:
            answer = self._transport.request("GET", path, session=self._session, repeatable=True, params=params)
            if not isinstance(answer, dict):
                raise UnexpectedAnswerError(f"{path} answered something that is no list")
            yield from items(Decision, answer, path)
            if answer.get("next_before") is None:
                return
            params["before"] = answer["next_before"]

    def review_figures(self, project_id: UUID) -> ReviewFigures:
        """How a project's review stands, and how far people and the segmenter agree."""
        path = f"/v1/projects/{project_id}/reviews/figures"
        return parsed(ReviewFigures, self._transport.request("GET", path, session=self._session, repeatable=True), path)
