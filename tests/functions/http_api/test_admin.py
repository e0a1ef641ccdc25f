"""Administration: what administrators see and do, and that to others it is not there."""

from datetime import timedelta
from typing import Any

import pytest

from http_api.app import described
from spheroseg.domain.account import DEFAULT_QUOTA_BYTES, DEFAULT_QUOTA_IMAGES
from spheroseg.domain.administration import DeadLetter, Person, QueueName
from tests.builders import NOW, OWNER, STRANGER
from tests.functions.http_api.world import Client, World

ADMIN = "6f1c1d1e-0000-4000-8000-0000000000ad"
LETTER = DeadLetter("letter-1", QueueName.PROJECT_WORK, '{"job_id":"x"}', NOW, 3, "correlation")


@pytest.fixture
def world(world: World) -> World:
    for number, (user_id, email) in enumerate({OWNER: "ada@example.com", STRANGER: "bo@example.com"}.items()):
        at = NOW + timedelta(days=number)
        world.directory.people[user_id] = Person(user_id, email, True, "CONFIRMED", False, at)
    world.letters.dead[QueueName.PROJECT_WORK] = [LETTER]
    return world


@pytest.fixture
def admin(world: World) -> Client:
    return world.as_(ADMIN, **{"cognito:groups": "[admin others]"})


