"""Keyset pages: a cursor names the last item seen, so that inserts never shift a page."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from spheroseg.errors import InvalidCursorError

Item = TypeVar("Item", covariant=True)  # noqa: PLC0105 - the conventional name says more than `Item_co`

MAX_LIMIT = 200
"""Items on a page at most; a page must fit into one Lambda answer of 6 MB."""


@dataclass(frozen=True)
class PageKey:
    """Where a page ended: lists run from the newest to the oldest, ties broken by id."""

    created_at: datetime
    id: UUID

    def cursor(self) -> str:
        """The key as opaque text for clients."""
        return base64.urlsafe_b64encode(f"{self.created_at.isoformat()}|{self.id}".encode()).decode().rstrip("=")

    @classmethod
    def of_cursor(cls, cursor: str) -> "PageKey":
        """The key that a client handed back.

        Raises:
            InvalidCursorError: it is not one that a list gave out.
        """
        try:
            text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
            created_at, _, identifier = text.partition("|")
            key = cls(created_at=datetime.fromisoformat(created_at), id=UUID(identifier))
        except (binascii.Error, UnicodeDecodeError, ValueError) as error:
            raise InvalidCursorError(
                f"{cursor!r} is not a cursor that a list gave out; leave it away to begin"
            ) from error
        if key.created_at.tzinfo is None:
            raise InvalidCursorError(f"{cursor!r} is not a cursor that a list gave out; leave it away to begin")
        return key


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some items of a list, and where the next page begins; None: this is the last one."""

    items: Sequence[Item]
    next: PageKey | None
