"""What lists share: fields to be chosen, and tags made of the versions that they show."""

from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Any

import orjson
from fastapi import Query, Response
from pydantic import BaseModel, Field, create_model

from http_api.rest.answers import Answer
from http_api.rest.conditional import KnownTags, unchanged
from spheroseg.errors import InvalidFieldsError

FIELDS_MAX_LENGTH = 1000

FieldNames = Annotated[
    str | None,
    Query(
        max_length=FIELDS_MAX_LENGTH,
        description="Only these fields of each item, separated by commas; left away: all",
        examples=["id,name,status"],
    ),
]


def wanted_fields(fields: str | None, model: type[BaseModel]) -> frozenset[str] | None:
    """Names of the fields that were asked for; None: all.

    Raises:
        InvalidFieldsError: one of them is no field of the model.
    """
    if fields is None:
        return None
    names = frozenset(name.strip() for name in fields.split(","))
    if unknown := sorted(names - set(model.model_fields)):
        raise InvalidFieldsError(f"There is no field {unknown[0][:100]!r}; take of {', '.join(model.model_fields)}")
    return names


def some_fields_of(model: type[Answer], name: str, description: str) -> type[Answer]:
    """The same model with no field required, which describes answers with chosen fields in the API's document."""
    fields: dict[str, Any] = {
        field: (info.annotation, Field(default=None, description=info.description))
        for field, info in model.model_fields.items()
    }
    made: type[Answer] = create_model(name, __base__=Answer, __doc__=description, **fields)
    return made


def digest_tag(*versions: object) -> str:
    """An entity tag that is the same for the same versions, fields and ends of a page."""
    return f'"{sha256(repr(versions).encode()).hexdigest()[:32]}"'


def answer_unless_known(known: KnownTags, tag: str, content: Callable[[], object]) -> Response:
    """304 for who has the answer with that tag; else the answer, which only then is made."""
    response = Response(media_type="application/json")
    same = unchanged(response, known, tag)
    if same is not None:
        return same
    return Response(
        orjson.dumps(content()),
        media_type="application/json",
        headers={name: response.headers[name] for name in ("ETag", "Cache-Control")},
    )
