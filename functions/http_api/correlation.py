"""The id that a request's log lines share, up to the worker and the message on the socket."""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Depends, Request

HEADER = "X-Correlation-Id"
_SANE = re.compile(r"[A-Za-z0-9._=-]{1,64}")


def correlation_id_of(event: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """The caller's own id if it is short and plain, else the gateway's request id.

    Args:
        event: What the gateway sent; empty outside Lambda.
        headers: The request's headers, names in lower case.
    """
    own = headers.get(HEADER.lower(), "")
    if _SANE.fullmatch(own):
        return own
    given = event.get("requestContext", {}).get("requestId")
    return str(given) if given else str(uuid4())


async def _correlation_id(request: Request) -> str:
    found: str = request.scope["correlation_id"]
    return found


CorrelationId = Annotated[str, Depends(_correlation_id)]
