"""Ids in the graph: Relay's, which also tell the type; the plain ones of REST are taken as well."""

import base64
import binascii
from uuid import UUID

from spheroseg.errors import InvalidInputError


def global_id(kind: str, id_: UUID) -> str:
    """What `id` of a node is."""
    return base64.b64encode(f"{kind}:{id_}".encode()).decode()


def kind_and_id(text: str) -> tuple[str | None, UUID]:
    """The type's name, None in a plain id, and the id.

    Raises:
        InvalidInputError: it is neither.
    """
    wrong = InvalidInputError("id: this is neither the id of a node nor a plain one (UUID)")
    if len(text) > 200:
        raise wrong
    kind, plain = None, text
    if len(text) != 36:
        try:
            kind, _, plain = base64.b64decode(text, validate=True).decode().rpartition(":")
        except (binascii.Error, UnicodeDecodeError, ValueError) as error:
            raise wrong from error
    try:
        return kind or None, UUID(plain)
    except ValueError as error:
        raise wrong from error


def id_of(kind: str, text: str) -> UUID:
    """The id of an object of that type; one of another type names nothing of this one, and is found nowhere."""
    found, id_ = kind_and_id(text)
    return id_ if found in {None, kind} else UUID(int=0)
