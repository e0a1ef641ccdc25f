"""Who asks: from what the gateway's authorizer verified, and from nothing else."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from http_api.use_cases import UseCases
from spheroseg.domain.administration import ADMINISTRATORS
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import InvalidInputError, UnauthenticatedError

READ_AFTER = "Spheroseg-Read-After"
_POSITION = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}")

bearer = HTTPBearer(
    scheme_name="accessToken",
    bearerFormat="JWT",
    auto_error=False,
    description="The access token of the user pool, good for an hour; the gateway checks it. In the local stage "
    "`POST /v1/auth/sign-in` gives one.",
)


async def current_viewer(
    request: Request,
    _token: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
    read_after: Annotated[
        str | None,
        Header(
            alias=READ_AFTER,
            description="The Spheroseg-Position of an earlier write: the answer is then at least as new as that write.",
            examples=["0/3000148"],
        ),
    ] = None,
) -> Viewer:
    """The person whose token the authorizer accepted.

    The header ``Authorization`` is declared for the document only: a token that came past the authorizer, or a header
    that names a person, counts for nothing.

    Raises:
        UnauthenticatedError: the authorizer saw no access token, or its account was closed since it was given out.
        InvalidInputError: the position is not one.
    """
    claims = _claims(request.scope)
    user_id = claims.get("sub")
    if not isinstance(user_id, str) or not user_id:
        raise UnauthenticatedError("Sign in and send the access token as `Authorization: Bearer …`")
    if claims.get("token_use") != "access":
        raise UnauthenticatedError("This is not an access token; send the one that sign-in calls access token")
    if use_cases_of(request).close_account.is_closed(user_id):
        raise UnauthenticatedError("This account was closed")
    if read_after is not None and not _POSITION.fullmatch(read_after):
        raise InvalidInputError(f"{READ_AFTER} is not a position that an answer gave out; leave it away")
    return Viewer(user_id=user_id, read_after=read_after, is_admin=ADMINISTRATORS in _groups(claims))


def user_id_of(scope: Mapping[str, Any]) -> str | None:
    """Who asks, for what is counted or kept before a route decides; None: nobody with an access token."""
    claims = _claims(scope)
    user_id = claims.get("sub")
    return user_id if isinstance(user_id, str) and user_id and claims.get("token_use") == "access" else None


def _claims(scope: Mapping[str, Any]) -> dict[str, Any]:
    found: object = scope.get("aws.event")
    for key in ("requestContext", "authorizer", "jwt", "claims"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def use_cases_of(request: Request) -> UseCases:
    """What the application is made over."""
    found: UseCases = request.app.state.use_cases
    return found


def _groups(claims: Mapping[str, Any]) -> frozenset[str]:
    """The groups of the user pool that the token names; the gateway writes a list as ``[one two]``."""
    told = claims.get("cognito:groups")
    if isinstance(told, str):
        return frozenset(told.removeprefix("[").removesuffix("]").split())
    return frozenset(it for it in told if isinstance(it, str)) if isinstance(told, list) else frozenset()


async def current_admin(viewer: Annotated[Viewer, Security(current_viewer)]) -> Viewer:
    """An administrator; to others, administration's routes do not exist, whatever they send there."""
    viewer.require_admin()
    return viewer


CurrentAdmin = Annotated[Viewer, Security(current_admin)]
CurrentViewer = Annotated[Viewer, Security(current_viewer)]
