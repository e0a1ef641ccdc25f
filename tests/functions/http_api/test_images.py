"""Images over HTTP: announce, complete, list, delete."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from spheroseg.domain.image import ImageStatus, original_key
from spheroseg.domain.segmentation import Parameters, Priority, SegmentationStatus, result_prefix
from tests.builders import NOW, STRANGER
from tests.functions.http_api.world import Client, World

FILE = {"name": "well A1.tif"}


def test_each_announced_file_becomes_an_image_with_a_form(world: World, owner: Client) -> None:
    project = world.a_project()
    files = [{"name": "žluť +.tif", "size_bytes": 12, "pixel_size_um": 0.65}, {"name": "b.png"}]
    answer = owner.post(f"/v1/projects/{project.id}/images", json={"files": files})
    assert answer.status_code == 201
    items = answer.json()["items"]
    assert [(item["name"], item["size_bytes"], item["pixel_size_um"]) for item in items] == [
        ("žluť +.tif", 12, 0.65),
        ("b.png", None, None),
    ]
    for item in items:
        assert item["status"] == "awaiting_upload"
        assert item["segmentation"] is None
        assert item["upload"]["fields"]["key"] == original_key(UUID(item["id"]))
        assert item["upload"]["expires_at"] == (NOW + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    assert items[0]["upload"]["fields"]["policy"] == "1 to 12 bytes"


def test_an_announced_file_carries_its_order_and_correlation_id(world: World, owner: Client) -> None:
    project = world.a_project()
    body = {
        "files": [FILE],
        "model": "other",
        "parameters": {"threshold": 0.3, "min_diameter_px": 20, "holes": False, "page": 2, "out_of_focus": True},
        "priority": "high",
    }
    answer = owner.post(f"/v1/projects/{project.id}/images", json=body, headers={"X-Correlation-Id": "batch-7"})
    image = world.images.rows[UUID(answer.json()["items"][0]["id"])]
    assert image.order.model == "other"
    assert image.order.model_version == "3"
    assert image.order.parameters == Parameters(
        threshold=0.3, min_diameter_px=20, holes=False, page=2, out_of_focus=True
    )
    assert image.order.priority is Priority.HIGH
    assert image.correlation_id == "batch-7"
    assert answer.headers["X-Correlation-Id"] == "batch-7"


def test_without_an_order_the_default_model_runs(world: World, owner: Client) -> None:
    answer = owner.post(f"/v1/projects/{world.a_project().id}/images", json={"files": [FILE]})
    order = world.images.rows[UUID(answer.json()["items"][0]["id"])].order
    assert (order.model, order.model_version) == ("spheroid-unet", "1")
    assert order.parameters == Parameters()
    assert order.priority is Priority.NORMAL


@pytest.mark.parametrize("changes", [{"model": "absent"}, {"model": "other", "model_version": "1"}])
def test_a_model_that_does_not_exist_is_not_found(world: World, owner: Client, changes: dict[str, str]) -> None:
    answer = owner.post(f"/v1/projects/{world.a_project().id}/images", json={"files": [FILE], **changes})
    assert (answer.status_code, answer.json()["code"]) == (404, "model-not-found")
    assert not world.images.rows


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "files"),
        ({"files": []}, "files"),
        ({"files": [FILE] * 1001}, "files"),
        ({"files": FILE}, "files"),
        ({"files": [FILE, {"name": "a" * 256}]}, "files[1].name"),
        ({"files": [{"name": "a\tb"}]}, "files[0].name"),
        ({"files": [{"name": "a\u2028b"}]}, "files[0].name"),
        ({"files": [{"name": "a", "size_bytes": 0}]}, "files[0].size_bytes"),
        ({"files": [{"name": "a", "size_bytes": 5_000_000_001}]}, "files[0].size_bytes"),
        ({"files": [{"name": "a", "size_bytes": 1.5}]}, "files[0].size_bytes"),
        ({"files": [{"name": "a", "pixel_size_um": 0.0009}]}, "files[0].pixel_size_um"),
        ({"files": [{"name": "a", "path": "/etc"}]}, "files[0].path"),
        ({"files": [FILE], "parameters": {"threshold": 0.05}}, "parameters.threshold"),
        ({"files": [FILE], "parameters": {"threshold": 0.95}}, "parameters.threshold"),
        ({"files": [FILE], "parameters": {"min_diameter_px": 0}}, "parameters.min_diameter_px"),
        ({"files": [FILE], "parameters": {"page": 0}}, "parameters.page"),
        ({"files": [FILE], "parameters": {"min_area": 3}}, "parameters.min_area"),
        ({"files": [FILE], "priority": "urgent"}, "priority"),
    ],
)
def test_a_wrong_announcement_makes_no_image(world: World, owner: Client, body: dict[str, object], field: str) -> None:
    answer = owner.post(f"/v1/projects/{world.a_project().id}/images", json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not world.images.rows


def test_a_thousand_files_fit_into_one_request_and_one_answer(world: World, owner: Client) -> None:
    files = [{"name": f"{number:03}" + "ř" * 252, "size_bytes": 10} for number in range(1000)]
    answer = owner.post(f"/v1/projects/{world.a_project().id}/images", json={"files": files})
    assert answer.status_code == 201
    assert len(answer.json()["items"]) == 1000
    assert len(answer.content) < 3_000_000


def test_many_wrong_files_are_listed_up_to_a_limit(world: World, owner: Client) -> None:
    answer = owner.post(f"/v1/projects/{world.a_project().id}/images", json={"files": [{"name": ""}] * 1000})
    assert len(answer.json()["errors"]) == 50
    assert answer.json()["detail"].startswith("1000 things are wrong, the first: files[0].name")


def test_a_body_above_the_limit_is_refused(world: World, owner: Client) -> None:
    before = world.state()
    answer = owner.post("/v1/projects", content=b" " * 1_000_001, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert answer.headers["X-Correlation-Id"]
    assert world.state() == before


def test_completing_an_upload_queues_its_segmentation(world: World, owner: Client) -> None:
    image = world.an_image(status=ImageStatus.AWAITING_UPLOAD)
    world.store.put(original_key(image.id), b"pixels", "image/tiff")
    answer = owner.post(f"/v1/images/{image.id}/complete")
    assert answer.status_code == 200
    assert answer.json()["status"] == "stored"
    assert answer.json()["size_bytes"] == 6
    assert answer.json()["segmentation"]["status"] == "queued"
    assert [message.segmentation_id for _, message in world.queue.sent] == [UUID(answer.json()["segmentation"]["id"])]


def test_an_upload_may_be_completed_twice(world: World, owner: Client) -> None:
    image = world.an_image(status=ImageStatus.AWAITING_UPLOAD)
    world.store.put(original_key(image.id), b"pixels", "image/tiff")
    first = owner.post(f"/v1/images/{image.id}/complete")
    assert owner.post(f"/v1/images/{image.id}/complete").json() == first.json()
    assert len(world.segmentations.rows) == 1


def test_an_upload_that_has_not_arrived_cannot_be_completed(world: World, owner: Client) -> None:
    image = world.an_image(status=ImageStatus.AWAITING_UPLOAD)
    answer = owner.post(f"/v1/images/{image.id}/complete")
    assert (answer.status_code, answer.json()["code"]) == (409, "not-stored-yet")


def test_an_empty_upload_is_refused_with_its_reason(world: World, owner: Client) -> None:
    image = world.an_image(status=ImageStatus.AWAITING_UPLOAD)
    world.store.put(original_key(image.id), b"", "image/tiff")
    answer = owner.post(f"/v1/images/{image.id}/complete")
    assert answer.status_code == 200
    assert answer.json()["status"] == "refused"
    assert answer.json()["failure"]["code"] == "empty-upload"


def test_an_image_shows_its_latest_segmentation(world: World, owner: Client) -> None:
    run = world.a_succeeded_run()
    answer = owner.get(f"/v1/images/{run.image_id}")
    assert answer.status_code == 200
    assert answer.json()["segmentation"]["id"] == str(run.id)
    assert answer.json()["segmentation"]["result"]["spheroid_count"] == 1


def test_pages_of_images_stay_put_while_images_come(world: World, owner: Client) -> None:
    project = world.a_project()
    made = [world.an_image(project) for _ in range(7)]
    path, seen, cursor = f"/v1/projects/{project.id}/images", [], None
    while True:
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = owner.get(path, params=params).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        world.an_image(project)  # newer than all before, at the front of the list
        if cursor is None:
            break
    assert seen == [str(image.id) for image in reversed(made)]


@pytest.mark.parametrize("limit", ["0", "201", "many", "-1"])
def test_a_page_has_1_to_200_items(world: World, owner: Client, limit: str) -> None:
    answer = owner.get(f"/v1/projects/{world.a_project().id}/images", params={"limit": limit})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == "query"


@pytest.mark.parametrize("cursor", ["x", "", "AAAA", "!" * 10, "žluť", "A" * 201])
def test_a_cursor_that_no_list_gave_out_is_refused(world: World, owner: Client, cursor: str) -> None:
    answer = owner.get(f"/v1/projects/{world.a_project().id}/images", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["code"] in {"invalid-cursor", "invalid-request"}


def test_deleting_an_image_leaves_nothing(world: World, owner: Client) -> None:
    run = world.a_succeeded_run()
    world.store.put(result_prefix(run.id, 1) + "labels.tif", b"labels", "image/tiff")
    answer = owner.delete(f"/v1/images/{run.image_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Spheroseg-Position"]
    assert not world.store.objects
    assert not world.segmentations.rows
    assert owner.get(f"/v1/images/{run.image_id}").status_code == 404
    assert owner.delete(f"/v1/images/{run.image_id}").status_code == 404


def test_a_list_of_somebody_elses_images_is_not_found(world: World) -> None:
    project = world.a_project()
    world.an_image(project)
    stranger = world.as_(STRANGER)
    assert stranger.get(f"/v1/projects/{project.id}/images").status_code == 404
    assert stranger.get("/v1/projects").json()["items"] == []


def test_segmenting_again_makes_another_run(world: World, owner: Client) -> None:
    image = world.an_image()
    answer = owner.post(f"/v1/images/{image.id}/segmentations", json={"parameters": {"threshold": 0.7}})
    assert answer.status_code == 202
    assert answer.json()["status"] == "queued"
    assert answer.json()["parameters"] == {
        "threshold": 0.7,
        "min_diameter_px": None,
        "holes": True,
        "page": 1,
        "out_of_focus": False,
    }
    listed = owner.get(f"/v1/images/{image.id}/segmentations").json()["items"]
    assert [item["id"] for item in listed] == [answer.json()["id"]]
    assert len(world.queue.sent) == 1
    kept = owner.post(
        f"/v1/images/{image.id}/segmentations", json={"parameters": {"threshold": 0.7, "out_of_focus": True}}
    ).json()
    assert (kept["id"] != answer.json()["id"], kept["parameters"]["out_of_focus"]) == (True, True)


def test_the_same_run_again_is_the_one_that_exists(world: World, owner: Client) -> None:
    run = world.a_succeeded_run()
    answer = owner.post(f"/v1/images/{run.image_id}/segmentations", json={})
    assert answer.json()["id"] == str(run.id)
    assert answer.json()["status"] == "succeeded"
    assert not world.queue.sent


def test_another_run_follows_a_failed_one_when_it_is_asked_for_again(world: World, owner: Client) -> None:
    run = world.a_run(status=SegmentationStatus.FAILED)
    answer = owner.post(f"/v1/images/{run.image_id}/segmentations", json={"priority": "low"})
    assert answer.json()["status"] == "queued"
    assert world.queue.sent[0][0] is Priority.LOW
    listed = owner.get(f"/v1/images/{run.image_id}/segmentations").json()["items"]
    assert {(item["id"], item["status"]) for item in listed} == {
        (answer.json()["id"], "queued"),
        (str(run.id), "failed"),
    }


def test_an_image_without_its_file_cannot_be_segmented(world: World, owner: Client) -> None:
    image = world.an_image(status=ImageStatus.AWAITING_UPLOAD)
    answer = owner.post(f"/v1/images/{image.id}/segmentations", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "not-stored-yet")


def test_an_unknown_image_has_no_segmentations(owner: Client) -> None:
    assert owner.get(f"/v1/images/{uuid4()}/segmentations").status_code == 404
