"""Conditional requests (RFC 9110, section 13): tags made from versions, 304 on reads, 412 on writes."""

import re
from typing import Annotated, Any

from fastapi import Depends, Header, Response

KEPT_FOR = "private, no-cache"
"""Kept by its reader, and asked about each time: an answer without a body is all that it costs."""
_TAG = re.compile(r'"(\d{1,18})(?:\.[a-z]+)?"')


def tag_of(version: int, *parts: str) -> str:
    """The entity tag of something in a version.

    Args:
        parts: What the answer depends on besides, such as the role of whoever asks; lower case letters.
    """
    return f'"{".".join([str(version), *parts])}"'


async def _if_match(
    if_match: Annotated[
        str | None,
        Header(
            max_length=500,
            description="The ETag of the version that you have seen: when there is another one by now, nothing is "
            "changed and the answer is 412",
            examples=['"3.owner"'],
        ),
    ] = None,
) -> frozenset[int] | None:
    """Versions that the client has seen; None: it does not say, or any will do."""
    if if_match is None or if_match.strip() == "*":
        return None
    return frozenset(int(version) for version in _TAG.findall(if_match))


SeenVersions = Annotated[frozenset[int] | None, Depends(_if_match)]


async def _if_none_match(
    if_none_match: Annotated[
        str | None,
        Header(
            max_length=500,
            description="The ETag of the answer that you have: when it is still the same, the answer is 304",
            examples=['"3.owner"'],
        ),
    ] = None,
) -> str | None:
    return if_none_match


KnownTags = Annotated[str | None, Depends(_if_none_match)]


def unchanged(response: Response, known: str | None, tag: str) -> Response | None:
    """A 304 when the client has that tag; else None, and the tag stands in the answer's header.

    Args:
        response: Whose headers the answer will have.
        known: The client's ``If-None-Match``.
    """
    headers = {"ETag": tag, "Cache-Control": KEPT_FOR}
    if known is not None and tag in {part.strip().removeprefix("W/") for part in known.split(",")}:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return None


TAG_HEADER: dict[str, Any] = {
    "ETag": {
        "description": "Names this version; send it back in If-None-Match or If-Match",
        "schema": {"type": "string"},
        "example": '"3.owner"',
    }
}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "You have the present version", "headers": TAG_HEADER}
}
