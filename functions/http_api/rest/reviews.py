"""Review of results by people: the worklist, decisions, and what they say together."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from http_api.cursors import ListCursors
from http_api.rest.answers import (
    DEFAULT_LIMIT,
    NOT_WRITABLE,
    POSITION_HEADER,
    Answer,
    Body,
    CursorText,
    Limit,
    Wired,
    Written,
    problems,
)
from http_api.rest.edits import MAX_NUMBER
from http_api.viewer import CurrentViewer
from spheroseg.domain.decision import (
    MAX_NOTE,
    MAX_PAIRS,
    AcceptedOutlines,
    Decision,
    ModelAgreement,
    ReviewerAgreement,
    ReviewFigures,
    ReviewItem,
    ReviewKey,
    ReviewQuery,
    ReviewState,
    Verdict,
)
from spheroseg.domain.image_list import ImageKey
from spheroseg.domain.paging import MAX_LIMIT
from spheroseg.domain.review import ReviewReason
from spheroseg.use_cases.review_results import DecisionHistory

router = APIRouter(prefix="/v1", tags=["review"])

LIST = "reviews"
"""What the worklist is called in cursors."""


class ReviewFilter(BaseModel):
    """Which results of a project; what is left away does not matter."""

    model_config = ConfigDict(frozen=True)

    state: list[ReviewState] | None = Field(default=None, description="One of these states", max_length=4)
    flag: ReviewReason | None = Field(default=None, description="The segmenter flagged it for this reason")

    def query(self) -> ReviewQuery:
        """The same for the domain."""
        return ReviewQuery(states=frozenset(self.state) if self.state else None, flag=self.flag)


class DecisionIn(Body):
    """What somebody says about the outlines of a revision."""

    revision: int = Field(ge=0, le=MAX_NUMBER, description="The revision that was looked at; it must be the newest")
    verdict: Verdict = Field(description="Whether the outlines are right as they are")
    note: str | None = Field(default=None, max_length=MAX_NOTE, description="What there is to say about it")


class ModelAgreementOut(Answer):
    """The segmenter's outlines against those that were accepted; spheroids are the same where their number is."""

    matched: int = Field(description="Spheroids that are in both", examples=[30])
    unchanged: int = Field(description="Those of them that have the same outline in both", examples=[27])
    added: int = Field(description="Spheroids that people added", examples=[1])
    deleted: int = Field(description="Spheroids that people deleted", examples=[2])
    mean_iou: float | None = Field(description="Over the matched spheroids; null: there are none", examples=[0.991])
    foreground_iou: float | None = Field(
        description="Of all spheroids together; null: there are none in either", examples=[0.974]
    )

    @classmethod
    def of(cls, found: ModelAgreement) -> "ModelAgreementOut":
        """The domain's agreement."""
        return cls(
            matched=found.matched,
            unchanged=found.unchanged,
            added=found.added,
            deleted=found.deleted,
            mean_iou=found.mean_iou,
            foreground_iou=found.foreground_iou,
        )


class DecisionOut(Answer):
    """What somebody said about one revision of a run's outlines."""

    segmentation_id: UUID = Field(description="The run")
    number: int = Field(description="From 1, in the order of the decisions on the run", examples=[1])
    revision: int = Field(description="The revision that it holds for", examples=[0])
    reviewer_id: str = Field(description="Who")
    verdict: Verdict = Field(description="Whether the outlines are right as they are")
    note: str | None = Field(description="What there is to say about it", examples=["debris at the lower edge"])
    decided_at: datetime = Field(description="When, in UTC")
    state: ReviewState = Field(
        description="What it made of the result: `accepted` as the segmenter left it, or `corrected`, or `rejected`"
    )
    agreement: ModelAgreementOut | None = Field(
        description="With what was accepted; null: rejected, a person drew it, or too many spheroids differ"
    )

    @classmethod
    def of(cls, decision: Decision) -> "DecisionOut":
        """The domain's decision."""
        agreement = None if decision.agreement is None else ModelAgreementOut.of(decision.agreement)
        return cls(**{**vars(decision), "agreement": agreement})


class DecisionList(Answer):
    """Decisions on a run, on all of its revisions, the newest first."""

    items: list[DecisionOut] = Field(description="The decisions")
    next_before: int | None = Field(description="`before` of the next page; null: this is the last one")

    @classmethod
    def of(cls, history: DecisionHistory) -> "DecisionList":
        """The use case's answer."""
        return cls(items=[DecisionOut.of(one) for one in history.decisions], next_before=history.next_below)


