"""The API's OpenAPI document as a reviewed file."""

from pathlib import Path

import orjson

from http_api.app import described

DOCUMENT = Path(__file__).with_name("openapi.json")


def printed() -> bytes:
    """The document as the code describes it, with the routes that only the local stage has."""
    document = described(has_sign_in=True).openapi()
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
