"""Profile and usage, and the quota's refusal."""

import pytest

from spheroseg.domain.account import UNTOLD_BYTES, Quota
from spheroseg.domain.image import ImageStatus
from tests.builders import OWNER, STRANGER
from tests.functions.http_api.world import Client, World


def test_a_profile_is_changed_field_by_field(world: World, owner: Client) -> None:
    empty = owner.get("/v1/me").json()
    assert empty == {"user_id": OWNER, "name": None, "organisation": None, "language": None, "pixel_size_um": None}
    assert owner.request("PATCH", "/v1/me", json={"name": "Ada", "pixel_size_um": 0.65}).status_code == 200
    changed = owner.request("PATCH", "/v1/me", json={"name": None, "language": "cs-CZ"}).json()
    assert changed == {**empty, "language": "cs-CZ", "pixel_size_um": 0.65} == owner.get("/v1/me").json()
    assert world.as_(STRANGER).get("/v1/me").json() == {**empty, "user_id": STRANGER}


@pytest.mark.parametrize(
    "body",
    [
        {"name": "two\nlines"},
        {"language": "Czech, please"},
        {"pixel_size_um": 0},
        {"quota_bytes": 10**12},
        {"name": ""},
    ],
)
def test_what_is_no_profile_is_refused(world: World, owner: Client, body: dict[str, object]) -> None:
    answer = owner.request("PATCH", "/v1/me", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert world.accounts.profiles == {}


def test_usage_tells_what_is_there_announced_and_left(world: World, owner: Client) -> None:
    world.images.quotas[OWNER] = Quota(size_bytes=UNTOLD_BYTES + 100, images=5)
    project = world.a_project()
    world.an_image(project, size_bytes=60)
    owner.post(f"/v1/projects/{project.id}/images", json={"files": [{"name": "a.tif"}]})
    assert owner.get("/v1/me/usage").json() == {
        "quota_bytes": UNTOLD_BYTES + 100,
        "quota_images": 5,
        "stored_bytes": 60,
        "stored_images": 1,
        "announced_bytes": UNTOLD_BYTES,
        "announced_images": 1,
        "left_bytes": 40,
        "left_images": 3,
    }
    assert world.as_(STRANGER).get("/v1/me/usage").json()["stored_images"] == 0


def test_what_does_not_fit_is_told_with_what_is_left(world: World, owner: Client) -> None:
    world.images.quotas[OWNER] = Quota(size_bytes=100, images=5)
    project = world.a_project()
    world.an_image(project, status=ImageStatus.AWAITING_UPLOAD, size_bytes=60)
    files = [{"name": "a.tif", "size_bytes": 30}, {"name": "b.tif", "size_bytes": 11}]
    before = world.state()
    answer = owner.post(f"/v1/projects/{project.id}/images", json={"files": files})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "quota-exceeded")
    assert problem["quota"] == {"left_bytes": 40, "left_images": 4}
    assert "40 of 100 bytes" in problem["detail"]
    assert world.state() == before
