"""What the resources share: the use cases, pages, positions, documented problems."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from http_api.catalogue import CATALOGUE, Entry
from http_api.cursors import CURSOR_MAX_LENGTH
from http_api.problems import MEDIA_TYPE
from http_api.use_cases import UseCases
from spheroseg.domain.paging import MAX_LIMIT

POSITION = "Spheroseg-Position"
DEFAULT_LIMIT = 50


class Body(BaseModel):
    """The base of what clients send: an unknown field is a mistake, and numbers are finite."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Answer(BaseModel):
    """The base of what clients get."""

    model_config = ConfigDict(frozen=True)


def _use_cases(request: Request) -> UseCases:
    found: UseCases = request.app.state.use_cases
    return found


async def _wired(request: Request) -> UseCases:
    return _use_cases(request)


Wired = Annotated[UseCases, Depends(_wired)]


async def _written(request: Request, response: Response) -> Callable[[], str | None]:
    def note_position() -> str | None:
        position = _use_cases(request).position()
        if position is not None:
            response.headers[POSITION] = position
        return position

    return note_position


Written = Annotated[Callable[[], str | None], Depends(_written)]
"""To be called once after a write: puts the database's position into the answer's header, and gives it."""


CursorText = Annotated[
    str | None,
    Query(max_length=CURSOR_MAX_LENGTH, description="The `next_cursor` of the page before; left away to begin"),
]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items on the page at most")]


SIGNED_IN = ("unauthenticated", "invalid-request", "internal", "database-unavailable")
"""What every route for signed-in people may answer."""

NOT_WRITABLE = ("role-too-low", "project-archived")
"""What every route that writes below a project may answer besides."""


def problems(*codes: str, common: tuple[str, ...] = SIGNED_IN) -> dict[int | str, dict[str, Any]]:
    """The documented problems of a route, by status."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in dict.fromkeys((*codes, *common)):
        entry = CATALOGUE[code]
        schema = {"$ref": "#/components/schemas/Problem"}
        answer = found.setdefault(
            entry.status, {"description": "", "content": {MEDIA_TYPE: {"schema": schema, "examples": {}}}}
        )
        answer["description"] = "; ".join(filter(None, [answer["description"], f"`{code}`: {entry.title}"]))
        answer["content"][MEDIA_TYPE]["examples"][code] = {"summary": entry.title, "value": _example(entry)}
    return found


def add_problems(operation: dict[str, Any], *codes: str) -> None:
    """Add documented problems to an operation of an OpenAPI document, beside those that it has."""
    for status, answer in problems(*codes, common=()).items():
        content = answer["content"][MEDIA_TYPE]
        there = operation["responses"].setdefault(str(status), {"description": "", "content": {}})
        kind = there.setdefault("content", {}).setdefault(MEDIA_TYPE, {**content, "examples": {}})
        examples = kind.setdefault("examples", {})
        missing = {
            code: each for code, each in answer["content"][MEDIA_TYPE]["examples"].items() if code not in examples
        }
        if missing:
            examples |= missing
            added = "; ".join(f"`{code}`: {each['summary']}" for code, each in missing.items())
            there["description"] = "; ".join(filter(None, [there["description"], added]))


def describe_bodies(document: dict[str, Any]) -> None:
    """Say of every operation of an OpenAPI document that takes a body what is answered to one that cannot be read."""
    for item in document["paths"].values():
        for operation in item.values():
            if "requestBody" in operation:
                add_problems(operation, "malformed-body", "body-too-large")


def _example(entry: Entry) -> dict[str, Any]:
    example = {
        "type": f"/problems/{entry.code}",
        "title": entry.title,
        "status": entry.status,
        "detail": entry.cause,
        "instance": "/v1/…",
        "code": entry.code,
    }
    if entry.code == "invalid-request":
        wrong = "Input should be less than or equal to 1000"
        example["detail"] = f"pixel_size_um: {wrong}"
        example["errors"] = [{"location": "body", "field": "pixel_size_um", "detail": wrong}]
    return example


POSITION_HEADER: dict[str, Any] = {
    POSITION: {
        "description": "Send it back as Spheroseg-Read-After to read this write",
        "schema": {"type": "string"},
        "example": "0/3000148",
    }
}
