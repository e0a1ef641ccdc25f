"""Cursors of lists: opaque, signed, and good for the list that they were given out for alone."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from spheroseg.domain.image_list import ImageKey
from spheroseg.errors import InvalidCursorError

SIGNATURE_BYTES = 16
WRONG = "The cursor is not one that this list gave out, with these filters and in this order; leave it away to begin"


class Cursors:
    """Makes and reads cursors.

    Args:
        secret: Gives the key that they are signed with; asked when the first one is made or read.
    """

    def __init__(self, secret: Callable[[], bytes]) -> None:
        self._secret = secret

    def of(self, key: ImageKey, scope: str) -> str:
        """The cursor of a page's end.

        Args:
            scope: What the list is of: its address, filters and order.
        """
        value = key.value.isoformat() if isinstance(key.value, datetime) else key.value
        kind = "t" if isinstance(key.value, datetime) else ""
        content = json.dumps([kind, value, key.id.hex], separators=(",", ":")).encode()
        return urlsafe_b64encode(self._signature(content, scope) + content).decode().rstrip("=")

    def key(self, cursor: str, scope: str) -> ImageKey:
        """Where the page before ended.

        Raises:
            InvalidCursorError: this list did not give it out.
        """
        try:
            signed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (Base64Error, ValueError) as error:
            raise InvalidCursorError(WRONG) from error
        signature, content = signed[:SIGNATURE_BYTES], signed[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(content, scope)):
            raise InvalidCursorError(WRONG)
        kind, value, identifier = json.loads(content)
        return ImageKey(datetime.fromisoformat(value) if kind == "t" else value, UUID(hex=identifier))

    def _signature(self, content: bytes, scope: str) -> bytes:
        return hmac.digest(self._secret(), scope.encode() + b"\0" + content, sha256)[:SIGNATURE_BYTES]


def cursor_secret(password: str) -> bytes:
    """The key that cursors are signed with: one that every process of a stage has, and nobody outside.

    It is derived from the database's password, so that there is no second secret to keep and to rotate. When that
    password is changed, cursors that are under way are refused, and whoever reads a list begins it anew.
    """
    return hmac.digest(password.encode(), b"spheroseg: cursors of lists", sha256)
