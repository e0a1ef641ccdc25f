"""The objects of the graph. What they say of themselves is what REST says; what they lead to comes by loaders."""

from typing import Annotated, Any
from uuid import UUID

import strawberry

from http_api.graphql.connections import DEFAULT_FIRST, After, Asked, Connection, First
from http_api.graphql.context import Info
from http_api.graphql.costs import AWAY, PAGE, ListSize
from http_api.graphql.deriving import SvgPath, Told, derived, type_of
from http_api.graphql.ids import global_id
from http_api.graphql.outlines import svg_path
from http_api.rest.images import ImageOut, PartsOut, UploadFormOut
from http_api.rest.members import MemberOut
from http_api.rest.offers import OfferOut
from http_api.rest.projects import ProjectOut, StatisticsOut
from http_api.rest.segmentations import LinksOut, SegmentationSummary, WaitOut
from http_api.rest.spheroids import SpheroidOut
from http_api.rest.uploads import ArrivedParts
from spheroseg.domain.access import Accessible
from spheroseg.domain.image import Image as ImageRecord
from spheroseg.domain.image import ImageStatus
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project as ProjectRecord
from spheroseg.domain.segmentation import Segmentation as SegmentationRecord
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.domain.spheroid import Spheroid as SpheroidRecord
from spheroseg.errors import ImageNotFoundError, NotFinishedError, ProjectNotFoundError
from spheroseg.use_cases.read_images import ImageView


@strawberry.interface(description="Whatever has an id of its own.")
class Node:
    """Relay's node."""

    @strawberry.field(description="Names it among all objects of the graph")
    def id(self) -> strawberry.ID:
        """Relay's id."""
        return strawberry.ID(global_id(type(self).__name__, self.plain_id()))

    @strawberry.field(description="The same in REST; taken wherever an id is")
    def uuid(self) -> UUID:
        """The plain id."""
        return self.plain_id()

    def plain_id(self) -> UUID:
        """What REST calls the id."""
        raise NotImplementedError


@strawberry.type(description="How many images a project has.")
class ImageTotals:
    """Images by status."""

    total: int = strawberry.field(description="All of them")
    awaiting_upload: int = strawberry.field(description="Those whose file has not arrived")
    stored: int = strawberry.field(description="Those whose file is there")
    refused: int = strawberry.field(description="Those whose file was refused")


@derived(ProjectOut, without=["id"])
class Project(Told, Node):
    """A named collection of images."""

    record: strawberry.Private[Accessible[ProjectRecord]]

    @classmethod
    def of(cls, record: Accessible[ProjectRecord]) -> "Project":
        """The domain's project as its viewer has it."""
        return cls(answer=ProjectOut.of(record), record=record)

    def plain_id(self) -> UUID:
        """What REST calls the id."""
        return self.record.item.id

    @strawberry.field(description="Its images, the newest first", directives=[PAGE])
    async def images(self, info: Info, first: First = DEFAULT_FIRST, after: After = None) -> Connection["Image"]:
        """A page of images."""
        asked = Asked(after, first)
        page = await info.context.load.image_pages.load((self.record.item.id, asked.key, first))
        return asked.connection(page.items, Image.of, _image_cursor, has_next=page.next is not None)

    @strawberry.field(description="How many images it has")
    async def image_counts(self, info: Info) -> ImageTotals:
        """Images by status."""
        counts = await info.context.load.image_counts.load(self.record.item.id) or {}
        return ImageTotals(
            total=sum(counts.values()), **{status.value: counts.get(status, 0) for status in ImageStatus}
        )

    @strawberry.field(
        description="Who has a role in it, the owner first",
        directives=[AWAY, ListSize(assumed_size=1)],
        graphql_type=list[type_of(MemberOut)] | None,  # type: ignore[misc]
    )
    def members(self, info: Info) -> list[MemberOut]:
        """Its people."""
        context = info.context
        return [MemberOut.of(it) for it in context.use_cases.change_members.members(context.viewer, self.plain_id())]

    @strawberry.field(
        description="Invitations that nobody has accepted, and links; only the owner sees them",
        directives=[AWAY, ListSize(assumed_size=1)],
        graphql_type=list[type_of(OfferOut)] | None,  # type: ignore[misc]
    )
    def offers(self, info: Info) -> list[OfferOut]:
        """Its offers."""
        context = info.context
        return [OfferOut.of(it) for it in context.use_cases.share_project.offers(context.viewer, self.plain_id())]

    @strawberry.field(
        description="What is in it, by how far it is",
        directives=[AWAY],
        graphql_type=type_of(StatisticsOut) | None,
    )
    def statistics(self, info: Info) -> StatisticsOut:
        """Its counts."""
        context = info.context
        return StatisticsOut.of(context.use_cases.read_projects.statistics(context.viewer, self.plain_id()))


