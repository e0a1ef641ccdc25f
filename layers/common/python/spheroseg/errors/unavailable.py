"""Something outside does not answer; trying again later may help."""

from spheroseg.errors.kinds import UnavailableError


class RetriesExhaustedError(UnavailableError):
    """The work was tried as often as allowed and failed each time."""

    code = "retries-exhausted"


class ModelUnusableError(UnavailableError):
    """A registered model's file is missing, altered, or has other inputs and outputs than its card says."""

    code = "model-unusable"


class DatabaseUnavailableError(UnavailableError):
    """The database does not answer in time."""

    code = "database-unavailable"


class StorageUnavailableError(UnavailableError):
    """The object store does not answer, or refuses."""

    code = "storage-unavailable"


class QueueUnavailableError(UnavailableError):
    """The queue does not answer, or refuses."""

    code = "queue-unavailable"


class SocketsUnavailableError(UnavailableError):
    """Messages cannot be pushed to watchers now."""

    code = "sockets-unavailable"


class CacheUnavailableError(UnavailableError):
    """The cache server does not answer; whoever asks goes on without it."""

    code = "cache-unavailable"


class SecretUnavailableError(UnavailableError):
    """A secret that this process needs cannot be read."""

    code = "secret-unavailable"


class SignInUnavailableError(UnavailableError):
    """The user pool does not answer, or refuses."""

    code = "sign-in-unavailable"
