"""Keyset pages: a cursor names the last item seen, so that inserts never shift a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

Item = TypeVar("Item", covariant=True)  # noqa: PLC0105 - the conventional name says more than `Item_co`

MAX_LIMIT = 200
"""Items on a page at most; a page must fit into one Lambda answer of 6 MB."""


@dataclass(frozen=True)
class PageKey:
    """Where a page ended: lists run from the newest to the oldest, ties broken by id."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some items of a list, and where the next page begins; None: this is the last one."""

    items: Sequence[Item]
    next: PageKey | None
