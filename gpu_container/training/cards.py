"""What stands in the cards of the models that ship, but for what is measured."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spheroseg.domain.model_card import ModelCard

OPSET = 18
INPUT = (
    "image: float32 (n, 1, h, w), h and w multiples of 32; grey, percentile 0.5 at 0 and 99.5 at 1, "
    "clipped to -0.2 ... 1.2"
)
OUTPUT = "logits: float32 (n, 2, h, w); foreground and core, before the sigmoid"

TRAINING_DATA = (
    "Synthetic images (training.synthesis; MIT) and 38 real ones: OrganoID (26 images, masks by experts; Matthews et "
    "al. 2022, OSF xmes4, by way of LittleQBerry/TransOrga, MIT; its own licence, said to be CC-BY, was not verified), "
    "lguertle/organoids-project (11, silver masks; MIT), adiezsanchez/intestinal_organoid_brightfield_analysis (1, "
    "silver mask; BSD-3). Silver: made by classical methods and checked by eye"
)

INTENDED_USE = (
    "Brightfield and phase contrast images of spheroids, organoids and gastruloids, one to some hundred in an image, "
    "in focus, from 10 px in diameter up to the whole frame"
)

LIMITS = [
    "Bodies with rims four times as weak as the sharpest count as out of focus: faint ones beside strong ones, too",
    "Large transparent cysts that overlap are cut into pieces or merged",
    "Folded and branched bodies may be divided where they are narrow or touch themselves",
    "Bodies that touch without a visible rim between them may become one, clumps one or several",
    "Edges of stitched tiles may be taken for rims",
    "Where hardly anything can be seen nothing is found; the image is then marked as unsure",
    "Small dark bodies between debris and spheroids are found or not without a clear rule",
    "Trained with silver masks in part: rims are good to a pixel or two of the network's view, not better",
    "Not made for fluorescence, three-dimensional stacks or stained sections",
    "Pictures of these failures: docs/training.md, «Where fast fails»",
]

POSTPROCESSING: dict[str, Any] = {
    "core_threshold": 0.3,
    "seed_peak": 0.65,
    "min_diameter_px": 8,
    "min_hole_diameter_px": 3,
    "min_certainty": 0.6,
    "focus": {"least": 0.25, "size_power": 0.5, "reference": 0.3},
}
"""The core threshold was chosen on organoid_id and lguertle, which the networks learnt from: 0.5 divides folded bodies
more often, see docs/results.md; the rule of focus on the same two, by networks that had not seen the one judged."""


@dataclass(frozen=True)
class CardText:
    """What differs between the models.

    Args:
        version: That the next training of it gets; what is registered keeps its own.
        sides_px, enough_px, mirrored: See ``segmentation_worker.preparation.Preprocessing``.
    """

    version: str
    title: str
    description: str
    sides_px: tuple[int, ...]
    enough_px: tuple[int, ...]
    mirrored: int = 1


CARDS = {
    "fast": CardText(
        "3",
        "Fast U-Net",
        "A small U-Net that finds foreground and cores of spheroids; cores grow into objects by a watershed, so that "
        "touching spheroids stay apart. Looks at an image small first, closer where objects are small.",
        (256, 512, 768),
        (64, 48),
    ),
    "accurate": CardText(
        "4",
        "Ensemble of three U-Nets",
        "Three networks of the kind of the fast one, two from other seeds and one that learnt for longer, whose "
        "answers are averaged: three times the time of the fast network.",
        (256, 512, 768),
        (64, 48),
    ),
}


def write_card(card: ModelCard, file: Path) -> None:
    """Write a card as it is kept and reviewed."""
    written = json.dumps(card.model_dump(mode="json"), indent=2, ensure_ascii=False)
    file.write_text(written + "\n", encoding="utf-8")
