"""Review: whether somebody should look at a result, and why.

Limits were chosen on images that models may learn from, never on those that only judge: 38 real ones and 150 synthetic
ones that no model had seen, with the model ``fast``, version 1 (docs/results.md, 2026-11-22). How well the flag finds
bad results on the others is told by ``spheroseg evaluate``.
"""

from dataclasses import dataclass
from enum import StrEnum


class ReviewReason(StrEnum):
    """Why somebody should look; the codes are stable."""

    NOTHING_FOUND = "nothing-found"
    LOW_CONFIDENCE = "low-confidence"
    BLUR = "blur"
    DEBRIS = "debris"
    TOUCHING = "touching"
    EDGE_CONTACT = "edge-contact"


LOW_CONFIDENCE = 0.85
"""Confidence of a result below which it is flagged, where the model's card says nothing else: the one with the largest
sensitivity + specificity (1.60) for a foreground IoU that is below 0.7, or below the 10th percentile of its source, on
the synthetic images; 26 % of them were below."""

LOW_SPHEROID_CONFIDENCE = 0.75
"""The same of a spheroid. Of 2,624 spheroids 23 % were below; 38 % of these had no drawn partner at an IoU of 0.5, of
the others 12 %."""

BLURRED = 0.55
"""Blur from which an image counts as out of focus. In focus the largest was 0.49; blurred by a Gaussian with a standard
deviation of 0.8 % of the long side, from which on the IoU of most sources falls, half of the images were above it, and
all of them at twice as much."""

MUCH_DEBRIS = 0.70
LEAST_DEBRIS = 10
"""Share of what was dropped among all that was seen, and its number, from which it is called much. One image in eight
had it, with a mean IoU of 0.66 against 0.81 of the others."""

MANY_TOUCHING = 0.50
LEAST_TOUCHING = 4
"""Share of spheroids that touch another one, and their number, from which they are called many. One image in eight had
them; foreground is found as well there (IoU 0.85 against 0.78), single spheroids are not (panoptic quality 0.57
against 0.71)."""

MUCH_CUT = 0.50
"""Share of the area that lies in spheroids cut by the image's border, from which most of what was measured is of parts
only. This one is chosen by its meaning: it has nothing to do with how well spheroids were found."""


@dataclass(frozen=True)
class Signs:
    """What can be told of a result without knowing the truth.

    Args:
        spheroid_count: Spheroids found.
        confidence: Mean calibrated probability over the pixels of all of them, 0 to 1; None when nothing was found.
        blur: Of the image as the model saw it, 0 (sharp) to 1, see ``spheroseg.imaging.focus``; None: not measured.
        dropped_count: What was seen and left out: too small, too uncertain, without a core, or out of focus.
        touching_count: Spheroids that lie side by side with another one.
        edge_area_share: Of the area of all spheroids, what lies in those that reach the image's border, 0 to 1.
    """

    spheroid_count: int
    confidence: float | None
    blur: float | None
    dropped_count: int
    touching_count: int
    edge_area_share: float

    def reasons(self, low_confidence: float = LOW_CONFIDENCE) -> tuple[ReviewReason, ...]:
        """Why somebody should look at the result, in the order of the codes; empty when nothing speaks for it."""
        seen = self.spheroid_count + self.dropped_count
        holds = {
            ReviewReason.NOTHING_FOUND: self.spheroid_count == 0,
            ReviewReason.LOW_CONFIDENCE: self.confidence is not None and self.confidence < low_confidence,
            ReviewReason.BLUR: self.blur is not None and self.blur >= BLURRED,
            ReviewReason.DEBRIS: self.dropped_count >= LEAST_DEBRIS and self.dropped_count >= MUCH_DEBRIS * seen,
            ReviewReason.TOUCHING: self.touching_count >= LEAST_TOUCHING
            and self.touching_count >= MANY_TOUCHING * self.spheroid_count,
            ReviewReason.EDGE_CONTACT: self.edge_area_share > MUCH_CUT,
        }
        return tuple(reason for reason in ReviewReason if holds[reason])


@dataclass(frozen=True)
class Review:
    """Whether somebody should look at a run's result, as it was judged when it was made.

    Args:
        reasons: Why; empty: nothing speaks for it.
        signs: What that follows from.
        unequal_edges_um: Edges of a pixel along x and y in µm, where the image's file says two that differ: it has no
            one size then, and is no reason to doubt the outlines.
    """

    reasons: tuple[ReviewReason, ...]
    signs: Signs
    unequal_edges_um: tuple[float, float] | None = None

    @classmethod
    def of(cls, signs: Signs, low_confidence: float = LOW_CONFIDENCE) -> "Review":
        """The review by the limits of this release, and by that of a model's card."""
        return cls(signs.reasons(low_confidence), signs)

    @property
    def is_needed(self) -> bool:
        """True when there is a reason."""
        return bool(self.reasons)


def spheroid_reasons(
    confidence: float, *, touches_edge: bool, low_confidence: float = LOW_SPHEROID_CONFIDENCE
) -> tuple[ReviewReason, ...]:
    """Why somebody should look at one spheroid, in the order of the codes."""
    holds = {
        ReviewReason.LOW_CONFIDENCE: confidence < low_confidence,
        ReviewReason.EDGE_CONTACT: touches_edge,
    }
    return tuple(reason for reason, is_so in holds.items() if is_so)
