"""Decision: what somebody says about a result after looking at it, and what many decisions say together.

A decision is made on one revision of a run's outlines and holds for that one alone. A newer revision, or a newer run of
the same page of the image, makes the result open again; what was decided before stays in the history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from statistics import fmean, median
from uuid import UUID

from spheroseg.domain.review import ReviewReason
from spheroseg.domain.revision import RevisionDifference

MAX_NOTE = 500
"""Characters of what somebody says about a decision."""

MAX_PAIRS = 100
"""Pairs of people whose agreement is told, those with the most results in common first."""


class Verdict(StrEnum):
    """What somebody says about the outlines of a result."""

    ACCEPT = "accept"
    REJECT = "reject"


class ReviewState(StrEnum):
    """Where a result is in its review."""

    OPEN = "open"
    ACCEPTED = "accepted"
    """As the segmenter left it."""

    CORRECTED = "corrected"
    """Accepted with outlines that somebody changed."""

    REJECTED = "rejected"


TAKEN = frozenset({ReviewState.ACCEPTED, ReviewState.CORRECTED})
"""States of results that somebody stands for; what «accepted only» means in exports."""


@dataclass(frozen=True)
class ModelAgreement:
    """The segmenter's outlines against those that were accepted; spheroids are the same where their number is.

    Args:
        unchanged: Spheroids with the very same outline in both.
        changed_ious: IoU of each other spheroid that is in both, 0 to 1, in order of number.
        added, deleted: Spheroids that are in the accepted ones alone, or in the segmenter's alone.
        foreground_iou: IoU of all spheroids together, 0 to 1; None: neither has any.
    """

    unchanged: int
    changed_ious: tuple[float, ...]
    added: int
    deleted: int
    foreground_iou: float | None

    @classmethod
    def of(cls, found: RevisionDifference) -> "ModelAgreement":
        """What the difference between revision 0 and the accepted one says."""
        both = [one.iou for one in found.spheroids if one.before_px and one.after_px]
        whole = found.whole
        return cls(
            unchanged=found.unchanged,
            changed_ious=tuple(both),
            added=sum(1 for one in found.spheroids if not one.before_px),
            deleted=sum(1 for one in found.spheroids if not one.after_px),
            foreground_iou=whole.iou if whole.before_px or whole.after_px else None,
        )

    @classmethod
    def untouched(cls, spheroid_count: int) -> "ModelAgreement":
        """Of outlines that nobody changed."""
        return cls(spheroid_count, (), 0, 0, 1.0 if spheroid_count else None)

    @property
    def matched(self) -> int:
        """Spheroids that are in both."""
        return self.unchanged + len(self.changed_ious)

    @property
    def is_untouched(self) -> bool:
        """True when both have the same pixels, by the same numbers."""
        return not (self.added or self.deleted) and all(iou == 1 for iou in self.changed_ious)

    @property
    def mean_iou(self) -> float | None:
        """Mean over the spheroids that are in both; None: there are none."""
        return (self.unchanged + sum(self.changed_ious)) / self.matched if self.matched else None


@dataclass(frozen=True)
class Decision:
    """What somebody said about one revision of a run's outlines.

    Args:
        number: From 1, in the order in which decisions on the run were made.
        state: What it made of the result; never open.
        agreement: With what was accepted; None: it was rejected, a person drew it, or too many spheroids differ.
    """

    segmentation_id: UUID
    number: int
    revision: int
    reviewer_id: str
    verdict: Verdict
    note: str | None
    decided_at: datetime
    state: ReviewState
    agreement: ModelAgreement | None


@dataclass(frozen=True)
class ReviewItem:
    """A result on the worklist: the newest run of a page of an image that succeeded, by its newest revision.

    Args:
        page: Of the image's file, from 1.
        reasons: Why somebody should look, as it was judged when the result was made; None: nobody judged.
        confidence: Of the result, 0 to 1; None: nothing was found, or nobody judged.
        decision: The latest one on this revision; None: it is open.
    """

    segmentation_id: UUID
    image_id: UUID
    image_name: str
    page: int
    revision: int
    state: ReviewState
    reasons: tuple[ReviewReason, ...] | None
    confidence: float | None
    decision: Decision | None

    @property
    def key(self) -> "ReviewKey":
        """Where it stands in the list: most reasons first, then the least confident."""
        sureness = -1.0 if self.confidence is None else self.confidence
        return ReviewKey(-len(self.reasons or ()), sureness, self.segmentation_id)


@dataclass(frozen=True, order=True)
class ReviewKey:
    """A place in the worklist.

    Args:
        rank: Number of reasons, negative.
        sureness: The confidence; -1 where there is none.
    """

    rank: int
    sureness: float
    segmentation_id: UUID


@dataclass(frozen=True)
class ReviewQuery:
    """Which results are listed.

    Args:
        states: Those of them; None: all.
        flag: Only results that were flagged for it.
    """

    states: frozenset[ReviewState] | None = None
    flag: ReviewReason | None = None


@dataclass(frozen=True)
class AcceptedOutlines:
    """The segmenter against people, over all results of a project that are accepted or corrected now.

    Args:
        compared: Results that these figures are of.
        not_compared: Those that are left out: a person drew them, or too many spheroids differ to be compared at once.
        foreground_iou_mean, foreground_iou_median: Over results, each counts once; None: none has a spheroid.
        matched, added, deleted: Spheroids, see ``ModelAgreement``.
        iou_mean, iou_median: Over the matched spheroids of all results, each counts once; None: there are none.
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

    @classmethod
    def over(cls, accepted: Sequence[ModelAgreement | None]) -> "AcceptedOutlines":
        """The figures of some results; None: one that was not compared."""
        compared = [one for one in accepted if one is not None]
        foreground = [one.foreground_iou for one in compared if one.foreground_iou is not None]
        ious = [iou for one in compared for iou in (*one.changed_ious, *[1.0] * one.unchanged)]
        return cls(
            compared=len(compared),
            not_compared=len(accepted) - len(compared),
            foreground_iou_mean=fmean(foreground) if foreground else None,
            foreground_iou_median=median(foreground) if foreground else None,
            matched=len(ious),
            added=sum(one.added for one in compared),
            deleted=sum(one.deleted for one in compared),
            iou_mean=fmean(ious) if ious else None,
            iou_median=median(ious) if ious else None,
        )


