"""The way of one image, from the request to the push."""

import io
import json
from collections.abc import Callable
from uuid import UUID

import httpx
import numpy as np
import pytest
import tifffile
from PIL import Image
from shapely.geometry import shape
from websockets.sync.client import connect

from infra_cdk.local.cloud import LocalCloud
from spheroseg.domain.image import inbox_image_id
from tests.flow.api_user import ApiUser, eventually

pytestmark = pytest.mark.flow


def test_an_uploaded_file_becomes_outlines_and_measures(user: ApiUser, sample: bytes) -> None:
    image_id = user.upload(user.project(), "s03.png", sample)

    run = user.settled(image_id)

    assert run["status"] == "succeeded", run["failure"]
    assert run["result"]["spheroid_count"] > 1
    assert (run["result"]["width_px"], run["result"]["height_px"]) == Image.open(io.BytesIO(sample)).size
    assert run["result"]["pixel_size_um"] is None
    assert 0.5 < run["result"]["review"]["confidence"] <= 1
    assert set(run["result"]["stages_s"]) == {"download", "decode", "model", "outlines", "store"}

    ran, card = run["result"]["ran"], user.get(f"/models/{run['model']}")
    assert (ran["model"], ran["model_version"]) == (run["model"], run["model_version"]) == ("fast", card["version"])
    assert ran["sha256"] in {
        file["sha256"] for file in [card, *card["variants"]] if file["precision"] == ran["precision"]
    }

    auto = user.post(f"/images/{image_id}/segmentations", {"model": "auto"})
    ran = eventually(lambda: user.get(f"/segmentations/{auto['id']}")["result"])["ran"]
    assert f"{ran['model']}@{ran['model_version']}" in user.get("/models/auto")["chooses_between"]
    assert ran["reason"]

    links = user.get(f"/segmentations/{run['id']}")["links"]
    labels = tifffile.imread(io.BytesIO(httpx.get(links["labels"]).content))
    assert labels.dtype == np.uint16
    assert labels.max() == run["result"]["spheroid_count"]
    page = user.get(f"/segmentations/{run['id']}/spheroids?limit=200")
    assert len(page["items"]) == run["result"]["spheroid_count"]
    areas = np.bincount(labels.ravel())[1:]
    assert [spheroid["measures"]["area_px2"] for spheroid in page["items"]] == areas.tolist()
    assert all(spheroid["measures_um"] is None for spheroid in page["items"])

    geojson = httpx.get(links["outlines"]).json()
    assert geojson == json.loads(user.request("GET", f"/segmentations/{run['id']}/spheroids.geojson").content)
    assert [shape(feature["geometry"]).area for feature in geojson["features"]] == areas.tolist()
    assert Image.open(io.BytesIO(httpx.get(links["preview"]).content)).format == "JPEG"


def test_the_pixel_size_of_the_user_goes_before_that_of_the_project(user: ApiUser, sample: bytes) -> None:
    project_id = user.project(pixel_size_um=2.0)
    body = {"files": [{"name": "a.png", "pixel_size_um": 0.5}, {"name": "b.png"}]}
    announced = user.post(f"/projects/{project_id}/images", body)["items"]
    for item in announced:
        user.send(item, sample)

    results = [user.settled(item["id"])["result"] for item in announced]

    assert [(result["pixel_size_um"], result["pixel_size_source"]) for result in results] == [
        (0.5, "user"),
        (2.0, "project"),
    ]


def test_the_page_chosen_is_the_page_segmented(user: ApiUser, sample: bytes) -> None:
    pixels = np.asarray(Image.open(io.BytesIO(sample)).convert("L"))
    pages = np.stack([pixels, np.rot90(pixels)])
    stack = io.BytesIO()
    tifffile.imwrite(stack, pages, imagej=True, metadata={"axes": "TYX"})
    image_id = user.upload(user.project(), "stack.tif", stack.getvalue(), parameters={"page": 2})
    second = user.settled(image_id)
    assert second["status"] == "succeeded", second["failure"]

    assert user.get(f"/images/{image_id}")["pages"] == {"count": 2, "axes": "T", "sizes": [2]}
    both = user.post(f"/images/{image_id}/page-segmentations", {"pages": "all"})["items"]
    assert [run["parameters"]["page"] for run in both] == [1, 2]
    assert (both[1]["id"], both[1]["status"]) == (second["id"], "succeeded")

    third = user.post(f"/images/{image_id}/segmentations", {"parameters": {"page": 3}})
    assert third["id"] != second["id"]

    def failed() -> dict[str, dict[str, str]] | None:
        seen: dict[str, dict[str, str]] = user.get(f"/segmentations/{third['id']}")
        return seen if str(seen["status"]) == "failed" else None

    assert eventually(failed)["failure"] == {
        "code": "page-not-found",
        "detail": "The file has 2 pages, page 3 was asked for",
    }


