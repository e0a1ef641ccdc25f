from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spheroseg.domain.review import Review, ReviewReason, Signs, spheroid_reasons

FINE = Signs(spheroid_count=8, confidence=0.95, blur=0.3, dropped_count=2, touching_count=0, edge_area_share=0.1)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, []),
        ({"spheroid_count": 0, "confidence": None, "edge_area_share": 0.0}, ["nothing-found"]),
        ({"confidence": 0.849}, ["low-confidence"]),
        ({"confidence": 0.85}, []),
        ({"blur": 0.55}, ["blur"]),
        ({"blur": None}, []),
        ({"dropped_count": 18}, []),
        ({"dropped_count": 19}, ["debris"]),
        ({"spheroid_count": 1, "dropped_count": 9}, []),
        ({"touching_count": 4}, ["touching"]),
        ({"touching_count": 3}, []),
        ({"spheroid_count": 9, "touching_count": 4}, []),
        ({"edge_area_share": 0.5}, []),
        ({"edge_area_share": 0.51}, ["edge-contact"]),
        ({"confidence": 0.1, "blur": 0.9, "edge_area_share": 1.0}, ["low-confidence", "blur", "edge-contact"]),
    ],
)
def test_each_limit_gives_its_reason(changes: dict[str, float | None], reasons: list[str]) -> None:
    review = Review.of(replace(FINE, **changes))  # type: ignore[arg-type]
    assert list(review.reasons) == reasons
    assert review.is_needed == bool(reasons)


def test_a_spheroid_has_reasons_of_its_own() -> None:
    assert spheroid_reasons(0.75, touches_edge=False) == ()
    both = (ReviewReason.LOW_CONFIDENCE, ReviewReason.EDGE_CONTACT)
    assert spheroid_reasons(0.74, touches_edge=True) == both


def test_a_models_card_may_have_limits_of_its_own() -> None:
    signs = replace(FINE, confidence=0.7)
    assert Review.of(signs).reasons == (ReviewReason.LOW_CONFIDENCE,)
    assert Review.of(signs, low_confidence=0.7).reasons == ()
    assert spheroid_reasons(0.8, touches_edge=False, low_confidence=0.81) == (ReviewReason.LOW_CONFIDENCE,)


@settings(deadline=None)
@given(
    st.builds(
        Signs,
        spheroid_count=st.integers(0, 50),
        confidence=st.none() | st.floats(0, 1),
        blur=st.none() | st.floats(0, 1),
        dropped_count=st.integers(0, 500),
        touching_count=st.integers(0, 50),
        edge_area_share=st.floats(0, 1),
    )
)
def test_reasons_come_once_each_in_the_order_of_the_codes(signs: Signs) -> None:
    reasons = signs.reasons()
    assert reasons == tuple(reason for reason in ReviewReason if reason in reasons)
