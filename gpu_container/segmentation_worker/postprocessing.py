"""What a model card says about making objects."""

from pydantic import BaseModel, ConfigDict


class FocusRule(BaseModel):
    """What a model card says about objects out of focus.

    An object's focus is the sharpness of its rim as a share of the sharpest one's, times its diameter as a share of the
    typical one's to the power of ``size_power``.

    Args:
        least: Focus from which an object stays; at 0 all of them do.
        size_power: 0 where size does not matter; above, small objects have to be sharper than large ones.
        reference: The sharpest is looked for among objects of at least this share of the largest one's diameter, so
            that a speck of dust does not stand for the plane in focus.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    least: float
    size_power: float
    reference: float


class Postprocessing(BaseModel):
    """What a model card says about making objects; lengths are in pixels of the network's input.

    Args:
        core_threshold: Core probability from which a pixel belongs to a seed.
        seed_peak: Core probability that a seed reaches somewhere.
        min_diameter_px: Equivalent diameter below which an object is dropped where the user does not say.
        min_hole_diameter_px: Smaller holes are filled even where holes are kept.
        min_certainty: An object stays when its mean foreground probability is at least this share of the way from the
            threshold to 1.
        focus: Which objects are left out because they are out of focus; None: none of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    core_threshold: float
    seed_peak: float
    min_diameter_px: float
    min_hole_diameter_px: float
    min_certainty: float
    focus: FocusRule | None = None
