"""Where queries are sent."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from http_api.correlation import CorrelationId
from http_api.graphql.context import Context
from http_api.graphql.limits import MAX_QUERY_LENGTH
from http_api.graphql.serving import Server
from http_api.rest.answers import POSITION, POSITION_HEADER, SIGNED_IN, Answer, Wired, problems
from http_api.viewer import CurrentViewer

router = APIRouter(tags=["graphql"])

EXAMPLE = "{ me { usage { leftBytes } } projects(first: 2) { nodes { id name } } }"


class KnownQuery(BaseModel):
    """A query of the release, named instead of sent."""

    model_config = ConfigDict(frozen=True)

    version: int = Field(default=1, ge=1, le=1, description="Of this way to name queries", examples=[1])
    sha256_hash: str = Field(
        alias="sha256Hash", pattern="^[0-9a-f]{64}$", description="SHA-256 of the query's file", examples=["0" * 64]
    )


class Extensions(BaseModel):
    """What goes beside a query."""

    model_config = ConfigDict(frozen=True)

    known_query: KnownQuery | None = Field(
        default=None, alias="persistedQuery", description="Names a query of the release, then `query` is left away"
    )


class GraphQLQuery(BaseModel):
    """One query or mutation."""

    model_config = ConfigDict(frozen=True)

    query: str | None = Field(
        default=None, max_length=MAX_QUERY_LENGTH, description="Its text, up to 20,000 characters", examples=[EXAMPLE]
    )
    variables: dict[str, Any] | None = Field(default=None, description="Values of its variables", examples=[{}])
    operation_name: str | None = Field(
        default=None, alias="operationName", max_length=200, description="Which one, where the text has several"
    )
    extensions: Extensions | None = Field(default=None, description="A query of the release to be run instead")


class GraphQLAnswer(Answer):
    """What the query gave."""

    data: dict[str, Any] | None = Field(
        default=None, description="What was asked for, null where it failed; absent in a query that was not run"
    )
    errors: list[dict[str, Any]] | None = Field(
        default=None, description="What failed; `extensions.code` is one of the codes at /problems"
    )
    extensions: dict[str, Any] | None = Field(default=None, description="`cost`: what the query asked for, and may")


def _server(request: Request) -> Server:
    found: Server = request.app.state.graphql
    return found


async def _wired_server(request: Request) -> Server:
    return _server(request)


@router.post(
    "/graphql",
    summary="Ask by GraphQL",
    response_description="The answer; failures of its parts stand in `errors`",
    response_model=GraphQLAnswer,
    responses={
        200: {"headers": POSITION_HEADER},
        400: {"model": GraphQLAnswer, "description": "The query was not run: malformed, invalid, or too costly"},
        **{status: answer for status, answer in problems(*SIGNED_IN).items() if status != 400},
        429: {"model": GraphQLAnswer, "description": "Your budget has no room for its cost now; see `Retry-After`"},
    },
)
async def graphql(
    request: Request,
    body: GraphQLQuery,
    viewer: CurrentViewer,
    use_cases: Wired,
    correlation_id: CorrelationId,
    server: Annotated[Server, Depends(_wired_server)],
) -> Response:
    """What the other routes read and write, as one graph; `functions/http_api/schema.graphql` says how much of it.

    A query is not run when its cost (objects that the answer may hold, the product of page sizes along the nesting)
    passes 5,000, or its depth 7. What you have no role in is not found, as everywhere.
    """
    known = body.extensions.known_query if body.extensions else None
    context = Context(use_cases, viewer, correlation_id)
    answered = await server(
        context, body.query, body.variables or {}, body.operation_name, known.sha256_hash if known else None
    )
    if answered.unforeseen is not None:
        request.scope["unforeseen"] = answered.unforeseen
    headers = {POSITION: answered.position} if answered.position else {}
    if answered.status == 503:
        headers["Retry-After"] = "2"
    if answered.retry_after_s is not None:
        headers["Retry-After"] = str(answered.retry_after_s)
    return Response(answered.content, answered.status, headers, media_type="application/json")
