"""Several things at once: GraphQL calls; a part of ``Client``."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spheroseg_client.errors import ApiError, ClientError, UnexpectedAnswerError
from spheroseg_client.transport import Session, Transport

PATH = "/graphql"
_MAY_WRITE = re.compile(r"\bmutation\b")


class GraphErrorDetails(BaseModel):
    """What the service tells programs about an error."""

    model_config = ConfigDict(frozen=True, extra="allow")

    code: str = "unexpected-answer"
    status: int | None = None


class GraphError(BaseModel):
    """One thing that went wrong.

    Args:
        path: The field that it is about, from the root; None when the query was not run.
        extensions: Code and HTTP status as REST would say them, and what else there is to tell.
    """

    model_config = ConfigDict(frozen=True)

    message: str
    path: tuple[str | int, ...] | None = None
    extensions: GraphErrorDetails = Field(default_factory=GraphErrorDetails)


class GraphQLFailedError(ClientError):
    """A query that was refused, or parts of which failed.

    Args:
        errors: All of them; ``code`` is that of the first.
        data: What was answered all the same, None where a field failed; None when nothing was run.
    """

    default_code = "unexpected-answer"

    def __init__(self, errors: tuple[GraphError, ...], data: dict[str, Any] | None) -> None:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(errors[0].message + more, errors[0].extensions.code)
        self.errors = errors
        self.data = data


class _Answer(BaseModel):
    data: dict[str, Any] | None = None
    errors: tuple[GraphError, ...] = ()


class GraphCalls:
    """What can be asked of the graph."""

    _transport: Transport
    _session: Session

    def graphql(
        self, query: str | None, variables: Mapping[str, Any] | None = None, *, sha256: str | None = None
    ) -> dict[str, Any]:
        """What a query or mutation gives; both are repeated after faults that may pass, and the service does each once.

        Args:
            query: Its text, or None for one that belongs to the service's release.
            variables: Values of its variables.
            sha256: SHA-256 of the file of such a query, in hexadecimal digits.

        Raises:
            GraphQLFailedError: it was refused, or a part of it failed; it carries the rest of the answer.

        Example:
            >>> client.graphql("{ me { usage { leftBytes } } }")["me"]["usage"]["leftBytes"]
            10735320922
        """
        body: dict[str, Any] = {"query": query, "variables": dict(variables or {})}
        if sha256 is not None:
            body["extensions"] = {"persistedQuery": {"version": 1, "sha256Hash": sha256}}
        only_asks = query is None or not _MAY_WRITE.search(query)
        try:
            content = self._transport.request(
                "POST", PATH, session=self._session, repeatable=True, only_asks=only_asks, json=body
            )
        except ApiError as error:
            content = error.content
            if "errors" not in error.content or "code" in error.content:
                raise  # a problem of the whole request, as other calls have it
        try:
            answer = _Answer.model_validate(content)
        except ValidationError as error:
            raise UnexpectedAnswerError(f"POST {PATH} answered something that is no answer of GraphQL") from error
        if answer.errors:
            raise GraphQLFailedError(answer.errors, answer.data)
        if answer.data is None:
            raise UnexpectedAnswerError(f"POST {PATH} answered neither data nor errors")
        return answer.data