@dataclass(frozen=True)
class ReviewerAgreement:
    """How far two people agree who decided on the same revisions; of each the last word on each counts.

    Args:
        first_id, second_id: Who.
        both_accepted, both_rejected: Revisions.
        first_accepted: Those that the first accepted and the second rejected.
        second_accepted: The other way round.
    """

    first_id: str
    second_id: str
    both_accepted: int
    both_rejected: int
    first_accepted: int
    second_accepted: int

    @property
    def decided(self) -> int:
        """Revisions that both decided on, at least 1."""
        return self.both_accepted + self.both_rejected + self.first_accepted + self.second_accepted

    @property
    def raw_agreement(self) -> float:
        """Share of revisions on which they say the same, 0 to 1."""
        return (self.both_accepted + self.both_rejected) / self.decided

    @property
    def kappa(self) -> float | None:
        """Agreement beyond what the two would reach by chance with their own shares of verdicts, at most 1.

        Returns:
            (p_o - p_e) / (1 - p_e); None where p_e is 1: both gave one and the same verdict throughout.

        Source: Cohen, J. (1960), Educational and Psychological Measurement 20(1), 37-46.
        """
        first = (self.both_accepted + self.first_accepted) / self.decided
        second = (self.both_accepted + self.second_accepted) / self.decided
        if first == second and first in {0.0, 1.0}:
            return None
        by_chance = first * second + (1 - first) * (1 - second)
        return (self.raw_agreement - by_chance) / (1 - by_chance)


@dataclass(frozen=True)
class ReviewFigures:
    """How a project's review stands.

    Args:
        counts: Results by state; each state is there.
        outlines: The segmenter against what was accepted.
        reviewers: Pairs of people, those with the most revisions in common first.
    """

    counts: Mapping[ReviewState, int]
    outlines: AcceptedOutlines
    reviewers: Sequence[ReviewerAgreement]

    @property
    def decided(self) -> int:
        """Results that are not open."""
        return sum(count for state, count in self.counts.items() if state is not ReviewState.OPEN)

    def share(self, state: ReviewState) -> float | None:
        """Of the decided results those in a state, 0 to 1; None: none is decided."""
        return self.counts[state] / self.decided if self.decided else None
