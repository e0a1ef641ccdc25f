from uuid import uuid4

import pytest

from spheroseg.domain.decision import AcceptedOutlines, ModelAgreement, ReviewerAgreement, ReviewKey


@pytest.mark.parametrize(
    ("both_accepted", "both_rejected", "first_accepted", "second_accepted", "raw", "kappa"),
    [
        # Worked examples that textbooks and the encyclopedias share; 0.7 agreement by chance half of the time.
        (20, 15, 5, 10, 0.7, 0.4),
        (45, 15, 15, 25, 0.6, 0.1304),
        (25, 35, 35, 5, 0.6, 0.2593),
        (3, 3, 0, 0, 1.0, 1.0),
        (0, 0, 2, 2, 0.0, -1.0),
        (5, 0, 5, 0, 0.5, 0.0),
        (5, 0, 0, 0, 1.0, None),
        (0, 5, 0, 0, 1.0, None),
    ],
)
def test_agreement_beyond_chance_is_as_in_published_examples(
    both_accepted: int, both_rejected: int, first_accepted: int, second_accepted: int, raw: float, kappa: float | None
) -> None:
    found = ReviewerAgreement("a", "b", both_accepted, both_rejected, first_accepted, second_accepted)
    assert found.raw_agreement == raw
    assert found.kappa == (None if kappa is None else pytest.approx(kappa, abs=5e-5))


def test_untouched_outlines_count_with_an_iou_of_one() -> None:
    changed = ModelAgreement(unchanged=1, changed_ious=(0.5,), added=2, deleted=1, foreground_iou=0.6)
    found = AcceptedOutlines.over([changed, ModelAgreement.untouched(3), ModelAgreement.untouched(0), None])
    assert (found.compared, found.not_compared, found.matched, found.added, found.deleted) == (3, 1, 5, 2, 1)
    assert (found.iou_mean, found.iou_median) == (0.9, 1.0)
    assert found.foreground_iou_mean == pytest.approx(0.8), "a result without spheroids has none"
    assert (changed.mean_iou, ModelAgreement.untouched(0).mean_iou) == (0.75, None)
    assert AcceptedOutlines.over([]).iou_median is None


def test_more_reasons_come_first_then_less_confidence() -> None:
    id_ = uuid4()
    assert ReviewKey(-2, 0.9, id_) < ReviewKey(-1, -1.0, id_) < ReviewKey(-1, 0.1, id_) < ReviewKey(0, 0.0, id_)
