"""The objects of the graph. What they say of themselves is what REST says; what they lead to comes by loaders."""

from abc import ABC, abstractmethod
from typing import Annotated, Any
from uuid import UUID

import strawberry

from http_api.graphql.connections import DEFAULT_FIRST, After, Connection, First
from http_api.graphql.context import Info
from http_api.graphql.costs import AWAY, PAGE, Cost, ListSize
from http_api.graphql.deriving import SvgPath, Told, derived, filter_argument, type_of, validated
from http_api.graphql.exports import ExportedProject
from http_api.graphql.ids import global_id, id_of
from http_api.graphql.imports import ImportedProject
from http_api.graphql.measurements import MeasuredProject
from http_api.graphql.outlines import svg_path
from http_api.graphql.reviews import ReviewedProject, ReviewedSegmentation
from http_api.graphql.revisions import RevisedSegmentation
from http_api.rest.image_queries import ImageFilter
from http_api.rest.images import ImageOut, PartsOut, UploadFormOut
from http_api.rest.members import MemberOut
from http_api.rest.offers import OfferOut
from http_api.rest.orders import MAX_PAGE
from http_api.rest.projects import ProjectOut, StatisticsOut
from http_api.rest.runs import ComparisonOut, PairOut, ProgressOut
from http_api.rest.segmentations import LinksOut, SegmentationSummary, WaitOut
from http_api.rest.spheroids import IntensitiesOut, SpheroidOut
from http_api.rest.uploads import ArrivedParts
from spheroseg.domain.access import Accessible
from spheroseg.domain.image import Image as ImageRecord
from spheroseg.domain.image import ImageStatus
from spheroseg.domain.paging import MAX_LIMIT, PageKey
from spheroseg.domain.project import Project as ProjectRecord
from spheroseg.domain.segmentation import Segmentation as SegmentationRecord
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.domain.spheroid import Spheroid as SpheroidRecord
from spheroseg.errors import ImageNotFoundError, InvalidInputError, NotFinishedError, ProjectNotFoundError
from spheroseg.use_cases.read_images import ImageView

RevisionNumber = Annotated[
    int | None, strawberry.argument(description="0: the segmenter's own outlines; left away: the newest")
]


@strawberry.interface(description="Whatever has an id of its own.")
class Node(ABC):
    """Relay's node."""

    @strawberry.field(description="Names it among all objects of the graph")
    def id(self) -> strawberry.ID:
        """Relay's id."""
        return strawberry.ID(global_id(type(self).__name__, self.plain_id()))

    @strawberry.field(description="The same in REST; taken wherever an id is")
    def uuid(self) -> UUID:
        """The plain id."""
        return self.plain_id()

    @abstractmethod
    def plain_id(self) -> UUID:
        """What REST calls the id."""


@strawberry.type(description="How many images a project has.")
class ImageTotals:
    """Images by status."""

    total: int = strawberry.field(description="All of them")
    awaiting_upload: int = strawberry.field(description="Those whose file has not arrived")
    stored: int = strawberry.field(description="Those whose file is there")
    refused: int = strawberry.field(description="Those whose file was refused")


@derived(ProjectOut, without=["id"])
class Project(Told, ReviewedProject, ExportedProject, ImportedProject, MeasuredProject, Node):
    """A named collection of images."""

    record: strawberry.Private[Accessible[ProjectRecord]]

    @classmethod
    def of(cls, record: Accessible[ProjectRecord]) -> "Project":
        """The domain's project as its viewer has it."""
        return cls(answer=ProjectOut.of(record), record=record)

    def plain_id(self) -> UUID:
        """What REST calls the id."""
        return self.record.item.id

    @strawberry.field(description="Its images, the newest first unless the filter says otherwise", directives=[PAGE])
    async def images(
        self,
        info: Info,
        first: First = DEFAULT_FIRST,
        after: After = None,
        asked_for: filter_argument(ImageFilter) = None,  # type: ignore[valid-type]
    ) -> Connection["Image"]:
        """A page of images."""
        query = validated(ImageFilter, asked_for or {}).query()
        asked = info.context.page(after, first, "images", self.plain_id(), query)
        part = (query, asked.cursors.image_key(after), first)
        images, has_next = await info.context.load.image_pages.load((self.plain_id(), part))
        return asked.connection(images, Image.of, query.key_of, has_next=has_next)

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

    @strawberry.field(
        description="How far all of its runs are, and when the last of them may be done",
        directives=[AWAY],
        graphql_type=type_of(ProgressOut) | None,
    )
    def progress(self, info: Info) -> ProgressOut:
        """Its runs by status, with an estimate."""
        context = info.context
        return ProgressOut.of(context.use_cases.read_runs.of_project(context.viewer, self.plain_id()))


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
        self,
        info: Info,
        first: First = DEFAULT_FIRST,
        after: After = None,
        page: Annotated[
            int | None, strawberry.argument(description="Only runs over this page of the file; left away: over any")
        ] = None,
    ) -> Connection["Segmentation"]:
        """A page of runs."""
        if page is not None and not 1 <= page <= MAX_PAGE:
            raise InvalidInputError(f"page: {page} is not from 1 to {MAX_PAGE}")
        asked = info.context.page(after, first, "segmentations", self.record.id, page)
        part = (page, asked.cursors.page_key(after), first)
        runs, has_next = await info.context.load.run_pages.load((self.record.id, part))
        return asked.connection(runs, Segmentation.of, _run_key, has_next=has_next)

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


