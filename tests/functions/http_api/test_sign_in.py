"""Sign-in over HTTP, which only the local stage has."""

import pytest

from tests.functions.http_api.world import Client, World

ADA = {"email": "ada@example.com", "password": "correct-Horse-7-battery"}


@pytest.fixture
def nobody(world: World) -> Client:
    return world.as_(None)


def test_a_new_user_signs_in_at_once(nobody: Client) -> None:
    signed_up = nobody.post("/v1/auth/sign-up", json=ADA)
    assert (signed_up.status_code, signed_up.json()) == (201, {"user_id": "sub-of-ada@example.com"})
    tokens = nobody.post("/v1/auth/sign-in", json=ADA)
    assert tokens.json() == {
        "access_token": "access-ada@example.com",
        "refresh_token": "refresh-ada@example.com",
        "expires_in_s": 3600,
        "token_type": "Bearer",
    }
    assert tokens.headers["Cache-Control"] == "private, no-store"
    renewed = nobody.post("/v1/auth/refresh", json={"refresh_token": "refresh-ada@example.com"})
    assert (renewed.json()["access_token"], renewed.json()["refresh_token"]) == ("access-ada@example.com", None)


def test_a_wrong_password_and_an_unknown_address_look_alike(nobody: Client) -> None:
    nobody.post("/v1/auth/sign-up", json=ADA)
    wrong = nobody.post("/v1/auth/sign-in", json={**ADA, "password": "another-Horse-7-battery"})
    unknown = nobody.post("/v1/auth/sign-in", json={**ADA, "email": "eve@example.com"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong-credentials")
    assert wrong.json() == unknown.json()


def test_an_address_signs_up_once_and_with_a_good_password(nobody: Client) -> None:
    weak = nobody.post("/v1/auth/sign-up", json={**ADA, "password": "short"})
    assert (weak.status_code, weak.json()["code"]) == (422, "password-refused")
    nobody.post("/v1/auth/sign-up", json=ADA)
    again = nobody.post("/v1/auth/sign-up", json=ADA)
    assert (again.status_code, again.json()["code"]) == (409, "account-exists")


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.com", "a b@example.com", "a@b\n", "a" * 65 + "@b.c"])
def test_what_is_no_address_is_refused(nobody: Client, email: str) -> None:
    answer = nobody.post("/v1/auth/sign-up", json={**ADA, "email": email})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


@pytest.mark.parametrize("path", ["sign-up", "sign-in", "refresh"])
def test_other_stages_have_no_sign_in(path: str) -> None:
    world = World(sign_in=None)
    answer = world.as_(None).post(f"/v1/auth/{path}", json=ADA)
    assert (answer.status_code, answer.json()["code"]) == (404, "no-such-route")
    assert not [path for path in world.as_(None).get("/openapi.json").json()["paths"] if "auth" in path]
