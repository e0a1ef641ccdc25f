"""A query from its text to its answer: parse, count, validate, run; nothing is run that has not passed the others."""

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from math import ceil
from typing import Any, cast

import orjson
from graphql import DocumentNode, GraphQLError, GraphQLSyntaxError, parse
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from http_api.graphql.context import Context
from http_api.graphql.errors import told
from http_api.graphql.known_queries import known_queries
from http_api.graphql.limits import (
    MAX_COST,
    MAX_DEPTH,
    MAX_QUERY_LENGTH,
    MAX_TOKENS,
    NAME_ONE,
    Asked,
    QueryRefusedError,
    asked_by,
)
from http_api.graphql.schema import schema
from http_api.rates import COST_OF_ONE, wait_in_words

MAX_ANSWER_BYTES = 4_000_000
"""A Lambda answer holds 6 MB, quoted as a JSON string; the rest is for the quotes."""
TOO_MUCH = re.compile(r"Syntax Error: Document (contains more|is nested)|Document (contains more|is nested)")
"""How the parser begins when a text has too many tokens, or too many levels."""
KEPT_DOCUMENTS = 64
"""Validated queries that are kept in memory, of 20,000 characters at most each."""


@dataclass(frozen=True)
class Answered:
    """What goes back.

    Args:
        position: The database's position after the request's last write.
        unforeseen: A defect, for the log.
        retry_after_s: When it may be asked again, where it came too soon.
        asked: What the query asked for, where it came that far.
    """

    content: bytes
    status: int
    position: str | None
    unforeseen: Exception | None
    asked: Asked | None
    retry_after_s: int | None = None


@dataclass
class Server:
    """Answers queries; holds what is kept between them.

    Args:
        introspection: Whether the schema may be asked about.
    """

    introspection: bool
    known: Mapping[str, str] = field(default_factory=known_queries)

    def __post_init__(self) -> None:
        self.schema = schema(introspection=self.introspection, extensions=[lambda: _Gate(self)])
        self.kept: OrderedDict[str, DocumentNode] = OrderedDict()

    async def __call__(
        self,
        context: Context,
        query: str | None,
        variables: dict[str, Any],
        operation_name: str | None = None,
        known_hash: str | None = None,
    ) -> Answered:
        """The answer to one query.

        Args:
            query: Its text; None where ``known_hash`` names one of the release.
            known_hash: SHA-256 of a query of the release, in hexadecimal digits.
        """
        context.operation_name = operation_name
        data: dict[str, Any] | None = None
        errors: list[GraphQLError]
        try:
            result = await self.schema.execute(
                self._text(query, known_hash),
                variable_values=variables,
                context_value=context,
                operation_name=operation_name,
                allowed_operation_types={OperationType.QUERY, OperationType.MUTATION},
            )
            data, errors = result.data, list(result.errors or ())
        except QueryRefusedError as refused:
            errors = [GraphQLError(str(refused), original_error=refused)]
        except (CannotGetOperationTypeError, InvalidOperationTypeError):
            errors = [GraphQLError(NAME_ONE)]
        return self._answered(context, data, errors)

    def _text(self, query: str | None, known_hash: str | None) -> str:
        if known_hash is None:
            if not query:
                raise QueryRefusedError("malformed-query", "There is no query")
            return query
        if query is not None:
            if sha256(query.encode()).hexdigest() != known_hash:
                raise QueryRefusedError("unknown-query", "The hash is not that of the query that came with it")
            return query
        if known_hash not in self.known:
            raise QueryRefusedError("unknown-query", "No query of this release has that hash; send its text")
        return self.known[known_hash]

    def _answered(self, context: Context, data: dict[str, Any] | None, errors: list[GraphQLError]) -> Answered:
        found = told(errors, is_run=context.is_run)
        extensions = _cost(context.asked) if context.asked else {}
        content = _content(context, data, found.shown, extensions)
        if len(content) > MAX_ANSWER_BYTES:
            refused = QueryRefusedError("answer-too-large", "The answer has over 4 MB; ask for smaller pages")
            found = told([GraphQLError(str(refused), original_error=refused)], is_run=True)
            content = _content(context, None, found.shown, extensions)
        return Answered(content, found.status, context.position, found.unforeseen, context.asked, found.retry_after_s)

    def keep(self, query: str, document: DocumentNode) -> None:
        """Hold a validated document until others have taken its place."""
        self.kept[query] = document
        self.kept.move_to_end(query)
        while len(self.kept) > KEPT_DOCUMENTS:
            self.kept.popitem(last=False)


@cache
def server(*, introspection: bool) -> Server:
    """The one of this process: it holds nothing of anybody's, and its schema takes 0.1 s to make."""
    return Server(introspection)


class _Gate(SchemaExtension):
    """What a query passes before it is run."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.is_kept = False

    def on_parse(self) -> Iterator[None]:
        """Take the document that was validated before, or parse the text."""
        execution, query = self.execution_context, self.execution_context.query or ""
        document = self.server.kept.get(query)
        self.is_kept = document is not None
        execution.graphql_document = document or _parsed(query)
        yield

    def on_validate(self) -> Iterator[None]:
        """Count what the query asks for, then validate it, unless it was validated before."""
        execution = self.execution_context
        context, document = cast("Context", execution.context), execution.graphql_document
        if document is None:
            raise AssertionError("a document that is validated was parsed")
        context.asked = asked_by(
            self.server.schema.graph,
            document,
            context.operation_name,
            execution.variables or {},
            introspection=self.server.introspection,
        )
        self._charge(context, context.asked.cost)
        if self.is_kept:
            execution.pre_execution_errors = []
        yield
        if not execution.pre_execution_errors:
            context.is_run = True
            self.server.keep(execution.query or "", document)

    @staticmethod
    def _charge(context: Context, cost: int) -> None:
        """What a query costs beside the request that it is."""
        if cost < COST_OF_ONE:
            return
        rates = context.use_cases.rates
        allowance = rates.charge(context.viewer.user_id, None, cost // COST_OF_ONE)["user"]
        if not allowance.is_granted:
            wait_s = ceil(allowance.retry_after_s + 1 / rates.user.per_s)  # the next one counts as a request besides
            raise QueryRefusedError("rate-limited", wait_in_words("user", wait_s), wait_s)


def _parsed(query: str) -> DocumentNode:
    if len(query) > MAX_QUERY_LENGTH:
        raise QueryRefusedError("query-too-large", f"The query has over {MAX_QUERY_LENGTH} characters")
    try:
        return parse(query, max_lexical_tokens=MAX_TOKENS)
    except GraphQLSyntaxError as error:
        if TOO_MUCH.match(error.message):
            raise QueryRefusedError("query-too-large", error.message) from error
        raise


def _cost(asked: Asked) -> dict[str, Any]:
    return {
        "cost": {
            "requested": asked.cost,
            "maximum": MAX_COST,
            "depth": asked.depth,
            "maximumDepth": MAX_DEPTH,
        }
    }


def _content(
    context: Context, data: dict[str, Any] | None, errors: list[dict[str, Any]], extensions: dict[str, Any]
) -> bytes:
    parts: dict[str, Any] = {"data": data} if context.is_run else {}
    if errors:
        parts["errors"] = errors
    if extensions:
        parts["extensions"] = extensions
    return orjson.dumps(parts, option=orjson.OPT_NON_STR_KEYS)  # counts have enumerated keys
