"""An Amazon Cognito user pool: who has verified which e-mail address, and sign-in by password over the API.

Only the local stage uses the sign-in. Elsewhere clients speak to Cognito themselves, by SRP, so that a password never
leaves them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from spheroseg.domain.administration import ADMINISTRATORS, Person
from spheroseg.errors import (
    AccountExistsError,
    InvalidCursorError,
    PasswordRefusedError,
    SignInUnavailableError,
    UserNotFoundError,
    WrongCredentialsError,
)

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import (
        AuthenticationResultTypeTypeDef,
        ListUsersRequestTypeDef,
        UserTypeTypeDef,
    )

TIMEOUT_S = 5
LOCAL_CODE = "123456"
"""What the emulator's user pools would send by mail; no real pool takes it."""


@dataclass(frozen=True)
class Tokens:
    """What a user pool gives to somebody who signed in.

    Args:
        refresh_token: None when the old one stays valid.
        expires_in_s: Seconds for which the access token is good.
    """

    access_token: str
    refresh_token: str | None
    expires_in_s: int


class CognitoSignIn:
    """One client of one user pool, made when it is first needed.

    None of the calls is signed: they prove who somebody is, so that nobody has to be known before.
    """

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id
        self._made: CognitoIdentityProviderClient | None = None

    def sign_up(self, email: str, password: str) -> str:
        """The id of a new user, confirmed at once: in the local stage no mail is sent.

        Raises:
            AccountExistsError: the address is taken.
            PasswordRefusedError: the password is weaker than the pool allows.
            SignInUnavailableError: no answer, or a refusal that the caller cannot mend.
        """
        with _translated():
            user = self._client.sign_up(
                ClientId=self._client_id,
                Username=email,
                Password=password,
                # What a confirmed code stands for. The emulator does not note it, and a real pool takes it from nobody.
                UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
            )
            if not user["UserConfirmed"]:
                self._client.confirm_sign_up(ClientId=self._client_id, Username=email, ConfirmationCode=LOCAL_CODE)
        return user["UserSub"]

    def sign_in(self, email: str, password: str) -> Tokens:
        """Tokens for a user.

        Raises:
            WrongCredentialsError: address and password do not fit, or nobody has that address; they look alike.
            SignInUnavailableError: no answer, or a refusal that the caller cannot mend.
        """
        with _translated():
            answer = self._client.initiate_auth(
                ClientId=self._client_id,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": email, "PASSWORD": password},
            )
        if "AuthenticationResult" not in answer:
            raise WrongCredentialsError("This account needs another step to sign in, which the API does not offer")
        return _tokens(answer["AuthenticationResult"])

    def refresh(self, refresh_token: str) -> Tokens:
        """A new access token.

        Raises:
            WrongCredentialsError: the refresh token is not, or no longer, valid.
            SignInUnavailableError: no answer, or a refusal that the caller cannot mend.
        """
        with _translated():
            answer = self._client.initiate_auth(
                ClientId=self._client_id,
                AuthFlow="REFRESH_TOKEN_AUTH",
                AuthParameters={"REFRESH_TOKEN": refresh_token},
            )
        return _tokens(answer["AuthenticationResult"])

    @property
    def _client(self) -> "CognitoIdentityProviderClient":
        if self._made is None:
            config = Config(signature_version=UNSIGNED, connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S)
            self._made = boto3.client("cognito-idp", config=config)
        return self._made


class CognitoPeople:
    """The people of one user pool; its client is made when it is first needed."""

    def __init__(self, user_pool_id: str) -> None:
        self._user_pool_id = user_pool_id

    def verified_email(self, user_id: str) -> str | None:
        """Somebody's e-mail address in lower case if they have shown that they read it, else None.

        Raises:
            SignInUnavailableError: no answer, or a refusal that the caller cannot mend.
        """
        try:
            with _translated():
                found = self._client.admin_get_user(UserPoolId=self._user_pool_id, Username=user_id)
        except WrongCredentialsError:
            return None  # deleted since they signed in
        attributes = {it["Name"]: it.get("Value", "") for it in found.get("UserAttributes", [])}
        if attributes.get("email_verified") != "true" or not found.get("Enabled", True):
            return None
        return attributes.get("email", "").strip().lower() or None

    @cached_property
    def _client(self) -> "CognitoIdentityProviderClient":
        return boto3.client("cognito-idp", config=Config(connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S))


