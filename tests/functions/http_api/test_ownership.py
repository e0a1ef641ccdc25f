"""Every route under /v1 as the owner, an editor, a viewer, somebody who was removed, a stranger and nobody see it.

The routes come from the OpenAPI document: one without a row here fails, so that none is forgotten.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from http_api.app import described
from spheroseg.domain.access import ALLOWED, Action, Role
from tests.builders import NOW, OWNER, STRANGER
from tests.functions.http_api.owned import (
    EMAIL,
    MANAGE,
    MEMBER,
    OTHER,
    WRITE,
    Named,
    a_link,
    batch,
    finished_run,
    first_revision,
    give_roles,
    image,
    large_image,
    offer_of_project,
    other_member,
    own_duplication,
    own_export,
    own_exported_file,
    own_import,
    own_invitation,
    own_job,
    project,
    project_with_other_member,
    queued_run,
    revision,
    stack,
    two_runs,
    uploaded_image,
)
from tests.functions.http_api.world import Client, World

METHODS = {"get", "post", "put", "patch", "delete"}


@dataclass(frozen=True)
class Row:
    """How a route is called, and what its owner gets.

    Args:
        owned: Makes what the path's place holders name; None where a path names nothing of anybody's.
        needs: What the role must allow; who has a role that does not is told 403.
        roles: What some roles are told instead of what ``needs`` says.
        is_personal: It is the owner's by address, not by a role in a project.
        outlives: It can still be read when the project is being deleted.
        prepare: Makes what the request needs besides.
    """

    owner_status: int
    owned: Callable[[World], Named] | None = None
    request: dict[str, Any] = field(default_factory=dict)
    needs: Action = Action.READ
    roles: dict[Role, int] = field(default_factory=dict)
    is_personal: bool = False
    outlives: bool = False
    prepare: Callable[[World], object] = lambda _: None

    def status(self, role: Role) -> int:
        """What somebody in that role is told."""
        allowed = self.needs in ALLOWED[role]
        return self.roles.get(role, self.owner_status if allowed else 403)


FILES = {"json": {"files": [{"name": "a.tif"}]}}
ROWS = {
    ("get", "/v1/me"): Row(200),
    ("patch", "/v1/me"): Row(200, request={"json": {"name": "Ada"}}),
    ("get", "/v1/me/usage"): Row(200),
    ("get", "/v1/me/runs"): Row(200),
    ("delete", "/v1/me"): Row(202, request={"params": {"confirm": OWNER}}),
    ("post", "/v1/projects"): Row(201, request={"json": {"name": "Day 7"}}),
    ("get", "/v1/projects"): Row(200),
    ("get", "/v1/projects/{project_id}"): Row(200, project),
    ("patch", "/v1/projects/{project_id}"): Row(200, project, {"json": {"name": "Day 8"}}, needs=WRITE),
    ("delete", "/v1/projects/{project_id}"): Row(202, project, needs=MANAGE),
    ("get", "/v1/jobs/{job_id}"): Row(200, own_job, is_personal=True, outlives=True),
    ("post", "/v1/jobs/{job_id}/cancel"): Row(200, own_duplication, is_personal=True, outlives=True),
    ("post", "/v1/projects/{project_id}/duplicate"): Row(202, project, {"json": {}}),
    ("post", "/v1/projects/{project_id}/archive"): Row(200, project, needs=MANAGE),
    ("post", "/v1/projects/{project_id}/unarchive"): Row(200, project, needs=MANAGE),
    ("get", "/v1/projects/{project_id}/statistics"): Row(200, project),
    ("get", "/v1/projects/{project_id}/measurements"): Row(200, project),
    ("get", "/v1/projects/{project_id}/members"): Row(200, project),
    ("patch", "/v1/projects/{project_id}/members/{user_id}"): Row(
        200, other_member, {"json": {"role": "editor"}}, needs=MANAGE
    ),
    ("delete", "/v1/projects/{project_id}/members/{user_id}"): Row(204, other_member, needs=MANAGE),
    ("post", "/v1/projects/{project_id}/leave"): Row(409, project, roles={Role.EDITOR: 204, Role.VIEWER: 204}),
    ("post", "/v1/projects/{project_id}/transfer"): Row(
        200, project_with_other_member, {"json": {"user_id": OTHER}}, needs=MANAGE
    ),
    ("post", "/v1/projects/{project_id}/invitations"): Row(
        201, project, {"json": {"email": EMAIL, "role": "viewer"}}, needs=MANAGE
    ),
    ("post", "/v1/projects/{project_id}/links"): Row(201, project, {"json": {"role": "viewer"}}, needs=MANAGE),
    ("get", "/v1/projects/{project_id}/offers"): Row(200, project, needs=MANAGE),
    ("delete", "/v1/projects/{project_id}/offers/{offer_id}"): Row(204, offer_of_project, needs=MANAGE),
    ("get", "/v1/invitations"): Row(200),
    ("post", "/v1/invitations/{offer_id}/accept"): Row(200, own_invitation, is_personal=True),
    ("delete", "/v1/invitations/{offer_id}"): Row(204, own_invitation, is_personal=True),
    ("post", "/v1/links/accept"): Row(200, request={"json": {"token": "token"}}, prepare=a_link),
    ("post", "/v1/projects/{project_id}/images"): Row(201, project, FILES, needs=WRITE),
    ("get", "/v1/projects/{project_id}/images"): Row(200, project),
    ("get", "/v1/images/{image_id}"): Row(200, image),
    ("post", "/v1/images/delete"): Row(200, request={"json": {"ids": ["00000000-0000-0000-0000-000000000001"]}}),
    ("patch", "/v1/images/{image_id}"): Row(200, image, {"json": {"tags": ["control"]}}, needs=WRITE),
    ("post", "/v1/projects/{project_id}/images/samples"): Row(
        200, project, {"content": b"name,well\n", "headers": {"Content-Type": "text/csv"}}, needs=WRITE
    ),
    ("post", "/v1/projects/{project_id}/images/read-names"): Row(
        200, project, {"json": {"pattern": "(?P<well>[A-P][0-9]+)"}}, needs=WRITE
    ),
    ("delete", "/v1/images/{image_id}"): Row(204, image, needs=WRITE),
    ("post", "/v1/images/{image_id}/complete"): Row(200, uploaded_image, needs=WRITE),
    ("post", "/v1/images/{image_id}/parts"): Row(
        200, large_image, {"json": {"parts": [{"number": 1, "sha256": "0" * 64}]}}, needs=WRITE
    ),
    ("get", "/v1/images/{image_id}/parts"): Row(200, large_image, needs=WRITE),
    ("delete", "/v1/images/{image_id}/parts"): Row(204, large_image, needs=WRITE),
    ("get", "/v1/images/{image_id}/segmentations"): Row(200, image),
    ("post", "/v1/images/{image_id}/segmentations"): Row(202, image, {"json": {}}, needs=WRITE),
    ("post", "/v1/images/{image_id}/page-segmentations"): Row(202, stack, {"json": {"pages": "all"}}, needs=WRITE),
    ("get", "/v1/segmentations/{segmentation_id}"): Row(200, finished_run),
    ("post", "/v1/segmentations/{segmentation_id}/cancel"): Row(200, queued_run, needs=WRITE),
    ("get", "/v1/segmentations/{segmentation_id}/spheroids"): Row(200, finished_run),
    ("get", "/v1/segmentations/{segmentation_id}/spheroids.geojson"): Row(200, finished_run),
    ("get", "/v1/segmentations/{segmentation_id}/comparison/{other_id}"): Row(200, two_runs),
    ("get", "/v1/segmentations/{segmentation_id}/outlines"): Row(200, finished_run),
    ("get", "/v1/projects/{project_id}/reviews"): Row(200, project),
    ("get", "/v1/projects/{project_id}/reviews/figures"): Row(200, project),
    ("get", "/v1/segmentations/{segmentation_id}/decisions"): Row(200, finished_run),
    ("post", "/v1/segmentations/{segmentation_id}/decisions"): Row(
        201, finished_run, {"json": {"revision": 0, "verdict": "accept"}}, needs=WRITE
    ),
    ("get", "/v1/segmentations/{segmentation_id}/revisions"): Row(200, finished_run),
    ("post", "/v1/segmentations/{segmentation_id}/revisions"): Row(
        201, finished_run, {"json": {"base": 0, "operations": [{"kind": "delete", "numbers": [1]}]}}, needs=WRITE
    ),
    ("get", "/v1/segmentations/{segmentation_id}/revisions/{number}"): Row(200, revision),
    ("get", "/v1/segmentations/{segmentation_id}/revisions/{number}/difference"): Row(200, revision),
    ("post", "/v1/segmentations/{segmentation_id}/revisions/{number}/restore"): Row(
        201, first_revision, {"json": {"base": 1}}, needs=WRITE
    ),
    ("post", "/v1/projects/{project_id}/runs"): Row(202, project, {"json": {}}, needs=WRITE),
    ("post", "/v1/projects/{project_id}/runs/cancel"): Row(200, project, {"json": {}}, needs=WRITE),
    ("post", "/v1/projects/{project_id}/runs/retry"): Row(202, project, {"json": {}}, needs=WRITE),
    ("get", "/v1/projects/{project_id}/runs/progress"): Row(200, project),
    ("get", "/v1/batches/{batch_id}"): Row(200, batch),
    ("post", "/v1/projects/{project_id}/imports"): Row(
        201,
        project,
        {"json": {"format": "geojson", "file_name": "well A1.geojson", "size_bytes": 2}},
        needs=WRITE,
    ),
    ("get", "/v1/projects/{project_id}/imports"): Row(200, project),
    ("get", "/v1/imports/{import_id}"): Row(200, own_import, is_personal=True),
    ("post", "/v1/imports/{import_id}/start"): Row(202, own_import, is_personal=True),
    ("post", "/v1/imports/{import_id}/cancel"): Row(200, own_import, is_personal=True),
    ("post", "/v1/projects/{project_id}/exports"): Row(202, project, {"json": {"format": "csv"}}),
    ("get", "/v1/projects/{project_id}/exports"): Row(200, project),
    ("get", "/v1/exports/{export_id}"): Row(200, own_export, is_personal=True),
    ("get", "/v1/exports/{export_id}/file"): Row(307, own_exported_file, is_personal=True),
    ("post", "/v1/exports/{export_id}/cancel"): Row(200, own_export, is_personal=True),
    ("get", "/v1/models"): Row(200),
    ("get", "/v1/models/{name}"): Row(200),
    ("get", "/v1/queue"): Row(200),
    ("post", "/v1/socket-tickets"): Row(201),
    ("post", "/graphql"): Row(
        200, request={"json": {"query": 'mutation { createProject(input: {name: "a"}) { id } }'}}
    ),
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
ROWS |= {  # to others than administrators there is nothing, see test_admin.py
    ("get", "/v1/admin/users"): Row(404),
    ("get", "/v1/admin/users/{user_id}"): Row(404),
    ("patch", "/v1/admin/users/{user_id}/quota"): Row(404, request={"json": {}}),
    ("get", "/v1/admin/actions"): Row(404),
    ("get", "/v1/admin/queues"): Row(404),
    ("get", "/v1/admin/queues/{queue}/dead-letters"): Row(404),
    ("post", "/v1/admin/queues/{queue}/dead-letters/{letter_id}/retry"): Row(404),
    ("delete", "/v1/admin/queues/{queue}/dead-letters/{letter_id}"): Row(404),
}
OWNED = [key for key, row in ROWS.items() if row.owned]
SHARED = [key for key in OWNED if not ROWS[key].is_personal]


def test_every_route_has_a_row() -> None:
    paths = described(has_sign_in=True).openapi()["paths"]
    assert {(method, path) for path, item in paths.items() for method in METHODS & set(item)} == set(ROWS) | PUBLIC


def test_the_document_asks_for_a_token_exactly_where_one_is_needed() -> None:
    paths = described(has_sign_in=True).openapi()["paths"]
    asking = {
        (method, path) for path, item in paths.items() for method in METHODS & set(item) if item[method].get("security")
    }
    assert asking == set(ROWS)


def names_of(template: str, named: Named | None) -> dict[str, str]:
    """What each place holder of the path stands for."""
    holders = [part[1:-1] for part in template.split("/") if part.startswith("{")]
    given = named if isinstance(named, dict) else dict.fromkeys(holders[:1], named)
    return {**{holder: str(value) for holder, value in given.items()}, "name": "spheroid-unet", "letter_id": "letter-1"}


def called(client: Client, key: tuple[str, str], named: Named | None, **request: Any) -> Any:
    method, template = key
    own = ROWS[key].request
    headers = {**own.get("headers", {}), **request.get("headers", {})}
    path = template.format(**names_of(template, named))
    return client.request(method.upper(), path, **{**own, **request, "headers": headers})


def made(world: World, key: tuple[str, str]) -> Named | None:
    row = ROWS[key]
    row.prepare(world)
    return row.owned(world) if row.owned else None


def absent(named: Named) -> Named:
    """The same with a first id that was never given out: all else hangs on it."""
    if isinstance(named, UUID):
        return uuid4()
    first = next(iter(named))
    return {**named, first: uuid4()}


@pytest.mark.parametrize("key", ROWS, ids=" ".join)
def test_its_owner_is_served(world: World, key: tuple[str, str]) -> None:
    row, named = ROWS[key], made(world, key)
    answer = called(world.as_(), key, named)
    assert answer.status_code == row.status(Role.OWNER)
    assert answer.headers["Cache-Control"].startswith("private")
    assert answer.headers["X-Correlation-Id"]
    assert ("Spheroseg-Position" in answer.headers) is (key[0] != "get" and answer.is_success)


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
@pytest.mark.parametrize("key", SHARED, ids=" ".join)
def test_a_member_may_do_what_the_role_allows(world: World, key: tuple[str, str], role: Role) -> None:
    row, named = ROWS[key], made(world, key)
    give_roles(world, role)
    before = world.state()
    answer = called(world.as_(MEMBER), key, named)
    assert answer.status_code == row.status(role)
    if answer.status_code == 403:
        assert answer.json()["code"] == "role-too-low"
        assert world.state() == before


@pytest.mark.parametrize("key", [key for key in SHARED if ROWS[key].needs is WRITE], ids=" ".join)
def test_an_archived_project_is_not_written_to(world: World, key: tuple[str, str]) -> None:
    named = made(world, key)
    for id_, row in world.projects.rows.items():
        world.projects.rows[id_] = replace(row, archived_at=NOW)
    before = world.state()
    answer = called(world.as_(), key, named)
    assert (answer.status_code, answer.json()["code"]) == (409, "project-archived")
    assert world.state() == before


@pytest.mark.parametrize("person", ["a stranger", "somebody who was removed", "the owner, being deleted"])
@pytest.mark.parametrize("key", OWNED, ids=" ".join)
def test_to_whoever_has_no_role_it_is_as_if_it_did_not_exist(world: World, key: tuple[str, str], person: str) -> None:
    named, viewer = made(world, key), STRANGER
    assert named
    if person == "the owner, being deleted" and ROWS[key].outlives:
        pytest.skip("it can still be read, on purpose")
    if person == "somebody who was removed":
        give_roles(world, Role.EDITOR)
        for project_id in world.projects.rows:
            world.sharing.remove(project_id, MEMBER, NOW)
        viewer = MEMBER
    elif person == "the owner, being deleted":
        world.projects.deleted |= set(world.projects.rows)
        viewer = OWNER
    missing = absent(named)
    before = world.state()
    foreign_answer, absent_answer = (called(world.as_(viewer), key, it) for it in (named, missing))
    assert foreign_answer.status_code == absent_answer.status_code == 404

    def told(answer: Any, names: Named) -> str:
        text: str = answer.text
        for holder, value in names_of(key[1], names).items():
            text = text.replace(value, holder)
        return text

    assert told(foreign_answer, named) == told(absent_answer, missing)
    changing = {"content-length", "date"}
    assert {k: v for k, v in foreign_answer.headers.items() if k not in changing} == {
        k: v for k, v in absent_answer.headers.items() if k not in changing
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
    named = made(world, key)
    before = world.state()
    answer = called(world.as_(None), key, named, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert world.state() == before


@pytest.mark.parametrize("claims", [{"token_use": "id"}, {"token_use": "refresh"}, {"token_use": None}, {"sub": ""}])
def test_only_an_access_token_counts(world: World, claims: dict[str, Any]) -> None:
    answer = world.as_("somebody", **claims).get("/v1/projects")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
