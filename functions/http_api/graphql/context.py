"""What the resolvers of one request share: who asks, the use cases, and loaders that read for many parents at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from strawberry import Info as StrawberryInfo
from strawberry.dataloader import DataLoader

from http_api.graphql.limits import Asked
from http_api.use_cases import UseCases
from spheroseg.domain.access import Accessible
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.paging import Page, PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer

Key = TypeVar("Key")
Found = TypeVar("Found")
After = TypeVar("After")
PageOf: TypeAlias = tuple[UUID, After, int]
"""A parent, after what its page begins, and how long it is."""


class Loaders:
    """One for each kind of read; what resolvers ask for at one level of the answer is read in one statement."""

    def __init__(self, use_cases: UseCases, viewer: Viewer) -> None:
        read = use_cases.read_together

        def one_each(call: Callable[[Viewer, Sequence[UUID]], Mapping[UUID, Found]]) -> DataLoader[UUID, Found | None]:
            async def load(ids: list[UUID]) -> list[Found | None]:
                found = call(viewer, ids)
                return [found.get(id_) for id_ in ids]

            return DataLoader(load)

        def pages(
            call: Callable[[Viewer, Sequence[UUID], After, int], Mapping[UUID, Found]],
        ) -> DataLoader[PageOf[After], Found]:
            async def load(keys: list[PageOf[After]]) -> list[Found]:
                found: dict[PageOf[After], Found] = {}
                for after, limit in dict.fromkeys((after, limit) for _, after, limit in keys):
                    ids = [id_ for id_, *page in keys if page == [after, limit]]
                    found |= {(id_, after, limit): page for id_, page in call(viewer, ids, after, limit).items()}
                return [found[key] for key in keys]

            return DataLoader(load)

        self.projects: DataLoader[UUID, Accessible[Project] | None] = one_each(read.projects)
        self.images: DataLoader[UUID, Image | None] = one_each(read.images)
        self.runs: DataLoader[UUID, Segmentation | None] = one_each(read.runs)
        self.latest_runs: DataLoader[UUID, Segmentation | None] = one_each(read.latest_runs)
        self.run_counts: DataLoader[UUID, int | None] = one_each(read.run_counts)
        self.image_counts: DataLoader[UUID, Mapping[ImageStatus, int] | None] = one_each(read.image_counts)
        self.image_pages: DataLoader[PageOf[PageKey | None], Page[Image]] = pages(read.images_of_projects)
        self.run_pages: DataLoader[PageOf[PageKey | None], Page[Segmentation]] = pages(read.runs_of_images)
        self.spheroid_pages: DataLoader[PageOf[int], tuple[Sequence[Spheroid], bool]] = pages(read.spheroids_of_runs)


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

    @cached_property
    def load(self) -> Loaders:
        """The loaders; others after a write."""
        return Loaders(self.use_cases, self.viewer)


Info: TypeAlias = StrawberryInfo[Context, Any]
