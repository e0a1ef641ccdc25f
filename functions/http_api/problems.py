"""Errors as ``application/problem+json`` (RFC 9457)."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from http_api.catalogue import CATALOGUE
from http_api.edit_problems import EditDetails, edit_details
from spheroseg.errors import InvalidTableError, NoSuchRouteError, QuotaExceededError, SpherosegError, TableFault

MEDIA_TYPE = "application/problem+json"
MAX_LISTED = 50
"""Wrong fields listed in one answer; of 1,000 files each may have several."""
CODE_OF_STATUS = {400: "malformed-body", 404: "no-such-route", 405: "method-not-allowed", 413: "body-too-large"}


class FieldProblem(BaseModel):
    """One thing that is wrong with a request."""

    location: str = Field(description="`body`, `query`, `path` or `header`", examples=["body"])
    field: str = Field(description="Where in it, empty for the whole", examples=["files[3].pixel_size_um"])
    detail: str = Field(description="What is wrong", examples=["Input should be less than or equal to 1000"])


class QuotaLeft(BaseModel):
    """What would still fit into the quota."""

    left_bytes: int = Field(description="Bytes of original files", examples=[1_048_576])
    left_images: int = Field(description="Images", examples=[12])


class Problem(EditDetails):
    """Why a request was not served, after RFC 9457."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "/problems/image-not-found",
                    "title": "No such image",
                    "status": 404,
                    "detail": "Image 0198c0de-0000-7000-8000-000000000001 does not exist",
                    "instance": "/v1/images/0198c0de-0000-7000-8000-000000000001",
                    "code": "image-not-found",
                }
            ]
        }
    )

    type: str = Field(description="Page that explains the problem, relative to the API's root")
    title: str = Field(description="The kind of problem in a few words; the same for each of its kind")
    status: int = Field(description="The HTTP status")
    detail: str = Field(description="What went wrong this time, for people")
    instance: str = Field(description="The path that was asked for")
    code: str = Field(description="Stable name of the kind of problem; programs decide by it")
    errors: list[FieldProblem] | None = Field(default=None, description="What is wrong with which field, up to 50")
    quota: QuotaLeft | None = Field(default=None, description="What is left; only with `quota-exceeded`")


def problem(
    request: Request,
    code: str,
    detail: str,
    *,
    errors: Sequence[FieldProblem] | None = None,
    quota: QuotaLeft | None = None,
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer for a code of the catalogue."""
    entry = CATALOGUE[code]
    body = Problem(
        type=f"/problems/{code}",
        title=entry.title,
        status=entry.status,
        detail=detail,
        instance=request.url.path,
        code=code,
        errors=list(errors) if errors else None,
        quota=quota,
        **(more or {}),
    )
    return Response(body.model_dump_json(exclude_none=True), entry.status, {**(headers or {})}, media_type=MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Let every error of the app's routes become a problem; what is unforeseen is left to the envelope."""
    app.add_exception_handler(SpherosegError, _on_own_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)


async def _on_own_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, SpherosegError):
        raise error
    return answer_to(request, error)


def answer_to(request: Request, error: SpherosegError) -> Response:
    """The problem that an error is; one without details for clients is raised again, as a defect."""
    status = CATALOGUE[error.code].status
    if status == 500:
        raise error
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "2"}}.get(status)
    quota, faults = quota_left(error), faults_of(error)
    detail = _nothing_at(request) if isinstance(error, NoSuchRouteError) else str(error)
    return problem(request, error.code, detail, errors=faults, quota=quota, more=edit_details(error), headers=headers)


def _nothing_at(request: Request) -> str:
    return f"There is nothing at {request.url.path}"


def quota_left(error: SpherosegError) -> QuotaLeft | None:
    """What an error says of the quota."""
    if isinstance(error, QuotaExceededError) and error.left_bytes is not None and error.left_images is not None:
        return QuotaLeft(left_bytes=error.left_bytes, left_images=error.left_images)
    return None


def faults_of(error: SpherosegError) -> list[FieldProblem]:
    """Faults of a table; the heading is row 1, as in a spreadsheet."""
    faults: Sequence[TableFault] = error.faults if isinstance(error, InvalidTableError) else ()
    return [
        FieldProblem(
            location="body",
            field=f"row {fault.row}, column {fault.column[:100]}" if fault.column else f"row {fault.row}",
            detail=fault.detail,
        )
        for fault in faults
    ]


async def _on_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return answer_to_http(request, error)


def answer_to_http(request: Request, error: HTTPException) -> Response:
    """The problem that an error of the framework is."""
    if error.status_code not in CODE_OF_STATUS:
        raise error
    code = CODE_OF_STATUS[error.status_code]
    detail = {
        "no-such-route": _nothing_at(request),
        "method-not-allowed": f"{request.url.path} does not take {request.method}",
    }.get(code, CATALOGUE[code].cause)
    return problem(request, code, detail, headers=error.headers)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    found = error.errors()
    if found[0]["type"] == "json_invalid":
        detail = f"The body is not JSON: {found[0]['ctx']['error']} at character {found[0]['loc'][1]}"
        return problem(request, "malformed-body", detail)
    listed = [field_problem(each) for each in found[:MAX_LISTED]]
    first = f"{listed[0].field or listed[0].location}: {listed[0].detail}"
    detail = first if len(found) == 1 else f"{len(found)} things are wrong, the first: {first}"
    return problem(request, "invalid-request", detail, errors=listed)


def field_problem(error: Mapping[str, Any]) -> FieldProblem:
    """One of pydantic's findings without what was sent, which may be a password."""
    location, *path = error["loc"]
    field = ""
    for part in path:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else str(part)
    detail = {
        "extra_forbidden": "There is no such field; check its spelling",
        "missing": "This is required",
        "model_attributes_type": "A JSON object is needed, sent with Content-Type: application/json",
    }.get(error["type"], str(error["msg"]).removeprefix("Value error, "))
    return FieldProblem(location=str(location), field=field[:200], detail=detail)
