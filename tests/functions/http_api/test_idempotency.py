"""Requests that come again under an idempotency key."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import pytest

from http_api.app import described
from http_api.idempotency import HEADER, REPLAYED
from spheroseg.domain.access import Role
from spheroseg.errors import DatabaseUnavailableError, QueueUnavailableError
from spheroseg.ports import KeptAnswer
from tests.api_document import document_in_full
from tests.builders import OWNER, STRANGER
from tests.functions.http_api.world import Client, World

KEY = {HEADER: "0198c0de-0000-7000-8000-0000000000aa"}
DAY_7 = {"name": "Day 7"}


def kept(world: World) -> list[KeptAnswer]:
    return list(world.kept_answers.rows.values())


def test_a_repeat_gets_the_first_answer_and_does_nothing(world: World, owner: Client) -> None:
    first = owner.post("/v1/projects", json=DAY_7, headers=KEY)
    world.position = "0/FFFFFFF"
    again = owner.post("/v1/projects", json=DAY_7, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    own = {"x-correlation-id", "idempotent-replayed"}
    assert {n: v for n, v in again.headers.items() if n not in own} == {
        n: v for n, v in first.headers.items() if n not in own
    }
    assert again.headers["Spheroseg-Position"] == "0/16B3748"
    assert (again.headers[REPLAYED], REPLAYED in first.headers) == ("true", False)
    assert len(world.projects.rows) == 1
    assert [(each.route, each.is_replayed) for each in world.answered] == [
        ("/v1/projects", False),
        ("/v1/projects", True),
    ]


def test_another_request_under_the_same_key_is_refused(world: World, owner: Client) -> None:
    owner.post("/v1/projects", json=DAY_7, headers=KEY)
    for other in ({"json": {"name": "Day 8"}}, {"content": b"{"}, {"json": DAY_7, "params": {"x": "1"}}):
        answer = owner.post("/v1/projects", headers=KEY, **other)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
    assert len(world.projects.rows) == 1


def test_keys_are_each_persons_and_each_paths_own(world: World, owner: Client) -> None:
    mine, yours = world.a_project(), world.a_project(owner_id=STRANGER)
    assert owner.post(f"/v1/projects/{mine.id}/archive", headers=KEY).status_code == 200
    assert owner.post(f"/v1/projects/{mine.id}/unarchive", headers=KEY).status_code == 200
    answer = world.as_(STRANGER).post(f"/v1/projects/{yours.id}/archive", headers=KEY)
    assert (answer.json()["id"], REPLAYED in answer.headers) == (str(yours.id), False)
    foreign = world.as_(STRANGER).post(f"/v1/projects/{mine.id}/archive", headers=KEY)
    assert foreign.status_code == 404
    assert len({answer.key for answer in kept(world)}) == 3


def test_what_was_refused_may_be_asked_again(world: World, owner: Client) -> None:
    project = world.a_project()
    path = f"/v1/projects/{project.id}/transfer"
    refused = owner.post(path, json={"user_id": STRANGER}, headers=KEY)
    assert (refused.json()["code"], kept(world)) == ("member-not-found", [])
    world.projects.members[project.id, STRANGER] = Role.EDITOR
    assert owner.post(path, json={"user_id": STRANGER}, headers=KEY).status_code == 200
    nobody = world.as_(None).post("/v1/projects", json=DAY_7, headers=KEY)
    assert (nobody.status_code, len(kept(world))) == (401, 1)


def test_what_failed_is_done_again(world: World, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    image = world.an_image()
    path = f"/v1/images/{image.id}/segmentations"
    send = world.queue.send

    def down(requests: Any) -> None:
        raise QueueUnavailableError("The queue does not answer")

    def broken(requests: Any) -> None:
        raise ZeroDivisionError

    for fault, status in ((down, 503), (broken, 500)):
        monkeypatch.setattr(world.queue, "send", fault)
        assert owner.post(path, json={}, headers=KEY).status_code == status
        assert kept(world) == []
    monkeypatch.setattr(world.queue, "send", send)
    assert owner.post(path, json={}, headers=KEY).status_code == 202
    assert owner.post(path, json={}, headers=KEY).headers[REPLAYED] == "true"


def test_a_request_that_is_under_way_is_told_so(world: World, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    add = world.projects.add
    met = []

    def meets_its_repeat(project: Any) -> None:
        with ThreadPoolExecutor(1) as pool:
            met.append(pool.submit(in_a_thread, world, KEY).result())
        add(project)

    monkeypatch.setattr(world.projects, "add", meets_its_repeat)
    first = owner.post("/v1/projects", json=DAY_7, headers=KEY)
    assert first.status_code == 201
    assert (met[0].status_code, met[0].json()["code"]) == (409, "request-under-way")
    assert met[0].headers["Retry-After"] == "1"
    assert len(world.projects.rows) == 1


def in_a_thread(world: World, headers: dict[str, str]) -> httpx.Response:
    """One request on a loop of its own, as another Lambda would serve it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return world.as_(OWNER).post("/v1/projects", json=DAY_7, headers=headers)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_fifty_at_once_have_one_effect(world: World) -> None:
    _ = world.app  # made once, before the threads
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: in_a_thread(world, KEY), range(50)))
    assert len(world.projects.rows) == 1
    done = [answer for answer in answers if answer.status_code == 201]
    assert {answer.json()["id"] for answer in done} == {str(next(iter(world.projects.rows)))}
    assert sum(REPLAYED not in answer.headers for answer in done) == 1
    others = [answer for answer in answers if answer.status_code != 201]
    assert {(answer.status_code, answer.json()["code"]) for answer in others} <= {(409, "request-under-way")}


