"""What can be changed: one field for each use case that writes; they run one after the other."""

from typing import Any
from uuid import UUID

import strawberry

from http_api.graphql.administration import AdminMutations
from http_api.graphql.context import Info
from http_api.graphql.costs import WRITES, ListSize
from http_api.graphql.deriving import input_argument, type_of, validated
from http_api.graphql.exports import ExportMutations
from http_api.graphql.ids import global_id, id_of
from http_api.graphql.image_mutations import ImageMutations
from http_api.graphql.imports import ImportMutations
from http_api.graphql.job_mutations import JobMutations
from http_api.graphql.nodes import AnnouncedImage, Image, Project, Segmentation
from http_api.graphql.project_mutations import ProjectMutations
from http_api.graphql.queries import Account, Id
from http_api.graphql.reviews import ReviewMutations
from http_api.graphql.revisions import RevisionMutations
from http_api.graphql.runs import RunMutations
from http_api.rest.account import ProfileIn
from http_api.rest.images import UploadFormOut, UploadIn, parts_of
from http_api.rest.orders import OrderIn
from http_api.rest.projects import ProjectIn
from http_api.rest.socket_tickets import TicketOut
from http_api.rest.uploads import PartLinks, PartsIn
from spheroseg.domain.access import Access, Accessible, Role
from spheroseg.errors import ImageNotFoundError


@strawberry.type(description="What is no longer there.")
class Deleted:
    """What was removed."""

    id: strawberry.ID = strawberry.field(description="Its id as a node")
    uuid: UUID = strawberry.field(description="The same in REST")