@derived(ComparisonOut)
class Comparison(Told):
    """What became of one run's spheroids in another run over the same pixels."""

    @strawberry.field(
        description="The pairs, in order of the first run's numbers",
        directives=[ListSize(assumed_size=MAX_LIMIT)],
        graphql_type=list[type_of(PairOut)],  # type: ignore[misc]
    )
    def pairs(self) -> list[PairOut]:
        """Its pairs."""
        found: ComparisonOut = self.answer
        return found.pairs


@derived(SegmentationSummary, without=["id"])
class Segmentation(Told, RevisedSegmentation, ReviewedSegmentation, Node):
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
    async def spheroids(
        self,
        info: Info,
        first: First = DEFAULT_FIRST,
        after: After = None,
        revision: RevisionNumber = None,
    ) -> Connection["Spheroid"]:
        """A page of spheroids."""
        run = self.record
        asked = info.context.page(after, first, "spheroids", run.id)
        if run.status is not SegmentationStatus.SUCCEEDED:
            raise NotFinishedError(f"Segmentation {run.id} is {run.status} and has no spheroids")
        part = (asked.cursors.number(after), first)
        if revision is None:
            found, has_next = await info.context.load.spheroid_pages.load((run.id, part))
        else:
            if revision < 0:
                raise InvalidInputError("revision: revisions are numbered from 0")
            read = info.context.use_cases.read_segmentations
            chosen = read.spheroids(info.context.viewer, run.id, *part, revision)
            found, has_next = chosen.spheroids, chosen.next_after is not None
        pixel_size_um = run.result.pixel_size_um if run.result else None
        return asked.connection(
            found,
            lambda record: Spheroid(answer=record, pixel_size_um=pixel_size_um),
            lambda record: record.number,
            has_next=has_next,
        )

    @strawberry.field(
        description="Its spheroids beside those of another run over the same page, paired one to one by their outlines",
        directives=[Cost(weight=500)],
    )
    def comparison(
        self,
        info: Info,
        other: Annotated[strawberry.ID, strawberry.argument(description="The other run: a node's id, or a plain one")],
        threshold: Annotated[float, strawberry.argument(description="Partners have an IoU above it, 0.5 to 1")] = 0.5,
        revision: RevisionNumber = None,
        other_revision: RevisionNumber = None,
    ) -> Comparison | None:
        """What became of this run's spheroids in the other one."""
        context = info.context
        if not 0.5 <= threshold < 1:
            raise InvalidInputError(f"threshold: {threshold} is not from 0.5 to 1, 1 excluded")
        other_id = id_of("Segmentation", other)
        if any(one is not None and one < 0 for one in (revision, other_revision)):
            raise InvalidInputError("revision, otherRevision: revisions are numbered from 0")
        compared = context.use_cases.compare_runs(
            context.viewer, self.record.id, other_id, threshold, (revision, other_revision)
        )
        return Comparison(answer=ComparisonOut.of(compared))


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

    @strawberry.field(
        description="How bright it is in the image's own grey values; null: it waits to be measured, see "
        "`brightnessDueSince`, or the run is of before brightness was measured",
        graphql_type=type_of(IntensitiesOut) | None,
    )
    def intensities(self) -> IntensitiesOut | None:
        """Its brightness."""
        told = self.answer.intensities
        return None if told is None else IntensitiesOut(**told)

    @strawberry.field(description="Its area, with holes and all pieces")
    def outline(self) -> SvgPath:
        """Its rings."""
        record: SpheroidRecord = self.answer
        return SvgPath(svg_path(record.polygons))


def _run_key(run: SegmentationRecord) -> PageKey:
    return PageKey(run.queued_at, run.id)
