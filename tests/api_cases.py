"""Requests that Schemathesis makes of the API's document, sent to an API, and their answers held against the document."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from http_api.openapi_document import DOCUMENT

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
METHODS = ("get", "post", "put", "patch", "delete")
Send = Callable[[str, str, dict[str, Any]], httpx.Response]
"""Method, path, and what httpx takes besides."""


def operations() -> list[tuple[str, str]]:
    """Method and path of all of them."""
    paths: dict[str, dict[str, Any]] = json.loads(DOCUMENT.read_bytes())["paths"]
    return [(method, path) for path, item in paths.items() for method in METHODS if method in item]


def the_schema() -> Any:
    """The document as Schemathesis reads it."""
    return schemathesis.openapi.from_dict(json.loads(DOCUMENT.read_bytes()))


def tried(schema: Any, operation: tuple[str, str], own: Mapping[str, str], send: Send, examples: int) -> None:
    """Send that many requests that fit the document, and as many that do not; fail at an answer that it does not tell.

    Args:
        own: Values of place holders in paths that name what is there; taken in two requests of three.
    """
    method, path = operation
    described = schema[path][method]
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=described.as_strategy(generation_mode=mode), named=st.sampled_from([True, True, False]))
        def check(case: Case[Any], *, named: bool) -> None:
            if named:
                case.path_parameters = {**(case.path_parameters or {}), **dict(_of(own, path))}
            request = case.as_transport_kwargs(base_url="http://api.invalid")
            headers = {name: value for name, value in request["headers"].items() if name.lower() != "authorization"}
            address = httpx.URL(request["url"])
            sent = {key: request[key] for key in ("json", "data", "params") if request.get(key) is not None}
            if isinstance(sent.get("data"), bytes | str):
                sent["content"] = sent.pop("data")
            response = send(method.upper(), address.raw_path.decode("ascii"), {**sent, "headers": headers})
            case.validate_response(response, checks=CHECKS)

        try:
            check()
        except Unsatisfiable:
            if mode is GenerationMode.POSITIVE:
                raise  # else nothing of such a request can be wrong: it has no parameters


def _of(own: Mapping[str, str], path: str) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, value in own.items() if f"{{{name}}}" in path)
