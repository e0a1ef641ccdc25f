"""What the resolvers of one request share: who asks, the use cases, and loaders that read for many parents at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from strawberry import Info as StrawberryInfo
from strawberry.dataloader import DataLoader

from http_api.graphql.connections import Asked as AskedPage
from http_api.graphql.limits import Asked
from http_api.use_cases import UseCases
from spheroseg.domain.access import Accessible
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.image_list import ImageKey, ImageQuery
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer

Found = TypeVar("Found")
Part = TypeVar("Part", bound=tuple[object, ...])
PageOf: TypeAlias = tuple[UUID, Part]
"""A parent, and which part of the list below it: filters, after what the page begins, how long it is."""
Page: TypeAlias = tuple[Sequence[Found], bool]
"""What is on the page, and whether there is more."""


class Loaders:
    """One for each kind of read; what resolvers ask for at one level of the answer is read in one statement."""

    def __init__(self, use_cases: UseCases, viewer: Viewer) -> None:
        read = use_cases.read_together

        def one_each(call: Callable[[Viewer, Sequence[UUID]], Mapping[UUID, Found]]) -> DataLoader[UUID, Found | None]:
            async def load(ids: list[UUID]) -> list[Found | None]:
                found = call(viewer, ids)
                return [found.get(id_) for id_ in ids]

            return DataLoader(load)

        def pages(call: Callable[..., Mapping[UUID, Page[Found]]]) -> DataLoader[PageOf[Any], Page[Found]]:
            async def load(keys: list[PageOf[Any]]) -> list[Page[Found]]:
                found: dict[PageOf[Any], Page[Found]] = {}
                for part in dict.fromkeys(part for _, part in keys):
                    ids = [id_ for id_, of_parent in keys if of_parent == part]
                    found |= {(id_, part): page for id_, page in call(viewer, ids, *part).items()}
                return [found[key] for key in keys]

            return DataLoader(load)

        self.projects: DataLoader[UUID, Accessible[Project] | None] = one_each(read.projects)
        self.images: DataLoader[UUID, Image | None] = one_each(read.images)
        self.runs: DataLoader[UUID, Segmentation | None] = one_each(read.runs)
        self.latest_runs: DataLoader[UUID, Segmentation | None] = one_each(read.latest_runs)
        self.run_counts: DataLoader[UUID, int | None] = one_each(read.run_counts)
        self.image_counts: DataLoader[UUID, Mapping[ImageStatus, int] | None] = one_each(read.image_counts)
        self.image_pages: DataLoader[PageOf[tuple[ImageQuery, ImageKey | None, int]], Page[Image]] = pages(
            read.images_of_projects
        )
        self.run_pages: DataLoader[PageOf[tuple[int | None, PageKey | None, int]], Page[Segmentation]] = pages(
            read.runs_of_images
        )
        self.spheroid_pages: DataLoader[PageOf[tuple[int, int]], Page[Spheroid]] = pages(read.spheroids_of_runs)


@dataclass
class Context:
    """One request.

    Args:
        position: The database's position after the latest write of the request; None while nothing was written.
        asked: What the query asks for, once that was counted.
        is_run: Whether the query has passed everything before it is run.
        operation_name: The one to be run, where the text has several.
    """

    use_cases: UseCases
    viewer: Viewer
    correlation_id: str
    position: str | None = None
    asked: Asked | None = None
    is_run: bool = False
    operation_name: str | None = None

    def wrote(self) -> None:
        """Let what is read from here on see what was just written."""
        self.position = self.use_cases.position()
        self.viewer = replace(self.viewer, read_after=self.position)
        self.__dict__.pop("load", None)

    def page(self, after: str | None, first: int, name: str, *choices: object) -> AskedPage:
        """Which page of a list is asked for; the list is named as in ``Cursors.of_list``."""
        return AskedPage(self.use_cases.cursors.of_list(self.viewer, name, *choices), after, first)

    @cached_property
    def load(self) -> Loaders:
        """The loaders; others after a write."""
        return Loaders(self.use_cases, self.viewer)


Info: TypeAlias = StrawberryInfo[Context, Any]
