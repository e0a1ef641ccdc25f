"""Segmentations over HTTP: one run, its place in the queue, its links, its cancellation."""

from dataclasses import replace
from datetime import timedelta

import pytest

from spheroseg.domain.segmentation import Priority, SegmentationStatus
from tests.builders import NOW, a_result, a_review, an_order
from tests.functions.http_api.world import Client, World


def test_a_succeeded_run_has_a_result_and_links(world: World, owner: Client) -> None:
    run = world.a_succeeded_run()
    body = owner.get(f"/v1/segmentations/{run.id}").json()
    assert body["status"] == "succeeded"
    assert body["failure"] is None
    assert body["wait"] is None
    assert body["result"] == {
        "width_px": 2048,
        "height_px": 1536,
        "pixel_type": "uint16",
        "pixel_size_um": 0.65,
        "pixel_size_source": "file",
        "files_pixel_size_um": None,
        "spheroid_count": 1,
        "found_count": 1,
        "stages_s": {"download": 0.02, "decode": 0.01, "model": 0.12, "outlines": 0.03, "store": 0.04},
        "ran": {
            "model": "spheroid-unet",
            "model_version": "1",
            "precision": "int8",
            "sha256": "0" * 64,
            "runtime": "onnxruntime 1.29.0",
            "provider": "CPUExecutionProvider",
            "reason": None,
        },
        "review": {
            "needed": True,
            "reasons": ["low-confidence", "edge-contact"],
            "confidence": 0.8125,
            "blur": 0.25,
            "dropped_count": 2,
            "touching_count": 0,
            "edge_area_share": 0.75,
            "unequal_edges": None,
        },
    }
    prefix = f"https://links.invalid/results/{run.id}/1"
    assert body["links"] == {
        "labels": f"{prefix}/labels.tif?lifetime=3600",
        "outlines": f"{prefix}/outlines.geojson?lifetime=3600",
        "preview": f"{prefix}/preview.jpg?lifetime=3600",
    }


def test_an_unknown_pixel_size_is_null_not_guessed(world: World, owner: Client) -> None:
    run = world.a_succeeded_run(result=a_result(pixel_size_um=None, pixel_size_source=None))
    result = owner.get(f"/v1/segmentations/{run.id}").json()["result"]
    assert (result["pixel_size_um"], result["pixel_size_source"]) == (None, None)


def test_edges_of_a_pixel_that_differ_are_told_where_there_is_no_pixel_size(world: World, owner: Client) -> None:
    review = replace(a_review(), unequal_edges_um=(0.65, 0.7))
    run = world.a_succeeded_run(result=a_result(pixel_size_um=None, pixel_size_source=None, review=review))
    told = owner.get(f"/v1/segmentations/{run.id}").json()["result"]["review"]
    assert told["unequal_edges"] == {"x_um": 0.65, "y_um": 0.7}


def test_a_run_of_before_files_were_noted_names_none(world: World, owner: Client) -> None:
    run = world.a_succeeded_run(result=a_result(ran=None, review=None))
    result = owner.get(f"/v1/segmentations/{run.id}").json()["result"]
    assert result["ran"] is result["review"] is None


def test_a_failed_run_tells_why(world: World, owner: Client) -> None:
    run = world.a_run(status=SegmentationStatus.FAILED)
    body = owner.get(f"/v1/segmentations/{run.id}").json()
    assert body["failure"] == {
        "code": "undecodable-image",
        "detail": "The file ends in the middle of its first strip",
    }
    assert body["links"] is None
    assert body["result"] is None


def test_a_waiting_run_tells_its_place_without_inventing_a_wait(world: World, owner: Client) -> None:
    world.a_run(status=SegmentationStatus.QUEUED)
    world.a_run(status=SegmentationStatus.RUNNING)
    run = world.a_run(status=SegmentationStatus.QUEUED)
    wait = owner.get(f"/v1/segmentations/{run.id}").json()["wait"]
    assert wait == {
        "position": 2,
        "running": 1,
        "estimated_wait_s": None,
        "reason": "1 run before it; no run ended within the last 10 min, so that no rate is known",
    }


def test_a_wait_is_estimated_from_the_measured_rate(world: World, owner: Client) -> None:
    world.clock.moment = NOW + timedelta(minutes=1)
    world.a_succeeded_run()  # took 2 s
    world.a_run(status=SegmentationStatus.RUNNING)
    for _ in range(3):
        world.a_run(status=SegmentationStatus.QUEUED)
    urgent = replace(an_order(), priority=Priority.HIGH)
    first = world.a_run(status=SegmentationStatus.QUEUED, order=urgent)
    last = world.a_run(status=SegmentationStatus.QUEUED)
    assert owner.get(f"/v1/segmentations/{first.id}").json()["wait"]["position"] == 1
    wait = owner.get(f"/v1/segmentations/{last.id}").json()["wait"]
    assert (wait["position"], wait["estimated_wait_s"]) == (5, 8.0)
    assert wait["reason"] == "4 runs before it, 1 running side by side, 2.0 s each over the last 10 min"


@pytest.mark.parametrize("status", [SegmentationStatus.QUEUED, SegmentationStatus.RUNNING])
def test_an_unfinished_run_can_be_cancelled(world: World, owner: Client, status: SegmentationStatus) -> None:
    run = world.a_run(status=status)
    answer = owner.post(f"/v1/segmentations/{run.id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert [update.status for update in world.updates.published] == [SegmentationStatus.CANCELLED]
    assert owner.post(f"/v1/segmentations/{run.id}/cancel").json() == answer.json()


def test_a_finished_run_cannot_be_cancelled(world: World, owner: Client) -> None:
    run = world.a_succeeded_run()
    answer = owner.post(f"/v1/segmentations/{run.id}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal-move")
    assert world.segmentations.rows[run.id] == run


def test_the_queue_is_shown_with_its_measured_rate(world: World, owner: Client) -> None:
    world.clock.moment = NOW + timedelta(minutes=1)
    assert owner.get("/v1/queue").json() == {
        "queued": 0,
        "running": 0,
        "finished_recently": 0,
        "window_s": 600.0,
        "seconds_per_run": None,
        "estimated_wait_s": None,
        "reason": "0 runs waiting; no run ended within the last 10 min, so that no rate is known",
    }
    world.a_succeeded_run()
    world.a_run(status=SegmentationStatus.QUEUED)
    body = owner.get("/v1/queue").json()
    assert (body["queued"], body["seconds_per_run"], body["estimated_wait_s"]) == (1, 2.0, 2.0)
    assert "none running now, one assumed" in body["reason"]
