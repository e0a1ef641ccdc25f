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
        "created_at": "2026-11-20T12:00:00Z",
        "role": "owner",
        "is_archived": False,
    }
    assert world.projects.rows[UUID(body["id"])].owner_id == OWNER
    assert owner.get(f"/v1/projects/{body['id']}").json() == body


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