def test_users_are_listed_found_and_shown_with_what_they_keep(world: World, admin: Client) -> None:
    world.an_image()
    first = admin.get("/v1/admin/users", params={"limit": 1}).json()
    second = admin.get("/v1/admin/users", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [it["email"] for it in [*first["items"], *second["items"]]] == ["ada@example.com", "bo@example.com"]
    assert second["next_cursor"] is None
    (found,) = admin.get("/v1/admin/users", params={"search": "ad"}).json()["items"]
    assert (found["usage"]["stored_images"], found["quota_version"]) == (1, 0)
    assert admin.get(f"/v1/admin/users/{OWNER}").json() == found
    for path, code in (("users/nobody", "user-not-found"), ("users?cursor=rubbish", "invalid-cursor")):
        assert admin.get(f"/v1/admin/{path}").json()["code"] == code


def test_a_quota_is_changed_in_versions_and_it_is_known_who_did(world: World, admin: Client) -> None:
    path = f"/v1/admin/users/{OWNER}/quota"
    tag = admin.get(f"/v1/admin/users/{OWNER}").headers["ETag"]
    changed = admin.request("PATCH", path, json={"quota_bytes": 5}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["usage"]["quota_bytes"]) == (200, 5)
    assert changed.json()["usage"]["quota_images"] == DEFAULT_QUOTA_IMAGES
    refused = admin.request("PATCH", path, json={"quota_bytes": 6}, headers={"If-Match": tag})
    assert (refused.status_code, refused.json()["code"]) == (412, "version-mismatch")
    project = world.a_project()
    files = {"files": [{"name": "a.tif", "size_bytes": 6}]}
    answer = world.as_(OWNER).post(f"/v1/projects/{project.id}/images", json=files)
    assert answer.json()["code"] == "quota-exceeded"
    again = admin.request("PATCH", path, json={"quota_bytes": None, "quota_images": 7}).json()
    assert (again["usage"]["quota_bytes"], again["usage"]["quota_images"]) == (DEFAULT_QUOTA_BYTES, 7)
    latest, first = admin.get("/v1/admin/actions").json()["items"]
    assert (first["admin_id"], first["subject"], first["action"]) == (ADMIN, OWNER, "change_quota")
    assert first["details"] == {"size_bytes": 5, "images": None, "version": 1}
    assert latest["details"] == {"size_bytes": None, "images": 7, "version": 2}
    assert admin.request("PATCH", path, json={"quota_bytes": -1}).status_code == 422


def test_queues_and_dead_letters_are_seen_retried_and_discarded(world: World, admin: Client) -> None:
    world.deeds.waiting[QueueName.PROJECT_WORK] = world.clock.now() - timedelta(seconds=90)
    queues = {it["name"]: it for it in admin.get("/v1/admin/queues").json()["items"]}
    assert set(queues) == set(QueueName)
    assert queues["project-work"]["dead_letters"] == {"waiting": 1, "lent": 0}
    assert (queues["project-work"]["oldest_age_s"], queues["updates"]["oldest_age_s"]) == (90, None)
    letters = "/v1/admin/queues/project-work/dead-letters"
    (seen,) = admin.get(letters).json()["items"]
    assert (seen["body"], seen["correlation_id"], seen["receive_count"]) == (LETTER.body, "correlation", 4)
    assert admin.post(f"{letters}/letter-1/retry").json()["id"] == "letter-1"
    assert world.letters.sent == [(QueueName.PROJECT_WORK, LETTER.body, "correlation")]
    assert admin.post(f"{letters}/letter-1/retry").json()["code"] == "dead-letter-not-found"
    world.letters.dead[QueueName.PROJECT_WORK] = [LETTER]
    assert admin.delete(f"{letters}/letter-1").status_code == 200
    assert admin.get(letters).json()["items"] == []
    assert [it["action"] for it in admin.get("/v1/admin/actions").json()["items"]] == [
        "discard_dead_letter",
        "retry_dead_letter",
    ]
    assert admin.get("/v1/admin/queues/nothing/dead-letters").status_code == 422


def test_the_graph_says_and_does_the_same(world: World, admin: Client) -> None:
    query = """mutation ($id: String!) { retryDeadLetter(queue: PROJECT_WORK, letterId: "letter-1") { body }
        changeQuota(userId: $id, input: {quotaImages: 3}) { usage { quotaImages } quotaVersion } }"""
    data = admin.post("/graphql", json={"query": query, "variables": {"id": OWNER}}).json()["data"]
    assert data["changeQuota"] == {"usage": {"quotaImages": 3}, "quotaVersion": 1}
    query = """{ users(search: "ada") { items { email usage { leftImages } } nextCursor } queues { name oldestAgeS }
        adminActions { action adminId details } deadLetters(queue: PROJECT_WORK) { id } }"""
    data = admin.post("/graphql", json={"query": query}).json()["data"]
    assert data["users"]["items"] == [{"email": "ada@example.com", "usage": {"leftImages": 3}}]
    assert {it["adminId"] for it in data["adminActions"]} == {ADMIN}
    assert (len(data["queues"]), data["deadLetters"]) == (len(QueueName), [])


@pytest.mark.parametrize(
    "groups",
    [{}, {"cognito:groups": "[administrators]"}, {"cognito:groups": ["users"]}, {"cognito:groups": 7}],
    ids=str,
)
def test_to_others_every_route_is_as_one_that_does_not_exist(world: World, groups: dict[str, Any]) -> None:
    person = world.as_(OWNER, **groups)
    before = world.state()
    paths = described(has_sign_in=True).openapi()["paths"]
    routes = [(method, path) for path, item in paths.items() if "/admin/" in path for method in item]
    assert len(routes) == 8
    for method, template in routes:
        path = template.format(user_id=STRANGER, queue="project-work", letter_id="letter-1")
        there = person.request(method.upper(), path, json={"rubbish": 1})
        absent = person.request(method.upper(), "/v1/absent", json={"rubbish": 1})
        assert there.status_code == absent.status_code == 404
        assert there.json() == {**absent.json(), "instance": path, "detail": f"There is nothing at {path}"}
        assert set(there.headers) == set(absent.headers)
    assert world.state() == before


@pytest.mark.parametrize("groups", ["[admin]", "admin", ["admin"]])
def test_the_group_is_read_however_the_gateway_writes_it(world: World, groups: object) -> None:
    assert world.as_(ADMIN, **{"cognito:groups": groups}).get("/v1/admin/queues").status_code == 200
