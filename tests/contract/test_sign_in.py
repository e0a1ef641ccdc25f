"""Sign-in by password: the same sentences for the fake and for a user pool of the emulator."""

from collections.abc import Iterator, Mapping

import boto3
import pytest

from http_api.use_cases import SignIn
from spheroseg.adapters.cognito import CognitoSignIn
from spheroseg.errors import (
    AccountExistsError,
    PasswordRefusedError,
    SignInUnavailableError,
    WrongCredentialsError,
)
from tests.fakes.sign_in import InMemorySignIn

EMAIL, PASSWORD = "ada@example.com", "correct-Horse-7-battery"


@pytest.fixture
def client_id(aws: Mapping[str, str]) -> Iterator[str]:
    """A client of a pool like infra_cdk's user pool."""
    cognito = boto3.client("cognito-idp")
    pool_id = cognito.create_user_pool(
        PoolName="people",
        UsernameAttributes=["email"],
        AutoVerifiedAttributes=["email"],
        Policies={
            "PasswordPolicy": {
                "MinimumLength": 12,
                "RequireNumbers": True,
                "RequireLowercase": True,
                "RequireUppercase": True,
                "RequireSymbols": True,
            }
        },
    )["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="client",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        PreventUserExistenceErrors="ENABLED",
    )
    yield client["UserPoolClient"]["ClientId"]
    cognito.delete_user_pool(UserPoolId=pool_id)


@pytest.fixture(params=["fake", "cognito"])
def sign_in(request: pytest.FixtureRequest) -> SignIn:
    if request.param == "fake":
        return InMemorySignIn()
    return CognitoSignIn(request.getfixturevalue("client_id"))


def test_who_signed_up_signs_in_at_once_and_renews(sign_in: SignIn) -> None:
    assert sign_in.sign_up(EMAIL, PASSWORD)
    tokens = sign_in.sign_in(EMAIL, PASSWORD)
    assert tokens.access_token
    assert tokens.expires_in_s == 3600
    assert tokens.refresh_token
    assert sign_in.refresh(tokens.refresh_token).access_token


def test_an_address_signs_up_once(sign_in: SignIn) -> None:
    sign_in.sign_up(EMAIL, PASSWORD)
    with pytest.raises(AccountExistsError):
        sign_in.sign_up(EMAIL, PASSWORD)


def test_a_weak_password_is_refused(sign_in: SignIn) -> None:
    with pytest.raises(PasswordRefusedError):
        sign_in.sign_up(EMAIL, "short")


def test_a_wrong_password_and_an_unknown_address_look_alike(sign_in: SignIn) -> None:
    sign_in.sign_up(EMAIL, PASSWORD)
    with pytest.raises(WrongCredentialsError) as wrong:
        sign_in.sign_in(EMAIL, "another-Horse-7-battery")
    with pytest.raises(WrongCredentialsError) as unknown:
        sign_in.sign_in("eve@example.com", PASSWORD)
    assert str(wrong.value) == str(unknown.value)


def test_a_made_up_refresh_token_renews_nothing(sign_in: SignIn) -> None:
    with pytest.raises(WrongCredentialsError):
        sign_in.refresh("made-up")


def test_an_unknown_client_is_our_fault_not_the_users(aws: Mapping[str, str]) -> None:
    with pytest.raises(SignInUnavailableError):
        CognitoSignIn("absent").sign_in(EMAIL, PASSWORD)


def test_a_pool_that_does_not_answer_is_unavailable(aws: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(SignInUnavailableError):
        CognitoSignIn("client").sign_in(EMAIL, PASSWORD)
