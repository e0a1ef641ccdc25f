"""The port Segmenter on two models: which of them an image gets is decided after a look of the usual one."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from segmentation_worker.instances import Seen
from spheroseg.domain.model_card import Calibration, ModelCard
from spheroseg.domain.model_choice import ModelChoice
from spheroseg.domain.segmentation import Parameters
from spheroseg.imaging.certainty import calibrated
from spheroseg.imaging.mapped import steps
from spheroseg.imaging.windowing import Grey
from spheroseg.ports import ChosenModel, SegmentedPixels, Segmenter


class LookingSegmenter(Segmenter, Protocol):
    """A model that can stop after its look."""

    def segment_if(
        self, pixels: Grey, parameters: Parameters, is_enough: Callable[[Seen], bool]
    ) -> SegmentedPixels | None:
        """Objects of a grey image; None, and nothing drawn, where what was seen is not enough."""


@dataclass(frozen=True)
class Sight:
    """What the choice depends on, at the scale of the usual model's last look.

    Args:
        count: Objects seen.
        confidence: Mean calibrated probability over the pixels of all of them, 0 to 1; None without objects.
        touching: Share of them that have a pixel beside one of another object, 0 to 1.
    """

    count: int
    confidence: float | None
    touching: float

    @classmethod
    def of(cls, seen: Seen, calibration: Calibration | None = None) -> "Sight":
        """Summed up over some rows at a time: what was seen of a large image lies in files."""
        if not seen.count:
            return cls(count=0, confidence=None, touching=0.0)
        total, pixels = 0.0, 0
        touching = np.zeros(seen.count + 1, bool)
        whole = 255 if seen.foreground.dtype == np.uint8 else 1
        for top, bottom in steps(seen.labels, seen.foreground):
            kept = (seen.labels[top:bottom] > 0) & (seen.labels[top:bottom] <= seen.count)
            probability = (seen.foreground[top:bottom][kept] / np.float32(whole)).astype(np.float32, copy=False)
            total += float(calibrated(probability, calibration).sum(dtype=np.float64))
            pixels += probability.size
            rows = np.where(
                seen.labels[max(0, top - 1) : bottom] <= seen.count, seen.labels[max(0, top - 1) : bottom], 0
            )
            for one, other in ((rows[:, :-1], rows[:, 1:]), (rows[:-1], rows[1:])):
                beside = (one != other) & (one > 0) & (other > 0)
                touching[one[beside]] = touching[other[beside]] = True
        return cls(seen.count, total / pixels, float(np.count_nonzero(touching)) / seen.count)


@dataclass(frozen=True)
class ChoosingSegmenter:
    """Runs the usual model, or the thorough one where the rule says so.

    Args:
        thorough: None where there is none: the usual one then always runs.
    """

    choice: ModelChoice
    usual: LookingSegmenter
    thorough: Segmenter | None = None

    @property
    def card(self) -> ModelCard:
        """The usual model's; the answer says which one ran."""
        return self.usual.card

    def segment(self, pixels: Grey, parameters: Parameters) -> SegmentedPixels:
        """Objects of a grey image by the chosen model, with which one that was and why.

        Raises:
            InvalidPixelsError: all pixels are equal.
        """
        name = self.choice.usual
        if self.thorough is None:
            reason = f"{self.choice.thorough} is not registered, so {name} runs for every image"
            return _made_by(self.usual.card, reason, self.usual.segment(pixels, parameters))
        sights: list[Sight] = []

        def is_enough(seen: Seen) -> bool:
            sights.append(Sight.of(seen, self.usual.card.calibration))
            return self.doubt(sights[-1]) is None

        found = self.usual.segment_if(pixels, parameters, is_enough)
        (sight,) = sights
        if found is not None:
            reason = f"{name} was sure: confidence {sight.confidence:.3f}, {sight.touching:.0%} of {sight.count} touch"
            return _made_by(self.usual.card, reason, found)
        reason = f"{name} was not sure: {self.doubt(sight)}"
        return _made_by(self.thorough.card, reason, self.thorough.segment(pixels, parameters))

    def doubt(self, sight: Sight) -> str | None:
        """Why the usual model's look is not enough, in words; None when it is."""
        if sight.confidence is None:
            return "it found nothing"
        if sight.confidence < self.choice.min_confidence:
            return f"confidence {sight.confidence:.3f}, less than {self.choice.min_confidence:g}"
        if sight.touching >= self.choice.most_touching:
            return f"{sight.touching:.0%} of {sight.count} touch, {self.choice.most_touching:.0%} or more"
        return None


def _made_by(card: ModelCard, reason: str, found: SegmentedPixels) -> SegmentedPixels:
    return replace(found, chosen=ChosenModel(card, reason))
