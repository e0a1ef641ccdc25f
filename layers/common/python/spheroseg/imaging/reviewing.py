"""What speaks for looking at a result, from its spheroids and from how sure the model was."""

from collections.abc import Sequence

from spheroseg.domain.review import Review, Signs
from spheroseg.domain.spheroid import Spheroid
from spheroseg.imaging.certainty import Certainty


def review_of(spheroids: Sequence[Spheroid], certainty: Certainty) -> Review:
    """Whether somebody should look at a result, and why.

    Args:
        spheroids: All that were found, with their confidence.
        certainty: The same that they have their confidence from.
    """
    area = sum(spheroid.measures.area_px2 for spheroid in spheroids)
    sure = sum((spheroid.confidence or 0.0) * spheroid.measures.area_px2 for spheroid in spheroids)
    cut = sum(spheroid.measures.area_px2 for spheroid in spheroids if spheroid.touches_edge)
    signs = Signs(
        spheroid_count=len(spheroids),
        confidence=sure / area if spheroids else None,
        blur=certainty.view.blur,
        dropped_count=certainty.view.dropped_count,
        touching_count=len(certainty.touching),
        edge_area_share=cut / area if spheroids else 0.0,
    )
    calibration = certainty.view.calibration
    return Review.of(signs) if calibration is None else Review.of(signs, calibration.low_confidence)