class CognitoDirectory:
    """The people of one user pool, for administrators and for who goes; its client is made when it is first needed."""

    def __init__(self, user_pool_id: str) -> None:
        self._user_pool_id = user_pool_id

    def page(self, search: str | None, token: str | None, limit: int) -> tuple[Sequence[Person], str | None]:
        """Up to ``limit`` (60 at most) people whose e-mail address begins so, and where the next page begins."""
        asked: ListUsersRequestTypeDef = {"UserPoolId": self._user_pool_id, "Limit": limit}
        if search:
            escaped = search.strip().lower().replace("\\", "\\\\").replace('"', '\\"')
            asked["Filter"] = f'email ^= "{escaped}"'
        if token is not None:
            asked["PaginationToken"] = token
        try:
            with _translated():
                found = self._client.list_users(**asked)
        except SignInUnavailableError as error:
            if token is not None and "InvalidParameter" in str(error):
                raise InvalidCursorError("The cursor is not one that a list gave out") from error
            raise
        administrators = self._administrators()
        return [_person(user, administrators) for user in found["Users"]], found.get("PaginationToken")

    def get(self, user_id: str) -> Person:
        """Somebody by their id, or raise ``UserNotFoundError``."""
        try:
            with _translated():
                user = self._client.admin_get_user(UserPoolId=self._user_pool_id, Username=user_id)
        except WrongCredentialsError:
            raise UserNotFoundError(f"There is no user {user_id}") from None
        found: UserTypeTypeDef = {
            "Username": user["Username"],
            "Attributes": user.get("UserAttributes", []),
            "Enabled": user.get("Enabled", True),
            "UserStatus": user["UserStatus"],
            "UserCreateDate": user["UserCreateDate"],
        }
        person = _person(found, self._administrators())
        if person.user_id != user_id:  # an e-mail address names somebody, too, but is no id
            raise UserNotFoundError(f"There is no user {user_id}")
        return person

    def disable(self, user_id: str) -> None:
        """Let somebody sign in no more, and end their sessions; nothing happens when they are gone."""
        with suppress(WrongCredentialsError), _translated():
            self._client.admin_disable_user(UserPoolId=self._user_pool_id, Username=user_id)
            self._client.admin_user_global_sign_out(UserPoolId=self._user_pool_id, Username=user_id)

    def remove(self, user_id: str) -> None:
        """Remove somebody from the pool; nothing happens when they are gone."""
        with suppress(WrongCredentialsError), _translated():
            self._client.admin_delete_user(UserPoolId=self._user_pool_id, Username=user_id)

    def _administrators(self) -> frozenset[str]:
        members: set[str] = set()
        with _translated():
            pages = self._client.get_paginator("list_users_in_group").paginate(
                UserPoolId=self._user_pool_id, GroupName=ADMINISTRATORS
            )
            for page in pages:
                members |= {user["Username"] for user in page["Users"]}
        return frozenset(members)

    @cached_property
    def _client(self) -> "CognitoIdentityProviderClient":
        return boto3.client("cognito-idp", config=Config(connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S))


def _person(user: "UserTypeTypeDef", administrators: frozenset[str]) -> Person:
    attributes = {it["Name"]: it.get("Value", "") for it in user.get("Attributes", [])}
    return Person(
        user_id=attributes.get("sub", user["Username"]),
        email=attributes.get("email") or None,
        is_enabled=user.get("Enabled", True),
        status=user["UserStatus"],
        is_admin=user["Username"] in administrators,
        created_at=user["UserCreateDate"].astimezone(UTC),
    )


def _tokens(result: "AuthenticationResultTypeTypeDef") -> Tokens:
    return Tokens(
        access_token=result["AccessToken"],
        refresh_token=result.get("RefreshToken"),
        expires_in_s=result["ExpiresIn"],
    )


@contextmanager
def _translated() -> Iterator[None]:
    """Errors of the SDK as ours; none of them repeats what was sent."""
    try:
        yield
    except ClientError as error:
        reason = error.response.get("Error", {})
        match reason.get("Code", ""):
            case "UsernameExistsException":
                raise AccountExistsError("Somebody signed up with this e-mail address; sign in instead") from error
            case "InvalidPasswordException":
                raise PasswordRefusedError(reason.get("Message", "The password is too weak")) from error
            case "NotAuthorizedException" | "UserNotFoundException":
                raise WrongCredentialsError("These credentials do not fit") from error
            case code:
                raise SignInUnavailableError(f"The user pool refuses: {code}") from error
    except BotoCoreError as error:
        raise SignInUnavailableError("The user pool does not answer") from error
