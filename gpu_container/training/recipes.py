"""What is trained: the networks that ship and how they learn."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class TrainingRecipe:
    """Everything that a training depends on beside the images and the seed.

    Args:
        name: Of the model.
        widths: Channels of the network's levels.
        steps: Batches learnt from.
        batch: Crops of a batch.
        crop_px: Side of a crop.
        rate: Largest learning rate; it rises for the first 5 % of the steps and falls to nothing as a cosine.
        real_shares: How much of a batch comes from each real source, in expectation; the rest is synthetic.
        synthetic_images: How many synthetic images are drawn.
        core_depth: Depth from which a pixel belongs to a core.
        dice: Weight of the Dice loss beside the cross entropy.
        depth: Weight of the depth that is learnt beside them.
        after: Recipe whose network of the same seed it goes on with; None: it begins with random weights.
    """

    name: str
    widths: tuple[int, int, int, int, int]
    steps: int
    batch: int = 12
    crop_px: int = 256
    rate: float = 2e-3
    weight_decay: float = 1e-2
    averaging: float = 0.998
    real_shares: dict[str, float] = field(
        default_factory=lambda: {"organoid_id": 0.30, "lguertle": 0.12, "adiez": 0.04}
    )
    synthetic_images: int = 3000
    core_depth: float = 0.4
    dice: float = 1.0
    depth: float = 0.5
    after: str | None = None


WIDTHS = (16, 32, 64, 112, 144)
RECIPES = {
    "fast": TrainingRecipe("fast", WIDTHS, steps=3000),
    "longer": TrainingRecipe("longer", WIDTHS, steps=3500, rate=1.5e-3, after="fast"),
}
"""In the order in which they are trained. One that goes on with another is trained with the first seed alone."""

ENSEMBLES = {"accurate": {"fast": 2, "longer": 1}}
"""Models that average networks: of each recipe so many seeds, the first ones. Chosen on sources that are learnt
from."""

FOLDS = (("organoid_id",), ("adiez", "lguertle"))
"""Real sources that are left out together, so that each is judged once by networks that never saw it. The two silver
ones go together: alone, a single image of adiez left out would say little."""
