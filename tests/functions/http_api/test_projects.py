"""Projects over HTTP."""

from uuid import UUID

import pytest

from tests.builders import OWNER, STRANGER
from tests.functions.http_api.world import Client, World


def test_a_project_is_created_for_whoever_is_signed_in(world: World, owner: Client) -> None:
    answer = owner.post("/v1/projects", json={"name": "Day 7", "pixel_size_um": 0.65})
    assert answer.status_code == 201
    body = answer.json()
    assert body == {
        "id": body["id"],
        "name": "Day 7",
        "pixel_size_um": 0.65,
        "pixel_size_source": "project",
        "created_at": "2026-11-20T12:00:00Z",
        "role": "owner",
        "description": "",
        "tags": [],
        "version": 1,
        "updated_at": None,
        "archived_at": None,
    }
    assert world.projects.rows[UUID(body["id"])].owner_id == OWNER
    assert owner.get(f"/v1/projects/{body['id']}").json() == body


def test_only_what_is_left_away_comes_from_the_profile(world: World, owner: Client) -> None:
    owner.request("PATCH", "/v1/me", json={"pixel_size_um": 0.65})
    told: dict[str, dict[str, float | None]] = {
        "left away": {},
        "null": {"pixel_size_um": None},
        "said": {"pixel_size_um": 0.5},
    }
    sizes = {name: owner.post("/v1/projects", json={"name": name, **said}).json() for name, said in told.items()}
    assert {name: (it["pixel_size_um"], it["pixel_size_source"]) for name, it in sizes.items()} == {
        "left away": (0.65, "profile"),
        "null": (None, None),
        "said": (0.5, "project"),
    }
    for given, expected in ((", pixelSizeUm: null", (None, None)), ("", (0.65, "PROFILE"))):
        query = f'mutation {{ createProject(input: {{name: "a"{given}}}) {{ pixelSizeUm pixelSizeSource }} }}'
        made = owner.post("/graphql", json={"query": query}).json()["data"]["createProject"]
        assert (made["pixelSizeUm"], made["pixelSizeSource"]) == expected


def test_a_write_tells_where_the_database_was(world: World, owner: Client) -> None:
    assert owner.post("/v1/projects", json={"name": "a"}).headers["Spheroseg-Position"] == "0/16B3748"
    world.position = None
    assert "Spheroseg-Position" not in owner.post("/v1/projects", json={"name": "a"}).headers


def test_projects_are_listed_newest_first_page_by_page(world: World, owner: Client) -> None:
    made = [world.a_project(name=str(number)) for number in range(5)]
    world.a_project(owner_id=STRANGER)
    first = owner.get("/v1/projects", params={"limit": 2}).json()
    second = owner.get("/v1/projects", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    third = owner.get("/v1/projects", params={"limit": 2, "cursor": second["next_cursor"]}).json()
    listed = [item["name"] for page in (first, second, third) for item in page["items"]]
    assert listed == [project.name for project in reversed(made)]
    assert third["next_cursor"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": 7}, "name"),
        ({"name": "a", "pixel_size_um": 0}, "pixel_size_um"),
        ({"name": "a", "pixel_size_um": 1000.1}, "pixel_size_um"),
        ({"name": "a", "pixel_size_um": "wide"}, "pixel_size_um"),
        ({"name": "a", "owner_id": "somebody"}, "owner_id"),
    ],
)
def test_a_wrong_project_is_refused_with_the_field_that_is_wrong(
    world: World, owner: Client, body: dict[str, object], field: str
) -> None:
    answer = owner.post("/v1/projects", json=body)
    assert answer.status_code == 422
    assert [(error["location"], error["field"]) for error in answer.json()["errors"]] == [("body", field)]
    assert answer.json()["code"] == "invalid-request"
    assert not world.projects.rows


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_must_be_finite(owner: Client, number: str) -> None:
    content = f'{{"name": "a", "pixel_size_um": {number}}}'
    answer = owner.post("/v1/projects", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


def test_half_a_surrogate_pair_is_no_name(owner: Client) -> None:
    answer = owner.post("/v1/projects", content=b'{"name": "\\ud800"}', headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


def test_a_project_is_changed_in_what_is_sent_and_in_nothing_else(owner: Client) -> None:
    made = owner.post("/v1/projects", json={"name": "Day 7", "pixel_size_um": 0.65, "tags": ["a"]}).json()
    path = f"/v1/projects/{made['id']}"
    changed = owner.request("PATCH", path, json={"description": "two\nlines", "tags": ["b", "c"]})
    body = changed.json()
    assert body == made | {
        "description": "two\nlines",
        "tags": ["b", "c"],
        "version": 2,
        "updated_at": "2026-11-20T12:00:00Z",
    }
    assert changed.headers["ETag"] == '"2.owner"'
    assert owner.get(path).json() == body
    assert owner.request("PATCH", path, json={"pixel_size_um": None}).json()["pixel_size_um"] is None
    assert owner.request("PATCH", path, json={}).json()["version"] == 3
    assert [it["id"] for it in owner.get("/v1/projects?tag=c").json()["items"]] == [made["id"]]
    assert owner.get("/v1/projects?tag=a").json()["items"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "a" * 101},
        {"description": "a" * 1001},
        {"description": "\x00"},
        {"tags": [str(number) for number in range(11)]},
        {"tags": ["a", "a"]},
        {"tags": [""]},
        {"tags": ["a" * 51]},
        {"owner_id": "me"},
    ],
)
def test_what_does_not_fit_changes_nothing(world: World, owner: Client, change: dict[str, object]) -> None:
    project = world.a_project()
    answer = owner.request("PATCH", f"/v1/projects/{project.id}", json=change)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert world.projects.rows[project.id] == project