class ReviewItemOut(Answer):
    """A result on the worklist: the newest run of a page of an image that succeeded, by its newest revision."""

    segmentation_id: UUID = Field(description="The run")
    image_id: UUID = Field(description="Its image")
    image_name: str = Field(description="The image's name", examples=["B03_day7.tif"])
    page: int = Field(description="Of the image's file, from 1", examples=[1])
    revision: int = Field(description="The newest revision of its outlines", examples=[0])
    state: ReviewState = Field(description="Where it is in its review")
    reasons: list[ReviewReason] | None = Field(
        description="Why somebody should look, as judged when the result was made; null: nobody judged"
    )
    confidence: float | None = Field(
        description="Of the result, 0 to 1; null: nothing was found, or nobody judged", examples=[0.81]
    )
    decision: DecisionOut | None = Field(description="The latest one on this revision; null: it is open")

    @classmethod
    def of(cls, item: ReviewItem) -> "ReviewItemOut":
        """The domain's item."""
        return cls(
            segmentation_id=item.segmentation_id,
            image_id=item.image_id,
            image_name=item.image_name,
            page=item.page,
            revision=item.revision,
            state=item.state,
            reasons=None if item.reasons is None else list(item.reasons),
            confidence=item.confidence,
            decision=None if item.decision is None else DecisionOut.of(item.decision),
        )


class ReviewItemPage(Answer):
    """Some results of a project: those with the most reasons to look first, then the least confident."""

    items: list[ReviewItemOut] = Field(description="The results")
    next_cursor: str | None = Field(description="Where the next page begins; null: this is the last one")


class ReviewStateFigures(Answer):
    """Results of a project by state, and what share of the decided ones each is."""

    open: int = Field(description="Nobody decided on their newest revision", examples=[12])
    accepted: int = Field(description="Accepted as the segmenter left them", examples=[60])
    corrected: int = Field(description="Accepted with outlines that somebody changed", examples=[30])
    rejected: int = Field(description="Rejected", examples=[10])
    accepted_share: float | None = Field(description="Of those that are not open; null: all are", examples=[0.6])
    corrected_share: float | None = Field(description="Of those that are not open; null: all are", examples=[0.3])
    rejected_share: float | None = Field(description="Of those that are not open; null: all are", examples=[0.1])


class AcceptedOutlinesOut(Answer):
    """The segmenter against people, over all results that are accepted or corrected now."""

    compared: int = Field(description="Results that these figures are of", examples=[90])
    not_compared: int = Field(
        description="Results that a person drew, or with too many differing spheroids", examples=[0]
    )
    foreground_iou_mean: float | None = Field(description="Over results; null: none has a spheroid", examples=[0.97])
    foreground_iou_median: float | None = Field(description="Over results; null: none has a spheroid", examples=[1.0])
    matched: int = Field(description="Spheroids that both have", examples=[2_700])
    added: int = Field(description="Spheroids that people added", examples=[40])
    deleted: int = Field(description="Spheroids that people deleted", examples=[85])
    iou_mean: float | None = Field(description="Over matched spheroids; null: there are none", examples=[0.985])
    iou_median: float | None = Field(description="Over matched spheroids; null: there are none", examples=[1.0])

    @classmethod
    def of(cls, found: AcceptedOutlines) -> "AcceptedOutlinesOut":
        """The domain's figures."""
        return cls(**vars(found))


class ReviewerAgreementOut(Answer):
    """How far two people agree who decided on the same revisions; of each the last word on each counts."""

    first_id: str = Field(description="One of them")
    second_id: str = Field(description="The other one")
    decided: int = Field(description="Revisions that both decided on", examples=[50])
    both_accepted: int = Field(description="Revisions that both accepted", examples=[20])
    both_rejected: int = Field(description="Revisions that both rejected", examples=[15])
    first_accepted: int = Field(description="Revisions that the first accepted and the second rejected", examples=[5])
    second_accepted: int = Field(description="Revisions that the second accepted and the first rejected", examples=[10])
    raw_agreement: float = Field(description="Share of revisions on which they say the same", examples=[0.7])
    kappa: float | None = Field(
        description="Cohen's kappa (1960): agreement beyond chance, at most 1; null: both gave the same verdict "
        "throughout, so that chance explains all of it",
        examples=[0.4],
    )

    @classmethod
    def of(cls, found: ReviewerAgreement) -> "ReviewerAgreementOut":
        """The domain's agreement."""
        return cls(**vars(found), decided=found.decided, raw_agreement=found.raw_agreement, kappa=found.kappa)