def test_what_is_kept_cannot_be_read_without_the_key(world: World, owner: Client) -> None:
    project = world.a_project()
    answer = owner.post(f"/v1/projects/{project.id}/links", json={"role": "viewer"}, headers=KEY)
    token = answer.json()["token"]
    again = owner.post(f"/v1/projects/{project.id}/links", json={"role": "viewer"}, headers=KEY)
    assert again.json()["token"] == token
    assert len(world.sharing.rows) == 1
    assert token not in str(kept(world))
    assert KEY[HEADER] not in str(kept(world))


def test_mutations_of_the_graph_are_done_once(world: World, owner: Client) -> None:
    query = {"query": 'mutation { createProject(input: {name: "Day 7"}) { uuid } }'}
    first = owner.post("/graphql", json=query, headers=KEY).json()
    assert owner.post("/graphql", json=query, headers=KEY).json() == first
    assert [str(id_) for id_ in world.projects.rows] == [first["data"]["createProject"]["uuid"]]
    other = owner.post("/graphql", json={"query": "{ me { name } }"}, headers=KEY)
    assert other.json()["code"] == "idempotency-key-reused"


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 201])
def test_an_unfit_key_is_refused(world: World, owner: Client, key: str) -> None:
    answer = owner.post("/v1/projects", json=DAY_7, headers={HEADER: key.encode()})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert answer.json()["errors"][0]["field"] == HEADER
    assert world.projects.rows == {}


def test_without_the_database_nothing_is_begun(world: World, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any) -> None:
        raise DatabaseUnavailableError("The database does not answer")

    monkeypatch.setattr(world.kept_answers, "begin", down)
    answer = owner.post("/v1/projects", json=DAY_7, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (503, "database-unavailable")
    assert answer.headers["Retry-After"]
    assert world.projects.rows == {}
    monkeypatch.undo()
    monkeypatch.setattr(world.kept_answers, "finish", down)
    assert owner.post("/v1/projects", json=DAY_7, headers=KEY).status_code == 201
    assert [type(error) for error in world.unkept] == [DatabaseUnavailableError]


def test_other_methods_take_no_key(world: World, owner: Client) -> None:
    image = world.an_image()
    assert owner.delete(f"/v1/images/{image.id}", headers=KEY).status_code == 204
    assert owner.get("/v1/projects", headers=KEY).status_code == 200
    assert kept(world) == []


def test_every_post_but_sign_in_takes_a_key() -> None:
    """In the document; that they do is the middleware's, which knows no routes."""
    posts = {path: item["post"] for path, item in document_in_full()["paths"].items() if "post" in item}
    assert len(posts) > 20
    for path, post in posts.items():
        headers = [each["name"] for each in post.get("parameters", []) if each["in"] == "header"]
        if path.startswith("/v1/auth/"):
            assert HEADER not in headers, path
            continue
        assert headers.count(HEADER) == 1, path
        codes = {
            code
            for status in ("409", "422")
            for code in post["responses"][status]["content"]["application/problem+json"]["examples"]
        }
        assert {"request-under-way", "idempotency-key-reused"} <= codes, path


def test_a_body_above_the_limit_is_a_problem_on_every_route(world: World, owner: Client) -> None:
    """Whether the route reads it or not."""
    document = described(has_sign_in=True).openapi()
    writing = [
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if method in {"post", "patch", "put", "delete"}
    ]
    assert len(writing) > 30
    for method, path in writing:
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        for headers in ({}, KEY):
            address = path.format(**dict.fromkeys(names, UUID(int=7)))
            answer = owner.request(method, address, content=b"[" * 1_000_001, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large"), (method, path)
            assert answer.headers["Content-Type"] == "application/problem+json"
    assert kept(world) == []


def test_a_body_that_does_not_tell_its_length_is_read_up_to_the_limit(world: World, owner: Client) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(101):
            yield b"[" * 10_000

    for headers in ({}, KEY):
        answer = owner.post("/v1/projects", content=parts(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert kept(world) == []
