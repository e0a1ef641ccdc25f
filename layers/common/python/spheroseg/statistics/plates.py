"""Quality of plates."""

from spheroseg.domain.statistics import PlateQuality
from spheroseg.domain.statistics_question import Level
from spheroseg.statistics.describing import Floats, summary_of

LEAST_WELLS = 2


def quality_of(plate: Level, positive: Floats, negative: Floats) -> PlateQuality:
    """Z′ = 1 − 3·(sd₊ + sd₋)/|mean₊ − mean₋|: Zhang, J.-H., Chung, T. D. Y. & Oldenburg, K. R. (1999), Journal of
    Biomolecular Screening 4(2), 67-73.

    Args:
        plate: Its name.
        positive: Of the wells of the positive control, the mean of their objects each.
        negative: Likewise of the negative control.
    """
    high, low = summary_of(positive), summary_of(negative)
    z_prime: float | None = None
    not_given: dict[str, str] = {}
    if high.sd is None or low.sd is None or high.mean is None or low.mean is None:
        not_given["z_prime"] = (
            f"{high.n} wells of the positive and {low.n} of the negative control; {LEAST_WELLS} of each are needed"
        )
    elif high.mean == low.mean:
        not_given["z_prime"] = "the controls have the same mean"
    else:
        z_prime = 1 - 3 * (high.sd + low.sd) / abs(high.mean - low.mean)
    return PlateQuality(plate, high, low, z_prime, not_given)