class ReviewFiguresOut(Answer):
    """How a project's review stands."""

    results: ReviewStateFigures = Field(description="Results by state")
    outlines: AcceptedOutlinesOut = Field(description="The segmenter's outlines against the accepted ones")
    reviewers: list[ReviewerAgreementOut] = Field(
        max_length=MAX_PAIRS, description="Pairs of people, those with the most revisions in common first"
    )

    @classmethod
    def of(cls, found: ReviewFigures) -> "ReviewFiguresOut":
        """The domain's figures."""
        return cls(
            results=ReviewStateFigures(
                **{state.value: found.counts[state] for state in ReviewState},
                **{f"{state.value}_share": found.share(state) for state in ReviewState if state != ReviewState.OPEN},
            ),
            outlines=AcceptedOutlinesOut.of(found.outlines),
            reviewers=[ReviewerAgreementOut.of(pair) for pair in found.reviewers],
        )


def key_text(key: ReviewKey) -> ImageKey:
    """A place in the worklist as cursors hold it."""
    return ImageKey(f"{key.rank} {key.sureness!r}", key.segmentation_id)


def key_in(cursors: ListCursors, cursor: str | None) -> ReviewKey | None:
    """The place that a cursor holds; None for None."""
    key = cursors.image_key(cursor)
    if key is None:
        return None
    rank, sureness = str(key.value).split()
    return ReviewKey(int(rank), float(sureness), key.id)


@router.get(
    "/projects/{project_id}/reviews",
    summary="List results to look at",
    response_description="Results, those with the most reasons to look first, then the least confident",
    responses=problems("project-not-found", "invalid-cursor"),
)
async def list_reviews(
    project_id: UUID,
    viewer: CurrentViewer,
    use_cases: Wired,
    asked: Annotated[ReviewFilter, Query()],
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> ReviewItemPage:
    """The newest result of each page of each image, with the latest decision on its newest revision.

    A result is open again as soon as somebody saves a newer revision, or a newer run of the page succeeds.
    """
    query = asked.query()
    cursors = use_cases.cursors.of_list(viewer, LIST, project_id, *choices(query))
    found = use_cases.review_results.worklist(viewer, project_id, query, key_in(cursors, cursor), limit)
    following = None if found.next_after is None else cursors.of(key_text(found.next_after))
    return ReviewItemPage(items=[ReviewItemOut.of(item) for item in found.items], next_cursor=following)


def choices(query: ReviewQuery) -> tuple[object, ...]:
    """What cursors of the worklist are good for; the same whichever order states were named in."""
    return (None if query.states is None else sorted(query.states), query.flag)


@router.get(
    "/projects/{project_id}/reviews/figures",
    summary="See how far people and the segmenter agree",
    response_description="Results by state, the segmenter against people, people against each other",
    responses=problems("project-not-found"),
)
async def read_review_figures(project_id: UUID, viewer: CurrentViewer, use_cases: Wired) -> ReviewFiguresOut:
    """Counts, IoU between the segmenter's and the accepted outlines, and Cohen's kappa for each pair of people."""
    return ReviewFiguresOut.of(use_cases.review_results.figures(viewer, project_id))


@router.get(
    "/segmentations/{segmentation_id}/decisions",
    summary="List decisions on a result",
    response_description="Who said what about which revision, the newest first",
    responses=problems("segmentation-not-found"),
)
async def list_decisions(
    segmentation_id: UUID,
    viewer: CurrentViewer,
    use_cases: Wired,
    before: Annotated[int | None, Query(ge=1, le=MAX_NUMBER, description="Only decisions before this one")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items on the page at most")] = 50,
) -> DecisionList:
    """Decisions on all revisions of a run, also those that no longer hold."""
    return DecisionList.of(use_cases.review_results.history(viewer, segmentation_id, before, limit))


@router.post(
    "/segmentations/{segmentation_id}/decisions",
    status_code=201,
    summary="Accept or reject a result",
    response_description="The decision",
    responses={
        201: {"headers": POSITION_HEADER},
        **problems(
            "segmentation-not-found",
            "revision-not-found",
            "not-finished",
            *NOT_WRITABLE,
            "stale-revision",
            "result-superseded",
        ),
    },
)
async def decide(
    segmentation_id: UUID, body: DecisionIn, viewer: CurrentViewer, use_cases: Wired, written: Written
) -> DecisionOut:
    """Say whether the outlines of the newest revision are right; to correct them, save a revision and accept that.

    Decisions of several people on one revision are all kept; the latest is what the result's state follows from. What
    the same person says again about a revision, word for word, changes nothing and is answered with what is there.
    """
    made = use_cases.review_results.decide(viewer, segmentation_id, body.revision, body.verdict, body.note)
    written()
    return DecisionOut.of(made)
