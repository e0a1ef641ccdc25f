"""The viewer is known and may not do this."""

from spheroseg.errors.kinds import ForbiddenError


class UnknownTicketError(ForbiddenError):
    """The ticket was never issued, was used before, or is too old."""

    code = "unknown-ticket"


class RoleTooLowError(ForbiddenError):
    """The viewer's role in the project allows less than this."""

    code = "role-too-low"


class UnauthenticatedError(ForbiddenError):
    """Nobody is signed in, or not with the right kind of token."""

    code = "unauthenticated"


class WrongCredentialsError(ForbiddenError):
    """E-mail address and password, or the refresh token, do not fit."""

    code = "wrong-credentials"
