"""Who asks for too much is refused before anything else happens."""

from math import ceil
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from http_api.catalogue import CATALOGUE
from http_api.problems import MEDIA_TYPE, problem
from http_api.rates import Rates, wait_in_words
from http_api.rest.answers import problems
from http_api.viewer import user_id_of
from spheroseg.domain.rate_limit import Allowance
from spheroseg.observability import metrics

UNCOUNTED = "/health"
"""Whoever watches the service must never be refused."""
LIMIT, POLICY = "RateLimit", "RateLimit-Policy"


class RateLimited:
    """Middleware: who asks too much gets 429 before anything else happens, everybody what is left."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self.app = app
        self.rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http" or scope["path"].startswith(UNCOUNTED):
            await self.app(scope, receive, send)
            return
        taken = self.rates.charge(user_id_of(scope), _address(scope))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start" and taken:
                headers = MutableHeaders(scope=message)
                for name, value in self._headers(taken).items():
                    headers[name] = value
            await send(message)

        refused = [name for name, allowance in taken.items() if not allowance.is_granted]
        if not refused:
            await self.app(scope, receive, send_with_headers)
            return
        wait_s = ceil(max(taken[name].retry_after_s for name in refused))
        metrics.add_metric(name="RateLimited", unit=MetricUnit.Count, value=1)
        answer = problem(
            Request(scope), "rate-limited", wait_in_words(refused[0], wait_s), headers={"Retry-After": str(wait_s)}
        )
        await answer(scope, receive, send_with_headers)

    def _headers(self, taken: dict[str, Allowance]) -> dict[str, str]:
        """Source: draft-ietf-httpapi-ratelimit-headers-10."""
        limits = {name: self.rates.limit(name) for name in taken}
        return {
            LIMIT: ", ".join(f'"{name}";r={one.left};t={ceil(one.full_after_s)}' for name, one in taken.items()),
            POLICY: ", ".join(f'"{name}";q={one.burst};w={ceil(one.window_s)}' for name, one in limits.items()),
        }


def _address(scope: Scope) -> str | None:
    """Where the gateway says that the request came from; no header of the client counts."""
    found: Any = scope.get("aws.event")
    for key in ("requestContext", "http", "sourceIp"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) and found else None


def describe_limits(document: dict[str, Any]) -> None:
    """Add the refusal and the headers to every operation of an OpenAPI document that is counted."""
    entry = CATALOGUE["rate-limited"]
    headers = {
        LIMIT: {
            "description": "What is left of each budget (`r`), and in how many seconds it is full again (`t`)",
            "schema": {"type": "string"},
            "example": '"user";r=299;t=1, "address";r=599;t=1',
        },
        POLICY: {
            "description": "What each budget holds (`q`), and in how many seconds an empty one is full (`w`)",
            "schema": {"type": "string"},
            "example": '"user";q=300;w=6, "address";q=600;w=6',
        },
    }
    retry_after = {"description": "Seconds to wait", "schema": {"type": "integer"}, "example": 2}
    for path, item in document["paths"].items():
        if path.startswith(UNCOUNTED):
            continue
        for operation in item.values():
            answer = operation["responses"].setdefault("429", problems("rate-limited", common=())[entry.status])
            content = answer.setdefault("content", {})
            content.setdefault(MEDIA_TYPE, problems("rate-limited", common=())[entry.status]["content"][MEDIA_TYPE])
            answer["headers"] = {**headers, "Retry-After": retry_after}
