"""Many runs by one call over HTTP: start, cancel, retry, progress, compare."""

from datetime import timedelta
from uuid import UUID

import pytest

from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import Parameters, Priority, Segmentation, SegmentationStatus
from spheroseg.domain.spheroid import Polygon, Spheroid
from tests.builders import NOW, STRANGER, a_failure, a_result, a_spheroid, an_id, an_order, some_measures
from tests.functions.http_api.world import Client, World

PARAMETERS = {"threshold": 0.7, "min_diameter_px": 12, "holes": False, "out_of_focus": True}


@pytest.fixture
def project(world: World) -> Project:
    return world.a_project()


@pytest.fixture
def images(world: World, project: Project) -> list[Image]:
    return [world.an_image(project) for _ in range(3)]


def ids(images: list[Image]) -> list[str]:
    return [str(image.id) for image in images]


def runs_of(world: World, image: Image) -> list[Segmentation]:
    return sorted(
        (run for run in world.segmentations.rows.values() if run.image_id == image.id), key=lambda r: r.repeat
    )


def test_a_whole_project_is_started_by_one_call(
    world: World, owner: Client, project: Project, images: list[Image]
) -> None:
    waiting = world.an_image(project, status=ImageStatus.AWAITING_UPLOAD)
    answer = owner.post(
        f"/v1/projects/{project.id}/runs", json={"model": "other", "parameters": PARAMETERS, "priority": 9}
    )
    body = answer.json()
    assert (answer.status_code, body["images"], body["counts"]) == (202, 4, {"started": 3, "not_stored": 1})
    assert body["told"] == [{"image_id": str(waiting.id), "outcome": "not_stored", "segmentation_id": None}]
    for image in images:
        (run,) = runs_of(world, image)
        assert (run.order.model, run.order.priority, run.urgency) == ("other", Priority.HIGH, 9)
        assert run.order.parameters == Parameters(threshold=0.7, min_diameter_px=12, holes=False, out_of_focus=True)
        assert str(run.batch_id) == body["id"]
    assert len(world.queue.sent) == 3


def test_a_selection_tells_what_is_there_already(
    world: World, owner: Client, project: Project, images: list[Image]
) -> None:
    done, running, failed = images
    order = an_order()
    succeeded = world.a_run(done, status=SegmentationStatus.SUCCEEDED, order=order)
    active = world.a_run(running, status=SegmentationStatus.RUNNING, order=order)
    lost = world.a_run(failed, status=SegmentationStatus.FAILED, order=order)
    foreign, absent = world.an_image(), an_id()
    wanted = [*ids(images), str(foreign.id), str(absent)]
    body = owner.post(f"/v1/projects/{project.id}/runs", json={"image_ids": wanted}).json()
    assert body["counts"] == {"started": 1, "already_active": 1, "already_done": 1, "not_found": 2}
    told = {one["image_id"]: (one["outcome"], one["segmentation_id"]) for one in body["told"]}
    assert told == {
        str(done.id): ("already_done", str(succeeded.id)),
        str(running.id): ("already_active", str(active.id)),
        str(foreign.id): ("not_found", None),
        str(absent): ("not_found", None),
    }
    assert [(run.status, run.repeat) for run in runs_of(world, failed)] == [("failed", 0), ("queued", 1)]
    assert world.segmentations.get(lost.id) == lost

    again = owner.post(f"/v1/projects/{project.id}/runs", json={"image_ids": ids(images), "again": True}).json()
    assert again["counts"] == {"started": 1, "already_active": 2}
    assert [(run.status, run.repeat) for run in runs_of(world, done)] == [("succeeded", 0), ("queued", 1)]


