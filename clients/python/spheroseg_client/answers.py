"""Answers of the service as typed objects."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from spheroseg_client.errors import UnexpectedAnswerError

Found = TypeVar("Found", bound=BaseModel)


def items(kind: type[Found], answer: object, path: str) -> list[Found]:
    """The items of a list, or ``UnexpectedAnswerError``."""
    found = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise UnexpectedAnswerError(f"{path} answered no list")
    return [parsed(kind, item, path) for item in found]


def parsed(kind: type[Found], answer: object, path: str) -> Found:
    """One object, or ``UnexpectedAnswerError``."""
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        raise UnexpectedAnswerError(f"{path} answered something that this version does not understand") from error
