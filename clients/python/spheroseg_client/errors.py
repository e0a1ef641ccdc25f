"""What a caller of the client may have to deal with."""

from collections.abc import Mapping
from typing import Any, ClassVar


class ClientError(Exception):
    """Anything that the client reports on purpose.

    Args:
        detail: What is wrong, in words for the user.
        code: Stable name of it, in kebab case; the service's own where the service said it.
    """

    default_code: ClassVar[str] = "client-error"

    def __init__(self, detail: str, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code


class ServiceUnreachableError(ClientError):
    """Nothing answers at the service's address, or not in time."""

    default_code = "service-unreachable"


class NotSignedInError(ClientError):
    """The service does not know who asks: no, wrong or outdated credentials."""

    default_code = "not-signed-in"


class ApiError(ClientError):
    """The service answered that it will not or cannot.

    Args:
        status: HTTP status of the answer.
        content: The answer's JSON object, empty where it was none.
    """

    default_code = "unexpected-answer"

    def __init__(
        self,
        detail: str,
        code: str | None = None,
        *,
        status: int,
        retry_after_s: float | None = None,
        content: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail, code)
        self.status = status
        self.retry_after_s = retry_after_s
        self.content = dict(content or {})


class InvalidEditFileError(ClientError):
    """A file of operations that is none."""

    default_code = "invalid-edit-file"


class UnexpectedAnswerError(ClientError):
    """The service answered something that this version of the client does not understand."""

    default_code = "unexpected-answer"


class UploadRefusedError(ClientError):
    """The store did not take a file."""

    default_code = "upload-refused"


class LocalFileError(ClientError):
    """A file here cannot be read or written."""

    default_code = "local-file"


class WorkFailedError(ClientError):
    """A segmentation ended without a result, or its image was refused."""

    default_code = "segmentation-failed"


class LocalCloudError(ClientError):
    """The local cloud is not installed, does not run, or could not be started."""

    default_code = "local-cloud"


class NotInstalledError(ClientError):
    """A command needs packages that are not installed here."""

    default_code = "not-installed"
