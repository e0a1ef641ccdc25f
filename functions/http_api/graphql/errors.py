"""Errors in the graph: the codes of REST in ``extensions.code``, nothing of what was not foreseen."""

from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError
from pydantic import ValidationError

from http_api.catalogue import CATALOGUE
from http_api.edit_problems import EditDetails, edit_details
from http_api.graphql.limits import QueryRefusedError
from http_api.problems import MAX_LISTED, faults_of, field_problem, quota_left
from spheroseg.errors import SpherosegError


@dataclass
class Told:
    """The errors of one answer.

    Args:
        shown: As clients see them.
        status: The HTTP status that they make of the answer.
        unforeseen: The first that is a defect, for the log.
        retry_after_s: When it may be asked again, where it came too soon.
    """

    shown: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    unforeseen: Exception | None = None
    retry_after_s: int | None = None


def told(errors: list[GraphQLError], *, is_run: bool) -> Told:
    """Errors as clients see them; 400 for a query that was not run, 200 for one that was, unless a part of it is down.

    Args:
        is_run: Whether the query was run.
    """
    all_told = Told(status=200 if is_run else 400)
    for error in errors:
        code, detail, more = _explained(error)
        entry = CATALOGUE[code]
        if isinstance(error.original_error, QueryRefusedError) and error.original_error.retry_after_s is not None:
            all_told.status, all_told.retry_after_s = entry.status, error.original_error.retry_after_s
        if entry.status >= 500:
            all_told.status = max(all_told.status, entry.status)
        if code == "internal" and all_told.unforeseen is None:
            all_told.unforeseen = error.original_error or error
        shown: dict[str, Any] = {"message": detail}
        if error.locations:
            shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
        if error.path:
            shown["path"] = error.path
        shown["extensions"] = {"code": code, "title": entry.title, "status": entry.status, **more}
        all_told.shown.append(shown)
        if len(all_told.shown) == MAX_LISTED:
            break
    return all_told


def _explained(error: GraphQLError) -> tuple[str, str, dict[str, Any]]:
    """Code, detail and what else is told."""
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(error, GraphQLSyntaxError):
        return "malformed-query", error.message, {}
    if isinstance(cause, QueryRefusedError):
        return cause.code, str(cause), {}
    if isinstance(cause, ValidationError):
        found = [field_problem({**each, "loc": ("input", *each["loc"])}) for each in cause.errors()[:MAX_LISTED]]
        detail = f"{found[0].field or 'input'}: {found[0].detail}"
        return "invalid-request", detail, {"errors": [each.model_dump() for each in found]}
    if isinstance(cause, SpherosegError) and CATALOGUE[cause.code].status != 500:
        quota, faults = quota_left(cause), faults_of(cause)
        more: dict[str, Any] = {"quota": quota.model_dump()} if quota else {}
        more |= EditDetails(**edit_details(cause)).model_dump(mode="json", exclude_none=True)
        return cause.code, str(cause), {**more, "errors": [each.model_dump() for each in faults]} if faults else more
    if cause is None and error.path is None:
        return "invalid-query", error.message, {}
    return "internal", CATALOGUE["internal"].mend, {}