@strawberry.type(
    description="What can be changed. Fields run in their order; a later one sees what an earlier one wrote."
)
class Mutation(
    AdminMutations,
    ExportMutations,
    ImportMutations,
    JobMutations,
    ProjectMutations,
    ImageMutations,
    RevisionMutations,
    ReviewMutations,
    RunMutations,
):
    """The writing half of the API."""

    @strawberry.field(description="Change what you send of your profile and leave the rest", directives=[WRITES])
    def change_profile(
        self,
        info: Info,
        body: input_argument(ProfileIn, "What is to be changed; null takes it back"),  # type: ignore[valid-type]
    ) -> Account | None:
        """Your account after it."""
        context = info.context
        changes = validated(ProfileIn, body).model_dump(exclude_unset=True)
        account = context.use_cases.change_profile(context.viewer, changes)
        context.wrote()
        return Account.of(account)

    @strawberry.field(description="Make an empty project that only you can see", directives=[WRITES])
    def create_project(
        self,
        info: Info,
        body: input_argument(ProjectIn, "The project to be made"),  # type: ignore[valid-type]
    ) -> Project | None:
        """The project."""
        context, asked = info.context, validated(ProjectIn, body)
        project = context.use_cases.create_project(
            context.viewer,
            asked.name,
            asked.pixel_size_um,
            asked.description,
            asked.tags,
            by_profile=asked.says_no_pixel_size,
        )
        context.wrote()
        return Project.of(Accessible(project, Access(Role.OWNER)))

    @strawberry.field(
        description="Make an image for each file and get the form that takes it. The file's arrival starts its "
        "segmentation",
        directives=[WRITES, ListSize(assumed_size=1, slicing_argument="input")],
    )
    def announce_images(
        self,
        info: Info,
        project_id: Id,
        body: input_argument(UploadIn, "The files, and what is to be run over each"),  # type: ignore[valid-type]
    ) -> list[AnnouncedImage] | None:
        """An image and an upload form for each file."""
        context, asked = info.context, validated(UploadIn, body)
        use_cases = context.use_cases
        announced = use_cases.request_upload(
            context.viewer,
            id_of("Project", project_id),
            asked.announced(),
            asked.order(use_cases.models),
            context.correlation_id,
        )
        context.wrote()
        return [
            AnnouncedImage(
                image=Image.of(image),
                upload=UploadFormOut.of(form) if form else None,
                parts=None if form else parts_of(image),
            )
            for image, form in announced
        ]

    @strawberry.field(
        description="Start the work on an uploaded file at once; without this it starts seconds later",
        directives=[WRITES],
    )
    def complete_upload(self, info: Info, image_id: Id) -> Image | None:
        """The image, stored."""
        context = info.context
        id_ = id_of("Image", image_id)
        context.use_cases.complete_upload(context.viewer, id_)
        context.wrote()
        return Image.of(context.use_cases.read_images.one(context.viewer, id_).image)

    @strawberry.field(
        description="Remove an image, its file, its segmentations and all their results. It cannot be undone",
        directives=[WRITES],
    )
    def delete_image(self, info: Info, image_id: Id) -> Deleted | None:
        """What was removed."""
        context = info.context
        id_ = id_of("Image", image_id)
        context.use_cases.delete_image(context.viewer, id_)
        context.wrote()
        return Deleted(id=strawberry.ID(global_id("Image", id_)), uuid=id_)

    @strawberry.field(
        description="Links for parts of a file above 100 MB; begins the upload, or goes on with it",
        directives=[WRITES],
        graphql_type=type_of(PartLinks) | None,
    )
    def link_parts(
        self,
        info: Info,
        image_id: Id,
        body: input_argument(PartsIn, "The parts that are about to be sent"),  # type: ignore[valid-type]
    ) -> Any:
        """A link for each part."""
        context, asked = info.context, validated(PartsIn, body)
        digests = {part.number: part.sha256 for part in asked.parts}
        image, links = context.use_cases.upload_in_parts.links(context.viewer, id_of("Image", image_id), digests)
        context.wrote()
        return PartLinks.of(image, links)

    @strawberry.field(description="Forget the parts that have arrived; the image stays announced", directives=[WRITES])
    def drop_parts(self, info: Info, image_id: Id) -> Image | None:
        """The image, without parts."""
        context = info.context
        id_ = id_of("Image", image_id)
        context.use_cases.upload_in_parts.drop(context.viewer, id_)
        context.wrote()
        found = context.use_cases.read_together.images(context.viewer, [id_]).get(id_)
        if found is None:
            raise ImageNotFoundError(f"Image {id_} does not exist")
        return Image.of(found)

    @strawberry.field(
        description="Run another model over an image, or the same with other parameters. The same again gives the run "
        "that exists; if it had failed or was cancelled, another one follows it",
        directives=[WRITES],
    )
    def request_segmentation(
        self,
        info: Info,
        image_id: Id,
        body: input_argument(OrderIn, "Which model is to run, how, and how soon"),  # type: ignore[valid-type]
    ) -> Segmentation | None:
        """The run: queued, or as far as it already is."""
        context, asked = info.context, validated(OrderIn, body)
        use_cases = context.use_cases
        run = use_cases.request_segmentation(
            context.viewer, id_of("Image", image_id), asked.order(use_cases.models), context.correlation_id
        )
        context.wrote()
        return Segmentation.of(run)

    @strawberry.field(
        description="Stop a run that waits or works; cancelling it again changes nothing", directives=[WRITES]
    )
    def cancel_segmentation(self, info: Info, segmentation_id: Id) -> Segmentation | None:
        """The cancelled run."""
        context = info.context
        run = context.use_cases.cancel_segmentation(context.viewer, id_of("Segmentation", segmentation_id))
        context.wrote()
        return Segmentation.of(run)

    @strawberry.field(
        description="A ticket for one WebSocket connection within a minute",
        directives=[WRITES],
        graphql_type=type_of(TicketOut) | None,
    )
    def issue_socket_ticket(self, info: Info) -> Any:
        """A ticket and where to connect."""
        context = info.context
        ticket = context.use_cases.watch_updates.issue_ticket(context.viewer)
        context.wrote()
        return TicketOut.of(ticket, context.use_cases.socket_url)
