"""Lists of images over HTTP: filters, orders, cursors, fields, tags, compression."""

from datetime import timedelta
from uuid import UUID

import pytest

from spheroseg.domain.sample import Sample
from spheroseg.domain.segmentation import SegmentationStatus
from tests.builders import NOW
from tests.functions.http_api.world import Client, World


def names(client: Client, path: str, **params: str | int) -> list[str]:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


@pytest.fixture
def path(world: World) -> str:
    """The list of a project with three images."""
    project = world.a_project()
    for number, name in enumerate(("b.tif", "A.tif", "c.png")):
        image = world.an_image(
            project,
            name=name,
            size_bytes=10 * number,
            tags=("x",) if number else (),
            sample=Sample(well="B03"),
            created_at=NOW + timedelta(days=number),
        )
        if number == 1:
            world.a_run(image, status=SegmentationStatus.FAILED)
    return f"/v1/projects/{project.id}/images"


def test_filters_and_orders(owner: Client, path: str) -> None:
    assert names(owner, path) == ["c.png", "A.tif", "b.tif"]
    assert names(owner, path, sort="name") == ["A.tif", "b.tif", "c.png"]
    assert names(owner, path, sort="-size_bytes", name="TIF") == ["A.tif", "b.tif"]
    assert names(owner, path, status="failed") == ["A.tif"]
    assert names(owner, path, status="without_segmentation", tag="x", well="b3") == ["c.png"]
    assert names(owner, path, created_from="2026-11-21T00:00:00Z", created_before="2026-11-22T00:00:00Z") == ["A.tif"]
    assert names(owner, path, size_from=10, size_to=10) == ["A.tif"]


@pytest.mark.parametrize(
    "params",
    [
        {"status": "stored"},
        {"sort": "colour"},
        {"well": "Z99"},
        {"created_from": "2026-11-21T00:00:00"},
        {"size_from": -1},
        {"name": ""},
        {"name": "\0"},
        {"limit": 201},
    ],
    ids=str,
)
def test_what_cannot_be_asked_for_is_refused(owner: Client, path: str, params: dict[str, str | int]) -> None:
    answer = owner.get(path, params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


def test_a_cursor_goes_on_with_its_own_list_only(world: World, owner: Client, path: str) -> None:
    params = {"sort": "name", "limit": "2"}
    first = owner.get(path, params=params).json()
    cursor = first["next_cursor"]
    assert names(owner, path, **params, cursor=cursor) == ["c.png"]
    assert names(owner, path, sort="name", limit=1, cursor=cursor) == ["c.png"], "a page may have another length"
    assert owner.get(path, params={**params, "cursor": cursor}).json()["next_cursor"] is None
    other = f"/v1/projects/{world.a_project().id}/images"
    altered = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for wrong_path, wrong in (
        (path, {**params, "sort": "-name", "cursor": cursor}),
        (path, {**params, "tag": "x", "cursor": cursor}),
        (other, {**params, "cursor": cursor}),
        (path, {**params, "cursor": altered}),
        (path, {**params, "cursor": cursor[:-4]}),
        (path, {**params, "cursor": "é"}),
        (path, {**params, "cursor": ""}),
    ):
        answer = owner.get(wrong_path, params=wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-cursor")


def test_only_the_fields_that_are_asked_for_are_sent(owner: Client, path: str) -> None:
    page = owner.get(path, params={"fields": "name, status", "limit": 1}).json()
    assert page["items"] == [{"name": "c.png", "status": "stored"}]
    wrong = owner.get(path, params={"fields": "name,colour"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid-fields")
    assert "'colour'" in wrong.json()["detail"]


def test_what_has_not_changed_is_not_sent_again(world: World, owner: Client, path: str) -> None:
    answer = owner.get(path, params={"limit": 2})
    known = {"If-None-Match": answer.headers["ETag"]}
    assert answer.headers["Cache-Control"] == "private, no-cache"
    again = owner.get(path, params={"limit": 2}, headers=known)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", answer.headers["ETag"])
    assert owner.get(path, params={"limit": 2, "fields": "name"}, headers=known).status_code == 200
    assert owner.get(path, params={"limit": 1}, headers=known).status_code == 200
    image_id = answer.json()["items"][0]["id"]
    one = owner.get(f"/v1/images/{image_id}")
    known_one = {"If-None-Match": f'"other", W/{one.headers["ETag"]}'}
    assert owner.get(f"/v1/images/{image_id}", headers=known_one).status_code == 304
    owner.request("PATCH", f"/v1/images/{image_id}", json={"tags": ["new"]})
    assert owner.get(path, params={"limit": 2}, headers=known).status_code == 200
    assert owner.get(f"/v1/images/{image_id}", headers=known_one).status_code == 200
    known = {"If-None-Match": owner.get(path).headers["ETag"]}
    world.a_run(world.images.get(UUID(image_id)), status=SegmentationStatus.QUEUED)
    assert owner.get(path, headers=known).status_code == 200, "a run that got somewhere is a change"


@pytest.mark.parametrize("encoding", ["zstd", "br", "gzip"])
def test_answers_are_compressed_as_the_client_likes(owner: Client, path: str, encoding: str) -> None:
    plain = owner.get(path, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    packed = owner.get(path, headers={"Accept-Encoding": encoding})
    assert packed.headers["Content-Encoding"] == encoding
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert int(packed.headers.get("Content-Length", 0)) < len(plain.content)
