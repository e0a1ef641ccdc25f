"""Relay's connections over keyset pages; cursors are those of REST."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from http_api.rest.answers import CURSOR_MAX_LENGTH, DEFAULT_LIMIT
from spheroseg.domain.paging import MAX_LIMIT, PageKey
from spheroseg.errors import InvalidCursorError, InvalidInputError

Item = TypeVar("Item")
Record = TypeVar("Record")

First = Annotated[int, strawberry.argument(description=f"Items on the page at most, 1 to {MAX_LIMIT}")]
After = Annotated[str | None, strawberry.argument(description="The `endCursor` of the page before; left away to begin")]
DEFAULT_FIRST = DEFAULT_LIMIT


@strawberry.type(description="Where a page stands in its list; lists are read forwards.")
class PageInfo:
    """Relay's page info."""

    has_next_page: bool = strawberry.field(description="Whether there is more")
    has_previous_page: bool = strawberry.field(description="Whether the page began after a cursor")
    start_cursor: str | None = strawberry.field(description="Of the first item; null: the page is empty")
    end_cursor: str | None = strawberry.field(description="Of the last item, `after` of the next page")


@strawberry.type(description="An item with its cursor.")
class Edge(Generic[Item]):
    """Relay's edge."""

    node: Item = strawberry.field(description="The item")
    cursor: str = strawberry.field(description="Where a page after it begins")


@strawberry.type(description="A page of a list.")
class Connection(Generic[Item]):
    """Relay's connection; `nodes` are its items without cursors."""

    nodes: list[Item] = strawberry.field(description="The items")
    cursors: strawberry.Private[Callable[[], Sequence[str]]]
    has_next: strawberry.Private[bool]
    has_previous: strawberry.Private[bool]

    @strawberry.field(description="The items, each with its cursor")
    def edges(self) -> list[Edge[Item]]:
        """Relay's edges."""
        return [Edge(node=node, cursor=cursor) for node, cursor in zip(self.nodes, self.cursors(), strict=True)]

    @strawberry.field(description="Whether there is more, and how to get it")
    def page_info(self) -> PageInfo:
        """Relay's page info."""
        cursors = self.cursors()
        return PageInfo(
            has_next_page=self.has_next,
            has_previous_page=self.has_previous,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        )


@dataclass(frozen=True)
class Asked:
    """Which page of a list is asked for."""

    after: str | None
    first: int

    def __post_init__(self) -> None:
        if not 1 <= self.first <= MAX_LIMIT:
            raise InvalidInputError(f"first: {self.first} is not from 1 to {MAX_LIMIT}")
        if self.after is not None and len(self.after) > CURSOR_MAX_LENGTH:
            raise InvalidCursorError("This is not a cursor that a list gave out; leave it away to begin")

    @property
    def key(self) -> PageKey | None:
        """Where the page begins in a list by time."""
        return None if self.after is None else PageKey.of_cursor(self.after)

    @property
    def number(self) -> int:
        """After which number the page begins in a list by number."""
        if self.after is None:
            return 0
        if not (self.after.isascii() and self.after.isdigit() and len(self.after) < 10):
            raise InvalidCursorError("This is not a cursor that a list gave out; leave it away to begin")
        return int(self.after)

    def connection(
        self,
        records: Sequence[Record],
        made: Callable[[Record], Item],
        cursor_of: Callable[[Record], str],
        *,
        has_next: bool,
    ) -> Connection[Any]:
        """The connection over a page of records."""
        return Connection(
            nodes=[made(record) for record in records],
            cursors=lambda: [cursor_of(record) for record in records],
            has_next=has_next,
            has_previous=self.after is not None,
        )
