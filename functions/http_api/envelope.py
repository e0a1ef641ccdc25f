"""What every answer has in common: its headers, its limits, and a 500 without details."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from http_api.catalogue import CATALOGUE
from http_api.correlation import HEADER, correlation_id_of
from http_api.problems import answer_to_http, problem

MAX_BODY_BYTES = 1_000_000
"""1,000 announced files with long names are about 0.4 MB."""


@dataclass(frozen=True)
class Answered:
    """What became of a request, for the log.

    Args:
        route: The route's template, such as ``/v1/images/{image_id}``; None when no route matched.
        ids: What stood in its place holders.
        error: What was not foreseen.
        is_replayed: Whether it is the kept answer to an earlier request under the same idempotency key.
    """

    method: str
    route: str | None
    ids: dict[str, str]
    status: int
    duration_s: float
    error: Exception | None
    is_replayed: bool = False


class Envelope:
    """Middleware around all routes."""

    def __init__(self, app: ASGIApp, on_answered: Callable[[Answered], None]) -> None:
        self.app = app
        self.on_answered = on_answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; the app has no lifespan and no sockets."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = perf_counter()
        correlation_id = correlation_id_of(scope.get("aws.event", {}), Headers(scope=scope))
        scope["correlation_id"] = correlation_id
        status = 0
        error: Exception | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[HEADER] = correlation_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "private, no-store")
            await send(message)

        try:
            await self.app(scope, _limited(scope, receive), send_with_headers)
        except HTTPException as refused:
            await answer_to_http(Request(scope), refused)(scope, receive, send_with_headers)
        except Exception as unforeseen:  # noqa: BLE001 - the edge: logged with its stack, answered without
            error = unforeseen
            answer = problem(Request(scope), "internal", CATALOGUE["internal"].mend)
            await answer(scope, receive, send_with_headers)
        error = error or scope.get("unforeseen")
        route = getattr(scope.get("route"), "path", None)
        ids = {name: str(value) for name, value in scope.get("path_params", {}).items()}
        duration_s, is_replayed = perf_counter() - begun, scope.get("replayed", False)
        self.on_answered(Answered(scope["method"], route, ids, status, duration_s, error, is_replayed))


def _limited(scope: Scope, receive: Receive) -> Receive:
    """The body up to the limit; one that says it is longer is not waited for, whether its route reads it or not."""
    told = Headers(scope=scope).get("content-length", "")
    if told.isdecimal() and int(told) > MAX_BODY_BYTES:
        raise HTTPException(413)
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise HTTPException(413)
        return message

    return receive_limited
