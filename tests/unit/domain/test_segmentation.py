"""Ids of runs, which are known before the runs are."""

from uuid import UUID, uuid5

from spheroseg.domain.segmentation import Order, Parameters, segmentation_id

IMAGE = UUID("0192f0c1-2345-7abc-8def-0123456789ab")


def test_runs_of_before_objects_out_of_focus_could_be_left_out_keep_their_ids_as_those_that_keep_them() -> None:
    stored = '{"holes": true, "min_diameter_px": null, "page": 1, "threshold": 0.5}'
    kept = segmentation_id(IMAGE, Order("fast", "1", Parameters(out_of_focus=True)))
    assert kept == uuid5(IMAGE, f"fast@1\n{stored}")
    assert segmentation_id(IMAGE, Order("fast", "1")) != kept
