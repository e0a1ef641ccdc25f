"""Errors over HTTP: their shape, their codes, and the pages that explain them."""

import json
from typing import Any

import pytest

from http_api.catalogue import CATALOGUE, status_of
from http_api.health import Part
from spheroseg import errors
from spheroseg.domain.project import Project
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    DatabaseUnavailableError,
    ModelUnusableError,
    NoSuchRouteError,
    SpherosegError,
    StaleRevisionError,
    StaleStateError,
)
from spheroseg.use_cases.create_project import CreateProject
from tests.functions.http_api.world import Client, World


def leaves(kind: type[SpherosegError] = SpherosegError) -> list[type[SpherosegError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))]


OWN = [error for error in leaves() if error.__module__.startswith(errors.__name__)]


@pytest.mark.parametrize("error", OWN, ids=lambda error: error.code)
def test_every_error_is_in_the_catalogue(error: type[SpherosegError]) -> None:
    entry = CATALOGUE[error.code]
    assert entry.status == status_of(error)
    assert entry.title
    assert entry.cause.endswith(".")
    assert entry.mend.endswith(".")


def test_codes_are_unique() -> None:
    codes = [error.code for error in OWN]
    assert len(set(codes)) == len(codes)


def raising(error: Exception) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("error", OWN, ids=lambda error: error.code)
def test_a_raised_error_becomes_its_problem(
    world: World, error: type[SpherosegError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CreateProject, "__call__", raising(error("What went wrong")))
    answer = world.as_().post("/v1/projects", json={"name": "a"})
    entry = CATALOGUE[error.code]
    assert answer.status_code == entry.status
    assert answer.headers["content-type"] == "application/problem+json"
    detail = {500: CATALOGUE["internal"].mend}.get(entry.status, "What went wrong")
    told = answer.json()
    if error is NoSuchRouteError:  # word for word what an absent address is answered
        detail = told["detail"]
    if error is StaleRevisionError:
        assert (told.pop("newest_revision"), told.pop("later")) == (0, [])
    assert told == {
        "type": f"/problems/{error.code}",
        "title": entry.title,
        "status": entry.status,
        "detail": detail,
        "instance": "/v1/projects",
        "code": error.code,
    }
    assert ("Retry-After" in answer.headers) is (entry.status == 503)


def test_what_was_not_foreseen_is_logged_and_not_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "postgresql://user:secret@host"
    monkeypatch.setattr(CreateProject, "__call__", raising(ZeroDivisionError(secret)))
    answer = world.as_().post("/v1/projects", json={"name": "a"}, headers={"X-Correlation-Id": "mine"})
    assert answer.status_code == 500
    assert secret not in answer.text
    assert "Zero" not in answer.text
    assert answer.json()["code"] == "internal"
    assert answer.headers["X-Correlation-Id"] == "mine"
    assert isinstance(world.answered[-1].error, ZeroDivisionError)


def test_an_unknown_route_is_a_problem(owner: Client) -> None:
    for path in ("/", "/v1", "/v2/projects", "/v1/projects/", "/docs/", "/docs/index.html", "/.env", "/v1/%2e%2e/x"):
        answer = owner.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "no-such-route"), path


