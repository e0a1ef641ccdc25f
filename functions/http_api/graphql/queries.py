"""What can be read: the root of the graph."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

import strawberry

from http_api.graphql.administration import AdminQueries
from http_api.graphql.connections import DEFAULT_FIRST, After, Connection, First
from http_api.graphql.context import Info
from http_api.graphql.costs import AWAY, PAGE, Cost, ListSize
from http_api.graphql.deriving import Told, derived, filter_argument, type_of, validated
from http_api.graphql.exports import ExportQueries
from http_api.graphql.ids import id_of, kind_and_id
from http_api.graphql.imports import ImportQueries
from http_api.graphql.nodes import Image, Node, Project, Segmentation
from http_api.graphql.runs import Batch
from http_api.rest.account import OwnRunsOut, ProfileOut, UsageOut
from http_api.rest.jobs import JobOut
from http_api.rest.models import ModelOut
from http_api.rest.offers import InvitationOut
from http_api.rest.projects import ProjectFilter
from http_api.rest.queue_status import QueueOut
from spheroseg.domain.access import Accessible
from spheroseg.domain.account import Account as AccountRecord
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project as ProjectRecord
from spheroseg.errors import NotFoundError

Id = Annotated[strawberry.ID, strawberry.argument(description="The id of a node, or the plain one of REST")]
SOME_MODELS = ListSize(assumed_size=20)


@derived(ProfileOut)
class Account(Told):
    """Who you are; null: you did not say."""

    record: strawberry.Private[AccountRecord]

    @classmethod
    def of(cls, record: AccountRecord) -> "Account":
        """The domain's account."""
        return cls(answer=ProfileOut.of(record), record=record)

    @strawberry.field(
        description="How much you may keep, and what you keep, over all projects that you own",
        graphql_type=type_of(UsageOut),
    )
    def usage(self) -> UsageOut:
        """Quota and usage."""
        return UsageOut.of(self.record)

    @strawberry.field(
        description="How many segmentations that you asked for wait, work, and have ended within a day",
        directives=[AWAY],
        graphql_type=type_of(OwnRunsOut),
    )
    def runs(self, info: Info) -> OwnRunsOut:
        """Own runs."""
        context = info.context
        return OwnRunsOut(**asdict(context.use_cases.read_queue_status.own(context.viewer)))

    @strawberry.field(
        description="What you are invited to by your verified e-mail address",
        directives=[AWAY, ListSize(assumed_size=1)],
        graphql_type=list[type_of(InvitationOut)] | None,  # type: ignore[misc]
    )
    def invitations(self, info: Info) -> list[InvitationOut]:
        """Your invitations."""
        context = info.context
        return [InvitationOut.of(it) for it in context.use_cases.accept_offer.invitations(context.viewer)]


@strawberry.type(description="What can be read.")
class Query(AdminQueries, ExportQueries, ImportQueries):
    """The reading half of the API."""

    @strawberry.field(description="Your own account")
    def me(self, info: Info) -> Account:
        """Profile and usage."""
        return Account.of(info.context.use_cases.read_account(info.context.viewer))

    @strawberry.field(description="Whatever has this id; an id of REST does not tell what it is of, and is not taken")
    def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="A node's id")]
    ) -> Node | None:
        """Relay's entry."""
        kind, id_ = kind_and_id(id)
        use_cases, viewer = info.context.use_cases, info.context.viewer
        if kind == "Project":
            return Project.of(use_cases.read_projects.one(viewer, id_))
        if kind == "Image":
            return Image.of(use_cases.read_images.one(viewer, id_).image)
        if kind == "Segmentation":
            return Segmentation.of(use_cases.read_segmentations.one(viewer, id_))
        raise NotFoundError("There is no node of that id")

    @strawberry.field(
        description="The projects that you own and those that were shared with you, the newest first", directives=[PAGE]
    )
    def projects(
        self,
        info: Info,
        first: First = DEFAULT_FIRST,
        after: After = None,
        asked_for: filter_argument(ProjectFilter) = None,  # type: ignore[valid-type]
    ) -> Connection[Project]:
        """A page of projects."""
        context, which = info.context, validated(ProjectFilter, asked_for or {})
        asked = context.page(after, first, "projects", which)
        key = asked.cursors.page_key(after)
        read = context.use_cases.read_projects
        page = read.page(context.viewer, key, first, archived=which.archived, tag=which.tag)
        return asked.connection(page.items, Project.of, _project_key, has_next=page.next is not None)

    @strawberry.field(description="A project that you have a role in")
    def project(self, info: Info, id: Id) -> Project | None:
        """One project."""
        read = info.context.use_cases.read_projects
        return Project.of(read.one(info.context.viewer, id_of("Project", id)))

    @strawberry.field(description="An image of such a project")
    def image(self, info: Info, id: Id) -> Image | None:
        """One image."""
        read = info.context.use_cases.read_images
        return Image.of(read.one(info.context.viewer, id_of("Image", id)).image)

    @strawberry.field(description="A run over such an image")
    def segmentation(self, info: Info, id: Id) -> Segmentation | None:
        """One run."""
        read = info.context.use_cases.read_segmentations
        return Segmentation.of(read.one(info.context.viewer, id_of("Segmentation", id)))

    @strawberry.field(description="The runs that one call started")
    def batch(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="What `startRuns` gave")]
    ) -> Batch | None:
        """One batch."""
        return Batch.of(info.context.use_cases.read_runs.batch(info.context.viewer, id)[0])

    @strawberry.field(
        description="A job that you asked for, also when its project is gone", graphql_type=type_of(JobOut) | None
    )
    def job(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="What the mutation gave that asked")]
    ) -> Any:
        """One job."""
        return JobOut.of(info.context.use_cases.work_on_project.one(info.context.viewer, id))

    @strawberry.field(
        description="Every model that can be run, and the rules that choose between models",
        directives=[SOME_MODELS],
        graphql_type=list[type_of(ModelOut)],  # type: ignore[misc]
    )
    def models(self, info: Info) -> Any:
        """All models."""
        models = info.context.use_cases.models
        return [ModelOut.of(one, models) for one in models.selectable()]

    @strawberry.field(description="One model's card", graphql_type=type_of(ModelOut) | None)
    def model(
        self,
        info: Info,
        name: Annotated[str, strawberry.argument(description="Names the model")],
        version: Annotated[
            str | None, strawberry.argument(description="Which version; the latest if left away")
        ] = None,
    ) -> Any:
        """One model."""
        models = info.context.use_cases.models
        return ModelOut.of(models.select(name, version), models)

    @strawberry.field(
        description="What waits and runs now, of everybody; it names nobody",
        directives=[Cost(weight=10)],
        graphql_type=type_of(QueueOut),
    )
    def queue(self, info: Info) -> Any:
        """The queue."""
        return QueueOut.of(info.context.use_cases.read_queue_status())


def _project_key(project: Accessible[ProjectRecord]) -> PageKey:
    return PageKey(project.item.created_at, project.item.id)
