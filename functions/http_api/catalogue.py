"""Every error code that a client can meet: what it means, why it happens, how to mend it."""

from collections.abc import Iterator
from dataclasses import dataclass

from http_api.problem_texts import OF_ERRORS
from spheroseg import errors
from spheroseg.errors import SpherosegError

STATUS: dict[type[SpherosegError], int] = {
    errors.NotFoundError: 404,
    errors.ConflictError: 409,
    errors.ComparisonTooLargeError: 413,
    errors.VersionMismatchError: 412,
    errors.InvalidInputError: 422,
    errors.ForbiddenError: 403,
    errors.UnauthenticatedError: 401,
    errors.WrongCredentialsError: 401,
    errors.UnavailableError: 503,
    SpherosegError: 500,
}


@dataclass(frozen=True)
class Entry:
    """One code.

    Args:
        status: The HTTP status that it comes with; when it is only met as the ``failure`` of an image or a
            segmentation, the status that it would come with.
    """

    code: str
    status: int
    title: str
    cause: str
    mend: str


_OF_HTTP = (
    Entry(
        "invalid-request",
        422,
        "Wrong request",
        "A field, parameter or header is missing, unknown, or out of its range; `errors` lists each with its place.",
        "Correct the fields that are listed. /docs shows types, units and ranges.",
    ),
    Entry(
        "malformed-body",
        400,
        "Body not readable",
        "The body is not JSON, or nested or numbered beyond all reason.",
        "Send JSON in UTF-8 with `Content-Type: application/json`.",
    ),
    Entry(
        "body-too-large",
        413,
        "Body too large",
        "The request's body is larger than 1 MB. Files do not travel through the API.",
        "Announce fewer files in one request; upload files with the forms.",
    ),
    Entry(
        "rate-limited",
        429,
        "Too many requests",
        "You, or all who share your address, asked for more than one may in a while. A query of the graph counts by "
        "its cost.",
        "Send it again after `Retry-After` seconds; `RateLimit` in each answer tells what is left.",
    ),
    Entry(
        "request-under-way",
        409,
        "Request under way",
        "The same request came under the same `Idempotency-Key` a moment ago, and is not answered yet.",
        "Send it again under the same key after `Retry-After` seconds: you get the answer to the first one.",
    ),
    Entry(
        "malformed-query",
        400,
        "Query not readable",
        "There is no query, or its text is not GraphQL.",
        "Correct it at the place that `locations` names.",
    ),
    Entry(
        "invalid-query",
        400,
        "Query does not fit the schema",
        "A field, argument or variable is unknown, missing, or of another type.",
        "Compare it with the schema, functions/http_api/schema.graphql.",
    ),
    Entry(
        "query-too-large",
        400,
        "Query too large",
        "The query has over 600 tokens, 20,000 characters, 500 fields, 30 aliases or repeated fields, 20 fragments "
        "or 10 fields at its root.",
        "Send several smaller queries; values belong into variables.",
    ),
    Entry(
        "query-too-costly",
        400,
        "Query asks for too much",
        "The answer could hold more than 5,000 objects (the product of page sizes along the nesting), or is nested "
        "deeper than 7.",
        "Ask for smaller pages (`first`), or for the inner lists in queries of their own.",
    ),
    Entry(
        "answer-too-large",
        400,
        "Answer too large",
        "The answer has over 4 MB. What a mutation did is done.",
        "Ask for smaller pages; take geometry from the files that `links` names.",
    ),
    Entry(
        "unknown-query",
        404,
        "No query of that hash",
        "No query of this release has that SHA-256, or it is not that of the text that came with it.",
        "Send the query's text without a hash.",
    ),
    Entry(
        "introspection-off",
        403,
        "Schema not described here",
        "This stage answers no questions about its schema.",
        "The schema is part of the release: functions/http_api/schema.graphql.",
    ),
    Entry(
        "method-not-allowed",
        405,
        "Method not allowed",
        "The address exists, but not with that method.",
        "Take one of the methods in the answer's Allow header.",
    ),
)


def status_of(error: type[SpherosegError]) -> int:
    """The status of the nearest kind that the error belongs to."""
    return next(STATUS[kind] for kind in error.__mro__ if kind in STATUS)


def _all_errors(kind: type[SpherosegError] = SpherosegError) -> Iterator[type[SpherosegError]]:
    yield kind
    for leaf in kind.__subclasses__():
        yield from _all_errors(leaf)


def _entries() -> Iterator[Entry]:
    statuses = {error.code: status_of(error) for error in _all_errors() if error.__module__.startswith(errors.__name__)}
    for code, (title, cause, mend) in OF_ERRORS.items():
        yield Entry(code, statuses[code], title, cause, mend)
    yield from _OF_HTTP


CATALOGUE: dict[str, Entry] = {entry.code: entry for entry in sorted(_entries(), key=lambda entry: entry.code)}
"""By code, in alphabetical order."""