def test_a_wrong_method_names_the_right_ones(owner: Client) -> None:
    answer = owner.request("PATCH", "/v1/projects")
    assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")
    assert "POST" in answer.headers["Allow"] or "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "malformed-body"),
        (b"\xff\xfe", 400, "malformed-body"),
        (b'{"name": "a"} trailing', 400, "malformed-body"),
        (b'{"name": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", 400, "malformed-body"),
        (b'{"name": ' + b"9" * 10_000 + b"}", 400, "malformed-body"),
        (b"", 422, "invalid-request"),
        (b"[]", 422, "invalid-request"),
        (b"null", 422, "invalid-request"),
        (b'"text"', 422, "invalid-request"),
    ],
    ids=["cut", "no UTF-8", "trailing", "deep", "long number", "empty", "list", "null", "text"],
)
def test_a_body_that_is_no_json_object_is_refused(
    world: World, owner: Client, content: bytes, status: int, code: str
) -> None:
    answer = owner.post("/v1/projects", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not world.projects.rows
    assert world.answered[-1].error is None


def test_a_body_of_another_type_is_refused(owner: Client) -> None:
    answer = owner.post("/v1/projects", content=b'{"name": "a"}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["errors"][0]["detail"]


def test_an_id_that_is_none_is_refused(owner: Client) -> None:
    answer = owner.get("/v1/images/1")
    assert answer.status_code == 422
    assert answer.json()["errors"][0] | {"detail": ""} == {"location": "path", "field": "image_id", "detail": ""}


def test_what_was_sent_is_not_repeated(owner: Client) -> None:
    answer = owner.post("/v1/auth/sign-in", json={"email": "nobody", "password": "hunter2", "pasword": "hunter3"})
    assert answer.status_code == 422
    assert "hunter" not in answer.text


def test_the_catalogue_can_be_read_by_programs_and_people(owner: Client) -> None:
    listed = owner.get("/problems").json()["items"]
    assert [item["code"] for item in listed] == sorted(CATALOGUE)
    for code in CATALOGUE:
        answer = owner.get(f"/problems/{code}")
        assert answer.json()["code"] == code
    page = owner.get("/problems/not-stored-yet", headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert "File not there yet" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    index = owner.get("/problems", headers={"Accept": "text/html"}).text
    assert 'href="problems/not-stored-yet"' in index


def test_an_unknown_code_is_not_found(owner: Client) -> None:
    answer = owner.get("/problems/%3Cscript%3E")
    assert (answer.status_code, answer.json()["code"]) == (404, "no-such-route")


@pytest.mark.parametrize("position", ["0", "0/G", "123456789/0", "0/0; DROP", "/"])
def test_a_position_that_is_none_is_refused(owner: Client, position: str) -> None:
    answer = owner.get("/v1/projects", headers={"Spheroseg-Read-After": position})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")


def test_a_position_reaches_the_repository(world: World, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    def page(_self: object, viewer: Viewer, *_: object, **__: object) -> list[Project]:
        seen.append(viewer.read_after)
        return []

    monkeypatch.setattr(type(world.projects), "page", page)
    owner.get("/v1/projects", headers={"Spheroseg-Read-After": "0/16B3748"})
    owner.get("/v1/projects")
    assert seen == ["0/16B3748", None]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("my-id_1.2=", "my-id_1.2="),
        ("a" * 64, "a" * 64),
        ("a" * 65, "request-of-the-gateway"),
        ("two words", "request-of-the-gateway"),
        ('"};{"', "request-of-the-gateway"),
        ("", "request-of-the-gateway"),
    ],
)
def test_a_sane_correlation_id_is_kept(owner: Client, sent: str, expected: str) -> None:
    assert owner.get("/health", headers={"X-Correlation-Id": sent}).headers["X-Correlation-Id"] == expected


def test_a_conflict_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = world.a_succeeded_run()
    monkeypatch.setattr(type(world.segmentations), "one", raising(StaleStateError("Changed")))
    assert world.as_().get(f"/v1/segmentations/{run.id}").status_code == 409


def test_health_is_alive_whatever_is_down(world: World) -> None:
    world.parts.append(Part("database_writer", raising(DatabaseUnavailableError("host db.internal is down"))))
    nobody = world.as_(None)
    for path in ("/health", "/health/live"):
        answer = nobody.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert answer.headers["Cache-Control"] == "no-store"


def test_ready_and_detailed_say_when_all_is_well(world: World) -> None:
    world.parts += [Part("database_writer", dict), Part("database_reader", lambda: {"lag_s": 0.25}, is_needed=False)]
    nobody = world.as_(None)
    assert nobody.get("/health/ready").json() == {"status": "ready"}
    answer = nobody.get("/health/detailed")
    assert answer.status_code == 200
    body = answer.json()
    durations = [part.pop("duration_s") for part in body["parts"]]
    assert all(0 <= duration < 1 for duration in durations)
    up = {"status": "up", "code": None}
    assert body == {
        "status": "ready",
        "stage": "test",
        "parts": [
            {"name": "database_writer", "is_needed": True, "figures": {}, **up},
            {"name": "database_reader", "is_needed": False, "figures": {"lag_s": 0.25}, **up},
        ],
    }


def test_what_is_needed_and_down_makes_it_not_ready(world: World) -> None:
    world.parts += [Part("bucket", dict), Part("database_writer", raising(DatabaseUnavailableError("db.internal")))]
    nobody = world.as_(None)
    ready, detailed = nobody.get("/health/ready"), nobody.get("/health/detailed")
    assert (ready.status_code, ready.json()) == (503, {"status": "not ready"})
    assert detailed.status_code == 503
    assert [(part["name"], part["status"], part["code"]) for part in detailed.json()["parts"]] == [
        ("bucket", "up", None),
        ("database_writer", "down", "database-unavailable"),
    ]
    assert "db.internal" not in json.dumps(detailed.json())


def test_what_can_be_done_without_does_not_make_it_not_ready(world: World) -> None:
    world.parts.append(Part("database_reader", raising(DatabaseUnavailableError("gone")), is_needed=False))
    nobody = world.as_(None)
    assert nobody.get("/health/ready").status_code == 200
    detailed = nobody.get("/health/detailed")
    assert (detailed.status_code, detailed.json()["parts"][0]["status"]) == (200, "down")


def test_an_error_of_a_worker_is_explained_too() -> None:
    assert CATALOGUE[ModelUnusableError.code].status == 503
