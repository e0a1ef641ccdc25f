"""Every route under /v1 as its owner, a stranger and nobody see it.

The routes come from the OpenAPI document: one without a row here fails, so that none is forgotten.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from http_api.app import described
from spheroseg.domain.image import ImageStatus, original_key
from spheroseg.domain.segmentation import SegmentationStatus
from tests.builders import STRANGER
from tests.functions.http_api.world import Client, World

METHODS = {"get", "post", "put", "patch", "delete"}


def project(world: World) -> UUID:
    return world.a_project().id


def image(world: World) -> UUID:
    return world.an_image().id


def uploaded_image(world: World) -> UUID:
    waiting = world.an_image(status=ImageStatus.AWAITING_UPLOAD)
    world.store.put(original_key(waiting.id), b"pixels", "image/tiff")
    return waiting.id


def large_image(world: World) -> UUID:
    return world.an_image(status=ImageStatus.AWAITING_UPLOAD, size_bytes=100_000_001).id


def queued_run(world: World) -> UUID:
    return world.a_run(status=SegmentationStatus.QUEUED).id


def finished_run(world: World) -> UUID:
    return world.a_succeeded_run().id


@dataclass(frozen=True)
class Row:
    """How a route is called, and what its owner gets.

    Args:
        owned: Makes what the path's place holder names; None where a path names nothing of anybody's.
    """

    owner_status: int
    owned: Callable[[World], UUID] | None = None
    request: dict[str, Any] = field(default_factory=dict)


FILES = {"json": {"files": [{"name": "a.tif"}]}}
ROWS = {
    ("get", "/v1/me"): Row(200),
    ("patch", "/v1/me"): Row(200, request={"json": {"name": "Ada"}}),
    ("get", "/v1/me/usage"): Row(200),
    ("post", "/v1/projects"): Row(201, request={"json": {"name": "Day 7"}}),
    ("get", "/v1/projects"): Row(200),
    ("get", "/v1/projects/{project_id}"): Row(200, project),
    ("post", "/v1/projects/{project_id}/images"): Row(201, project, FILES),
    ("get", "/v1/projects/{project_id}/images"): Row(200, project),
    ("get", "/v1/images/{image_id}"): Row(200, image),
    ("delete", "/v1/images/{image_id}"): Row(204, image),
    ("post", "/v1/images/{image_id}/complete"): Row(200, uploaded_image),
    ("post", "/v1/images/{image_id}/parts"): Row(
        200, large_image, {"json": {"parts": [{"number": 1, "sha256": "0" * 64}]}}
    ),
    ("get", "/v1/images/{image_id}/parts"): Row(200, large_image),
    ("delete", "/v1/images/{image_id}/parts"): Row(204, large_image),
    ("get", "/v1/images/{image_id}/segmentations"): Row(200, image),
    ("post", "/v1/images/{image_id}/segmentations"): Row(202, image, {"json": {}}),
    ("get", "/v1/segmentations/{segmentation_id}"): Row(200, finished_run),
    ("post", "/v1/segmentations/{segmentation_id}/cancel"): Row(200, queued_run),
    ("get", "/v1/segmentations/{segmentation_id}/spheroids"): Row(200, finished_run),
    ("get", "/v1/segmentations/{segmentation_id}/spheroids.geojson"): Row(200, finished_run),
    ("get", "/v1/models"): Row(200),
    ("get", "/v1/models/{name}"): Row(200),
    ("get", "/v1/queue"): Row(200),
    ("post", "/v1/socket-tickets"): Row(201),
}
PUBLIC = {
    ("post", "/v1/auth/sign-up"),
    ("post", "/v1/auth/sign-in"),
    ("post", "/v1/auth/refresh"),
    ("get", "/health"),
    ("get", "/health/live"),
    ("get", "/health/ready"),
    ("get", "/health/detailed"),
    ("get", "/problems"),
    ("get", "/problems/{code}"),
}
OWNED = [key for key, row in ROWS.items() if row.owned]


def test_every_route_has_a_row() -> None:
    paths = described(has_sign_in=True).openapi()["paths"]
    assert {(method, path) for path, item in paths.items() for method in METHODS & set(item)} == set(ROWS) | PUBLIC


def test_the_document_asks_for_a_token_exactly_where_one_is_needed() -> None:
    paths = described(has_sign_in=True).openapi()["paths"]
    asking = {
        (method, path) for path, item in paths.items() for method in METHODS & set(item) if item[method].get("security")
    }
    assert asking == set(ROWS)


def called(client: Client, key: tuple[str, str], owned_id: UUID | None) -> Any:
    method, template = key
    path = template.replace("{name}", "spheroid-unet")
    if owned_id:
        begin, end = path.index("{"), path.index("}") + 1
        path = f"{path[:begin]}{owned_id}{path[end:]}"
    return client.request(method.upper(), path, **ROWS[key].request)


@pytest.mark.parametrize("key", ROWS, ids=" ".join)
def test_its_owner_is_served(world: World, key: tuple[str, str]) -> None:
    row = ROWS[key]
    answer = called(world.as_(), key, row.owned(world) if row.owned else None)
    assert answer.status_code == row.owner_status
    assert answer.headers["Cache-Control"].startswith("private")
    assert answer.headers["X-Correlation-Id"]
    assert ("Spheroseg-Position" in answer.headers) is (key[0] != "get")


@pytest.mark.parametrize("key", OWNED, ids=" ".join)
def test_to_a_stranger_it_is_as_if_it_did_not_exist(world: World, key: tuple[str, str]) -> None:
    owned = ROWS[key].owned
    assert owned
    foreign_id, absent_id = owned(world), uuid4()
    before = world.state()
    stranger = world.as_(STRANGER)
    foreign, absent = called(stranger, key, foreign_id), called(stranger, key, absent_id)
    assert foreign.status_code == absent.status_code == 404
    assert foreign.text.replace(str(foreign_id), "ID") == absent.text.replace(str(absent_id), "ID")
    changing = {"content-length", "date"}
    assert {k: v for k, v in foreign.headers.items() if k not in changing} == {
        k: v for k, v in absent.headers.items() if k not in changing
    }
    assert world.state() == before


@pytest.mark.parametrize("key", ROWS, ids=" ".join)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiI2ZjFjMWQxZSJ9."},
        {"X-User-Id": "6f1c1d1e-0000-4000-8000-00000000000a", "User-Agent": "ELB-HealthChecker/2.0"},
    ],
    ids=["no header", "a token past the authorizer", "headers that name somebody"],
)
def test_nobody_is_asked_to_sign_in(world: World, key: tuple[str, str], headers: dict[str, str]) -> None:
    row = ROWS[key]
    owned_id = row.owned(world) if row.owned else None
    before = world.state()
    answer = world.as_(None).request(
        key[0].upper(),
        key[1]
        .replace("{name}", "spheroid-unet")
        .replace("{project_id}", str(owned_id))
        .replace("{image_id}", str(owned_id))
        .replace("{segmentation_id}", str(owned_id)),
        headers=headers,
        **row.request,
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert world.state() == before


@pytest.mark.parametrize("claims", [{"token_use": "id"}, {"token_use": "refresh"}, {"token_use": None}, {"sub": ""}])
def test_only_an_access_token_counts(world: World, claims: dict[str, Any]) -> None:
    answer = world.as_("somebody", **claims).get("/v1/projects")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