def test_a_plain_upload_to_the_inbox_is_segmented(cloud: LocalCloud, user: ApiUser, sample: bytes) -> None:
    project_id = user.project("Inbox")
    s3 = cloud.clients.s3
    key = f"inbox/{project_id}/plate 1/žluť A1.png"
    etag = s3.put_object(Bucket=cloud.outputs["BucketName"], Key=key, Body=sample)["ETag"].strip('"')
    image_id = str(inbox_image_id(UUID(project_id), key, etag))

    def arrived() -> str | None:
        response = user.request("GET", f"/images/{image_id}")
        return image_id if response.status_code == 200 else None

    eventually(arrived)
    assert user.settled(image_id)["status"] == "succeeded"
    assert user.get(f"/images/{image_id}")["name"] == "plate 1/žluť A1.png"
    assert s3.list_objects_v2(Bucket=cloud.outputs["BucketName"], Prefix=f"inbox/{project_id}/")["KeyCount"] == 0


def test_changes_are_pushed_to_who_watches_and_nobody_else(
    cloud: LocalCloud, user: ApiUser, stranger: ApiUser, sample: bytes
) -> None:
    def ticket(somebody: ApiUser) -> str:
        answer = somebody.post("/socket-tickets")
        return str(answer["url"])

    with connect(ticket(user)) as own, connect(ticket(stranger)) as foreign:
        image_id = user.upload(user.project(), "a.png", sample)
        statuses: list[str] = []
        while not statuses or statuses[-1] not in {"succeeded", "failed"}:
            update = json.loads(own.recv(timeout=30))
            if update["image_id"] == image_id:
                statuses.append(update["status"])
        with pytest.raises(TimeoutError):
            foreign.recv(timeout=1)

    assert statuses == ["running", "succeeded"]


def test_a_result_is_seen_at_once_by_who_wrote_it(user: ApiUser) -> None:
    for number in range(20):
        project_id = user.project(f"Project {number}")
        assert user.get(f"/projects/{project_id}")["name"] == f"Project {number}"
        assert user.get("/projects?limit=1")["items"][0]["id"] == project_id


def test_a_deleted_image_leaves_nothing(cloud: LocalCloud, user: ApiUser, sample: bytes) -> None:
    image_id = user.upload(user.project(), "a.png", sample)
    run = user.settled(image_id)
    links = user.get(f"/segmentations/{run['id']}")["links"]

    assert user.request("DELETE", f"/images/{image_id}").status_code == 204

    assert user.request("GET", f"/images/{image_id}").status_code == 404
    assert user.request("GET", f"/segmentations/{run['id']}").status_code == 404
    assert httpx.get(links["labels"]).status_code == 404
    objects = cloud.clients.s3.list_objects_v2
    bucket = cloud.outputs["BucketName"]
    assert objects(Bucket=bucket, Prefix=f"originals/{image_id}")["KeyCount"] == 0
    assert objects(Bucket=bucket, Prefix=f"results/{run['id']}")["KeyCount"] == 0


def test_many_files_announced_at_once_all_arrive(user: ApiUser, sample: bytes) -> None:
    project_id = user.project()
    announced = user.announce(project_id, [f"{number}.png" for number in range(12)], priority="low")
    for item in announced:
        user.send(item, sample)

    runs = [user.settled(item["id"]) for item in announced]

    assert {run["status"] for run in runs} == {"succeeded"}
    assert len({run["result"]["spheroid_count"] for run in runs}) == 1
    listed = user.get(f"/projects/{project_id}/images?limit=5")
    assert (len(listed["items"]), listed["next_cursor"] is None) == (5, False)


def test_an_announcement_of_a_thousand_files_is_taken(user: ApiUser) -> None:
    announced = user.announce(user.project(), [f"{number}.png" for number in range(1000)], [10_000] * 1000)
    assert len({item["id"] for item in announced}) == 1000


def test_a_presigned_form_takes_no_other_key_and_no_larger_file(user: ApiUser) -> None:
    body = {"files": [{"name": "a.png", "size_bytes": 10}]}
    (announced,) = user.post(f"/projects/{user.project()}/images", body)["items"]

    assert user.send(announced, b"more than ten bytes").status_code == 400
    fields = announced["upload"]["fields"] | {"key": "originals/another"}
    other = httpx.post(announced["upload"]["url"], data=fields, files={"file": b"ten bytes"})
    assert other.status_code == 403


def test_health_tells_what_answers(cloud: LocalCloud) -> None:
    for path in ("/health", "/health/live", "/health/ready"):
        assert httpx.get(f"{cloud.api_url}{path}").status_code == 200
    detailed = httpx.get(f"{cloud.api_url}/health/detailed")
    assert detailed.status_code == 200
    assert "password" not in detailed.text


def test_the_docs_page_works_without_the_internet(cloud: LocalCloud) -> None:
    page = httpx.get(f"{cloud.api_url}/docs", follow_redirects=True)
    assert page.status_code == 200
    assert "https://" not in page.text
    assert httpx.get(f"{cloud.api_url}/openapi.json").json()["openapi"].startswith("3.1")


def test_two_users_at_once_do_not_disturb_one_another(sign_up: Callable[[], ApiUser], sample: bytes) -> None:
    first, second = sign_up(), sign_up()
    ids = [(somebody, somebody.upload(somebody.project(), "a.png", sample)) for somebody in (first, second)]
    assert [somebody.settled(image_id)["status"] for somebody, image_id in ids] == ["succeeded", "succeeded"]
