"""The root of all errors and the five kinds, which every other one is of; the edges answer by kind."""

from typing import ClassVar


class SpherosegError(Exception):
    """Anything this system reports on purpose; ``code`` is stable and part of the API."""

    code: ClassVar[str] = "internal"


class NotFoundError(SpherosegError):
    """What was named does not exist, or not for this viewer."""

    code = "not-found"


class ConflictError(SpherosegError):
    """The present state does not allow it."""

    code = "conflict"


class InvalidInputError(SpherosegError):
    """What was given is wrong, and stays wrong when it is tried again."""

    code = "invalid-input"


class ForbiddenError(SpherosegError):
    """The viewer is known and may not do this."""

    code = "forbidden"


class UnavailableError(SpherosegError):
    """Something outside does not answer; trying again later may help."""

    code = "unavailable"
