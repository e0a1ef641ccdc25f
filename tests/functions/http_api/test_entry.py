"""The entry, with events as gateways send them."""

import base64
import json
import sys
from collections.abc import Callable
from typing import Any, cast

import brotli  # type: ignore[import-untyped]
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from http_api.entry import Handler, create_handler
from spheroseg.observability import logger
from spheroseg.use_cases.create_project import CreateProject
from tests.builders import OWNER, STRANGER
from tests.events import RecordedContext, recorded
from tests.functions.http_api.world import World

CONTEXT = cast("LambdaContext", RecordedContext())


Printed = Callable[[], str]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Printed:
    """What was printed since the last call; the first call catches the logger, which keeps the stream of its import."""

    def read() -> str:
        monkeypatch.setattr(logger.registered_handler, "stream", sys.stdout)
        return capsys.readouterr().out

    return read


@pytest.fixture
def handler(world: World) -> Handler:
    return create_handler(world.use_cases())


def asked(handler: Handler, event: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
    answer = handler(event, CONTEXT)
    body = answer["body"]
    if answer["isBase64Encoded"]:
        body = base64.b64decode(body)
    if answer["headers"].get("content-encoding") == "br":  # as the recorded browser prefers
        body = brotli.decompress(body)
    is_json = "json" in answer["headers"]["content-type"]
    return answer["statusCode"], answer["headers"], json.loads(body) if is_json else body


def getting(path: str, *, signed_in: bool = True, headers: dict[str, str] | None = None) -> dict[str, Any]:
    event = recorded("http_api_aws")
    event |= {"rawPath": path, "rawQueryString": ""}
    event["requestContext"]["http"]["path"] = path
    event["headers"] |= headers or {}
    if not signed_in:
        del event["requestContext"]["authorizer"]
    return event


def test_a_request_of_aws_is_served(world: World, handler: Handler) -> None:
    mine = [world.a_project() for _ in range(3)]
    world.a_project(owner_id=STRANGER)
    status, headers, body = asked(handler, recorded("http_api_aws"))
    assert status == 200
    assert [item["id"] for item in body["items"]] == [str(project.id) for project in (mine[2], mine[1])]
    assert body["next_cursor"]
    assert headers["x-correlation-id"] == "JKJaXmPLvHcESHA="
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "private, no-store"


def test_a_request_of_the_emulator_is_served(world: World, handler: Handler) -> None:
    status, headers, body = asked(handler, recorded("http_api_emulator"))
    assert (status, body["name"]) == (201, "Day 7")
    assert next(iter(world.projects.rows.values())).owner_id == OWNER
    assert headers["spheroseg-position"] == "0/16B3748"
    assert headers["x-correlation-id"] == "6f1c1d1e-0000-4000-8000-0000000000ee"


def test_a_body_in_base64_is_read(world: World, handler: Handler) -> None:
    event = recorded("http_api_emulator")
    event |= {"body": base64.b64encode('{"name":"Žluť"}'.encode()).decode(), "isBase64Encoded": True}
    assert asked(handler, event)[2]["name"] == "Žluť"


@pytest.mark.parametrize("authorizer", [None, {}, {"jwt": None}, {"jwt": {"claims": None}}, {"jwt": {"claims": {}}}])
def test_a_request_that_no_authorizer_saw_is_nobodys(handler: Handler, authorizer: object) -> None:
    event = recorded("http_api_aws")
    event["requestContext"]["authorizer"] = authorizer
    status, headers, body = asked(handler, event)
    assert (status, body["code"]) == (401, "unauthenticated")
    assert headers["content-type"] == "application/problem+json"


def test_problems_and_geojson_travel_as_text(world: World, handler: Handler) -> None:
    run = world.a_succeeded_run()
    plain = {"accept-encoding": "identity"}
    answer = handler(getting(f"/v1/segmentations/{run.id}/spheroids.geojson", headers=plain), CONTEXT)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
    assert json.loads(answer["body"])["type"] == "FeatureCollection"
    assert handler(getting("/nothing"), CONTEXT)["isBase64Encoded"] is False


def test_pictures_travel_as_base64(handler: Handler) -> None:
    status, headers, body = asked(handler, getting("/docs/favicon-32x32.png", signed_in=False))
    assert (status, headers["content-type"]) == (200, "image/png")
    assert body.startswith(b"\x89PNG")


def test_the_largest_part_of_the_documentation_fits_into_an_answer(handler: Handler) -> None:
    answer = handler(getting("/docs/swagger-ui-bundle.js", signed_in=False), CONTEXT)
    assert len(json.dumps(answer)) < 6_000_000


def test_an_empty_answer_has_no_body(world: World, handler: Handler) -> None:
    image = world.an_image()
    event = getting(f"/v1/images/{image.id}")
    event["requestContext"]["http"]["method"] = "DELETE"
    answer = handler(event, CONTEXT)
    assert (answer["statusCode"], answer["body"]) == (204, "")


def lines(captured: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in captured.splitlines()]


def test_each_request_is_one_log_line_and_its_metrics(world: World, handler: Handler, printed: Printed) -> None:
    project = world.a_project(name="Secret of the lab")
    printed()
    handler(getting(f"/v1/projects/{project.id}", headers={"x-correlation-id": "mine"}), CONTEXT)
    out = printed()
    log, metrics = lines(out)
    assert log["message"] == "Request answered"
    assert (log["method"], log["route"], log["status"]) == ("GET", "/v1/projects/{project_id}", 200)
    assert log["project_id"] == str(project.id)
    assert log["correlation_id"] == "mine"
    assert log["duration_ms"] > 0
    assert metrics["RequestAnswered"] == [1.0]
    assert metrics["RequestDuration"][0] > 0
    assert "Secret" not in out
    assert "Bearer" not in out


def test_a_failure_is_logged_with_its_stack(
    world: World, handler: Handler, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(CreateProject, "__call__", fail)
    printed()
    status, _, body = asked(handler, recorded("http_api_emulator"))
    log, metrics = lines(printed())
    assert (status, body["code"]) == (500, "internal")
    assert (log["level"], log["exception_name"], log["route"]) == ("ERROR", "ZeroDivisionError", "/v1/projects")
    assert "Traceback" in log["exception"]
    assert metrics["RequestFailed"] == [1.0]


def test_requests_do_not_share_their_ids(handler: Handler, printed: Printed) -> None:
    printed()
    handler(getting("/health", headers={"x-correlation-id": "first"}), CONTEXT)
    handler(getting("/health"), CONTEXT)
    found = [line["correlation_id"] for line in lines(printed()) if "correlation_id" in line]
    assert found == ["first", "JKJaXmPLvHcESHA="]
