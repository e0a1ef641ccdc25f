"""The catalogue of error codes, for people and programs."""

from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Response
from pydantic import Field
from starlette.exceptions import HTTPException

from http_api.catalogue import CATALOGUE, Entry
from http_api.rest.answers import Answer, problems

router = APIRouter(prefix="/problems", tags=["documentation"])
KEPT_FOR = "public, max-age=3600"
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class ProblemKind(Answer):
    """What an error code means."""

    code: str = Field(description="Stable name of the kind of problem", examples=["not-stored-yet"])
    status: int = Field(description="The HTTP status that it comes with", examples=[409])
    title: str = Field(description="In a few words", examples=["File not there yet"])
    cause: str = Field(description="Why it happens")
    mend: str = Field(description="What to do about it")

    @classmethod
    def of(cls, entry: Entry) -> "ProblemKind":
        """The catalogue's entry."""
        return cls(code=entry.code, status=entry.status, title=entry.title, cause=entry.cause, mend=entry.mend)


class ProblemKinds(Answer):
    """Every error code."""

    items: list[ProblemKind] = Field(description="By code, in alphabetical order")


Accept = Annotated[str, Header(description="`text/html` gives a page for people")]
HTML: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}


@router.get(
    "",
    summary="List the error codes",
    response_model=ProblemKinds,
    response_description="All",
    responses={**HTML, **problems(common=("invalid-request",))},
)
async def list_problems(accept: Accept = "application/json") -> Response:
    """Every code that a problem, an image's failure or a segmentation's failure can have."""
    entries = list(CATALOGUE.values())
    if "text/html" in accept:
        rows = "".join(f'<li><a href="problems/{e.code}">{e.code}</a>: {escape(e.title)}</li>' for e in entries)
        return _html("Problems", f"<ul>{rows}</ul>")
    return _json(ProblemKinds(items=[ProblemKind.of(entry) for entry in entries]))


@router.get(
    "/{code}",
    summary="Explain an error code",
    response_model=ProblemKind,
    response_description="Its cause and how to mend it",
    responses={**HTML, **problems("no-such-route", common=("invalid-request",))},
)
async def read_problem(
    code: Annotated[str, Path(max_length=60, examples=["not-stored-yet"])], accept: Accept = "application/json"
) -> Response:
    """What one code means, why it happens, and what to do about it."""
    entry = CATALOGUE.get(code)
    if entry is None:
        raise HTTPException(404)
    if "text/html" in accept:
        return _html(
            entry.title,
            f"<p><code>{entry.code}</code>, HTTP status {entry.status}</p><h2>Cause</h2><p>{escape(entry.cause)}</p>"
            f'<h2>What to do</h2><p>{escape(entry.mend)}</p><p><a href="../problems">All problems</a></p>',
        )
    return _json(ProblemKind.of(entry))


def _json(answer: Answer) -> Response:
    headers = {"Cache-Control": KEPT_FOR, "Vary": "Accept"}
    return Response(answer.model_dump_json(), media_type="application/json", headers=headers)


def _html(title: str, content: str) -> Response:
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} - SpheroSeg</title>'
        '<meta name="viewport" content="width=device-width"><style>body{font:16px/1.5 system-ui;max-width:40rem;'
        f"margin:2rem auto;padding:0 1rem}}</style></head><body><h1>{escape(title)}</h1>{content}</body></html>"
    )
    headers = {"Cache-Control": KEPT_FOR, "Vary": "Accept", "Content-Security-Policy": POLICY}
    return Response(page, media_type="text/html", headers=headers)