def test_the_same_key_starts_once(world: World, owner: Client, project: Project, images: list[Image]) -> None:
    path, headers = f"/v1/projects/{project.id}/runs", {"Idempotency-Key": "plate-7"}
    first = owner.post(path, json={"image_ids": ids(images)[:2]}, headers=headers)
    before = world.state()
    again = owner.post(path, json={"image_ids": ids(images)[:2]}, headers=headers)
    assert (again.status_code, again.json()) == (202, first.json())
    assert world.state() == before
    other = owner.post(path, json={"image_ids": ids(images)}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert owner.post(path, json={}, headers={"Idempotency-Key": "an other"}).status_code == 422


def test_a_key_is_ones_own(world: World, owner: Client, project: Project, images: list[Image]) -> None:
    headers = {"Idempotency-Key": "1"}
    world.a_project(owner_id=STRANGER)
    mine = owner.post(f"/v1/projects/{project.id}/runs", json={}, headers=headers).json()
    elsewhere = owner.post(f"/v1/projects/{world.a_project().id}/runs", json={}, headers=headers).json()
    assert (mine["images"], elsewhere["images"]) == (len(images), 0)
    assert mine["id"] != elsewhere["id"]


@pytest.mark.parametrize(
    "body",
    [
        {"image_ids": []},
        {"image_ids": ["x"]},
        {"priority": 11},
        {"priority": -1},
        {"priority": "urgent"},
        {"parameters": {"threshold": 0.95}},
    ],
)
def test_wrong_orders_are_refused(owner: Client, project: Project, body: dict[str, object]) -> None:
    answer = owner.post(f"/v1/projects/{project.id}/runs", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


def test_more_than_ten_thousand_images_are_refused(owner: Client, project: Project) -> None:
    wanted = [str(UUID(int=number)) for number in range(10_001)]
    assert owner.post(f"/v1/projects/{project.id}/runs", json={"image_ids": wanted}).status_code == 422
    answer = owner.post(f"/v1/projects/{project.id}/runs", json={"image_ids": wanted[:10_000]})
    assert answer.json()["counts"] == {"not_found": 10_000}
    assert len(answer.json()["told"]) == 1_000


def test_a_batch_is_cancelled_and_each_run_announced(
    world: World, owner: Client, project: Project, images: list[Image]
) -> None:
    first = owner.post(f"/v1/projects/{project.id}/runs", json={"image_ids": ids(images)[:2]}).json()
    owner.post(f"/v1/projects/{project.id}/runs", json={"image_ids": ids(images)[2:]})
    path = f"/v1/projects/{project.id}/runs/cancel"
    assert owner.post(path, json={"batch_id": first["id"]}).json() == {"cancelled": 2, "left": 0}
    assert [update.status for update in world.updates.published] == [SegmentationStatus.CANCELLED] * 2
    assert [runs_of(world, image)[0].status for image in images] == ["cancelled", "cancelled", "queued"]
    assert owner.post(path, json={}).json() == {"cancelled": 1, "left": 0}
    assert owner.post(path, json={}).json() == {"cancelled": 0, "left": 0}
    both = owner.post(path, json={"batch_id": first["id"], "image_ids": ids(images)})
    assert both.status_code == 422


def test_failed_runs_are_retried_and_stay_in_the_history(
    world: World, owner: Client, project: Project, images: list[Image]
) -> None:
    failed = world.a_run(images[0], status=SegmentationStatus.FAILED, urgency=8)
    world.a_run(images[1], status=SegmentationStatus.SUCCEEDED)
    path = f"/v1/projects/{project.id}/runs/retry"
    world.clock.moment = NOW + timedelta(hours=1)
    headers = {"Idempotency-Key": "once"}
    body = owner.post(path, json={}, headers=headers).json()
    assert body["counts"] == {"started": 1}
    assert owner.post(path, json={}, headers=headers).json() == body
    _, again = runs_of(world, images[0])
    assert (again.order, again.urgency, again.status) == (failed.order, 8, SegmentationStatus.QUEUED)
    assert owner.post(path, json={}).json()["counts"] == {}
    listed = owner.get(f"/v1/images/{images[0].id}/segmentations").json()["items"]
    assert [(run["id"], run["status"]) for run in listed] == [(str(again.id), "queued"), (str(failed.id), "failed")]
    assert listed[1]["failure"] is not None


def test_progress_is_counted_and_its_end_estimated(
    world: World, owner: Client, project: Project, images: list[Image]
) -> None:
    path = f"/v1/projects/{project.id}/runs/progress"
    assert owner.get(path).json() == {
        "total": 0,
        "ended": 0,
        "counts": {},
        "in_turn": 0,
        "estimated_s": 0.0,
        "reason": "there are none",
    }
    batch = owner.post(f"/v1/projects/{project.id}/runs", json={}).json()
    unknown = owner.get(f"/v1/batches/{batch['id']}").json()["progress"]
    assert (unknown["total"], unknown["counts"], unknown["estimated_s"]) == (3, {"queued": 3}, None)
    assert unknown["reason"] == (
        "3 waiting and 0 running, 0 of others before the last of them; no run ended within the last 10 min, "
        "so that no rate is known"
    )
    other = world.an_image(world.a_project(owner_id=STRANGER))
    for model in ("a", "b"):
        world.a_run(other, status=SegmentationStatus.QUEUED, order=an_order(model=model), sent_at=NOW)
    for run in [runs_of(world, image)[0] for image in images][:2]:
        world.segmentations.rows[run.id] = run.started(NOW)
    run = runs_of(world, images[0])[0]
    end = NOW + timedelta(seconds=1.4)
    world.segmentations.rows[run.id] = run.failed(a_failure(), end)
    world.clock.moment = end
    known = owner.get(path).json()
    assert (known["ended"], known["counts"]) == (1, {"failed": 1, "running": 1, "queued": 1})
    assert known["estimated_s"] == pytest.approx((1 + 2 + 1) * 1.4)
    assert known["reason"] == (
        "1 waiting and 1 running, 2 of others before the last of them, 1 running side by side, "
        "1.4 s each over the last 10 min"
    )


def square(number: int, left: float, side: float) -> Spheroid:
    corners = ((left, 0.0), (left + side, 0.0), (left + side, side), (left, side))
    return a_spheroid(number, polygons=(Polygon(corners),))


def two_runs(world: World, **changes: object) -> tuple[Segmentation, Segmentation]:
    image = world.an_image()
    first = world.a_run(image, square(1, 0, 10), square(2, 50, 10), status=SegmentationStatus.SUCCEEDED)
    second = world.a_run(
        image,
        square(1, 80, 10),
        square(2, 2, 10),
        status=SegmentationStatus.SUCCEEDED,
        order=an_order(model="other"),
        **changes,
    )
    return first, second


def test_two_runs_are_compared(world: World, owner: Client) -> None:
    first, second = two_runs(world)
    body = owner.get(f"/v1/segmentations/{first.id}/comparison/{second.id}").json()
    assert body == {
        "first_id": str(first.id),
        "first_revision": 0,
        "second_revision": 0,
        "second_id": str(second.id),
        "threshold": 0.5,
        "mean_iou": pytest.approx(80 / 120),
        "matched": 1,
        "pairs": [{"first": 1, "second": 2, "iou": pytest.approx(80 / 120)}],
        "lost": [2],
        "added": [1],
    }
    strict = owner.get(f"/v1/segmentations/{first.id}/comparison/{second.id}?threshold=0.9").json()
    assert (strict["matched"], strict["mean_iou"], strict["lost"], strict["added"]) == (0, None, [1, 2], [1, 2])


def test_runs_are_compared_as_corrected_or_as_found(world: World, owner: Client) -> None:
    first, second = two_runs(world)
    removed = {"base": 0, "operations": [{"kind": "delete", "numbers": [1]}]}
    assert owner.post(f"/v1/segmentations/{second.id}/revisions", json=removed).status_code == 201
    path = f"/v1/segmentations/{first.id}/comparison/{second.id}"
    body = owner.get(path).json()
    assert (body["first_revision"], body["second_revision"], body["lost"], body["added"]) == (0, 1, [2], [])
    found = owner.get(f"{path}?other_revision=0").json()
    assert (found["second_revision"], found["lost"], found["added"]) == (0, [2], [1])
    assert owner.get(f"{path}?revision=1").json()["code"] == "revision-not-found"


def test_runs_that_cannot_be_compared_are_refused_with_a_reason(world: World, owner: Client) -> None:
    first, second = two_runs(world, result=a_result(width_px=100))
    elsewhere = world.a_succeeded_run()
    waiting = world.a_run(world.images.get(first.image_id), status=SegmentationStatus.QUEUED, order=an_order(model="w"))
    many, _ = two_runs(world)
    world.segmentations.found[many.id] = [a_spheroid(number) for number in range(1, 10_002)]
    long, other = two_runs(world)
    world.segmentations.found[long.id] = [a_spheroid(1, measures=some_measures(perimeter_with_holes_px=500_001.0))]
    for one, two, status, code in (
        (first, second, 422, "not-comparable"),
        (first, elsewhere, 422, "not-comparable"),
        (first, waiting, 409, "not-finished"),
        (many, many, 413, "comparison-too-large"),
        (long, other, 413, "comparison-too-large"),
    ):
        answer = owner.get(f"/v1/segmentations/{one.id}/comparison/{two.id}")
        assert (answer.status_code, answer.json()["code"]) == (status, code)
