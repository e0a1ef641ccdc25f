"""Relay's connections over keyset pages; cursors are those of REST."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from http_api.cursors import ListCursors
from http_api.rest.answers import DEFAULT_LIMIT
from spheroseg.domain.image_list import ImageKey
from spheroseg.domain.paging import MAX_LIMIT, PageKey
from spheroseg.errors import InvalidInputError

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
    cursor_at: strawberry.Private[Callable[[int], str]]
    has_next: strawberry.Private[bool]
    has_previous: strawberry.Private[bool]

    @strawberry.field(description="The items, each with its cursor")
    def edges(self) -> list[Edge[Item]]:
        """Relay's edges."""
        return [Edge(node=node, cursor=self.cursor_at(place)) for place, node in enumerate(self.nodes)]

    @strawberry.field(description="Whether there is more, and how to get it")
    def page_info(self) -> PageInfo:
        """Relay's page info."""
        return PageInfo(
            has_next_page=self.has_next,
            has_previous_page=self.has_previous,
            start_cursor=self.cursor_at(0) if self.nodes else None,
            end_cursor=self.cursor_at(-1) if self.nodes else None,
        )


@dataclass(frozen=True)
class Asked:
    """Which page of a list is asked for.

    Args:
        cursors: Those of the list.
    """

    cursors: ListCursors
    after: str | None
    first: int

    def __post_init__(self) -> None:
        if not 1 <= self.first <= MAX_LIMIT:
            raise InvalidInputError(f"first: {self.first} is not from 1 to {MAX_LIMIT}")

    def connection(
        self,
        records: Sequence[Record],
        made: Callable[[Record], Item],
        key_of: Callable[[Record], PageKey | ImageKey | int],
        *,
        has_next: bool,
    ) -> Connection[Any]:
        """The connection over a page of records.

        Args:
            key_of: Where a page ends whose last record this is.
        """
        return Connection(
            nodes=[made(record) for record in records],
            cursor_at=lambda place: self.cursors.of(key_of(records[place])),
            has_next=has_next,
            has_previous=self.after is not None,
        )
