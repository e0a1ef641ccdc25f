"""The API's document with every operation told in full: what it shares with others in place of a reference to it."""

from typing import Any

from http_api.app import described

SHARED = ("examples", "responses", "parameters")


def document_in_full() -> dict[str, Any]:
    """The document; schemas alone stay references."""
    document = described(has_sign_in=True).openapi()
    return {**document, "paths": _in_full(document["paths"], document["components"])}


def _in_full(part: Any, components: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_in_full(each, components) for each in part]
    if not isinstance(part, dict):
        return part
    _, _, kind, name = [*str(part.get("$ref", "")).split("/", 3), "", "", ""][:4]
    if kind in SHARED:
        return _in_full(components[kind][name], components)
    return {key: _in_full(value, components) for key, value in part.items()}
