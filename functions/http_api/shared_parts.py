"""What many operations of the OpenAPI document have in common told once, in its components."""

from collections import Counter
from typing import Any

import orjson

from http_api.problems import MEDIA_TYPE


def share_parts(document: dict[str, Any]) -> None:
    """Put problems, their examples and usual parameters into the components; operations refer to them.

    An answer's name is made of its codes (`image-not-found.offer-not-found`), an example's is its code, a parameter's
    its own. Where two have one name, what stands in most operations takes it, and the other stays where it is.
    """
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    components = document["components"]
    components["examples"] = _shared("examples", [_examples(operation) for operation in operations])
    components["responses"] = _shared("responses", [_problems(operation) for operation in operations])
    components["parameters"] = _shared("parameters", [_parameters(operation) for operation in operations], least=2)


Places = list[tuple[str, Any, Any]]
"""Name of a part, and the container and key or index at which it stands."""


def _told(answer: dict[str, Any]) -> dict[str, Any]:
    examples: dict[str, Any] = answer.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
    return examples


def _examples(operation: dict[str, Any]) -> Places:
    every = [_told(answer) for answer in operation["responses"].values()]
    return [(code, told, code) for told in every for code in told]


def _problems(operation: dict[str, Any]) -> Places:
    answers = operation["responses"]
    return [(".".join(sorted(_told(answer))), answers, status) for status, answer in answers.items() if _told(answer)]


def _parameters(operation: dict[str, Any]) -> Places:
    listed = operation.get("parameters", [])
    return [(parameter["name"], listed, number) for number, parameter in enumerate(listed)]


def _shared(kind: str, found: list[Places], least: int = 1) -> dict[str, Any]:
    """The parts that are to lie under ``components``, by name; each place of theirs gets a reference instead."""
    places = [place for of_operation in found for place in of_operation]
    counts = Counter((name, orjson.dumps(where[at], option=orjson.OPT_SORT_KEYS)) for name, where, at in places)
    usual = {name: text for (name, text), count in reversed(counts.most_common()) if count >= least}
    parts: dict[str, Any] = {}
    for name, where, at in places:
        if usual.get(name) == orjson.dumps(where[at], option=orjson.OPT_SORT_KEYS):
            parts[name] = where[at]
            where[at] = {"$ref": f"#/components/{kind}/{name}"}
    return dict(sorted(parts.items()))
