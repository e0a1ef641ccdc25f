"""Health: is it up, can it serve, and what is down."""

from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from http_api.health import PartHealth, look_at
from http_api.rest.answers import Answer, Wired

router = APIRouter(prefix="/health", tags=["health"])
UNCACHED = "no-store"


class AliveOut(Answer):
    """A sign of life."""

    status: Literal["ok"] = Field(default="ok", description="Always `ok`: it answers")


class ReadyOut(Answer):
    """Whether requests can be served."""

    status: Literal["ready", "not ready"] = Field(description="`ready` comes with 200, `not ready` with 503")


class PartOut(Answer):
    """A part behind the API."""

    name: str = Field(description="Which part", examples=["database_writer"])
    status: Literal["up", "down"] = Field(description="Whether it answered")
    is_needed: bool = Field(description="False when requests can be served without it")
    code: str | None = Field(description="What went wrong, as a code of /problems or `timed-out`; null when up")
    duration_s: float | None = Field(
        description="Seconds that the look took; null when it was given up", examples=[0.002]
    )
    figures: dict[str, float | None] = Field(
        description="What else is known, units in the names", examples=[{"lag_s": 0.0}]
    )

    @classmethod
    def of(cls, part: PartHealth) -> "PartOut":
        """What one look gave."""
        return cls(
            name=part.name,
            status="up" if part.code is None else "down",
            is_needed=part.is_needed,
            code=part.code,
            duration_s=part.duration_s,
            figures=part.figures,
        )


class DetailedOut(ReadyOut):
    """Whether requests can be served, and what each part says."""

    stage: str = Field(description="Which deployment this is", examples=["production"])
    parts: list[PartOut] = Field(description="Every part behind the API")


NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": ReadyOut, "description": "Something that is needed is down"}
}


@router.get("", summary="Is it up?", response_description="It is")
async def read_health(response: Response) -> AliveOut:
    """The API answers; nothing behind it is looked at."""
    response.headers["Cache-Control"] = UNCACHED
    return AliveOut()


@router.get("/live", summary="Is it alive?", response_description="It is")
async def read_live(response: Response) -> AliveOut:
    """The same as /health, under the name that orchestrators ask for."""
    response.headers["Cache-Control"] = UNCACHED
    return AliveOut()


@router.get("/ready", summary="Can it serve?", response_description="It can", responses=NOT_READY)
async def read_ready(response: Response, use_cases: Wired) -> ReadyOut:
    """Whether everything that requests need answers."""
    parts = look_at([part for part in use_cases.parts if part.is_needed])
    return ReadyOut(status=_judge(parts, response))


@router.get(
    "/detailed",
    summary="What is down?",
    response_description="Everything that is needed is up",
    responses={503: {"model": DetailedOut, "description": "Something that is needed is down"}},
)
async def read_detailed(response: Response, use_cases: Wired) -> DetailedOut:
    """Every part behind the API with its status and duration; no hosts, no names of resources."""
    parts = look_at(use_cases.parts)
    return DetailedOut(
        status=_judge(parts, response), stage=use_cases.stage, parts=[PartOut.of(part) for part in parts]
    )


def _judge(parts: list[PartHealth], response: Response) -> Literal["ready", "not ready"]:
    response.headers["Cache-Control"] = UNCACHED
    if all(part.code is None for part in parts if part.is_needed):
        return "ready"
    response.status_code = 503
    return "not ready"