def test_who_has_the_present_version_is_told_so_without_a_body(world: World, owner: Client) -> None:
    path = f"/v1/projects/{world.a_project().id}"
    first = owner.get(path)
    assert (first.headers["ETag"], first.headers["Cache-Control"]) == ('"1.owner"', "private, no-cache")
    for known in ('"1.owner"', 'W/"1.owner"', '"9.owner", "1.owner"'):
        again = owner.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", '"1.owner"')
    for known in ('"2.owner"', '"1.viewer"', "rubbish"):
        assert owner.get(path, headers={"If-None-Match": known}).status_code == 200


def test_a_change_of_another_version_is_refused(world: World, owner: Client) -> None:
    project = world.a_project()
    path = f"/v1/projects/{project.id}"
    assert owner.request("PATCH", path, json={"name": "b"}, headers={"If-Match": '"1.owner"'}).status_code == 200
    for method, address in (("PATCH", path), ("POST", f"{path}/archive"), ("POST", f"{path}/unarchive")):
        for seen in ('"1.owner"', "rubbish"):
            answer = owner.request(method, address, json={"name": "c"}, headers={"If-Match": seen})
            assert (answer.status_code, answer.json()["code"]) == (412, "version-mismatch")
    assert world.projects.rows[project.id].name == "b"
    assert owner.request("PATCH", path, json={"name": "c"}, headers={"If-Match": "*"}).status_code == 200


def test_an_archived_project_is_taken_out_again(world: World, owner: Client) -> None:
    path = f"/v1/projects/{world.a_project().id}"
    first, second = owner.post(f"{path}/archive"), owner.post(f"{path}/archive")
    assert first.json()["archived_at"] == "2026-11-20T12:00:00Z"
    assert second.json() == first.json()
    assert owner.request("PATCH", path, json={"name": "b"}).json()["code"] == "project-archived"
    assert owner.get("/v1/projects?archived=false").json()["items"] == []
    assert owner.post(f"{path}/unarchive").json()["archived_at"] is None
    assert owner.request("PATCH", path, json={"name": "b"}).status_code == 200


def test_statistics_tell_where_the_images_are(world: World, owner: Client) -> None:
    run = world.a_succeeded_run()
    body = owner.get(f"/v1/projects/{run.project_id}/statistics").json()
    assert (body["images"]["completed"], body["spheroids"], body["size_bytes"]) == (1, 1, 2_000_000)
