"""Cursors of lists: opaque, signed, and good for the list, the filters and the person that they were given out for."""

import hmac
import json
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from spheroseg.domain.image_list import ImageKey, SortValue
from spheroseg.domain.paging import PageKey
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import InvalidCursorError

SIGNATURE_BYTES = 16
CURSOR_MAX_LENGTH = 3000
"""Characters: a cursor holds the name of an image, of 255 characters that JSON may write as six bytes each."""
WRONG = "The cursor is not one that this list gave out, with these filters and in this order; leave it away to begin"


@dataclass(frozen=True)
class ListCursors:
    """Makes and reads the cursors of one list, as one person reads it with one choice of filters.

    Args:
        key: What they are signed with.
        scope: What the list is of, its filters and order, and who reads it.
    """

    key: Callable[[], bytes]
    scope: bytes

    def following(self, end: PageKey | ImageKey | int | None) -> str | None:
        """The cursor of the next page; None for None, which ends the list."""
        return None if end is None else self.of(end)

    def of(self, end: PageKey | ImageKey | int) -> str:
        """The cursor of a page's end."""
        value, id_ = (end, None) if isinstance(end, int) else _value_and_id(end)
        kind, plain = ("t", value.isoformat()) if isinstance(value, datetime) else ("", value)
        content = json.dumps([kind, plain, id_.hex if id_ else None], separators=(",", ":")).encode()
        return urlsafe_b64encode(self._signature(content) + content).decode().rstrip("=")

    def page_key(self, cursor: str | None) -> PageKey | None:
        """Where the page before ended in a list by time; None for None.

        Raises:
            InvalidCursorError: this list did not give it out.
        """
        found = self.image_key(cursor)
        if found is None:
            return None
        if not isinstance(found.value, datetime):
            raise TypeError("a list by time gives out cursors of times")
        return PageKey(found.value, found.id)

    def image_key(self, cursor: str | None) -> ImageKey | None:
        """The same in a list of images in any order."""
        if cursor is None:
            return None
        value, id_ = self._content(cursor)
        if id_ is None:
            raise TypeError("a list of objects gives out cursors with ids")
        return ImageKey(value, id_)

    def number(self, cursor: str | None) -> int:
        """The same in a list by number; 0 for None."""
        if cursor is None:
            return 0
        value, _ = self._content(cursor)
        if not isinstance(value, int):
            raise TypeError("a list by number gives out cursors of numbers")
        return value

    def _content(self, cursor: str) -> tuple[SortValue, UUID | None]:
        if len(cursor) > CURSOR_MAX_LENGTH:
            raise InvalidCursorError(WRONG)
        try:
            signed = b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (Base64Error, ValueError) as error:
            raise InvalidCursorError(WRONG) from error
        signature, content = signed[:SIGNATURE_BYTES], signed[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(content)):
            raise InvalidCursorError(WRONG)
        kind, value, identifier = json.loads(content)
        return datetime.fromisoformat(value) if kind == "t" else value, UUID(hex=identifier) if identifier else None

    def _signature(self, content: bytes) -> bytes:
        return hmac.digest(self.key(), self.scope + b"\0" + content, sha256)[:SIGNATURE_BYTES]


def _value_and_id(end: PageKey | ImageKey) -> tuple[SortValue, UUID]:
    return (end.created_at if isinstance(end, PageKey) else end.value), end.id


class Cursors:
    """The cursors of all lists.

    Args:
        secret: Gives the key that they are signed with; asked when the first one is made or read.
    """

    def __init__(self, secret: Callable[[], bytes]) -> None:
        self._secret = secret

    def of_list(self, viewer: Viewer, name: str, *choices: object) -> ListCursors:
        """Those of one list; both faces name it alike, so that either goes on where the other one was.

        Args:
            name: What is listed.
            choices: The object above it, filters and order: values whose ``repr`` tells all of them.
        """
        return ListCursors(self._secret, repr((viewer.user_id, name, choices)).encode())


def cursor_secret(password: str) -> bytes:
    """The key that cursors are signed with: one that every process of a stage has, and nobody outside.

    It is derived from the database's password, so that there is no second secret to keep and to rotate. When that
    password is changed, cursors that are under way are refused, and whoever reads a list begins it anew.
    """
    return hmac.digest(password.encode(), b"spheroseg: cursors of lists", sha256)
