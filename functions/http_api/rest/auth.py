"""Sign-in by password over the API; the local stage only, elsewhere these routes do not exist."""

from fastapi import APIRouter
from pydantic import Field, SecretStr

from http_api.rest.answers import Answer, Body, Wired, problems
from http_api.use_cases import SignIn, Tokens, UseCases

router = APIRouter(prefix="/v1/auth", tags=["sign-in"])
ANYBODY = ("invalid-request", "internal", "sign-in-unavailable")


class CredentialsIn(Body):
    """Who somebody is."""

    email: str = Field(
        pattern=r"^[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}$",
        max_length=254,
        description="E-mail address",
        examples=["ada@example.com"],
    )
    password: SecretStr = Field(
        min_length=1,
        max_length=256,
        description="At least 12 characters with upper and lower case letters, digits and signs",
        examples=["correct-Horse-7-battery"],
    )


class RefreshIn(Body):
    """What renews a session."""

    refresh_token: SecretStr = Field(min_length=1, max_length=8192, description="As sign-in gave it")


class UserOut(Answer):
    """A new user."""

    user_id: str = Field(description="The user pool's `sub`", examples=["6f1c1d1e-0000-4000-8000-00000000000a"])


class TokensOut(Answer):
    """What a signed-in user sends along."""

    access_token: str = Field(description="To be sent as `Authorization: Bearer …`")
    refresh_token: str | None = Field(description="Renews the access token; null: the old one stays valid")
    expires_in_s: int = Field(description="Seconds for which the access token is good", examples=[3600])
    token_type: str = Field(default="Bearer", description="Always Bearer")

    @classmethod
    def of(cls, tokens: Tokens) -> "TokensOut":
        """The port's tokens."""
        return cls(
            access_token=tokens.access_token, refresh_token=tokens.refresh_token, expires_in_s=tokens.expires_in_s
        )


def _sign_in(use_cases: UseCases) -> SignIn:
    if use_cases.sign_in is None:
        raise RuntimeError("These routes are mounted where there is a sign-in only")
    return use_cases.sign_in


@router.post(
    "/sign-up",
    status_code=201,
    summary="Sign up",
    response_description="The new user",
    responses=problems("account-exists", "password-refused", common=ANYBODY),
)
async def sign_up(body: CredentialsIn, use_cases: Wired) -> UserOut:
    """Make a user who may sign in at once; no mail is sent."""
    return UserOut(user_id=_sign_in(use_cases).sign_up(body.email, body.password.get_secret_value()))


@router.post(
    "/sign-in",
    summary="Sign in",
    response_description="Tokens",
    responses=problems("wrong-credentials", common=ANYBODY),
)
async def sign_in(body: CredentialsIn, use_cases: Wired) -> TokensOut:
    """Trade e-mail address and password for tokens."""
    return TokensOut.of(_sign_in(use_cases).sign_in(body.email, body.password.get_secret_value()))


@router.post(
    "/refresh",
    summary="Renew the access token",
    response_description="Tokens",
    responses=problems("wrong-credentials", common=ANYBODY),
)
async def refresh(body: RefreshIn, use_cases: Wired) -> TokensOut:
    """Trade a refresh token for a new access token."""
    return TokensOut.of(_sign_in(use_cases).refresh(body.refresh_token.get_secret_value()))