@derived(ImageOut, without=["id", "segmentation"])
class Image(Told, Node):
    """An image file and where it is on its way."""

    record: strawberry.Private[ImageRecord]

    @classmethod
    def of(cls, record: ImageRecord) -> "Image":
        """The domain's image."""
        return cls(answer=ImageOut.of(ImageView(record, None)), record=record)

    def plain_id(self) -> UUID:
        """What REST calls the id."""
        return self.record.id

    @strawberry.field(description="The project that it belongs to")
    async def project(self, info: Info) -> Project:
        """Its project."""
        found = await info.context.load.projects.load(self.record.project_id)
        if found is None:
            raise ProjectNotFoundError(f"Project {self.record.project_id} does not exist")
        return Project.of(found)

    @strawberry.field(description="Its latest segmentation; null before the first")
    async def latest_segmentation(self, info: Info) -> "Segmentation | None":
        """The run that was queued last."""
        found = await info.context.load.latest_runs.load(self.record.id)
        return Segmentation.of(found) if found else None

    @strawberry.field(description="All runs over it, the latest queued first", directives=[PAGE])
    async def segmentations(
        self, info: Info, first: First = DEFAULT_FIRST, after: After = None
    ) -> Connection["Segmentation"]:
        """A page of runs."""
        asked = Asked(after, first)
        page = await info.context.load.run_pages.load((self.record.id, asked.key, first))
        return asked.connection(page.items, Segmentation.of, _run_cursor, has_next=page.next is not None)

    @strawberry.field(description="How many runs over it there are")
    async def segmentation_count(self, info: Info) -> int:
        """Number of runs."""
        return await info.context.load.run_counts.load(self.record.id) or 0

    @strawberry.field(
        description="The parts of its file that have arrived; for those who may write, while a file above 100 MB comes",
        directives=[AWAY],
        graphql_type=type_of(ArrivedParts) | None,
    )
    def arrived_parts(self, info: Info) -> Any:
        """What need not be sent again."""
        context = info.context
        return ArrivedParts.of(*context.use_cases.upload_in_parts.arrived(context.viewer, self.record.id))


@strawberry.type(description="An image that waits for its file, and the way for the file to take.")
class AnnouncedImage:
    """What comes of announcing a file."""

    image: Image = strawberry.field(description="The image")
    upload: Annotated[Any, "form"] = strawberry.field(
        description="How to upload the file; null: it goes over in parts",
        graphql_type=type_of(UploadFormOut) | None,
    )
    parts: Annotated[Any, "parts"] = strawberry.field(
        description="How to cut a file above 100 MB; null for smaller ones",
        graphql_type=type_of(PartsOut) | None,
    )


@derived(SegmentationSummary, without=["id"])
class Segmentation(Told, Node):
    """A run of a model over an image."""

    record: strawberry.Private[SegmentationRecord]

    @classmethod
    def of(cls, record: SegmentationRecord) -> "Segmentation":
        """The domain's segmentation."""
        return cls(answer=SegmentationSummary.of(record), record=record)

    def plain_id(self) -> UUID:
        """What REST calls the id."""
        return self.record.id

    @strawberry.field(description="The image that it is about")
    async def image(self, info: Info) -> Image:
        """Its image."""
        found = await info.context.load.images.load(self.record.image_id)
        if found is None:
            raise ImageNotFoundError(f"Image {self.record.image_id} does not exist")
        return Image.of(found)

    @strawberry.field(
        description="Signed addresses of its files, good for an hour: the way to all of its geometry; null before it "
        "succeeded",
        graphql_type=type_of(LinksOut) | None,
    )
    def links(self, info: Info) -> LinksOut | None:
        """Where its files are."""
        return LinksOut.of(info.context.use_cases.read_segmentations.result_links(self.record))

    @strawberry.field(
        description="Where it is in the queue; null unless it waits",
        directives=[AWAY],
        graphql_type=type_of(WaitOut) | None,
    )
    def wait(self, info: Info) -> WaitOut | None:
        """What it waits for."""
        return WaitOut.of(info.context.use_cases.read_segmentations.backlog_before(self.record))

    @strawberry.field(description="What it found, in order of their numbers", directives=[PAGE])
    async def spheroids(self, info: Info, first: First = DEFAULT_FIRST, after: After = None) -> Connection["Spheroid"]:
        """A page of spheroids."""
        asked = Asked(after, first)
        run = self.record
        if run.status is not SegmentationStatus.SUCCEEDED:
            raise NotFinishedError(f"Segmentation {run.id} is {run.status} and has no spheroids")
        found, has_next = await info.context.load.spheroid_pages.load((run.id, asked.number, first))
        pixel_size_um = run.result.pixel_size_um if run.result else None
        return asked.connection(
            found,
            lambda record: Spheroid(answer=record, pixel_size_um=pixel_size_um),
            lambda record: str(record.number),
            has_next=has_next,
        )


@derived(SpheroidOut, without=["polygons", "measures_um"])
class Spheroid(Told):
    """One object of a segmentation."""

    pixel_size_um: strawberry.Private[float | None]

    @strawberry.field(
        description="The measures that have a unit in µm, µm² and µm³; null: the pixel size is unknown",
        graphql_type=strawberry.scalars.JSON | None,
    )
    def measures_um(self) -> dict[str, float] | None:
        """Measures by the run's pixel size."""
        record: SpheroidRecord = self.answer
        return record.measures.in_um(self.pixel_size_um) if self.pixel_size_um is not None else None

    @strawberry.field(description="Its area, with holes and all pieces")
    def outline(self) -> SvgPath:
        """Its rings."""
        record: SpheroidRecord = self.answer
        return SvgPath(svg_path(record.polygons))


def _image_cursor(image: ImageRecord) -> str:
    return PageKey(image.created_at, image.id).cursor()


def _run_cursor(run: SegmentationRecord) -> str:
    return PageKey(run.queued_at, run.id).cursor()
